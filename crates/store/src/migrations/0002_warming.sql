-- What holds warming back, and what it earned.

-- The switch for all warming. No row: it was never touched, and warming is on.
CREATE TABLE warming_switch (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    is_on INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What a person decided about a session. No row: auto.
CREATE TABLE warming_mode (
    session TEXT NOT NULL PRIMARY KEY,
    mode TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Pauses that began by themselves. The one of all warming has no session, no model and no origin; it stays when it is over, since
-- what was counted before it does not count again.
CREATE TABLE warming_pause (
    session TEXT NOT NULL,
    model TEXT NOT NULL,
    origin TEXT NOT NULL,
    cause TEXT NOT NULL,
    said TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (session, model, origin)
) STRICT, WITHOUT ROWID;

-- Returns to a cache that would have been cold: what a warm-up is credited with.
CREATE TABLE warm_return (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    session TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    ttl TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    usd REAL NOT NULL
) STRICT;
CREATE INDEX warm_return_at ON warm_return (at);
