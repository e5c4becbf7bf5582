//! Entries that say the same as others, or the contrary: those there are, and those that were deleted.
//!
//! Of those there are only some are compared, however many a project has. An entry that is like another has at least seven in ten of
//! its words, so it has one at least of any four in ten of them: what has none of the rarest of these need not be looked at. This is the
//! prefix filter of similarity joins (S. Chaudhuri, V. Ganti, R. Kaushik, *A primitive operator for similarity joins in data cleaning*,
//! 2006).

use crate::columns::word;
use crate::knowledge::{Draft, Place};
use domain::ids::KnowledgeId;
use domain::resemblance::{Print, Relation, compared, enough_to_find};
use domain::script::set_apart;
use rusqlite::{Row, Transaction, params};

/// So many entries are compared with one at most: those that have most of its rarest words.
const MOST: usize = 256;

/// Entries that may be like another, with their titles and contents, and that one's print.
pub(crate) struct Neighbours {
    print: Print,
    each: Vec<(KnowledgeId, String, String)>,
}

impl Neighbours {
    /// Those of one place, the last changed first.
    pub(crate) fn of(transaction: &Transaction<'_>, place: &Place, to: &Draft) -> rusqlite::Result<Self> {
        Self::found(transaction, place, to, ("project IS ?3", "updated DESC, number DESC"))
    }

    /// Those that hold at one place, also what was promoted elsewhere; the surest and then the last changed first.
    pub(crate) fn holding_at(
        transaction: &Transaction<'_>,
        place: &Place,
        to: &Draft,
    ) -> rusqlite::Result<Self> {
        let order = "confidence DESC, updated DESC, number DESC";
        Self::found(transaction, place, to, ("(project IS ?3 OR promoted)", order))
    }

    fn found(
        transaction: &Transaction<'_>,
        place: &Place,
        to: &Draft,
        (which, order): (&str, &str),
    ) -> rusqlite::Result<Self> {
        let print = Print::of(&to.title, &to.content);
        let Some(words) = rarest(transaction, to)? else { return Ok(Self { print, each: Vec::new() }) };
        let sql = format!(
            "SELECT id, title, content FROM knowledge WHERE number IN (
                SELECT number FROM knowledge_words CROSS JOIN knowledge ON number = knowledge_words.rowid
                WHERE knowledge_words MATCH ?1 AND principal = ?2 AND {which} ORDER BY knowledge_words.rank LIMIT ?4
            ) ORDER BY {order}"
        );
        let asked = params![words, place.principal(), place.project(), MOST as i64];
        let mut statement = transaction.prepare_cached(&sql)?;
        let said = |row: &Row<'_>| Ok((word(row, "id")?, row.get("title")?, row.get("content")?));
        let each = statement.query_map(asked, said)?;
        Ok(Self { print, each: each.collect::<Result<_, _>>()? })
    }

    /// The entry that says the same; the likest of several.
    pub(crate) fn same(self) -> Option<KnowledgeId> {
        let print = self.print.clone();
        let alike = self.that_are(Relation::Same).map(|(id, other)| (print.resemblance(&other), id));
        alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, id)| id)
    }

    /// Those that say the contrary. Each is compared when it is asked for: who wants few of many alike waits for few.
    pub(crate) fn contrary(self) -> impl Iterator<Item = KnowledgeId> {
        self.that_are(Relation::Contrary).map(|(id, _)| id)
    }

    fn that_are(self, wanted: Relation) -> impl Iterator<Item = (KnowledgeId, Print)> {
        let Self { print, each } = self;
        let printed = |(id, title, content): (_, String, String)| (id, Print::of(&title, &content));
        each.into_iter().map(printed).filter(move |(_, other)| print.relation(other) == wanted)
    }
}

