use super::reading::{asks, label};
use super::*;
use proptest::prelude::*;

const DAY: i64 = 86_400_000;
/// 1 November 2026.
const NOVEMBER: i64 = 1_793_491_200_000;

/// Messages of sessions with these numbers on days of November, as they were said.
fn talk(said: &[(u8, i64, &str)]) -> Talk {
    let mut talk = Talk::default();
    let mut last: HashMap<u8, i64> = HashMap::new();
    for (id, (session, day, text)) in (1..).zip(said) {
        talk.before.extend(last.insert(*session, id).map(|before| (id, before)));
        talk.looked_up.insert(id);
        let at = UnixMillis(NOVEMBER + (day - 1) * DAY);
        talk.passages.push(Passage {
            id,
            session: SessionId::from(session.to_string()),
            at,
            text: (*text).to_owned(),
            whole: None,
        });
    }
    talk
}

fn ranked(question: &Question, talk: &Talk) -> Vec<Ranked> {
    super::ranked(question, &readings(&talk.passages, &mut question.meanings()), talk)
}

/// The texts, the best first.
fn best<'s>(question: &str, said: &[(u8, i64, &'s str)]) -> Vec<&'s str> {
    let ranked = ranked(&Question::by_itself(question), &talk(said));
    ranked.into_iter().map(|it| said[it.passage].2).collect()
}

#[test]
fn an_answer_comes_before_the_question_it_answers() {
    let said = [
        (1, 1, "Which database did we take?"),
        (1, 1, "We took PostgreSQL, for its locks."),
        (1, 1, "Good."),
    ];
    assert_eq!(best("database taken", &said)[0], "We took PostgreSQL, for its locks.");
}

#[test]
fn rare_words_count_for_more_than_frequent_ones() {
    let said = [
        (1, 1, "a word of zstd"),
        (2, 1, "the build it is"),
        (3, 1, "the build is slow"),
        (4, 1, "the build is late"),
    ];
    assert_eq!(best("zstd build", &said)[0], "a word of zstd");
}

#[test]
fn what_was_said_before_a_message_with_the_words_is_lifted_by_it() {
    let said = [
        (1, 1, "It began then."),
        (1, 1, "It went on."),
        (1, 1, "The mill stands."),
        (1, 1, "It stood then."),
        (1, 1, "It still does."),
        (1, 1, "It ended then."),
    ];
    let order = best("mill", &said);
    let place = |text: &str| order.iter().position(|other| *other == text);
    assert!(place("It began then.") < place("It ended then."), "{order:?}");
}

#[test]
fn different_words_close_together_count_for_more_than_one_word_twice() {
    let said = [
        (1, 1, "alpha one"),
        (1, 1, "beta two"),
        (2, 1, "alpha one"),
        (2, 1, "alpha two"),
        (3, 1, "beta one"),
        (3, 1, "beta two"),
    ];
    let ranked = ranked(&Question::by_itself("alpha beta"), &talk(&said));
    assert_eq!(ranked[0].passage, 1);
}

#[test]
fn of_two_alike_the_one_who_speaks_of_themselves_comes_first() {
    assert_eq!(
        best("zstd", &[(1, 1, "my build runs zstd"), (2, 1, "the build runs zstd")])[0],
        "my build runs zstd"
    );
}

#[test]
fn what_was_said_at_the_named_date_comes_first() {
    let said = [(1, 20, "The deploy failed."), (2, 3, "The deploy failed."), (3, 9, "The deploy failed.")];
    let order = |question: &str| {
        let ranked = ranked(&Question::by_itself(question), &talk(&said));
        ranked.into_iter().map(|it| it.passage).collect::<Vec<_>>()
    };
    assert_eq!(order("Which deploy failed on 4 November?")[0], 1);
    assert_eq!(order("Which deploy failed?")[0], 2, "else the newest number");
}

#[test]
fn of_all_who_speak_the_one_who_is_asked_about_comes_first() {
    let said = [(1, 1, "Ann: The cache is mine."), (2, 1, "Bob: The cache is mine.")];
    assert_eq!(best("What did Ann say of the cache?", &said)[0], said[0].2);
    assert_eq!(best("What did Bob say of the cache?", &said)[0], said[1].2);
}

