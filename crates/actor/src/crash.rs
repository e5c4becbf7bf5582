//! Containing a panic, and deciding when enough is enough.
//!
//! A panic's text may quote the data that caused it, and that data may be a conversation or worse.
//! So a contained panic is never printed: only the place in the source is kept.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::time::Duration;

/// Crashes within [`WINDOW`] after which an actor is given up.
const PATIENCE: usize = 5;
/// How long a crash is held against an actor.
const WINDOW: Duration = Duration::from_secs(60);

thread_local! {
    static CONTAINING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// That something panicked, and where in the source; never what it said.
#[derive(Debug)]
pub(crate) struct Crash {
    place: String,
}

impl fmt::Display for Crash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.place)
    }
}

/// Runs `work`; a panic in it becomes an error instead of unwinding further.
///
/// Whatever `work` was changing must be thrown away or be harmless half-changed.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Crash> {
    silence_contained_panics();
    let outer = CONTAINING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CONTAINING.set(outer);
    result.map_err(|_payload| Crash { place: PLACE.take().unwrap_or_else(|| "an unknown place".to_owned()) })
}

/// Puts our panic hook in front of the one already there, which goes on hearing all other panics.
fn silence_contained_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| hear(info, &previous)));
    });
}

fn hear(info: &PanicHookInfo<'_>, previous: &dyn Fn(&PanicHookInfo<'_>)) {
    if CONTAINING.get() {
        PLACE.set(info.location().map(ToString::to_string));
    } else {
        previous(info);
    }
}

/// Remembers an actor's recent crashes.
#[derive(Debug, Default)]
pub(crate) struct CrashRecord {
    recent: VecDeque<Duration>,
}

impl CrashRecord {
    /// Notes a crash at `now`; true if the actor has used up the house's patience.
    pub(crate) fn note(&mut self, now: Duration) -> bool {
        self.recent.retain(|then| now.saturating_sub(*then) < WINDOW);
        self.recent.push_back(now);
        self.recent.len() >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(seconds: &[u64]) -> Vec<bool> {
        let mut record = CrashRecord::default();
        seconds.iter().map(|second| record.note(Duration::from_secs(*second))).collect()
    }

    #[test]
    fn the_fifth_crash_within_a_minute_is_one_too_many() {
        assert_eq!(notes(&[0, 10, 20, 30, 59]), [false, false, false, false, true]);
    }

    #[test]
    fn a_crash_is_forgotten_after_a_minute() {
        assert_eq!(notes(&[0, 10, 20, 30, 60]), [false; 5]);
    }

    #[test]
    fn a_contained_panic_says_where_and_not_what() {
        let crash = contained(|| panic!("the token is hunter2")).expect_err("it panicked");
        let shown = format!("{crash} {crash:?}");
        assert!(shown.contains("crash.rs") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn containment_nests() {
        let outer = contained(|| {
            contained(|| panic!("inner")).expect_err("it panicked");
            assert!(CONTAINING.get());
        });
        assert!(outer.is_ok() && !CONTAINING.get());
    }
}
