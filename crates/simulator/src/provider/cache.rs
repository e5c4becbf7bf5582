//! The prompt cache: which prefixes of whose prompts are kept, until when, and what a request reads and writes of them.
//!
//! Anthropic's rules: a mark asks to keep the prompt up to its block for five minutes or an hour; every read of an entry
//! starts its time anew; a lookup goes back at most twenty blocks from a mark; what is shorter than the minimum is not kept.
//! OpenAI's: no marks, every prompt is kept, and what is read is counted in steps.

use super::prompt::Block;
use domain::conversation::{CacheTtl, Usage};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

/// The shortest prefix that is kept, in tokens.
pub const MINIMUM: u64 = 1024;
/// How many blocks before a mark an older entry is looked for.
const LOOKBACK: usize = 20;
/// OpenAI counts what it read in steps of this many tokens.
const STEP: u64 = 128;

/// All entries, by the hash of owner, model and prefix.
#[derive(Debug, Clone, Default)]
pub(super) struct PromptCache(HashMap<u64, Entry>);

#[derive(Debug, Clone, Copy)]
struct Entry {
    ttl: CacheTtl,
    until: Duration,
}

/// A prompt up to the end of one of its blocks.
struct Prefix {
    key: u64,
    tokens: u64,
    mark: Option<CacheTtl>,
}

impl PromptCache {
    /// The input side of the usage of a prompt with marks, whose entries are read, refreshed and written.
    pub(super) fn by_marks(&mut self, owner: &str, model: &str, blocks: &[Block], now: Duration) -> Usage {
        let prefixes = prefixes(owner, model, blocks);
        let hit = self.hit(&prefixes, now);
        let read = hit.map_or(0, |at| prefixes[at].tokens);
        self.refresh(&prefixes[..hit.map_or(0, |at| at + 1)], now);
        let kept: Vec<_> = prefixes.iter().filter(|prefix| prefix.tokens >= MINIMUM).collect();
        let (hour, last) = (last_marked(&kept, CacheTtl::OneHour), last_marked(&kept, CacheTtl::FiveMinutes));
        for prefix in kept {
            self.keep(prefix, now);
        }
        let written = read.max(hour);
        let total = tokens(blocks);
        Usage {
            input: total - written.max(last),
            cache_read: read,
            cache_write_1h: written - read,
            cache_write_5m: last.saturating_sub(written),
            output: 0,
        }
    }

    /// The input side of the usage where all prompts are kept without asking.
    pub(super) fn by_itself(&mut self, owner: &str, model: &str, blocks: &[Block], now: Duration) -> Usage {
        let kept: Vec<_> =
            prefixes(owner, model, blocks).into_iter().filter(|prefix| prefix.tokens >= MINIMUM).collect();
        let live = kept.iter().rev().find(|prefix| self.is_live(prefix, now));
        let read = live.map_or(0, |prefix| prefix.tokens / STEP * STEP);
        for prefix in kept {
            let entry = Entry { ttl: CacheTtl::FiveMinutes, until: now + span(CacheTtl::FiveMinutes) };
            self.0.insert(prefix.key, entry);
        }
        Usage { input: tokens(blocks) - read, cache_read: read, ..Usage::default() }
    }

    /// The longest live prefix that is near enough to a mark.
    fn hit(&self, prefixes: &[Prefix], now: Duration) -> Option<usize> {
        let near = |at: &usize| prefixes[*at..].iter().take(LOOKBACK).any(|prefix| prefix.mark.is_some());
        (0..prefixes.len()).rev().find(|at| near(at) && self.is_live(&prefixes[*at], now))
    }

    fn is_live(&self, prefix: &Prefix, now: Duration) -> bool {
        self.0.get(&prefix.key).is_some_and(|entry| now < entry.until)
    }

    /// Reading a prefix reads all that it begins with.
    fn refresh(&mut self, read: &[Prefix], now: Duration) {
        for prefix in read {
            if let Some(entry) = self.0.get_mut(&prefix.key).filter(|entry| now < entry.until) {
                entry.until = now + span(entry.ttl);
            }
        }
    }

    /// Writes what is marked and not there; what is there was refreshed and keeps its own time to live.
    fn keep(&mut self, prefix: &Prefix, now: Duration) {
        if let Some(ttl) = prefix.mark.filter(|_| !self.is_live(prefix, now)) {
            self.0.insert(prefix.key, Entry { ttl, until: now + span(ttl) });
        }
    }
}

/// How many tokens a prompt is: a quarter of its characters.
pub(super) fn tokens(blocks: &[Block]) -> u64 {
    blocks.iter().map(|block| block.characters).sum::<u64>().div_ceil(4)
}

fn span(ttl: CacheTtl) -> Duration {
    Duration::from_secs(match ttl {
        CacheTtl::FiveMinutes => 300,
        CacheTtl::OneHour => 3600,
    })
}

fn last_marked(kept: &[&Prefix], ttl: CacheTtl) -> u64 {
    kept.iter().rev().find(|prefix| prefix.mark == Some(ttl)).map_or(0, |prefix| prefix.tokens)
}

fn prefixes(owner: &str, model: &str, blocks: &[Block]) -> Vec<Prefix> {
    let mut hash = DefaultHasher::new();
    (owner, model).hash(&mut hash);
    let mut characters = 0;
    let extend = |block: &Block| {
        block.digest.hash(&mut hash);
        characters += block.characters;
        Prefix { key: hash.finish(), tokens: characters.div_ceil(4), mark: block.mark }
    };
    blocks.iter().map(extend).collect()
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
