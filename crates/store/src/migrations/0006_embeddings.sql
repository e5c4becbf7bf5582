-- What texts mean, as vectors of the model that the settings name (docs/recall.md). All of it can be made again from the texts.

CREATE TABLE embedding_model (
    number INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    -- The last message and the last observation that it has seen; what is newer has no vector yet.
    message INTEGER NOT NULL DEFAULT 0,
    observation INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A search goes through the vectors of its sessions, so those of a session lie together. Entries belong to no session here: they
-- stand under the empty name. What another model made before is written over as the present one gets there.
CREATE TABLE vector (
    session TEXT NOT NULL,
    source TEXT NOT NULL,
    id INTEGER NOT NULL,
    part INTEGER NOT NULL,
    model INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (session, source, id, part)
) STRICT, WITHOUT ROWID;

-- A vector tells something of its text, so it goes with it.
CREATE TRIGGER message_vector_removed AFTER DELETE ON message BEGIN
    DELETE FROM vector WHERE session = old.session AND source = 'message' AND id = old.id;
END;
CREATE TRIGGER observation_vector_removed AFTER DELETE ON observation BEGIN
    DELETE FROM vector WHERE session = old.session AND source = 'observation' AND id = old.id;
END;
CREATE TRIGGER knowledge_vector_removed AFTER DELETE ON knowledge BEGIN
    DELETE FROM vector WHERE session = '' AND source = 'knowledge' AND id = old.number;
END;
CREATE TRIGGER knowledge_vector_outdated AFTER UPDATE OF title, content ON knowledge BEGIN
    DELETE FROM vector WHERE session = '' AND source = 'knowledge' AND id = old.number;
END;
