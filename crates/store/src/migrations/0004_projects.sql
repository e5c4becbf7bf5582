-- Knowledge, and all that is kept of sessions, belongs to a project, which need not be called like the folder that an agent
-- states. What was kept so far belongs to the folders; where such a folder turns out to be a part of a project, it moves there.

ALTER TABLE session ADD COLUMN project TEXT;
UPDATE session SET project = directory;
CREATE INDEX session_of_project ON session (principal, project);
CREATE INDEX session_of_directory ON session (principal, directory);

ALTER TABLE knowledge RENAME COLUMN directory TO project;
-- Whether the entry is its principal's in every project.
ALTER TABLE knowledge ADD COLUMN promoted INTEGER NOT NULL DEFAULT 0;
-- Whether an agent asked to keep it.
ALTER TABLE knowledge ADD COLUMN remembered INTEGER NOT NULL DEFAULT 0;

-- The knowledge that is added to a session's requests, from its first turn on. No row, or no text: none is.
CREATE TABLE injection (
    session TEXT NOT NULL PRIMARY KEY REFERENCES session (id),
    text TEXT
) STRICT, WITHOUT ROWID;
