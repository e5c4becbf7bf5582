-- What lies in providers' batches, so that it is fetched after a restart. No word of what was said, and no token: those are
-- leased anew each time.

CREATE TABLE batch (
    id TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    provider TEXT NOT NULL,
    origin TEXT NOT NULL,
    dialect TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The calls of a batch, in their order. The messages that a call covers are listed as JSON.
CREATE TABLE batch_item (
    batch TEXT NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    session TEXT NOT NULL,
    model TEXT NOT NULL,
    sources TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (batch, place)
) STRICT, WITHOUT ROWID;
