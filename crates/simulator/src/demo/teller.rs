//! Sets the story in lines that fit a terminal.

use std::time::Duration;

const WIDTH: usize = 100;

/// Collects what is told.
#[derive(Default)]
pub(super) struct Teller(String);

impl Teller {
    pub(super) fn told(self) -> String {
        self.0
    }

    /// A paragraph.
    pub(super) fn prose(&mut self, text: &str) {
        self.set("", "", text);
        self.0.push('\n');
    }

    /// The time of day in the world, and what happens.
    pub(super) fn scene(&mut self, now: Duration, title: &str) {
        let seconds = now.as_secs();
        let (hours, minutes, seconds) = (10 + seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.0.push_str(&format!("{hours:02}:{minutes:02}:{seconds:02}  {title}\n"));
    }

    /// Something that is so.
    pub(super) fn fact(&mut self, text: &str) {
        self.set("          ", "          ", text);
    }

    /// One of several.
    pub(super) fn item(&mut self, text: &str) {
        self.set("            · ", "              ", text);
    }

    /// Breaks `text` between words, with something before the first line and before the others.
    fn set(&mut self, first: &str, others: &str, text: &str) {
        let mut line = first.to_owned();
        let mut begun = false;
        for word in text.split_whitespace() {
            if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.0.push_str(&line);
                self.0.push('\n');
                line = others.to_owned();
            } else if begun {
                line.push(' ');
            }
            line.push_str(word);
            begun = true;
        }
        self.0.push_str(&line);
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_keep_their_indent() {
        let mut teller = Teller::default();
        teller.item(&"word ".repeat(60));
        let told = teller.told();
        assert!(told.lines().all(|line| line.chars().count() <= WIDTH), "{told}");
        assert!(told.lines().skip(1).all(|line| line.starts_with("              word")), "{told}");
        assert_eq!(told.matches("word").count(), 60);
    }
}
