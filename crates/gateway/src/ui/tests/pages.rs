//! What the pages say, as text and as structure.

use crate::admin::tests::support::{Answer, BEGIN, Gateway, TOKEN};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use domain::conversation::Usage;
use domain::evidence::Class;
use domain::fading::HALF_LIFE;
use domain::ids::Principal;
use domain::knowledge::{Category, Operation};
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use scraper::{Html, Selector};
use store::{Draft, LedgerEntry};

/// Every page of a gateway in which something happened.
const PAGES: [&str; 7] = [
    "/ui",
    "/ui/sessions/s",
    "/ui/sessions/s/messages/1",
    "/ui/knowledge",
    "/ui/knowledge/k1",
    "/ui/costs",
    "/ui/trace",
];

/// The words of the main part, a line for each piece of text.
fn words(answer: &Answer) -> String {
    let page = Html::parse_document(&answer.text);
    let main = page.select(&Selector::parse("main").unwrap()).next().expect("a main part");
    let pieces = main.text().map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "));
    pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("\n")
}

pub(super) async fn lived_in() -> Gateway {
    let gateway = Gateway::new();
    for name in ["s", "s-refused"] {
        gateway.record(name, "Use tabs").await;
    }
    gateway.answered("s", TOKEN, Class::Ok, 200);
    gateway.answered("s-refused", "sk-ant-oat01-canary-2", Class::CredentialRejected, 401);
    let write = |store: &mut dyn store::Store| {
        for content in ["Two blanks.", "Tabs."] {
            let draft = Draft {
                category: Category::Preference,
                title: "Blanks".into(),
                content: content.into(),
                confidence: 0.9,
            };
            store.put_entry(&Principal::local(), &"k1".into(), &draft, BEGIN)?;
        }
        let call = |purpose, usd| LedgerEntry {
            at: UnixMillis(BEGIN.0 - 1000),
            session: Some("s".into()),
            purpose,
            provider: Provider::Anthropic,
            model: "claude-sonnet-4-5".into(),
            status: Some(200),
            usage: Usage::default(),
            usd,
            attempts: 1,
        };
        store.charge(&call(Purpose::Warm, 0.01))?;
        store.charge(&call(Purpose::Distill, 0.25))
    };
    gateway.house.desk.write(write).await.expect("written");
    gateway
}

#[actix_web::test]
async fn an_empty_gateway_says_on_every_page_what_will_appear_and_how() {
    let gateway = Gateway::new();
    for path in ["/ui", "/ui/knowledge", "/ui/costs", "/ui/trace"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        insta::assert_snapshot!(format!("empty{path}").replace('/', "_"), words(&answer));
    }
}

#[actix_web::test]
async fn a_gateway_in_use_shows_who_talks_what_stands_still_and_what_it_cost() {
    let gateway = lived_in().await;
    for path in
        ["/ui", "/ui/sessions/s", "/ui/knowledge", "/ui/knowledge/k1", "/ui/costs", "/ui/knowledge?q=tabs"]
    {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.text.contains("canary"), "{path}");
        insta::assert_snapshot!(format!("used{path}").replace(['/', '?', '='], "_"), words(&answer));
    }
}

#[actix_web::test]
async fn a_session_of_which_nothing_is_on_record_is_no_link_to_a_page_that_is_not_there() {
    let gateway = lived_in().await;
    gateway.answered("s-broken-off", "sk-ant-oat01-canary-3", Class::Ok, 200);
    let page = gateway.get("/ui").await;
    assert!(page.text.contains("s-broken-off") && !page.text.contains("/ui/sessions/s-broken-off"));
    assert!(page.text.contains("/ui/sessions/s-refused"));
}

