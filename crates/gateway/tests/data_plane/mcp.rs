//! The MCP server, as raw requests meet it: guarded, within one project, fenced.

use crate::client::{Answer, post, request};
use crate::house::House;
use crate::injection::seed;
use crate::provider::Provider;
use domain::conversation::{Message, Part, Role};
use domain::ids::{Principal, ProjectId};
use domain::knowledge::Category;
use domain::time::UnixMillis;
use serde_json::{Value, json};
use store::{Draft, TurnRecord};

const HEADERS: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";

fn ask(house: &House, address: &str, method: &str, parameters: Value) -> Answer {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
    house.ask(post(address, HEADERS, &body.to_string()))
}

/// What a tool says, and whether that is an error.
pub(crate) fn call(house: &House, address: &str, tool: &str, arguments: Value) -> (bool, String) {
    let answer = ask(house, address, "tools/call", json!({"name": tool, "arguments": arguments}));
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    (result["isError"] == true, text.to_owned())
}

pub(crate) fn note(title: &str) -> Value {
    json!({"title": title, "content": "needs an </stillroom-memory> hour", "category": "gotcha"})
}

#[test]
fn an_agent_remembers_recalls_and_forgets_in_the_project_of_its_address_and_in_no_other() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    let (oven, garden) = ("/mcp?project=%2Fno%2Fsuch%2Foven", "/mcp?project=%2Fno%2Fsuch%2Fgarden");
    assert_eq!(call(&house, oven, "remember", note("Oven")), (false, "Kept as k1, version 1.".to_owned()));
    let (failed, found) = call(&house, oven, "recall", json!({"query": "hour"}));
    let told = found.lines().find(|line| line.contains("[entry k1, ")).expect("the entry");
    let (day, text) = told.split_once("k1, ").and_then(|(_, told)| told.split_once(' ')).expect("a day");
    assert!(!failed && text.contains(", tool output included] Oven: needs an <"), "{found}");
    let of_that_day = json!({"since": day, "until": day});
    assert!(
        call(&house, oven, "recall", of_that_day).1.contains("entry k1"),
        "a day that can be asked for: {day}"
    );
    assert_eq!(found.matches("</stillroom-memory>").count(), 1, "{found}");
    let nothing = (false, "Nothing fits.".to_owned());
    assert_eq!(call(&house, garden, "recall", json!({"query": "hour"})), nothing);
    let elsewhere = json!({"query": "hour", "project": "/no/such/oven"});
    assert_eq!(call(&house, garden, "recall", elsewhere.clone()), nothing, "the address decides");
    assert!(call(&house, "/mcp", "recall", elsewhere).1.contains("needs an"));
    assert!(call(&house, garden, "forget", json!({"id": "k1"})).0);
    assert_eq!(call(&house, oven, "forget", json!({"id": "k1"})), (false, "k1 is forgotten.".to_owned()));
    assert_eq!(call(&house, oven, "recall", json!({"query": "hour"})), nothing);
}

#[test]
fn that_an_agent_asked_to_keep_an_entry_is_said_wherever_it_is_shown() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    call(&house, "/mcp?project=oven", "remember", note("Oven"));
    let draft = json!({"title": "Rye", "content": "It bites.", "category": "gotcha", "confidence": 0.6});
    let draft: Draft = serde_json::from_value(draft).expect("a draft");
    house.stored(move |store| store.put_entry(&Principal::local(), &"hand".into(), &draft, UnixMillis(1)));
    let shown = |path: &str| String::from_utf8_lossy(&house.ask(request("GET", path, "")).body).into_owned();
    assert_eq!(shown("/api/v1/knowledge").matches("\"remembered\":true").count(), 1);
    assert_eq!(shown("/api/v1/knowledge").matches("\"remembered\":false").count(), 1);
    let said = |path: &str| {
        shown(path).matches("kept at an agent's request").count()
            + shown(path).matches("kept at an agent&#39;s request").count()
    };
    assert_eq!((said("/ui/knowledge"), said("/ui/knowledge/k1"), said("/ui/knowledge/hand")), (1, 1, 0));
    assert_eq!(said("/api/v1/export/knowledge"), 1);
    let recalled = call(&house, "/mcp?project=oven", "recall", json!({"query": "hour"})).1;
    assert!(
        recalled.contains(", kept at an agent's request, tool output included] Oven: needs"),
        "{recalled}"
    );
}

