-- How many answers in a row about a session's next messages were of no use, with which message those begin, and when the first of
-- them came: kept, so that a restart does not pay for all of them again.
ALTER TABLE every_session ADD COLUMN refused INTEGER;
ALTER TABLE every_session ADD COLUMN refused_since INTEGER;
ALTER TABLE every_session ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
-- Whether a run was none: its messages were passed over, because no answer about them was of use.
ALTER TABLE distillation ADD COLUMN passed_over INTEGER NOT NULL DEFAULT 0;
-- A call in a batch is charged once, however often its answer is read.
ALTER TABLE ledger ADD COLUMN call TEXT;
CREATE UNIQUE INDEX ledger_call ON ledger (call) WHERE call IS NOT NULL;
