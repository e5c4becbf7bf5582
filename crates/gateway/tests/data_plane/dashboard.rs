//! The dashboard on a real socket, byte for byte as a browser speaks.

use crate::client::{post, request};
use crate::house::House;
use crate::provider::Provider;

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\nsec-fetch-mode: navigate\r\n";

#[test]
fn a_page_comes_whole_with_its_rules_and_its_files() {
    let provider = Provider::playing(|_| {});
    let house = House::before(&provider);
    let mut client = house.client();
    client.say(request("GET", "/ui", "sec-fetch-site: none\r\n"));
    let page = client.answer();
    assert_eq!((page.status, page.values("content-type")), (200, vec!["text/html; charset=utf-8"]));
    assert!(page.values("content-security-policy")[0].starts_with("default-src 'none'"));
    assert!(page.text().ends_with("</html>"));
    let text = page.text();
    let style = text.split('"').find(|piece| piece.ends_with(".css")).expect("a style sheet");
    client.say(request("GET", style, "sec-fetch-site: same-origin\r\n"));
    let style = client.answer();
    assert_eq!((style.status, style.values("content-type")), (200, vec!["text/css; charset=utf-8"]));
    client.say("GET /ui HTTP/1.1\r\nhost: evil.example\r\n\r\n");
    assert_eq!(client.answer().status, 403, "a name that was made to point here");
}

#[test]
fn a_form_of_our_own_page_is_answered_with_the_way_back_and_one_from_elsewhere_changes_nothing() {
    let provider = Provider::playing(|_| {});
    let house = House::before(&provider);
    let send = |site: &str| house.ask(post("/ui/warming", &format!("{FORM}{site}"), "on=false"));
    for site in ["", "sec-fetch-site: cross-site\r\n", "sec-fetch-site: none\r\n", "origin: null\r\n"] {
        let refused = send(site);
        assert_eq!((refused.status, refused.values("location")), (403, vec![]), "{site:?}");
    }
    let done = send("sec-fetch-site: same-origin\r\norigin: http://127.0.0.1\r\n");
    assert_eq!(
        (done.status, done.values("location")),
        (303, vec!["/ui?said=1"]),
        "the first notice there is"
    );
    let page = house.ask(request("GET", "/ui?said=1", ""));
    assert!(page.text().contains("All warming is off. It stays off over a restart."));
}