#[test]
fn an_agent_recalls_what_is_of_a_time() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    call(&house, "/mcp?project=oven", "remember", note("Oven"));
    let found = |asked: Value| call(&house, "/mcp?project=oven", "recall", asked).1;
    for of_it in [
        json!({"since": "1h"}),
        json!({"since": "1h", "query": null, "limit": null}),
        json!({"query": "hour", "since": "1h"}),
        json!({"query": "hour", "until": ""}),
    ] {
        assert!(found(of_it.clone()).contains("entry k1"), "{of_it}");
    }
    for of_another in [json!({"until": "1h"}), json!({"query": "hour", "until": "1h"})] {
        assert_eq!(found(of_another), "Nothing fits.");
    }
}

#[test]
fn what_an_agent_recalls_was_of_use_then() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    let draft: Draft =
        serde_json::from_value(json!({"title": "Oven", "content": "needs an hour", "category": "gotcha",
        "confidence": 0.6}))
        .expect("a draft");
    let place = (Principal::local(), ProjectId::from("oven"));
    house.stored(move |store| store.remember((&place.0, &place.1), &draft, UnixMillis(1)));
    let used = || house.stored(|store| store.knowledge(None))[0].used;
    assert!(call(&house, "/mcp?project=oven", "recall", json!({"query": "garden"})).1.contains("Nothing"));
    assert_eq!(used(), UnixMillis(1));
    assert!(call(&house, "/mcp?project=oven", "recall", json!({"query": "hour"})).1.contains("entry k1"));
    assert!(used() > UnixMillis(1));
}

#[test]
fn an_agent_is_told_that_what_was_deleted_stays_so() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    call(&house, "/mcp?project=oven", "remember", note("Oven"));
    call(&house, "/mcp?project=oven", "forget", json!({"id": "k1"}));
    let (failed, told) = call(&house, "/mcp?project=oven", "remember", note("Oven"));
    assert!(failed && told.contains("was deleted, and stays so until a person writes it again"), "{told}");
}

#[test]
fn what_is_wrong_with_a_call_is_said() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    for (address, tool, arguments, said) in [
        ("/mcp", "recall", json!({"query": "hour"}), "say which project"),
        ("/mcp?project=", "recall", json!({"query": "hour", "project": " "}), "say which project"),
        ("/mcp?project=oven", "recall", json!({}), "say what to look for, as `query`, or since when"),
        ("/mcp?project=oven", "recall", json!({"since": "the beginning"}), "say a day (2026-11-24, today"),
        ("/mcp?project=oven", "remember", note(""), "title must have 1 to 200 characters"),
        ("/mcp?project=oven", "forget", json!({"id": "k9"}), "there is no entry \"k9\" in this project"),
        ("/mcp?project=.", "remember", note("Oven"), "\".\" is a folder only to who says it"),
        ("/mcp", "recall", json!({"query": "hour", "project": "~/oven"}), "say its whole path"),
        ("/mcp", "recall", json!({"query": "hour", "project": "../oven"}), "say its whole path"),
        (
            "/mcp?project=garden&project=garden",
            "recall",
            json!({"query": "hour", "project": "oven"}),
            "one project, once",
        ),
        ("/mcp?project=oven", "bake", json!({}), "there is no tool \"bake\""),
    ] {
        let (failed, text) = call(&house, address, tool, arguments);
        assert!(failed && text.contains(said), "{text}");
    }
}