#[test]
fn a_name_is_not_looked_for_in_what_is_said() {
    let said = [(1, 1, "Carl: The cache works."), (2, 1, "Bob: Ann, listen."), (3, 1, "Ann: Hm.")];
    assert_eq!(best("Did Bob tell Ann of the cache?", &said)[0], said[0].2);
}

#[test]
fn a_name_is_known_in_the_forms_that_the_language_of_the_question_gives_it() {
    let said = [(1, 1, "Илья: Кеш работает."), (2, 1, "Олег: Анна, послушай."), (3, 1, "Анна: Хм.")];
    assert_eq!(best("Что с кешем Анны?", &said)[0], said[0].2);
}

#[test]
fn who_asks_when_wants_a_time() {
    let said = [(1, 1, "We moved to Tokio last week."), (2, 1, "We moved to Tokio for timers.")];
    assert_eq!(best("When did we move to Tokio?", &said)[0], said[0].2);
    assert_eq!(best("Why did we move to Tokio?", &said)[0], said[1].2, "else the newest");
}

#[test]
fn a_session_about_the_matter_lifts_its_messages() {
    let said = [
        (1, 1, "The mill has a sluice."),
        (1, 1, "Hm."),
        (1, 1, "Yes."),
        (1, 1, "The sluice of the mill leaks."),
        (2, 1, "A sluice."),
    ];
    let order = best("sluice mill", &said);
    assert_eq!(order.last(), Some(&"A sluice."), "{order:?}");
}

#[test]
fn only_the_beginning_of_a_text_with_a_colon_is_somebodys_name() {
    assert_eq!(label("Ann Lee: It rains: hard"), (Some("Ann Lee"), "It rains: hard"));
    for text in ["error: it rains", "It rains", "Four Long Words Here: no", "Ann2!: x", ": x", "http://a: b"]
    {
        assert_eq!(label(text), (None, text));
    }
}

proptest! {
    #[test]
    fn every_passage_is_ranked_once_whatever_is_said(
        question in "[a-c?: ]{0,20}",
        texts in proptest::collection::vec("[A-Ca-c?: ]{0,20}", 0..12),
    ) {
        let said: Vec<(u8, i64, &str)> = texts.iter().enumerate().map(|(at, text)| ((at % 3) as u8, 1, text.as_str())).collect();
        let ranked = ranked(&Question::by_itself(&question), &talk(&said));
        let places: BTreeSet<usize> = ranked.iter().map(|it| it.passage).collect();
        prop_assert_eq!((places.len(), ranked.len()), (texts.len(), texts.len()));
        prop_assert!(ranked.iter().all(|it| (0.0..=1.0).contains(&it.share)));
    }
}

/// The texts, the best first, where it is known how alike the first ones are.
fn best_alike<'s>(question: &str, said: &[(u8, i64, &'s str)], alike: &[f64]) -> Vec<&'s str> {
    let mut talk = talk(said);
    talk.likeness = (1..).zip(alike.iter().map(|it| Likeness { plain: 0.5, apart: *it })).collect();
    let ranked = ranked(&Question::by_itself(question), &talk);
    ranked.into_iter().map(|it| said[it.passage].2).collect()
}

#[test]
fn where_nothing_has_the_words_what_is_most_alike_comes_first() {
    let said = [(1, 1, "It rains."), (2, 1, "Rye rises slowly."), (3, 1, "The car is red.")];
    assert_eq!(best_alike("bread", &said, &[0.1, 0.6, 0.2])[0], "Rye rises slowly.");
}

#[test]
fn of_those_with_the_words_the_one_that_is_more_alike_comes_first_but_likeness_alone_does_not_beat_all_the_words()
 {
    let said = [(1, 1, "bread or so"), (2, 1, "bread it is"), (3, 1, "rye and wheat")];
    let best = best_alike("bread", &said, &[0.2, 0.5, 0.9]);
    assert_eq!(best, ["bread it is", "bread or so", "rye and wheat"]);
}

#[test]
fn what_is_next_to_something_alike_takes_some_of_it() {
    let said = [(1, 1, "It rains."), (2, 1, "Rye rises."), (2, 1, "True."), (3, 1, "No.")];
    assert_eq!(best_alike("bread", &said, &[0.1, 0.6, 0.1, 0.1])[..2], ["Rye rises.", "True."]);
}