#[actix_web::test]
async fn an_entry_shows_where_it_holds_what_is_left_of_its_confidence_and_what_contradicts_it() {
    let gateway = Gateway::new();
    gateway.record("s", "Use tabs").await;
    let write = |store: &mut dyn store::Store| {
        let create = |title: &str, content: &str| Operation::Create {
            category: Category::Preference,
            title: title.into(),
            content: content.into(),
            confidence: 0.8,
        };
        let made = [create("Blanks", "Blanks in a tab: 4"), create("Tabs", "Blanks in a tab: 8")];
        store.apply_operations(&"s".into(), &made, UnixMillis(BEGIN.0 - HALF_LIFE))?;
        let (id, with, reason) = ("k1".to_owned(), "k2".to_owned(), "four <b>or</b> eight".to_owned());
        store.apply_operations(&"s".into(), &[Operation::Contradict { id, with, reason }], BEGIN)?;
        store.promote_entry(&"k2".into(), true)
    };
    gateway.house.desk.write(write).await.expect("written");
    for path in ["/ui/knowledge", "/ui/knowledge/k1"] {
        let answer = gateway.get(path).await;
        insta::assert_snapshot!(format!("doubtful{path}").replace('/', "_"), words(&answer));
        assert!(!answer.text.contains("<b>"), "{path}");
    }
}

#[actix_web::test]
async fn every_page_may_load_only_what_is_its_own_and_is_kept_by_nobody() {
    let gateway = lived_in().await;
    for path in PAGES.into_iter().chain(["/ui/nothing", "/ui/sessions/ghost"]) {
        let answer = gateway.get(path).await;
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
            form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
    }
}

#[actix_web::test]
async fn pages_have_landmarks_and_labels_and_nothing_inline() {
    let gateway = lived_in().await;
    for path in PAGES {
        let page = Html::parse_document(&gateway.get(path).await.text);
        let count = |selector: &str| page.select(&Selector::parse(selector).unwrap()).count();
        for one in
            ["main", "h1", "header", "nav[aria-label=Pages]", "footer", "a.skip[href='#main']", "title"]
        {
            assert_eq!(count(one), 1 + usize::from(one == "title") * (count("title") - 1), "{path}: {one}");
        }
        assert_eq!(count("[style], style, script:not([src]), [onclick], [onload]"), 0, "{path}");
        assert_eq!(count("svg[role=img]:not([aria-label])"), 0, "{path}");
        for input in page.select(&Selector::parse("input, select, textarea").unwrap()) {
            let labelled = input.attr("aria-label").is_some()
                || input.ancestors().any(|it| it.value().as_element().is_some_and(|it| it.name() == "label"));
            assert!(labelled, "{path}: {}", input.html());
        }
    }
}

