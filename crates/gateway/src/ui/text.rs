//! The one way by which words that others wrote come onto a page.
//!
//! The template library escapes what has a meaning in HTML. Beyond that, characters that show nothing or that turn the order of
//! what stands around them are replaced by something that can be seen: a session may not dress up as another one.

use maud::Render;

/// Words for an element or an attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(&'a str);

/// These words, safe to show.
pub(super) fn text(words: &str) -> Text<'_> {
    Text(words)
}

impl Render for Text<'_> {
    fn render_to(&self, page: &mut String) {
        visible(self.0).as_str().render_to(page);
    }
}

fn visible(words: &str) -> String {
    words.chars().map(seen).collect()
}

/// The character itself, or one that can be seen in its place.
const fn seen(letter: char) -> char {
    match letter {
        '\n' | '\t' => letter,
        // The pictures of the control characters stand in their order.
        '\0'..='\u{1f}' => picture(letter),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        letter => letter,
    }
}

const fn picture(control: char) -> char {
    match char::from_u32(control as u32 + 0x2400) {
        Some(picture) => picture,
        None => '\u{fffd}',
    }
}

/// At most so many characters of `words`, with an ellipsis where something is left out.
pub(super) fn shortened(words: &str, most: usize) -> String {
    match words.char_indices().nth(most) {
        Some((end, _)) => format!("{}\u{2026}", words[..end].trim_end()),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &str) -> String {
        let mut page = String::new();
        text(words).render_to(&mut page);
        page
    }

    #[test]
    fn what_means_something_in_html_is_escaped() {
        let words = r#"<script>alert("&")</script>"#;
        assert_eq!(shown(words), "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;");
    }

    #[test]
    fn what_cannot_be_seen_or_turns_the_order_is_replaced_by_what_can_be_seen() {
        assert_eq!(shown("a\0b\u{1b}[2J"), "a\u{2400}b\u{241b}[2J");
        assert_eq!(shown("user\u{202e}nimda\u{2066}\u{200f}"), "user\u{fffd}nimda\u{fffd}\u{fffd}");
        assert_eq!(
            shown("two\nlines\tand \u{1f980}\u{200d} \u{5e9}"),
            "two\nlines\tand \u{1f980}\u{200d} \u{5e9}"
        );
    }

    #[test]
    fn a_shortened_text_never_splits_a_character() {
        assert_eq!(shortened("\u{e4}\u{f6}\u{fc}", 2), "\u{e4}\u{f6}\u{2026}");
        assert_eq!(shortened("short", 5), "short");
    }
}
