//! Words to fill prompts with: agents send thousands of tokens of instructions, and caches need that many to be used at all.

use std::iter;

const SENTENCES: [&str; 6] = [
    "Read what is there before you change it, and say which files you looked at.",
    "Prefer the smallest change that does all of what was asked, and nothing that was not.",
    "When a command fails, show what it printed and what you make of it before you try another.",
    "Keep names, paths and numbers exactly as they were given to you.",
    "Ask only when the answer would change what you do next.",
    "Leave every file you touch in a state in which the tests can run.",
];

/// At least `characters` characters on `topic`, the same every time.
pub(super) fn guidance(topic: &str, characters: usize) -> String {
    let numbered = (1..).zip(iter::repeat(SENTENCES).flatten());
    let mut text = format!("# {topic}\n");
    for (number, sentence) in numbered {
        if text.len() >= characters {
            break;
        }
        text.push_str(&format!("{number}. {sentence}\n"));
    }
    text
}