#[actix_web::test]
async fn what_a_page_loads_is_there_under_a_name_that_changes_with_it() {
    let gateway = Gateway::new();
    let page = Html::parse_document(&gateway.get("/ui").await.text);
    let found: Vec<String> = page
        .select(&Selector::parse("link[href], script[src]").unwrap())
        .filter_map(|it| it.attr("href").or(it.attr("src")).map(str::to_owned))
        .collect();
    assert_eq!(found.len(), 3);
    for address in found {
        let answer = gateway.get(&address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        assert!(answer.header("cache-control").contains("immutable"), "{address}");
        let other = gateway.get(&address.replace('-', "-0")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{address}");
    }
}

#[actix_web::test]
async fn what_is_not_there_and_what_cannot_be_asked_is_told_as_a_page() {
    let gateway = lived_in().await;
    for (path, status) in [
        ("/ui/nothing", 404),
        ("/ui/sessions/ghost", 404),
        ("/ui/sessions/s/messages/999", 404),
        ("/ui/sessions/s/messages/x", 400),
        ("/ui/sessions/s?before=x", 400),
        ("/ui/knowledge/ghost", 404),
        ("/ui/costs?days=8", 400),
        ("/ui/trace/1", 404),
        ("/ui/assets/style.css", 404),
        ("/ui/warming", 405),
        ("/ui/sessions/s/distill", 405),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(words(&answer).ends_with("Back to what is going on now"), "{path}");
    }
    let head = gateway.send(TestRequest::default().method(Method::HEAD).uri("/ui")).await;
    assert_eq!(head.status, StatusCode::OK);
}

#[actix_web::test]
async fn long_lists_come_in_pages_and_long_messages_as_excerpts() {
    let gateway = Gateway::new();
    for number in 0..20 {
        gateway
            .record(
                &format!("s{number:02}"),
                &format!("{} end", "long ".repeat(1000 * usize::from(number == 3))),
            )
            .await;
    }
    let rows = |answer: &Answer| {
        Html::parse_document(&answer.text).select(&Selector::parse("#sessions tbody tr").unwrap()).count()
    };
    let (first, second) = (gateway.get("/ui").await, gateway.get("/ui?page=1").await);
    assert_eq!((rows(&first), rows(&second)), (15, 5));
    assert!(words(&gateway.get("/ui?page=9").await).contains("There are no more sessions on this page."));
    let session = gateway.get("/ui/sessions/s03").await;
    assert!(session.text.len() < 20_000 && words(&session).contains("bytes more"), "{}", words(&session));
    let page = Html::parse_document(&session.text);
    let whole =
        page.select(&Selector::parse(".said p.small a").unwrap()).next().and_then(|it| it.attr("href"));
    let whole = gateway.get(whole.expect("a way to the whole")).await;
    assert!(words(&whole).ends_with("long end"));
}

#[actix_web::test]
async fn earlier_messages_are_a_link_away() {
    let gateway = Gateway::new();
    for number in 0..30 {
        gateway.record("s", &format!("question {number:02}")).await;
    }
    let said = |answer: &Answer| {
        let page = Html::parse_document(&answer.text);
        let words = Selector::parse(".said .words").unwrap();
        let found = page.select(&words);
        found
            .map(|it| it.text().collect::<String>())
            .filter(|it| it.starts_with("question"))
            .collect::<Vec<_>>()
    };
    let mut answer = gateway.get("/ui/sessions/s").await;
    let mut seen = said(&answer);
    assert!(seen.ends_with(&["question 29".to_owned()]), "the last page first: {seen:?}");
    for _ in 0..9 {
        let page = Html::parse_document(&answer.text);
        let earlier = page.select(&Selector::parse(".pager a[href*='before=']").unwrap()).next();
        let Some(address) = earlier.and_then(|it| it.attr("href")).map(str::to_owned) else { break };
        answer = gateway.get(address.split('#').next().unwrap()).await;
        let earlier = said(&answer);
        if earlier.is_empty() {
            break;
        }
        seen = earlier.into_iter().chain(seen).collect();
    }
    let all: Vec<String> = (0..30).map(|number| format!("question {number:02}")).collect();
    assert_eq!(seen, all);
}

#[actix_web::test]
async fn a_wrong_method_is_told_which_ones_are_right() {
    let gateway = Gateway::new();
    for (method, path, allowed) in [
        (Method::HEAD, "/ui/warming", "POST"),
        (Method::GET, "/ui/sessions/s/forget", "POST"),
        (Method::PUT, "/ui/warming", "POST"),
        (Method::PUT, "/ui/costs", "GET, HEAD"),
        (Method::DELETE, "/ui/knowledge/k1", "GET, HEAD, POST"),
    ] {
        let own = ("sec-fetch-site", "same-origin");
        let request = TestRequest::default().method(method).uri(path).insert_header(own);
        let answer = gateway.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{path}");
    }
}

#[actix_web::test]
async fn the_live_picture_leaves_out_what_is_there_because_somebody_looks() {
    let gateway = Gateway::new();
    // The scheduler's own question at its start is another matter.
    gateway.get("/ui").await;
    gateway.house.environment.trace.switch(true);
    gateway.get("/ui").await;
    let looked = words(&gateway.get("/ui").await);
    assert!(!looked.contains("ListSlots") && !looked.contains("ReviewSessions"), "{looked}");
    gateway.answered("s", TOKEN, Class::Ok, 200);
    let shown = gateway.get("/ui").await;
    assert!(words(&shown).contains("CredentialObserved"), "{}", words(&shown));
    let page = Html::parse_document(&shown.text);
    let root =
        page.select(&Selector::parse(".sequence a").unwrap()).next_back().and_then(|it| it.attr("href"));
    let picture = gateway.get(root.expect("a way to the conversation")).await;
    assert_eq!(picture.status, StatusCode::OK);
    assert!(words(&picture).contains("ClientAnswered") && picture.text.contains("<svg"));
    assert!(!picture.text.contains("canary"));
}
