-- The words of the indexes, for questions that look for all words with a beginning (ADR 20).
CREATE VIRTUAL TABLE message_words_vocabulary USING fts5vocab (message_words, instance);
CREATE VIRTUAL TABLE observation_words_vocabulary USING fts5vocab (observation_words, instance);
CREATE VIRTUAL TABLE knowledge_words_vocabulary USING fts5vocab (knowledge_words, instance);
