//! Words that others wrote: whatever they are, no element and no attribute comes of them.

use crate::admin::tests::support::Gateway;
use actix_web::http::StatusCode;
use domain::conversation::{Message, Role, Stop, Usage, chain};
use domain::ids::{Principal, SessionId};
use domain::knowledge::Category;
use domain::provider::{Dialect, Provider};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scraper::{Html, Node};
use std::collections::BTreeMap;
use store::{Draft, LedgerEntry, TurnRecord};

const PIECES: [&str; 26] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "data:text/html,<b>x</b>",
    "</textarea><b>out</b>",
    "</title><b>out</b>",
    "</pre></code></svg></main></body></html>",
    "<!-- ",
    "--><b>",
    "<![CDATA[ ]]>",
    "&lt;b&gt;&#x3c;",
    "\u{202e}evil\u{202c}",
    "\u{2066}\u{2069}\u{200f}",
    "\0",
    "\u{fffd}",
    "\u{1b}[2J\u{8}\u{7f}\u{85}",
    "\r\n\n\t ",
    "` onmouseover=alert(1) ",
    " style=color:red",
    "/../../x?y=1#z",
    "%00%2f%5c\\",
    "{{7*7}}${x}",
    "\u{1f980}\u{200d}\u{301}",
    "plain words",
    "=",
];

fn hostile() -> impl Strategy<Value = String> {
    vec(proptest::sample::select(&PIECES[..]), 1..6).prop_map(|pieces| pieces.concat())
}

/// What a gateway is told, in the places where others may choose words.
#[derive(Debug, Clone)]
struct Told {
    session: String,
    client: String,
    model: String,
    directory: String,
    words: String,
    title: String,
}

fn told() -> impl Strategy<Value = Told> {
    let six = (hostile(), hostile(), hostile(), hostile(), hostile(), hostile());
    six.prop_map(|(session, client, model, directory, words, title)| Told {
        session: format!("s{session}"),
        client,
        model,
        directory,
        words,
        title: format!("t{title}").chars().take(200).collect(),
    })
}

/// Tells a gateway all of it, and gives the pages that show it.
async fn pages_of(told: &Told) -> Vec<String> {
    let gateway = Gateway::new();
    let (turn, charge, draft) = (turn(told), charge(told), draft(told));
    let write = move |store: &mut dyn store::Store| {
        store.record_turn(&turn)?;
        store.charge(&charge)?;
        let session = turn.session.clone();
        store.store_observations(&session, &[1], &[turn.model.clone() + "x"], UnixMillis(1))?;
        store.put_entry(&Principal::local(), &"k1".into(), &draft, UnixMillis(1))
    };
    gateway.house.desk.write(write).await.expect("written");
    let session = super::super::links::session(&SessionId::from(&told.session));
    let search = format!("/ui/knowledge?q={}", super::super::links::encoded(&told.title));
    let mut pages = Vec::new();
    for path in [
        "/ui",
        &session,
        &format!("{session}/messages/1"),
        "/ui/knowledge",
        "/ui/knowledge/k1",
        "/ui/costs",
        &search,
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        pages.push(answer.text);
    }
    let missing = gateway.get(&format!("{session}-not")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    pages.push(missing.text);
    pages
}

fn turn(told: &Told) -> TurnRecord {
    let (question, answer) = (Message::text(Role::User, &told.words), Message::text(Role::Assistant, "x"));
    TurnRecord {
        session: SessionId::from(&told.session),
        principal: Principal::local(),
        identity: None,
        client: told.client.clone(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: told.model.clone(),
        upstream_origin: "http://127.0.0.1:9".to_owned(),
        directory: Some(told.directory.clone()),
        project: None,
        injection: None,
        follows: None,
        at: UnixMillis(1_798_156_700_000),
        head: chain(&[question.clone(), answer.clone()])[1],
        messages: vec![question],
        answer: Some(answer),
        usage: Usage { cache_write_5m: 1, ..Usage::default() },
        stop: Some(Stop::End),
        cut: false,
    }
}

fn charge(told: &Told) -> LedgerEntry {
    LedgerEntry {
        at: UnixMillis(1_798_156_700_000),
        session: Some(SessionId::from(&told.session)),
        purpose: Purpose::Warm,
        provider: Provider::Anthropic,
        model: told.model.clone(),
        status: Some(200),
        usage: Usage::default(),
        usd: 1.0,
        attempts: 1,
    }
}

fn draft(told: &Told) -> Draft {
    let (title, content) = (told.title.clone(), format!("c{}", told.words));
    Draft { category: Category::Gotcha, title, content, confidence: 1.0 }
}

/// How often each element stands on a page with each set of attribute names; and every address must be one of ours.
fn shape(page: &str) -> BTreeMap<String, usize> {
    let mut shape = BTreeMap::new();
    for node in Html::parse_document(page).tree.values() {
        match node {
            Node::Element(element) => {
                let mut names: Vec<&str> = element.attrs().map(|(name, _)| name).collect();
                names.sort_unstable();
                *shape.entry(format!("{} {}", element.name(), names.join(" "))).or_default() += 1;
                for (name, value) in element.attrs() {
                    let is_address = matches!(name, "href" | "src" | "action" | "formaction" | "xlink:href");
                    let is_ours = value.starts_with("/ui") || value == "#main";
                    assert!(!is_address || is_ours, "{name}={value}");
                    assert!(!value.contains(['\u{202e}', '\0', '\u{2066}']), "{name}={value:?}");
                }
            }
            Node::Text(text) => {
                assert!(!text.contains(['\u{202e}', '\0', '\u{2066}', '\u{1b}']), "{:?}", &**text)
            }
            Node::Comment(_) | Node::ProcessingInstruction(_) => panic!("a comment: {node:?}"),
            Node::Document | Node::Fragment | Node::Doctype(_) => {}
        }
    }
    shape
}

#[test]
fn no_element_or_attribute_arises_from_what_others_wrote() {
    let plain = Told {
        session: "s".into(),
        client: "c".into(),
        model: "m".into(),
        directory: "d".into(),
        words: "w".into(),
        title: "t".into(),
    };
    let pages = |told: Told| actix_web::rt::System::new().block_on(async move { pages_of(&told).await });
    let expected: Vec<_> = pages(plain).iter().map(|page| shape(page)).collect();
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    let outcome = runner.run(&told(), |told| {
        for (index, page) in pages(told).iter().enumerate() {
            // What a search finds depends on the words, so only its addresses and texts are looked at.
            let found = shape(page);
            if index != 6 {
                prop_assert_eq!(&found, &expected[index], "page {}", index);
            }
        }
        Ok(())
    });
    outcome.unwrap();
}
