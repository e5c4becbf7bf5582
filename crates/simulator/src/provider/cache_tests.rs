use super::*;
use serde_json::json;

const MINUTE: Duration = Duration::from_secs(60);

/// A block of `tokens` tokens, told apart by `letter`.
fn block(letter: char, tokens: usize, mark: Option<CacheTtl>) -> Block {
    let text: String = std::iter::repeat_n(letter, tokens * 4).collect();
    Block { mark, ..Block::new("user", &json!(text)) }
}

const SHORT: Option<CacheTtl> = Some(CacheTtl::FiveMinutes);
const LONG: Option<CacheTtl> = Some(CacheTtl::OneHour);

struct Owner(PromptCache);

impl Owner {
    fn asks(&mut self, blocks: &[Block], now: Duration) -> Usage {
        self.0.by_marks("alice", "m", blocks, now)
    }
}

fn owner() -> Owner {
    Owner(PromptCache::default())
}

fn usage(input: u64, read: u64, write_5m: u64, write_1h: u64) -> Usage {
    Usage { input, cache_read: read, cache_write_5m: write_5m, cache_write_1h: write_1h, output: 0 }
}

#[test]
fn a_prefix_is_written_once_and_read_until_five_minutes_after_the_last_read() {
    let mut cache = owner();
    let prompt = [block('a', 2000, SHORT), block('b', 50, None)];
    assert_eq!(cache.asks(&prompt, Duration::ZERO), usage(50, 0, 2000, 0));
    assert_eq!(cache.asks(&prompt, MINUTE * 4), usage(50, 2000, 0, 0));
    assert_eq!(cache.asks(&prompt, MINUTE * 8), usage(50, 2000, 0, 0), "the read at 4 minutes refreshed it");
    assert_eq!(cache.asks(&prompt, MINUTE * 13), usage(50, 0, 2000, 0), "five minutes later it is gone");
}

#[test]
fn an_entry_of_an_hour_outlives_one_of_five_minutes() {
    let mut cache = owner();
    let prompt = [block('a', 1500, LONG), block('b', 1000, SHORT)];
    assert_eq!(cache.asks(&prompt, Duration::ZERO), usage(0, 0, 1000, 1500));
    assert_eq!(cache.asks(&prompt, MINUTE * 59), usage(0, 1500, 1000, 0));
    assert_eq!(cache.asks(&prompt, MINUTE * 119), usage(0, 0, 1000, 1500), "an hour after its read");
}

#[test]
fn a_growing_conversation_reads_what_was_and_writes_what_is_new() {
    let mut cache = owner();
    let first = [block('s', 1200, SHORT), block('a', 300, SHORT)];
    let second =
        [block('s', 1200, SHORT), block('a', 300, None), block('b', 40, None), block('c', 60, SHORT)];
    assert_eq!(cache.asks(&first, Duration::ZERO), usage(0, 0, 1500, 0));
    assert_eq!(cache.asks(&second, MINUTE), usage(0, 1500, 100, 0));
    assert_eq!(cache.asks(&second, MINUTE * 2), usage(0, 1600, 0, 0));
}

#[test]
fn what_is_shorter_than_the_minimum_is_plain_input() {
    let mut cache = owner();
    let short = [block('a', MINIMUM as usize - 1, SHORT)];
    let enough = [block('a', MINIMUM as usize, SHORT)];
    for _ in 0..2 {
        assert_eq!(cache.asks(&short, Duration::ZERO), usage(MINIMUM - 1, 0, 0, 0));
    }
    assert_eq!(cache.asks(&enough, Duration::ZERO), usage(0, 0, MINIMUM, 0));
    assert_eq!(cache.asks(&enough, Duration::ZERO), usage(0, MINIMUM, 0, 0));
}

#[test]
fn a_change_early_in_the_prompt_costs_all_that_follows() {
    let mut cache = owner();
    cache.asks(&[block('a', 1200, SHORT), block('b', 1200, SHORT)], Duration::ZERO);
    let changed_late = [block('a', 1200, SHORT), block('x', 1200, SHORT)];
    assert_eq!(cache.asks(&changed_late, MINUTE), usage(0, 1200, 1200, 0));
    let changed_early = [block('x', 1200, SHORT), block('b', 1200, SHORT)];
    assert_eq!(cache.asks(&changed_early, MINUTE), usage(0, 0, 2400, 0));
}

#[test]
fn an_entry_more_than_twenty_blocks_before_the_mark_is_not_found() {
    let mut cache = owner();
    cache.asks(&[block('a', 1200, SHORT)], Duration::ZERO);
    let grown = |blocks: usize| {
        let mut prompt = vec![block('a', 1200, None)];
        prompt.extend((0..blocks).map(|at| block('b', 10, SHORT.filter(|_| at + 1 == blocks))));
        prompt
    };
    assert_eq!(owner_with(&cache).asks(&grown(19), MINUTE).cache_read, 1200);
    assert_eq!(owner_with(&cache).asks(&grown(20), MINUTE).cache_read, 0);
}

fn owner_with(cache: &Owner) -> Owner {
    Owner(cache.0.clone())
}

#[test]
fn without_a_mark_nothing_is_read_or_written() {
    let mut cache = owner();
    cache.asks(&[block('a', 2000, SHORT)], Duration::ZERO);
    assert_eq!(cache.asks(&[block('a', 2000, None)], MINUTE), usage(2000, 0, 0, 0));
}

#[test]
fn nobody_reads_the_cache_of_another_owner_or_model() {
    let mut cache = PromptCache::default();
    let prompt = [block('a', 2000, SHORT)];
    cache.by_marks("alice", "m", &prompt, Duration::ZERO);
    assert_eq!(cache.by_marks("bob", "m", &prompt, Duration::ZERO).cache_read, 0);
    assert_eq!(cache.by_marks("alice", "other", &prompt, Duration::ZERO).cache_read, 0);
    assert_eq!(cache.by_marks("alice", "m", &prompt, Duration::ZERO).cache_read, 2000);
}

#[test]
fn where_everything_is_kept_reads_are_counted_in_steps() {
    let mut cache = PromptCache::default();
    let (first, second) = ([block('a', 1100, None)], [block('a', 1100, None), block('b', 200, None)]);
    assert_eq!(cache.by_itself("o", "m", &first, Duration::ZERO), usage(1100, 0, 0, 0));
    assert_eq!(cache.by_itself("o", "m", &second, MINUTE), usage(1300 - 1024, 1024, 0, 0));
    assert_eq!(cache.by_itself("o", "m", &second, MINUTE * 2), usage(1300 - 1280, 1280, 0, 0));
    assert_eq!(cache.by_itself("o", "m", &second, MINUTE * 7).cache_read, 0);
}
