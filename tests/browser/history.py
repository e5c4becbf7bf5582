"""Writes a past into a gateway's database while no gateway runs: so many sessions, a month of costs, and one session whose cache was
warm and cold. What a real month would leave, without waiting for it."""

import random
import sqlite3
import sys
import time

DAY = 86_400_000
MODELS = ["claude-sonnet-5-5", "claude-haiku-5", "claude-opus-5-5"]


def main(path, sessions):
    chance = random.Random(7)
    now = int(time.time() * 1000)
    database = sqlite3.connect(path)
    database.create_function("set_apart", 1, lambda text: text, deterministic=True)
    with database:
        for number in range(sessions):
            write_session(database, chance, now, number)
        write_turns(database, chance, now)
        write_costs(database, chance, now)
        write_knowledge(database, now)
    database.close()


def write_session(database, chance, now, number):
    name, at = f"{number:08x}-5eed-4a11-8000-0000000057ed", now - (number + 2) * 1_300_000
    database.execute(
        "INSERT INTO every_session (id, principal, client, provider, dialect, model, upstream_origin, directory, head, turns, created,"
        " last_activity) VALUES (?, 'local', 'claude-cli/2.1.330', 'anthropic', 'anthropic-messages', ?,"
        " 'https://api.anthropic.com', ?, zeroblob(16), ?, ?, ?)",
        (name, chance.choice(MODELS), f"/home/ann/{chance.choice(['oven', 'bakery', 'mill'])}", number % 40 + 1, at - DAY, at),
    )
    for message in range(2):
        role = ["user", "assistant"][message]
        database.execute(
            "INSERT INTO message (session, digest, role, tokens, calls_tool, from_tool, at, text) VALUES (?, randomblob(16), ?, 40, 0, 0, ?, ?)",
            (name, role, at, f"{role}: how hot must the oven be for loaf {number}?"),
        )


def write_turns(database, chance, now):
    """Of the first session: an afternoon of work with breaks, some of them held."""
    name, at = f"{0:08x}-5eed-4a11-8000-0000000057ed", now - 4 * 3_600_000
    for turn in range(46):
        at += chance.choice([40_000, 70_000, 90_000, 150_000, 260_000] * 4 + [1_500_000, 900_000])
        database.execute(
            "INSERT INTO turn VALUES (?, randomblob(16), ?, ?, 'end_turn', 0, 400, ?, 900, 0, 300)",
            (name, min(at, now - 60_000 + turn), MODELS[0], 20_000 + turn * 900),
        )
        if turn % 9 == 8:
            for refresh in range(1, 4):
                at += 280_000
                charge(database, min(at, now - 60_000), name, "warm", MODELS[0], 0.0061)
    database.execute("UPDATE every_session SET turns = 46, cache_read = 1870000, cache_write_5m = 41400, input = 18400, output = 13800 WHERE id = ?", (name,))


def write_costs(database, chance, now):
    for day in range(30):
        at = now - day * DAY - 3_600_000
        for _ in range(chance.randint(2, 9)):
            model = chance.choice(MODELS)
            charge(database, at, None, "warm", model, chance.uniform(0.004, 0.02))
            if chance.random() < 0.7:
                database.execute(
                    "INSERT INTO warm_return (at, session, provider, model, ttl, tokens, usd) VALUES (?, 'x', 'anthropic', ?, '5m', 30000, ?)",
                    (at, model, chance.uniform(0.02, 0.16)),
                )
        charge(database, at, None, "distill", MODELS[1], chance.uniform(0.01, 0.06))
        charge(database, at, None, "curate", MODELS[1], chance.uniform(0.005, 0.04))


def charge(database, at, session, purpose, model, usd):
    database.execute(
        "INSERT INTO ledger (at, session, purpose, provider, model, status, attempts, input, cache_read, cache_write_5m,"
        " cache_write_1h, output, usd) VALUES (?, ?, ?, 'anthropic', ?, 200, 1, 3, 30000, 0, 0, 1, ?)",
        (at, session, purpose, model, usd),
    )


PROJECT = "git.example/the-bakery-of-ann-and-her-sisters/ovens-and-everything-that-is-baked-in-them"
ENTRIES = [
    ("gotcha", "WAL is not safe over NFS", "SQLite's write-ahead log needs shared memory, which NFS does not give. Keep the database on a local disk."),
    ("decision", "Errors are values in the parser", "The parser returns every error it finds with its line, and never stops at the first."),
    ("preference", "Tabs in Makefiles, blanks elsewhere", "Four blanks, and no alignment that a renaming would break."),
    ("architecture", "The request path asks nobody", "Facts are told on the side, and the queue that holds them sheds when it is full."),
    ("architecture", "The request path asks the store", "Which project a request is of is looked up in the store before it leaves."),
]


def write_knowledge(database, now):
    for number, (category, title, content) in enumerate(ENTRIES, 1):
        at = now - number * 5_400_000
        database.execute(
            "INSERT INTO knowledge (id, version, principal, project, session, category, title, folded_title, content, confidence, created, updated, used,"
            " promoted) VALUES (?, 2, 'local', ?, ?, ?, ?, ?, ?, 0.85, ?, ?, ?, ?)",
            (f"k{number}", PROJECT, f"{0:08x}-5eed-4a11-8000-0000000057ed", category, title, title.lower(), content, at - DAY, at,
             at - number * 20 * DAY, number == 2),
        )
        database.execute(
            "INSERT INTO knowledge_version (id, version, category, title, content, confidence, written, principal, project)"
            " VALUES (?, 1, ?, ?, ?, 0.6, ?, 'local', ?)",
            (f"k{number}", category, title, content.split(".")[0] + ".", at - DAY, PROJECT),
        )
    reason = "one says that nobody is asked, the other that the store is"
    database.execute("INSERT INTO contradiction VALUES ('k4', 'k5', ?, ?)", (reason, now - DAY))


main(sys.argv[1], int(sys.argv[2]))