#[test]
fn a_message_without_a_vector_is_held_to_be_as_alike_as_the_average_and_so_is_one_that_is_less() {
    let said = [(1, 1, "bread it is"), (2, 1, "It rains."), (3, 1, "It pours."), (4, 1, "bread or so")];
    // Of two that fit alike the newer one comes first.
    assert_eq!(best_alike("bread", &said, &[-0.1, 0.9, 0.1])[..2], ["bread or so", "bread it is"]);
    assert_eq!(best_alike("bread", &said, &[0.0, 0.9, 0.1, -0.1])[..2], ["bread or so", "bread it is"]);
    assert_eq!(best_alike("bread", &said, &[0.1, 0.9, -0.1])[..2], ["bread it is", "bread or so"]);
}

#[test]
fn the_share_of_what_only_means_alike_is_how_alike_it_is() {
    let mut talk = talk(&[(1, 1, "Rye rises."), (2, 1, "bread")]);
    talk.likeness = HashMap::from([
        (1, Likeness { plain: 0.75, apart: 0.2 }),
        (2, Likeness { plain: 0.25, apart: -0.2 }),
    ]);
    let ranked = ranked(&Question::by_itself("bread loaf"), &talk);
    let shares: Vec<f64> = ranked.iter().map(|it| it.share).collect();
    assert_eq!(shares, [0.5, 0.75]);
}

#[test]
fn the_first_message_of_a_session_does_not_stand_behind_those_with_something_before_them() {
    let said = [
        (1, 1, "The sluice of the mill leaks."),
        (1, 1, "Hm."),
        (2, 1, "Hm."),
        (2, 1, "A leak, then."),
        (2, 1, "The sluice of the mill leaks."),
        (2, 1, "Hm."),
    ];
    let ranked = ranked(&Question::by_itself("mill sluice leaks"), &talk(&said));
    assert_eq!(ranked[0].passage, 0);
}

#[test]
fn what_is_known_to_be_next_to_a_message_counts_rather_than_the_message_itself() {
    let said = [
        (1, 1, "The mill leaks."),
        (1, 1, "Hm."),
        (1, 1, "Hm."),
        (2, 1, "The mill leaks."),
        (2, 1, "A sluice, too."),
        (2, 1, "The sluice."),
        (3, 1, "The mill leaks."),
    ];
    let ranked = ranked(&Question::by_itself("mill leaks sluice"), &talk(&said));
    let places: Vec<usize> = ranked.iter().map(|it| it.passage).filter(|it| it % 3 == 0).collect();
    assert_eq!(places, [3, 6, 0], "{ranked:?}");
}

#[test]
fn what_was_not_looked_up_is_held_to_be_nothing_while_an_end_of_a_session_is_none() {
    let mut talk = talk(&[(1, 1, "The mill leaks."), (2, 1, "The mill leaks.")]);
    let first = |talk: &Talk| ranked(&Question::by_itself("mill leaks"), talk)[0].passage;
    assert_eq!(first(&talk), 1, "the newest");
    talk.looked_up.remove(&2);
    assert_eq!(first(&talk), 0);
}

#[test]
fn a_message_with_all_the_words_comes_before_those_that_have_some_and_the_same_around_them() {
    let some = "The mill stands at the sluice.";
    let said = [
        (1, 1, some),
        (1, 1, some),
        (1, 1, some),
        (1, 1, some),
        (1, 1, some),
        (2, 1, "Hm."),
        (2, 1, "Hm."),
        (2, 1, "The mill at the sluice leaks."),
        (2, 1, "Hm."),
        (2, 1, "Hm."),
    ];
    let ranked = ranked(&Question::by_itself("mill sluice leaks"), &talk(&said));
    assert_eq!(ranked[0].passage, 7, "{ranked:?}");
}

#[test]
fn a_name_before_a_colon_is_who_speaks_only_where_most_messages_have_one() {
    let said =
        [(1, 1, "Error: no cache"), (2, 1, "the cache has an error"), (3, 1, "a cache"), (4, 1, "the cache")];
    assert_eq!(best("error cache", &said)[..2], ["Error: no cache", "the cache has an error"]);
}

#[test]
fn who_speaks_is_asked_for_with_and_without_accents() {
    let said = [
        (1, 1, "Jos\u{e9}: the oven is hot"),
        (2, 1, "Ann: the oven is hot"),
        (3, 1, "Jos\u{e9}: hm"),
        (4, 1, "Ann: hm"),
    ];
    for question in ["the oven of Jose", "the oven of Jos\u{e9}"] {
        assert_eq!(best(question, &said)[0], said[0].2, "{question}");
    }
}

