-- What a person forgets, and what is dropped when it is old: whole, and without looking through all there is.

-- Sessions that a person forgot: what their agents send of them again is not kept. A conversation that its client does not name is
-- known again by where it stood.
CREATE TABLE forgotten (
    session TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    head BLOB NOT NULL,
    is_named INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whose an older version is: its entry may be gone. Of one that was gone before, it is not known of which session it came.
ALTER TABLE knowledge_version ADD COLUMN principal TEXT;
ALTER TABLE knowledge_version ADD COLUMN project TEXT;
ALTER TABLE knowledge_version ADD COLUMN session TEXT;
UPDATE knowledge_version SET (principal, project, session) =
    (SELECT principal, project, session FROM knowledge WHERE knowledge.id = knowledge_version.id);
UPDATE knowledge_version SET principal = (SELECT principal FROM tombstone WHERE tombstone.id = knowledge_version.id)
    WHERE principal IS NULL;

CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER observation_removed AFTER DELETE ON observation BEGIN
    INSERT INTO observation_words (observation_words, rowid, text) VALUES ('delete', old.id, old.text);
END;

-- What refers to a row that goes is looked for.
CREATE INDEX message_of_distillation ON message (distillation) WHERE distillation IS NOT NULL;
CREATE INDEX observation_of_distillation ON observation (distillation);
CREATE INDEX observation_merged ON observation (merged) WHERE merged IS NOT NULL;
CREATE INDEX distillation_of_session ON distillation (session);
CREATE INDEX knowledge_of_session ON knowledge (session) WHERE session IS NOT NULL;
-- The oldest go first.
CREATE INDEX message_aged ON message (at) WHERE distillation IS NOT NULL;
CREATE INDEX observation_aged ON observation (at);
-- All is exported in the order in which it was made.
CREATE INDEX session_made ON session (created, id);
CREATE INDEX ledger_at ON ledger (at);
