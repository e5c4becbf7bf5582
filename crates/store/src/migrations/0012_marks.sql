-- Signs with marks, as in Thai, Lao, Burmese and Khmer, are set apart too (ADR 19). Where texts have signs that are set apart, the
-- indexes are made anew.
INSERT INTO message_words (message_words) SELECT 'rebuild' WHERE EXISTS (SELECT 1 FROM message WHERE set_apart(text) <> text);
INSERT INTO observation_words (observation_words) SELECT 'rebuild' WHERE EXISTS (SELECT 1 FROM observation WHERE set_apart(text) <> text);
INSERT INTO knowledge_words (knowledge_words)
    SELECT 'rebuild' WHERE EXISTS (SELECT 1 FROM knowledge WHERE set_apart(title) <> title OR set_apart(content) <> content);