#[test]
fn of_two_with_the_words_the_one_that_tells_comes_before_the_one_that_asks_in_whatever_script() {
    assert_eq!(
        best("mill stands", &[(1, 1, "The mill stands."), (2, 1, "The mill stands?")])[0],
        "The mill stands."
    );
    assert_eq!(best("磨坊停了", &[(1, 1, "磨坊停了。"), (2, 1, "磨坊停了？")])[0], "磨坊停了。");
}

#[test]
fn a_message_asks_only_near_its_end_and_not_in_code() {
    let long = format!("Is it so? {}", "It is. ".repeat(30));
    let asking =
        ["Is it so?", "Is it?! (Or \"not?\")", "Is it so? I think so.", "(Is it?)", "是吗？我想是的。"];
    let others = ["It is.", "let it = read()?;", "it ? so : not", "/find?q=it", &long, "Is it? So it…", "?"];
    assert!(asking.iter().all(|text| asks(text)));
    for text in others {
        assert!(!asks(text), "{text}");
    }
}

/// Three messages, of which more of the first one is known.
fn long(whole: &str, question: &str) -> (usize, Vec<f64>) {
    let mut talk = talk(&[(1, 1, "The mill."), (2, 1, "The mill."), (3, 1, "The sluice.")]);
    talk.passages[0].whole = Some(whole.to_owned());
    let ranked = ranked(&Question::by_itself(question), &talk);
    (ranked[0].passage, ranked.iter().map(|it| it.share).collect())
}

#[test]
fn a_word_counts_wherever_it_stands_in_a_long_message_and_as_often() {
    assert_eq!(long("The mill. Much later a sluice.", "mill sluice"), (0, vec![1.0, 0.5, 0.5]));
    assert_eq!(long("The mill. The mill.", "mill sluice").1, [0.5, 0.5, 0.5], "each word once");
    assert_eq!(long("Sluice to sluice.", "sluice").0, 0);
}

#[test]
fn what_stands_only_in_the_part_around_the_words_counts_too() {
    assert_eq!(long("The beginning of it.", "mill").1, [1.0, 1.0, 0.5]);
}

#[test]
fn of_two_that_have_a_word_as_often_the_shorter_one_comes_first() {
    let mut talk = talk(&[(1, 1, "The sluice."), (2, 1, "The sluice.")]);
    talk.passages[1].whole = Some("The sluice, and much that has to do with something else.".to_owned());
    assert_eq!(ranked(&Question::by_itself("sluice"), &talk)[0].passage, 0, "though the other one is newer");
    let said = [(1, 1, "The sluice."), (2, 1, "The sluice, and much that has to do with something else.")];
    assert_eq!(best("sluice", &said)[0], "The sluice.");
}

#[test]
fn a_long_message_takes_less_of_what_is_next_to_it_than_a_short_one() {
    let (long, short) = ("It goes on. ".repeat(60), "It goes on. ".repeat(6));
    let said = [(1, 1, "The mill leaks."), (1, 1, &*short), (2, 1, "The mill leaks."), (2, 1, &*long)];
    assert_eq!(best("mill leaks", &said)[3], long, "though it is newer");
    let said = [(1, 1, "The mill leaks."), (1, 1, &*short), (2, 1, "The mill leaks."), (2, 1, &*short)];
    let ranked = ranked(&Question::by_itself("mill leaks"), &talk(&said));
    assert_eq!(ranked[3].passage, 1, "else the older one comes last");
}

proptest! {
    /// Models differ in what they call alike: only by how much more a message is alike than others counts.
    #[test]
    fn what_all_likenesses_are_multiplied_by_changes_no_order(likenesses in prop::collection::vec(-0.5..0.5_f64, 3), by in 0.5..2.0_f64) {
        let said = [(1, 1, "bread or so"), (2, 1, "rye"), (3, 1, "wheat, and the bread of old")];
        let raised: Vec<f64> = likenesses.iter().map(|it| it * by).collect();
        prop_assert_eq!(best_alike("bread", &said, &likenesses), best_alike("bread", &said, &raised));
    }
}
