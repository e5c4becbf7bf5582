-- What keeps memory small and true: observations merged into fewer, and knowledge that stays gone, fades, and may disagree.

-- Choosing a segment looks at the times too.
DROP INDEX message_pending;
CREATE INDEX message_pending ON message (session, id, tokens, at, calls_tool, from_tool) WHERE distillation IS NULL;

-- How often what it says was merged; what the user asserted is pinned and never merged. What was merged says into what.
ALTER TABLE observation ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE observation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE observation ADD COLUMN merged INTEGER REFERENCES distillation (id);
CREATE INDEX observation_unmerged ON observation (session)
    WHERE merged IS NULL AND generation = 0 AND pinned = 0;

-- When an entry last helped somebody: it was written, found, or given to a model.
ALTER TABLE knowledge ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
UPDATE knowledge SET used = updated;

-- By what a deleted entry is known again, and where: its project, or all of them if it was promoted, and a print of its words that
-- cannot be read back.
ALTER TABLE tombstone ADD COLUMN project TEXT;
ALTER TABLE tombstone ADD COLUMN promoted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tombstone ADD COLUMN print BLOB NOT NULL DEFAULT x'';
CREATE INDEX tombstone_of_project ON tombstone (principal, project);

-- When a project's entries were last consolidated; an empty name for what belongs to no project.
CREATE TABLE consolidation (
    principal TEXT NOT NULL,
    project TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (principal, project)
) STRICT, WITHOUT ROWID;

-- Two entries that cannot both be true, until either is changed or deleted.
CREATE TABLE contradiction (
    one TEXT NOT NULL,
    other TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (one, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX contradiction_other ON contradiction (other);
