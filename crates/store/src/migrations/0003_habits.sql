-- How long people and tools let agents wait, and what warming cost and earned: of everybody, of each project, of each session.
CREATE TABLE habits (
    whose TEXT NOT NULL CHECK (whose IN ('everybody', 'project', 'session')),
    -- The project's or the session's; empty for everybody.
    name TEXT NOT NULL,
    -- What `counts` means: a row of another shape than the program's is not read.
    shape INTEGER NOT NULL,
    counts TEXT NOT NULL,
    -- When it last changed.
    at INTEGER NOT NULL,
    PRIMARY KEY (whose, name)
) STRICT, WITHOUT ROWID;
