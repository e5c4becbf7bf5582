-- What a search holds against its query first (ADR 21): of each vector the signs of its numbers, a bit each, those of a session's neighbouring
-- texts together. Without any, a row says that they have to be made anew from the vectors; until then these are looked at themselves.
CREATE TABLE sketch (
    session TEXT NOT NULL,
    source TEXT NOT NULL,
    -- The texts whose numbers divided by 256 are this.
    span INTEGER NOT NULL,
    model INTEGER NOT NULL,
    signs BLOB NOT NULL,
    PRIMARY KEY (session, source, span)
) STRICT, WITHOUT ROWID;
CREATE INDEX sketch_outdated ON sketch (session, source, span) WHERE signs = x'';
INSERT INTO sketch SELECT session, source, id / 256, max(model), x'' FROM vector WHERE source <> 'knowledge' GROUP BY 1, 2, 3;

-- A sketch tells something of its text, as the vector does. Entries are few and have none.
CREATE TRIGGER vector_removed AFTER DELETE ON vector WHEN old.source <> 'knowledge' BEGIN
    UPDATE sketch SET signs = x''
        WHERE session = old.session AND source = old.source AND span = old.id / 256 AND signs <> x'';
    DELETE FROM sketch WHERE session = old.session AND source = old.source AND span = old.id / 256
        AND NOT EXISTS (SELECT 1 FROM vector WHERE session = old.session AND source = old.source
            AND id BETWEEN old.id / 256 * 256 AND old.id / 256 * 256 + 255);
END;

-- Which sessions were used last is asked by each search by meaning, of all there are.
CREATE INDEX session_used ON every_session (last_activity, principal, project, directory, id);

-- Each turn asks whether something is still kept under a folder that is a part of a project.
CREATE INDEX knowledge_version_of_project ON knowledge_version (principal, project);
