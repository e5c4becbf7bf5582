//! Where the observations stand in an answer: a model may think aloud, draft, quote the tags and talk around what it was asked for.

use std::ops::Range;

const OPEN: &str = "<observations>";
const CLOSE: &str = "</observations>";
/// What models that think aloud put their thoughts between.
const THOUGHTS: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];

/// The text of the observations: the last block whose tags stand alone on their lines. Where a model was careless with its lines,
/// what lies between tags at their edges, else between any; without tags, all of the answer that is no thought.
///
/// # Errors
/// When there is nothing but thoughts that never ended.
pub(super) fn block(answer: &str) -> Result<String, String> {
    let text = spoken(answer);
    let between = last(&text, is_alone, is_alone);
    let careless = last(&text, begins_its_line, ends_its_line);
    let is_later = |at: &Range<usize>| between.as_ref().is_none_or(|sure| at.start > sure.end);
    let found = careless.filter(is_later).or(between).or_else(|| anywhere(&text));
    match found {
        Some(at) => Ok(text.get(at).unwrap_or_default().to_owned()),
        None if THOUGHTS.iter().any(|(open, _)| text.trim_start().starts_with(open)) => {
            Err("the answer is a thought that never came to its end".to_owned())
        }
        None => Ok(text),
    }
}

/// What stands on a tag's line before and after it.
type Fits = fn(&str, &str) -> bool;

fn is_alone(before: &str, after: &str) -> bool {
    is_blank(before) && is_blank(after)
}

fn begins_its_line(before: &str, _after: &str) -> bool {
    is_blank(before)
}

fn ends_its_line(_before: &str, after: &str) -> bool {
    is_blank(after)
}

fn is_at_an_edge(before: &str, after: &str) -> bool {
    is_blank(before) || is_blank(after)
}

/// Emphasis and the marks of code say nothing.
fn is_blank(text: &str) -> bool {
    text.chars().all(|sign| sign.is_whitespace() || matches!(sign, '*' | '`'))
}

/// Between the last closing tag that fits and the last opening tag before it that fits.
fn last(text: &str, opens: Fits, closes: Fits) -> Option<Range<usize>> {
    let end = tags(text, CLOSE, closes).last()?;
    let start = tags(text.get(..end)?, OPEN, opens).last()?;
    Some(start + OPEN.len()..end)
}

/// From the first opening tag, at an edge if there is one, to the last closing tag; to an end of the text where one is missing.
fn anywhere(text: &str) -> Option<Range<usize>> {
    let any: Fits = |_, _| true;
    let start = tags(text, OPEN, is_at_an_edge).next().or_else(|| tags(text, OPEN, any).next());
    let start = start.map(|at| at + OPEN.len());
    let after = |at: &usize| start.is_none_or(|start| *at >= start);
    let end = tags(text, CLOSE, is_at_an_edge).filter(after).last();
    let end = end.or_else(|| tags(text, CLOSE, any).filter(after).last());
    (start.is_some() || end.is_some()).then(|| start.unwrap_or(0)..end.unwrap_or(text.len()))
}

fn tags<'t>(text: &'t str, tag: &'t str, fits: Fits) -> impl Iterator<Item = usize> + 't {
    text.match_indices(tag).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (text.get(..*at).unwrap_or_default(), text.get(*at + tag.len()..));
        let before = before.rsplit('\n').next().unwrap_or_default();
        fits(before, after.and_then(|after| after.split('\n').next()).unwrap_or_default())
    })
}

/// The answer without its thoughts: what lies between tags of thoughts of which the first begins its line, and all before a closing
/// one that stands alone and was never opened, as models leave it whose template opens it for them.
fn spoken(answer: &str) -> String {
    THOUGHTS.iter().fold(answer.to_owned(), |mut text, (open, close)| {
        while let Some(thought) = thought(&text, open, close) {
            text.replace_range(thought, "");
        }
        let never_opened = tags(&text, close, is_alone).next();
        match never_opened {
            Some(at) if text.find(OPEN).is_none_or(|open| open > at) => text.split_off(at + close.len()),
            _ => text,
        }
    })
}

fn thought(text: &str, open: &str, close: &str) -> Option<Range<usize>> {
    let start = tags(text, open, begins_its_line).next()?;
    let end = start + text.get(start..)?.find(close)? + close.len();
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(answer: &str) -> Vec<String> {
        block(answer)
            .unwrap()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_last_block_whose_tags_stand_alone_counts_not_what_prose_or_a_draft_says_before_it() {
        for before in [
            "I will answer between <observations> and </observations>.\n",
            "<observations>\n- a draft\n</observations>\nBetter:\n",
            "<think>They want <observations>\n- a draft\n</observations></think>\n",
            "<thinking>\n<observations>\n- a draft\n</observations>\n</thinking>",
            "They want <observations> and so on.\n</think>\n",
            "<think>no end\n",
            "**",
            "```xml\n",
        ] {
            let answer =
                format!("{before}<observations>\n- one\n- two\n</observations>\nI hope <observations> help.");
            assert_eq!(lines(&answer), ["- one", "- two"], "{before}");
        }
    }

    #[test]
    fn a_tag_that_is_quoted_within_a_line_ends_nothing() {
        let quoted = "- It ends at </observations> too soon\n- and begins at <observations>\n- It looks for </observations>";
        for (open, close) in
            [("<observations>\n", "\n</observations>"), ("<observations>", "</observations>")]
        {
            let expected: Vec<_> = quoted.lines().collect();
            assert_eq!(lines(&format!("{open}{quoted}{close}")), expected, "{open}");
        }
    }

    #[test]
    fn a_block_with_careless_lines_is_found_all_the_same() {
        for careless in [
            "<observations>- one\n- two</observations>",
            "Sure! <observations>\n- one\n- two\n</observations>",
            "<observations>\n- one\n- two</observations>",
            "<observations>- one\n- two\n</observations> I hope that helps.",
            "<observations>\n- one\n- two",
            "- one\n- two\n</observations>",
            "Like this:\n<observations>\n- a draft\n</observations>\nSo:\n<observations>- one\n- two</observations>",
        ] {
            assert_eq!(lines(careless), ["- one", "- two"], "{careless}");
        }
        assert_eq!(lines("So: <observations>one</observations>, that is all."), ["one"]);
    }

    #[test]
    fn without_tags_all_that_is_no_thought_counts() {
        assert_eq!(lines("one\ntwo"), ["one", "two"]);
        assert_eq!(lines("<think>\n<observations>\n- a draft\n</observations>\n</think>\n- one"), ["- one"]);
        assert_eq!(
            lines("- The agent prints <think> before each answer"),
            ["- The agent prints <think> before each answer"]
        );
        assert!(block("<think>The user wants").is_err());
    }

    #[test]
    fn a_block_that_says_nothing_is_found_too() {
        assert_eq!(lines("<think>Nothing here.</think>\n<observations>\n</observations>"), [""; 0]);
        assert_eq!(lines("<observations></observations>"), [""; 0]);
    }
}
