-- Forgetting goes in steps (docs/adr/0018). Sessions that were forgotten and whose rows are not all erased yet: nobody is to see
-- them, so what is read is a view of the others. Only what writes and what erases names the table itself.

ALTER TABLE session RENAME TO every_session;
CREATE TABLE doomed (session TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE VIEW session AS
    SELECT * FROM every_session WHERE NOT EXISTS (SELECT 1 FROM doomed WHERE doomed.session = every_session.id);

-- What names a session is found without looking through all there is.
CREATE INDEX ledger_of_session ON ledger (session) WHERE session IS NOT NULL;
CREATE INDEX warm_return_of_session ON warm_return (session);
