//! A distiller's answer: of each line of the segment, what has a number or a name in it.

/// Longest observation, in characters.
const LONGEST: usize = 200;
/// What `<observations>` and its end take, with their line ends, in characters.
const FRAME: usize = 32;

/// The observations of the segment in `words`, as many as fit into `max_output` tokens.
pub(super) fn observations(words: &str, max_output: Option<u64>) -> String {
    let room = max_output.map_or(usize::MAX, |tokens| usize::try_from(tokens * 4).unwrap_or(usize::MAX));
    let mut used = FRAME;
    let fits = |line: &String| {
        used = used.saturating_add(line.chars().count() + 1);
        used <= room
    };
    let lines: Vec<_> = segment(words).lines().filter_map(observed).take_while(fits).collect();
    format!("<observations>\n{}\n</observations>", lines.join("\n"))
}

fn segment(words: &str) -> &str {
    let inside = words.split_once("<segment>").map_or(words, |(_, inside)| inside);
    inside.rsplit_once("</segment>").map_or(inside, |(inside, _)| inside)
}

/// The telling sentences of a line, or its first; none of an empty line or a tag. Without the name of the speaker: what was
/// observed must never be longer than what was said.
fn observed(line: &str) -> Option<String> {
    let line = line.trim();
    let line = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(line, |(_, said)| said);
    if line.is_empty() || line.starts_with('<') {
        return None;
    }
    let sentences: Vec<_> = line.split_inclusive(". ").collect();
    let telling: String = sentences.iter().filter(|sentence| is_telling(sentence)).copied().collect();
    let kept = if telling.is_empty() { sentences.first().copied().unwrap_or_default() } else { &telling };
    Some(kept.trim().chars().take(LONGEST).collect())
}

/// A number, or a capital that does not just begin the sentence.
fn is_telling(sentence: &str) -> bool {
    let capital = |word: &str| word.starts_with(char::is_uppercase);
    sentence.contains(char::is_numeric) || sentence.split_whitespace().skip(1).any(capital)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_of_every_line_are_kept() {
        let asked = "Observe:\n<segment>\nuser: We decided to keep 3 replicas. that is all. the host is Hetzner.\n\n\
                     assistant: fine, as you like\n</segment>\nThank you 7 times.";
        let expected = "<observations>\nuser: We decided to keep 3 replicas. the host is Hetzner.\n\
                        assistant: fine, as you like\n</observations>";
        assert_eq!(observations(asked, None), expected);
    }

    #[test]
    fn observations_of_many_short_messages_are_not_longer_than_the_messages() {
        let said: Vec<_> = (0..100).map(|at| format!("word {at} of Köln")).collect();
        let lines: String = said.iter().map(|text| format!("[assistant] {text}\n")).collect();
        let answer = observations(&format!("<segment>\n{lines}</segment>"), None);
        let observed: usize = answer.lines().filter(|line| !line.starts_with('<')).map(str::len).sum();
        assert_eq!(observed, said.iter().map(String::len).sum::<usize>());
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole_and_the_end_tag_stays() {
        let lines: String = (0..50).map(|at| format!("line {at} of the segment\n")).collect();
        let said = observations(&format!("<segment>{lines}</segment>"), Some(40));
        assert!(said.chars().count() <= 160 && said.ends_with("\n</observations>"), "{said}");
        assert!(said.contains("line 4 of the segment\n") && !said.contains("line 40"), "{said}");
    }
}
