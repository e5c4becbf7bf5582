-- The first schema. What each table is for, and what may be lost when, is told in docs/store.md.

CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    identity TEXT,
    client TEXT NOT NULL,
    provider TEXT NOT NULL,
    dialect TEXT NOT NULL,
    model TEXT NOT NULL,
    upstream_origin TEXT NOT NULL,
    directory TEXT,
    head BLOB NOT NULL,
    turns INTEGER NOT NULL DEFAULT 0,
    turns_since_curation INTEGER NOT NULL DEFAULT 0,
    input INTEGER NOT NULL DEFAULT 0,
    cache_read INTEGER NOT NULL DEFAULT 0,
    cache_write_5m INTEGER NOT NULL DEFAULT 0,
    cache_write_1h INTEGER NOT NULL DEFAULT 0,
    output INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    last_activity INTEGER NOT NULL
) STRICT;

CREATE TABLE distillation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES session (id),
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE observation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES session (id),
    distillation INTEGER NOT NULL REFERENCES distillation (id),
    at INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX observation_of_session ON observation (session);

-- The text stands last, so that counting and choosing messages never reads it.
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES session (id),
    digest BLOB NOT NULL,
    role TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    calls_tool INTEGER NOT NULL,
    from_tool INTEGER NOT NULL,
    at INTEGER NOT NULL,
    distillation INTEGER REFERENCES distillation (id),
    text TEXT NOT NULL
) STRICT;
CREATE INDEX message_of_session ON message (session);
CREATE INDEX message_said ON message (session, digest);
CREATE INDEX message_pending ON message (session, id, tokens, calls_tool, from_tool) WHERE distillation IS NULL;

-- A message may stand in several histories of its session (before and after a compaction), so it may have several links.
CREATE TABLE link (
    session TEXT NOT NULL REFERENCES session (id),
    link BLOB NOT NULL,
    message INTEGER NOT NULL REFERENCES message (id),
    PRIMARY KEY (session, link)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_of_message ON link (message);

CREATE TABLE turn (
    session TEXT NOT NULL REFERENCES session (id),
    link BLOB NOT NULL,
    at INTEGER NOT NULL,
    model TEXT NOT NULL,
    stop TEXT,
    cut INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    PRIMARY KEY (session, link)
) STRICT, WITHOUT ROWID;

CREATE TABLE knowledge (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    principal TEXT NOT NULL,
    directory TEXT,
    session TEXT REFERENCES session (id),
    category TEXT NOT NULL,
    title TEXT NOT NULL,
    folded_title TEXT NOT NULL,
    content TEXT NOT NULL,
    confidence REAL NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX knowledge_titled ON knowledge (principal, directory, category, folded_title);

CREATE TABLE knowledge_version (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    category TEXT NOT NULL,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    confidence REAL NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
    id TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    session TEXT,
    purpose TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    status INTEGER,
    attempts INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    usd REAL NOT NULL
) STRICT;
CREATE INDEX ledger_spent ON ledger (purpose, at, usd);

-- Word indexes. They hold no text of their own (external content), and forget for good what is deleted (secure-delete).
CREATE VIRTUAL TABLE message_words USING fts5 (text, content='message', content_rowid='id', tokenize='porter unicode61');
CREATE VIRTUAL TABLE observation_words USING fts5 (text, content='observation', content_rowid='id', tokenize='porter unicode61');
CREATE VIRTUAL TABLE knowledge_words USING fts5 (title, content, content='knowledge', content_rowid='number', tokenize='porter unicode61');
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
INSERT INTO observation_words (observation_words, rank) VALUES ('secure-delete', 1);
INSERT INTO knowledge_words (knowledge_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER message_written AFTER INSERT ON message BEGIN
    INSERT INTO message_words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER observation_written AFTER INSERT ON observation BEGIN
    INSERT INTO observation_words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER knowledge_written AFTER INSERT ON knowledge BEGIN
    INSERT INTO knowledge_words (rowid, title, content) VALUES (new.number, new.title, new.content);
END;
CREATE TRIGGER knowledge_rewritten AFTER UPDATE OF title, content ON knowledge BEGIN
    INSERT INTO knowledge_words (knowledge_words, rowid, title, content)
        VALUES ('delete', old.number, old.title, old.content);
    INSERT INTO knowledge_words (rowid, title, content) VALUES (new.number, new.title, new.content);
END;
CREATE TRIGGER knowledge_removed AFTER DELETE ON knowledge BEGIN
    INSERT INTO knowledge_words (knowledge_words, rowid, title, content)
        VALUES ('delete', old.number, old.title, old.content);
END;
