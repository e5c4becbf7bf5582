//! As much of a message as the trace keeps.

use std::fmt::{self, Debug, Write};

/// The longest text of one message or reply in the trace, in bytes: with it the whole record has a bound.
const LONGEST: usize = 1024;

/// The `Debug` of `said`; of a long one the beginning, and `…`. What is cut off is not even written down.
pub(crate) fn excerpt(said: &impl Debug) -> String {
    let mut page = Page(String::new());
    if write!(page, "{said:?}").is_err() {
        page.0.push('…');
    }
    page.0
}

/// Text that takes no more once it is full.
struct Page(String);

impl Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST - self.0.len();
        let fitting = text.floor_char_boundary(room);
        self.0.push_str(&text[..fitting]);
        if fitting < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_message_is_kept_whole_and_of_a_long_one_the_beginning() {
        assert_eq!(excerpt(&Some(1)), "Some(1)");
        let long = excerpt(&"ä".repeat(2 * LONGEST));
        assert!(long.starts_with("\"ä") && long.ends_with("ä…"), "{long}");
        assert!((LONGEST - 1..=LONGEST + "…".len()).contains(&long.len()), "{}", long.len());
    }
}
