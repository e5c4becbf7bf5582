-- A batch is written down before it is handed in, under a mark of our own; how the provider calls it is known later. Those of
-- before are known by the provider's name alone.

ALTER TABLE batch RENAME COLUMN id TO mark;
ALTER TABLE batch ADD COLUMN id TEXT;
UPDATE batch SET id = mark;
