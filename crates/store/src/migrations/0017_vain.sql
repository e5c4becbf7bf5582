-- How many answers of a model in a row were of no use to a session's curator and to what merges its observations, and when the first of
-- them came: kept, as for its messages, so that nothing is paid for without end.
ALTER TABLE every_session ADD COLUMN vain_curations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE every_session ADD COLUMN vain_curations_since INTEGER;
ALTER TABLE every_session ADD COLUMN vain_merges INTEGER NOT NULL DEFAULT 0;
ALTER TABLE every_session ADD COLUMN vain_merges_since INTEGER;
-- Observations that stay as they are, because no answer that was to merge them was of use.
ALTER TABLE observation ADD COLUMN passed_over INTEGER NOT NULL DEFAULT 0;
DROP INDEX observation_unmerged;
CREATE INDEX observation_unmerged ON observation (session)
    WHERE merged IS NULL AND generation = 0 AND pinned = 0 AND passed_over = 0;
-- The same for a project's entries that were to become fewer: the next time comes the later.
ALTER TABLE consolidation ADD COLUMN vain INTEGER NOT NULL DEFAULT 0;
