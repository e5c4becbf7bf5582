-- Texts in scripts that set no blanks between words are indexed sign by sign (ADR 19). The indexes are made anew from the texts, which
-- takes a second for 100,000 messages.
DROP TRIGGER message_written;
DROP TRIGGER message_removed;
DROP TRIGGER observation_written;
DROP TRIGGER observation_removed;
DROP TRIGGER knowledge_written;
DROP TRIGGER knowledge_rewritten;
DROP TRIGGER knowledge_removed;
DROP TABLE message_words;
DROP TABLE observation_words;
DROP TABLE knowledge_words;

CREATE VIEW message_apart AS SELECT id, set_apart(text) AS text FROM message;
CREATE VIEW observation_apart AS SELECT id, set_apart(text) AS text FROM observation;
CREATE VIEW knowledge_apart AS SELECT number, set_apart(title) AS title, set_apart(content) AS content FROM knowledge;

CREATE VIRTUAL TABLE message_words USING fts5 (text, content='message_apart', content_rowid='id', tokenize='porter unicode61');
CREATE VIRTUAL TABLE observation_words USING fts5 (text, content='observation_apart', content_rowid='id', tokenize='porter unicode61');
CREATE VIRTUAL TABLE knowledge_words USING fts5 (title, content, content='knowledge_apart', content_rowid='number', tokenize='porter unicode61');
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
INSERT INTO observation_words (observation_words, rank) VALUES ('secure-delete', 1);
INSERT INTO knowledge_words (knowledge_words, rank) VALUES ('secure-delete', 1);
INSERT INTO message_words (message_words) VALUES ('rebuild');
INSERT INTO observation_words (observation_words) VALUES ('rebuild');
INSERT INTO knowledge_words (knowledge_words) VALUES ('rebuild');

CREATE TRIGGER message_written AFTER INSERT ON message BEGIN
    INSERT INTO message_words (rowid, text) VALUES (new.id, set_apart(new.text));
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    INSERT INTO message_words (message_words, rowid, text) VALUES ('delete', old.id, set_apart(old.text));
END;
CREATE TRIGGER observation_written AFTER INSERT ON observation BEGIN
    INSERT INTO observation_words (rowid, text) VALUES (new.id, set_apart(new.text));
END;
CREATE TRIGGER observation_removed AFTER DELETE ON observation BEGIN
    INSERT INTO observation_words (observation_words, rowid, text) VALUES ('delete', old.id, set_apart(old.text));
END;
CREATE TRIGGER knowledge_written AFTER INSERT ON knowledge BEGIN
    INSERT INTO knowledge_words (rowid, title, content) VALUES (new.number, set_apart(new.title), set_apart(new.content));
END;
CREATE TRIGGER knowledge_rewritten AFTER UPDATE OF title, content ON knowledge BEGIN
    INSERT INTO knowledge_words (knowledge_words, rowid, title, content)
        VALUES ('delete', old.number, set_apart(old.title), set_apart(old.content));
    INSERT INTO knowledge_words (rowid, title, content) VALUES (new.number, set_apart(new.title), set_apart(new.content));
END;
CREATE TRIGGER knowledge_removed AFTER DELETE ON knowledge BEGIN
    INSERT INTO knowledge_words (knowledge_words, rowid, title, content)
        VALUES ('delete', old.number, set_apart(old.title), set_apart(old.content));
END;
