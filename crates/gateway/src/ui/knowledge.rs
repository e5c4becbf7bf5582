//! Curated entries: searched, edited, deleted, and what they said before.

use super::entry;
use super::fault::Fault;
use super::figures::{ago, counted};
use super::layout::{self, Said, Tab, badge};
use super::links;
use super::notices::Notice;
use super::text::{shortened, text};
use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use actix_web::{HttpResponse, web};
use domain::ids::KnowledgeId;
use domain::knowledge::{Category, KnowledgeEntry};
use domain::time::UnixMillis;
use maud::{Markup, html};
use serde::Deserialize;
use store::{Draft, EntryVersion, Hit, MOST_HITS, Page, Period, Source};

/// How many entries a page has.
const ENTRIES: u32 = 30;
/// How many passages of conversations a search shows beside the entries.
const PASSAGES: usize = 30;
/// How many versions of an entry are shown.
const VERSIONS: u32 = 50;
/// The longest question, in characters.
const LONGEST_QUESTION: usize = 400;
/// The longest name of a project on an entry's page, in characters.
const LONGEST_PROJECT: usize = 400;
const CATEGORIES: [Category; 5] =
    [Category::Decision, Category::Pattern, Category::Preference, Category::Architecture, Category::Gotcha];

/// What is looked for, or which page of everything.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: u32,
    said: Option<u64>,
}

/// All entries, or what fits the words.
pub(super) async fn list(admin: web::Data<Admin>, asked: web::Query<Asked>) -> Result<HttpResponse, Fault> {
    let Asked { q, page, said } = asked.into_inner();
    let question: String = q.trim().chars().take(LONGEST_QUESTION).collect();
    let found = if question.is_empty() {
        let skip = page.saturating_mul(ENTRIES);
        let entries = admin.house.desk.read(move |store| store.recent_entries(skip, ENTRIES)).await?;
        everything(&entries, page, admin.unix())
    } else {
        let hits = admin.house.recall((None, None), Period::default(), question.clone(), MOST_HITS).await?;
        matching(&hits, admin.unix())
    };
    let body = html! {
        div.masthead {
            h1 { "Knowledge" }
            p.lead { "What the curator found worth keeping beyond its session. It is written by models from what was said: read it as such." }
        }
        (search(&question))
        (found)
    };
    let notice = said.and_then(|number| admin.notices.find(number));
    Ok(layout::page("Knowledge", Tab::Knowledge, notice, &body))
}

fn search(question: &str) -> Markup {
    html! {
        form.search role="search" method="get" action="/ui/knowledge" {
            input type="search" name="q" value=(text(question)) maxlength=(LONGEST_QUESTION) aria-label="Search knowledge, observations and messages" placeholder="Search knowledge, observations and messages";
            button.main { "Search" }
            @if !question.is_empty() { a.button href="/ui/knowledge" { "Show all" } }
        }
    }
}

