//! What came of the last forms. The answer to a form leads back to a page that says so, and that page is only looked at: so the words
//! are kept here, and its address names them. In the address itself, anybody could put words into the dashboard's mouth.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many are kept.
const KEPT: usize = 64;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Whether what was asked for was done.
    pub(crate) good: bool,
    /// What to say.
    pub(crate) words: String,
}

/// The last ones, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<(u64, VecDeque<(u64, Notice)>)>);

impl Notices {
    /// Keeps one, and gives its number.
    pub(crate) fn keep(&self, notice: Notice) -> u64 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let number = kept.0;
        if kept.1.len() == KEPT {
            kept.1.pop_front();
        }
        kept.1.push_back((number, notice));
        number
    }

    /// The one of this number, if it is still kept.
    pub(crate) fn find(&self, number: u64) -> Option<Notice> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.iter().find(|(known, _)| *known == number).map(|(_, notice)| notice.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_notices_are_found_by_number_and_older_ones_are_forgotten() {
        let notices = Notices::default();
        let say = |words: &str| notices.keep(Notice { good: true, words: words.to_owned() });
        let first = say("first");
        let numbers: Vec<u64> = (0..KEPT).map(|count| say(&count.to_string())).collect();
        assert_eq!(notices.find(first), None);
        assert_eq!(notices.find(numbers[0]).map(|notice| notice.words), Some("0".to_owned()));
        assert_eq!(notices.find(numbers[KEPT - 1]).map(|notice| notice.words), Some("63".to_owned()));
    }
}
