-- Where an entry comes from, the same in every database (docs/adr/0022): an id is counted by each for itself.

ALTER TABLE knowledge ADD COLUMN origin TEXT;
UPDATE knowledge SET origin = id || '@' || created;
CREATE UNIQUE INDEX knowledge_origin ON knowledge (principal, origin);

-- When an entry was made that is gone by now, nobody knows any more: its id alone is left.
ALTER TABLE tombstone ADD COLUMN origin TEXT;
UPDATE tombstone SET origin = id;
CREATE INDEX tombstone_origin ON tombstone (principal, origin);
-- Whether a person forgot it: then nothing but its origin is left, and it may be brought in again if that is asked for.
ALTER TABLE tombstone ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