fn everything(entries: &Page<KnowledgeEntry>, page: u32, now: UnixMillis) -> Markup {
    let last = entries.total.saturating_sub(1) / u64::from(ENTRIES);
    html! {
        @if entries.items.is_empty() && page == 0 {
            (layout::empty(&html! {
                p { strong { "No entry yet." } " Decisions, patterns, preferences, architecture and gotchas will be listed here, with their versions." }
                p { "The curator goes through a session after some turns; \u{201c}Curate now\u{201d} on a session's page does it at once." }
            }))
        } @else {
            section aria-labelledby="entries-title" {
                div.head { h2 #entries-title { (counted(entries.total, "entry", "entries")) } span.small.soft { "the last changed first" } }
                ul.list.card { @for it in &entries.items { (line(it, now)) } }
                @if last > 0 {
                    nav.pager aria-label="Pages of entries" {
                        @if page > 0 { a href={ "/ui/knowledge?page=" (page - 1) } { "\u{2190} Changed later" } } @else { span {} }
                        span { "page " (page + 1) " of " (last + 1) }
                        @if u64::from(page) < last { a href={ "/ui/knowledge?page=" (page + 1) } { "Changed earlier \u{2192}" } } @else { span {} }
                    }
                }
            }
        }
    }
}

fn line(it: &KnowledgeEntry, now: UnixMillis) -> Markup {
    html! {
        li {
            div.head { a href=(links::entry(&it.id)) { bdi { (text(&it.title)) } } (badge("calm", it.category.as_str())) }
            span dir="auto" { (text(&shortened(&it.content, 220))) }
            (entry::facts(it, now))
        }
    }
}

fn matching(hits: &[Hit], now: UnixMillis) -> Markup {
    let (known, said): (Vec<&Hit>, Vec<&Hit>) = hits.iter().partition(|hit| hit.source == Source::Knowledge);
    if hits.is_empty() {
        return layout::empty(&html! {
            p { strong { "Nothing fits these words." } " Fewer words, or other forms of them, may find more." }
        });
    }
    html! {
        section aria-labelledby="known-title" {
            div.head { h2 #known-title { "Entries" } span.small.soft { (known.len()) } }
            @if known.is_empty() { p.soft { "No entry fits." } } @else { ul.list.card { @for hit in known { (found(hit, now)) } } }
        }
        section aria-labelledby="said-title" {
            div.head { h2 #said-title { "In conversations" } span.small.soft { @if said.len() > PASSAGES { "the best " (PASSAGES) " of " } (said.len()) } }
            @if said.is_empty() { p.soft { "Nothing that was said fits." } } @else { ul.list.card { @for hit in said.iter().take(PASSAGES) { (found(hit, now)) } } }
        }
    }
}

fn found(hit: &Hit, now: UnixMillis) -> Markup {
    let kind = match hit.source {
        Source::Knowledge => "entry",
        Source::Observation => "observation",
        Source::Message => "message",
    };
    let title = hit.title.as_deref().unwrap_or(kind);
    html! {
        li {
            div.head {
                @match address(hit) { Some(address) => a href=(address) { bdi { (text(title)) } }, None => span { bdi { (text(title)) } } }
                span.small.soft { "fits " (format!("{:.0}", hit.score * 100.0)) " %" }
            }
            span dir="auto" { (text(&shortened(&hit.text, 320))) }
            span.small.soft {
                @if let Some(session) = &hit.session { "session " a href=(links::session(session)) { bdi { (text(&shortened(session.as_str(), 40))) } } " \u{b7} " }
                (ago(hit.at, now))
            }
        }
    }
}

/// Where the whole of a hit is.
fn address(hit: &Hit) -> Option<String> {
    match hit.source {
        Source::Knowledge => Some(links::entry(&KnowledgeId::from(&hit.id))),
        Source::Message => Some(links::message(hit.session.as_ref()?, hit.id.parse().ok()?)),
        Source::Observation => hit.session.as_ref().map(links::session),
    }
}

/// One entry, its form and its past.
pub(super) async fn show(
    admin: web::Data<Admin>,
    id: web::Path<KnowledgeId>,
    said: web::Query<Said>,
) -> Result<HttpResponse, Fault> {
    let wanted = id.clone();
    let read =
        move |store: &mut dyn store::Store| Ok((store.entry(&wanted)?, store.versions(&wanted, VERSIONS)?));
    let (it, versions) = admin.house.desk.read(read).await?;
    let it =
        it.ok_or_else(|| Refusal::Unknown(format!("there is no entry {}", shortened(id.as_str(), 80))))?;
    let now = admin.unix();
    let body = html! {
        div.masthead {
            p.crumbs { a href="/ui/knowledge" { "Knowledge" } }
            h1 { bdi { (text(&it.title)) } }
            p.lead {
                "entry " span.mono { bdi { (text(it.id.as_str())) } } " \u{b7} version " (it.version) " \u{b7} made " (ago(it.created, now))
                ", changed " (ago(it.updated, now)) ", last of use " (ago(it.used, now))
                @if let Some(session) = &it.session { " \u{b7} from " a href=(links::session(session)) { bdi { (text(&shortened(session.as_str(), 40))) } } }
            }
            p.lead { "confidence " (entry::sureness(&it, now)) " \u{b7} " (entry::place(&it, LONGEST_PROJECT)) (entry::asked_for(&it)) }
        }
        (entry::contradictions(&it))
        div.columns { (form(&it)) (history(&it, &versions, now)) }
    };
    let notice = super::now::notice(&admin, &said);
    Ok(layout::page(&it.title, Tab::Knowledge, notice, &body))
}

fn form(entry: &KnowledgeEntry) -> Markup {
    let page = links::entry(&entry.id);
    html! {
        section aria-labelledby="edit-title" {
            h2 #edit-title { "Edit" }
            form.fields.card method="post" action=(page) {
                label { "Title" input name="title" required maxlength="200" value=(text(&entry.title)); }
                label { "Content" textarea name="content" required maxlength="1200" dir="auto" { "\n" (text(&entry.content)) } }
                div.pair {
                    label { "Category" select name="category" { @for it in CATEGORIES { option value=(it.as_str()) selected[it == entry.category] { (it.as_str()) } } } }
                    label { "Confidence, 0 to 1" input name="confidence" type="number" min="0" max="1" step="any" required value=(entry.confidence); }
                }
                div.actions { button.main { "Save as version " (entry.version + 1) } }
            }
            details.card {
                summary { "Delete this entry\u{2026}" }
                form method="post" action={ (page) "/delete" } {
                    p { "It is gone with all its versions, and its name stays taken." }
                    button.danger { "Delete for good" }
                }
            }
        }
    }
}

fn history(entry: &KnowledgeEntry, versions: &Page<EntryVersion>, now: UnixMillis) -> Markup {
    html! {
        section aria-labelledby="history-title" {
            div.head { h2 #history-title { "History" } span.small.soft { (counted(versions.total + 1, "version", "versions")) } }
            ol.list.card reversed {
                li {
                    div.head { strong { "Version " (entry.version) ", as it stands" } span.small.soft { (ago(entry.updated, now)) } }
                    span dir="auto" { (text(&entry.content)) }
                }
                @for it in &versions.items {
                    li {
                        div.head { strong { "Version " (it.version) } span.small.soft { (ago(it.written, now)) } }
                        @if it.draft.title != entry.title { span { "titled " bdi { (text(&it.draft.title)) } } }
                        span dir="auto" { (text(&it.draft.content)) }
                        span.small.soft { (it.draft.category.as_str()) " \u{b7} confidence " (format!("{:.2}", it.draft.confidence)) }
                    }
                }
            }
        }
    }
}

/// Writes a new version.
pub(super) async fn edit(
    admin: web::Data<Admin>,
    id: web::Path<KnowledgeId>,
    draft: web::Form<Draft>,
) -> Result<HttpResponse, Fault> {
    // A browser ends the lines of a text with two characters.
    let Draft { category, title, content, confidence } = draft.into_inner();
    let draft = Draft { category, title, content: content.replace("\r\n", "\n"), confidence };
    let notice = match admin.put_entry(id.clone(), draft).await {
        Ok(entry) => Notice { good: true, words: format!("Kept. Version {} holds now.", entry.version) },
        Err(Refusal::Invalid(why) | Refusal::Conflict(why)) => {
            Notice { good: false, words: format!("Not kept: {why}.") }
        }
        Err(other) => return Err(other.into()),
    };
    Ok(links::back(&links::entry(&id), &admin.notices, notice))
}

/// Forgets an entry.
pub(super) async fn delete(
    admin: web::Data<Admin>,
    id: web::Path<KnowledgeId>,
) -> Result<HttpResponse, Fault> {
    let notice = match admin.forget_entry(&id).await {
        Ok(()) => Notice { good: true, words: format!("The entry {id} is gone with all its versions.") },
        Err(Refusal::Unknown(_)) => {
            Notice { good: false, words: format!("There is no entry {id} any more.") }
        }
        Err(other) => return Err(other.into()),
    };
    Ok(links::back("/ui/knowledge", &admin.notices, notice))
}
