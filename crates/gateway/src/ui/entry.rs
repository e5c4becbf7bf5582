//! How an entry is shown beside its words: where it holds, how sure it still is, and what speaks against it.

use super::figures::ago;
use super::links;
use super::text::{shortened, text};
use domain::fading::faded;
use domain::knowledge::{AT_REQUEST, KnowledgeEntry};
use domain::time::UnixMillis;
use maud::{Markup, html};

/// The longest name of a project in a list, in characters; an entry's own page shows more.
const LONGEST_NAME: usize = 60;

/// One line for a list.
pub(super) fn facts(entry: &KnowledgeEntry, now: UnixMillis) -> Markup {
    html! {
        span.small.soft {
            "confidence " (sureness(entry, now)) " \u{b7} version " (entry.version) " \u{b7} " (ago(entry.updated, now))
            " \u{b7} " (place(entry, LONGEST_NAME)) (asked_for(entry))
        }
        @if !entry.contradicts.is_empty() {
            span.small { "contradicts " @for (index, other) in entry.contradicts.iter().enumerate() {
                @if index > 0 { ", " }
                a href=(links::entry(&other.id)) { bdi { (text(other.id.as_str())) } }
            } }
        }
    }
}

/// The confidence as it was written, and what is left of it where that is less.
pub(super) fn sureness(entry: &KnowledgeEntry, now: UnixMillis) -> String {
    let written = format!("{:.2}", entry.confidence);
    let left = format!("{:.2}", faded(entry.confidence, entry.used, now));
    if left == written { written } else { format!("{written}, faded to {left}") }
}

/// Where it holds, with at most so many characters of the project's name.
pub(super) fn place(entry: &KnowledgeEntry, longest: usize) -> Markup {
    let project = entry.project.as_ref().map(|project| shortened(project.as_str(), longest));
    html! {
        @match (entry.promoted, &project) {
            (true, Some(project)) => { "promoted to all projects, from " bdi.mono { (text(project)) } }
            (true, None) => { "promoted to all projects" }
            (false, Some(project)) => { "project " bdi.mono { (text(project)) } }
            (false, None) => { "no project" }
        }
    }
}

/// That an agent asked to keep it, if one did.
pub(super) fn asked_for(entry: &KnowledgeEntry) -> Markup {
    html! { @if entry.remembered { " \u{b7} " (AT_REQUEST) } }
}

/// What cannot be true together with the entry, each with why.
pub(super) fn contradictions(entry: &KnowledgeEntry) -> Markup {
    html! {
        @if !entry.contradicts.is_empty() {
            section aria-labelledby="against-title" {
                div.head { h2 #against-title { "Contradictions" } span.small.soft { (entry.contradicts.len()) } }
                ul.list.card { @for other in &entry.contradicts {
                    li {
                        span { "Entry " a href=(links::entry(&other.id)) { bdi { (text(other.id.as_str())) } } " cannot be true together with this one." }
                        span.small.soft dir="auto" { (text(&other.reason)) }
                    }
                } }
            }
        }
    }
}