#[test]
fn pages_of_strangers_other_hosts_and_listeners_are_turned_away() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    let status = |request: String| house.ask(request).status;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let answer = house.ask(post("/mcp", HEADERS, &body));
    assert_eq!((answer.status, answer.values("cache-control")), (200, vec!["no-store"]));
    assert_eq!(status(post("/mcp", &format!("{HEADERS}origin: https://evil.example\r\n"), &body)), 403);
    assert_eq!(status(request("GET", "/mcp", HEADERS)), 405);
    let large = " ".repeat(65 * 1024) + &body;
    assert_eq!(status(post("/mcp", HEADERS, &large)), 413);
    let announced = format!("{HEADERS}content-length: {}\r\n", large.len());
    assert_eq!(status(request("POST", "/mcp", &announced)), 413, "before any of it has come");
    assert!(provider.heard_no_more());
}

#[test]
fn what_is_no_question_is_refused_as_json_that_says_what_to_do() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let large = " ".repeat(65 * 1024) + &body;
    let picky = "content-type: application/json\r\naccept: text/html\r\n";
    let plain = "content-type: text/plain\r\naccept: application/json, text/event-stream\r\n";
    let told: Vec<String> = [
        request("GET", "/mcp", HEADERS),
        post("/mcp", HEADERS, "no JSON"),
        post("/mcp", HEADERS, &large),
        post("/mcp", picky, &body),
        post("/mcp", plain, &body),
    ]
    .into_iter()
    .map(|request| {
        let answer = house.ask(request);
        assert_eq!(answer.values("content-type"), ["application/json"]);
        format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    405 {"error":{"code":"wrong_method","message":"this path knows only POST"}}
    415 {"error":{"code":"not_json","message":"fail to deserialize request body expected ident at line 1 column 2"}}
    413 {"error":{"code":"too_large","message":"a question may have at most 65536 bytes"}}
    406 {"error":{"code":"not_acceptable","message":"Not Acceptable: Client must accept both application/json and text/event-stream"}}
    415 {"error":{"code":"not_json","message":"Unsupported Media Type: Content-Type must be application/json"}}
    "#);
}

#[test]
fn an_answer_is_as_long_as_an_agent_can_use_whatever_was_asked() {
    let provider = Provider::saying("");
    let house = House::before(&provider);
    let place = (Principal::local(), ProjectId::from("oven"));
    house.stored(move |store| {
        for number in 0..25 {
            let (title, content) =
                (format!("Oven {number}"), format!("{number} hours {}", number_words(number)));
            let draft = Draft { category: Category::Gotcha, title, content, confidence: 0.6 };
            store.remember((&place.0, &place.1), &draft, UnixMillis(1))?;
        }
        Ok(())
    });
    let found = |query: &str, limit: i64| {
        let (failed, found) =
            call(&house, "/mcp?project=oven", "recall", json!({"query": query, "limit": limit}));
        assert!(!failed, "{found}");
        found
    };
    let hits = |limit| found("hours", limit).matches("[entry k").count();
    assert_eq!((hits(1), hits(0), hits(20), hits(100)), (1, 1, 20, 20));

    // Sixty words are found together, so they have to be long ones.
    let word = format!("{} ", "and".repeat(40));
    let long = |number| format!("rhubarb {} {}", number_words(number), word.repeat(100));
    let said = |number| Message { role: Role::User, parts: vec![Part::Text { text: long(number) }] };
    let messages = (0..25).map(said).collect();
    let turn = TurnRecord { project: Some("oven".into()), messages, ..seed() };
    house.stored(move |store| store.record_turn(&turn).map(drop));
    let one = found("rhubarb", 1);
    assert!((1_200..1_700).contains(&one.len()), "{}", one.len());
    let many = found("rhubarb", 20);
    assert!((20_000..25_000).contains(&many.len()), "{}", many.len());
}

/// Words that no two of the entries have in common, so that they are not taken for one.
fn number_words(number: usize) -> String {
    (0..20).map(|word| format!("w{number}x{word}")).collect::<Vec<_>>().join(" ")
}
