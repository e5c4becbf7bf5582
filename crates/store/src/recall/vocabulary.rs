//! Which words of an index begin alike.
//!
//! Asked for a beginning, an index first puts together the lists of all words that have it, in however many texts these are: in a
//! million texts that takes 50 ms for a word that a quarter of them have. Asked for the words themselves it reads of their lists what it
//! needs. So in a large store a beginning is spelled out.

use super::lexicon;
use super::question::{Sought, any_of};
use rusqlite::{CachedStatement, OptionalExtension as _, Transaction};
use std::iter;

/// An index of fewer texts is asked for the beginning.
pub(super) const LARGE: i64 = 100_000;
/// So many words are spelled out for all of a question.
const WORDS: usize = 128;
/// From and up to so many of them for each beginning.
const FOR_EACH: (usize, usize) = (4, 32);
/// An ending of more letters makes a word put together with another one.
const LONGEST_ENDING: usize = 5;
/// Of words put together one is enough for each two letters that follow the beginning.
const TOLD_APART: usize = 2;
/// Behind whatever a word may go on with.
const LAST: char = char::MAX;

/// The words of an index, to one question.
pub(super) struct Vocabulary<'t> {
    /// Of a small index none are needed.
    next: Option<CachedStatement<'t>>,
    /// So many for each beginning.
    room: usize,
}

impl<'t> Vocabulary<'t> {
    /// Of an index of so many texts, for a question of so many words.
    pub(super) fn of(
        transaction: &'t Transaction<'_>,
        index: &str,
        texts: i64,
        words: usize,
    ) -> rusqlite::Result<Self> {
        let next = if texts >= LARGE { Some(next(transaction, index)?) } else { None };
        Ok(Self { next, room: (WORDS / words.max(1)).clamp(FOR_EACH.0, FOR_EACH.1) })
    }

    /// What the index is to be asked for a word.
    pub(super) fn expression(&mut self, sought: &Sought) -> rusqlite::Result<String> {
        match (sought, &mut self.next) {
            (Sought::Beginning { beginning, word }, Some(next)) => {
                let found = beginning_with(&lexicon::as_indexed(beginning), self.room, next)?;
                let mut words = vec![word.clone()];
                for other in iter::once(beginning.clone()).chain(found) {
                    if !words.contains(&other) {
                        words.push(other);
                    }
                }
                Ok(any_of(&words))
            }
            _ => Ok(sought.expression()),
        }
    }
}

/// The first word from one up to another.
fn next<'t>(transaction: &'t Transaction<'_>, index: &str) -> rusqlite::Result<CachedStatement<'t>> {
    let sql = format!("SELECT term FROM {index}_vocabulary WHERE term >= ?1 AND term < ?2 LIMIT 1");
    transaction.prepare_cached(&sql)
}

/// Words with this beginning, as many as there is room for: all of its forms before what is put together, of which only some are taken.
fn beginning_with(
    beginning: &str,
    room: usize,
    next: &mut CachedStatement<'_>,
) -> rusqlite::Result<Vec<String>> {
    let (end, mut from) = (format!("{beginning}{LAST}"), beginning.to_owned());
    let mut words = Vec::new();
    while words.len() < room {
        let Some(word) = next.query_row([&from, &end], |row| row.get::<_, String>(0)).optional()? else {
            break;
        };
        from = behind(&word, beginning);
        words.push(word);
    }
    Ok(words)
}

/// Where to look for the next word.
fn behind(word: &str, beginning: &str) -> String {
    let ending = word.strip_prefix(beginning).unwrap_or_default();
    if ending.chars().nth(LONGEST_ENDING).is_some() {
        return beginning.chars().chain(ending.chars().take(TOLD_APART)).chain([LAST]).collect();
    }
    format!("{word}\u{1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    fn in_an_index_of(texts: &[&str], job: impl FnOnce(&Transaction<'_>)) {
        let mut store = SqliteStore::in_memory().unwrap();
        let written = store.write(|transaction| -> rusqlite::Result<()> {
            for text in texts {
                transaction.execute("INSERT INTO observation_words (text) VALUES (?1)", [text])?;
            }
            Ok(())
        });
        written.unwrap();
        let read = store.read(|transaction| -> rusqlite::Result<()> {
            job(transaction);
            Ok(())
        });
        read.unwrap();
    }

    fn beginning(beginning: &str, room: usize, texts: &[&str]) -> Vec<String> {
        let mut words = Vec::new();
        in_an_index_of(texts, |transaction| {
            let mut next = next(transaction, "observation_words").unwrap();
            words = beginning_with(beginning, room, &mut next).unwrap();
        });
        words
    }

    #[test]
    fn all_forms_of_a_word_are_spelled_out_and_of_words_put_together_some() {
        let texts =
            ["Datenbank DATENBANKEN", "datenbankserver, datenbankservers", "datenbanksuche datum", "date"];
        let found = beginning("datenbank", 9, &texts);
        assert_eq!(
            found,
            ["datenbank", "datenbanken", "datenbankserv", "datenbanksuch"],
            "as the index stems them"
        );
        assert_eq!(beginning("datenbank", 2, &texts), ["datenbank", "datenbanken"]);
        assert_eq!(beginning("datenbankx", 9, &texts), [""; 0]);
    }

    #[test]
    fn where_many_words_are_put_together_the_forms_behind_them_are_still_found() {
        let joined: Vec<String> = (b'a'..=b'z')
            .flat_map(|a| (b'a'..=b'z').map(move |b| (a, b)))
            .map(|(a, b)| format!("кешba{}{}ххх", a as char, b as char))
            .collect();
        let mut texts: Vec<&str> = joined.iter().map(String::as_str).collect();
        texts.push("кеш кеша кешем");
        assert_eq!(beginning("кеш", 9, &texts), ["кеш", "кешbaaaххх", "кеша", "кешем"]);
    }

    #[test]
    fn a_question_of_many_words_has_less_room_for_each() {
        in_an_index_of(&[], |transaction| {
            let room = |words| Vocabulary::of(transaction, "observation_words", 1, words).unwrap().room;
            assert_eq!([0, 1, 4, 8, 32, 1_000].map(room), [32, 32, 32, 16, 4, 4]);
        });
    }
}