/// What asks the index for all that may be like an entry, by as few and as rare words of it as do; none when it is like nothing.
fn rarest(transaction: &Transaction<'_>, of: &Draft) -> rusqlite::Result<Option<String>> {
    let title = compared(&of.title).into_iter().map(|word| format!("title : \"{}\"", set_apart(&word)));
    let content = compared(&of.content).into_iter().map(|word| format!("content : \"{}\"", set_apart(&word)));
    // More than are compared anyway need not be counted.
    let sql = "SELECT count(*) FROM (SELECT 1 FROM knowledge_words WHERE knowledge_words MATCH ?1 LIMIT ?2)";
    let mut statement = transaction.prepare_cached(sql)?;
    let count = |word: String| -> rusqlite::Result<(u32, String)> {
        Ok((statement.query_row(params![word, MOST as i64 + 1], |row| row.get(0))?, word))
    };
    let mut words: Vec<(u32, String)> = title.chain(content).map(count).collect::<Result<_, _>>()?;
    words.sort();
    words.truncate(enough_to_find(words.len()));
    let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
    Ok((!words.is_empty()).then(|| words.join(" OR ")))
}

/// What was deleted and held at one place, to know it again.
#[derive(Default)]
pub(crate) struct Graves(Vec<Print>);

impl Graves {
    pub(crate) fn of(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Self> {
        let sql = "SELECT print FROM tombstone WHERE principal = ?1 AND (project IS ?2 OR promoted) AND NOT forgotten";
        let mut statement = transaction.prepare_cached(sql)?;
        let print = |row: &rusqlite::Row<'_>| Ok(Print::from_bytes(row.get_ref("print")?.as_blob()?));
        let place = params![place.principal(), place.project()];
        Ok(Self(statement.query_map(place, print)?.collect::<Result<_, _>>()?))
    }

    /// Whether something that said the same was deleted.
    pub(crate) fn hold(&self, print: &Print) -> bool {
        self.0.iter().any(|grave| print.relation(grave) == Relation::Same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::open_in_memory;
    use crate::knowledge;
    use domain::ids::{Principal, ProjectId};
    use domain::knowledge::{Category, KnowledgeEntry};
    use proptest::prelude::*;
    use rusqlite::Connection;

    /// Whose, in which project, promoted or not, and what it says.
    type Said = (&'static str, &'static str, bool, String, String);

    fn database(entries: &[Said]) -> Connection {
        let mut database = open_in_memory().unwrap();
        let transaction = database.transaction().unwrap();
        let sql = "INSERT INTO knowledge (id, version, principal, project, category, title, folded_title, content, confidence, created,
                updated, promoted) VALUES (?1, 1, ?2, ?3, 'decision', ?4, ?4, ?5, 0.5, 1, ?6, ?7)";
        for (number, (principal, project, promoted, title, content)) in entries.iter().enumerate() {
            let (id, updated) = (format!("k{number}"), (number % 3) as i64);
            transaction
                .execute(sql, params![id, principal, project, title, content, updated, promoted])
                .unwrap();
        }
        transaction.commit().unwrap();
        database
    }

    fn oven() -> Place {
        Place::new(&Principal::from("ann"), Some(&ProjectId::from("oven")))
    }

    fn draft(title: &str, content: &str) -> Draft {
        Draft { category: Category::Decision, title: title.into(), content: content.into(), confidence: 0.5 }
    }

    fn ids(entries: impl IntoIterator<Item = KnowledgeId>) -> Vec<String> {
        entries.into_iter().map(|id| id.to_string()).collect()
    }

    /// The same, by comparing with all entries.
    fn exhaustive(entries: Vec<KnowledgeEntry>, to: &Draft) -> Neighbours {
        let each = entries.into_iter().map(|entry| (entry.id, entry.title, entry.content)).collect();
        Neighbours { print: Print::of(&to.title, &to.content), each }
    }

    fn text(longest: usize) -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "oven",
            "Oven",
            "ovens",
            "rye",
            "flour",
            "5",
            "v2",
            "not",
            "don't",
            "never",
            "Größe",
            "naïve",
            "日本",
            "a",
            "İ",
            "src/main.rs",
        ]);
        prop::collection::vec(words, 0..longest).prop_map(|words| words.join(" "))
    }

    fn said() -> impl Strategy<Value = Said> {
        let whose = prop::sample::select(vec!["ann", "ann", "bob"]);
        let project = prop::sample::select(vec!["oven", "oven", "garden"]);
        (whose, project, any::<bool>(), text(3), text(9))
    }

    /// Something nearly like one of the entries, each of which is there twice.
    fn neighbourhood() -> impl Strategy<Value = (Vec<Said>, Draft)> {
        let entries = prop::collection::vec(said(), 1..12);
        (entries, any::<prop::sample::Index>(), text(3), text(2), 0..3_usize).prop_map(
            |(entries, which, in_title, in_content, left_out)| {
                let (_, _, _, title, content) = which.get(&entries);
                let kept: Vec<&str> = content.split(' ').skip(left_out).collect();
                let to = draft(&format!("{title} {in_title}"), &format!("{} {in_content}", kept.join(" ")));
                ([entries.clone(), entries].concat(), to)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_found_by_its_rarest_words_is_what_comparing_with_all_finds((entries, to) in neighbourhood()) {
            let mut database = database(&entries);
            let transaction = database.transaction().unwrap();
            let place = oven();
            let own = || knowledge::at_place(&transaction, &place, u32::MAX).unwrap();
            let holding = || knowledge::holding_at(&transaction, &place).unwrap();
            let found = || Neighbours::of(&transaction, &place, &to).unwrap();
            prop_assert_eq!(ids(found().same()), ids(exhaustive(own(), &to).same()));
            prop_assert_eq!(ids(found().contrary()), ids(exhaustive(own(), &to).contrary()));
            let found = Neighbours::holding_at(&transaction, &place, &to).unwrap();
            prop_assert_eq!(ids(found.same()), ids(exhaustive(holding(), &to).same()));
        }
    }

    #[test]
    fn numbers_that_no_other_has_do_not_hide_the_contrary() {
        let said = ("ann", "oven", false, "Ports".to_owned(), "of the oven: 1 2 3 4 5 6 7 8 9".to_owned());
        let mut database = database(&[said]);
        let transaction = database.transaction().unwrap();
        let to = draft("Ports", "of the oven: 11 12 13 14 15 16 17 18 19");
        let found = Neighbours::of(&transaction, &oven(), &to).unwrap();
        assert_eq!(ids(found.contrary()), ["k0"]);
    }

    /// Entries of a project that share the words that all its entries have, and each has some that few others have.
    fn many(count: usize) -> Vec<Said> {
        let content = |number: usize| {
            let rare: Vec<String> = (1..20)
                .map(|step| format!("{}x{}", spelled(step), spelled(number % (3_000 + 37 * step))))
                .collect();
            format!("the oven of the bakery and its flour need {}", rare.join(" "))
        };
        (0..count).map(|number| ("ann", "oven", false, spelled(number), content(number))).collect()
    }

    /// A number as a word, since numbers stand apart.
    fn spelled(number: usize) -> String {
        number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
    }

    #[test]
    fn of_ten_thousand_entries_few_are_compared_and_of_any_number_no_more_than_a_bound() {
        let entries = many(10_000);
        let (title, content) = (entries[4_321].3.clone(), format!("{} or so", entries[4_321].4));
        let mut database = database(&entries);
        let transaction = database.transaction().unwrap();
        let found = Neighbours::of(&transaction, &oven(), &draft(&title, &content)).unwrap();
        assert!((1..=100).contains(&found.each.len()), "{}", found.each.len());
        assert_eq!(ids(found.same()), ["k4321"]);
        let common = draft("", "the oven of the bakery and its flour need");
        let found = Neighbours::of(&transaction, &oven(), &common).unwrap();
        assert_eq!(found.each.len(), 256);
    }
}
