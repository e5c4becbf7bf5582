//! Who wins: a flag over the environment over the file over the default; and which file is read at all.

use super::Desk;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_highest_place_that_speaks_wins(file: bool, variable: bool, flag: bool) {
        let mut desk = Desk::new();
        if file { desk = desk.named("listen = \"127.0.0.1:1\"") }
        if variable { desk = desk.variable("STILLROOM_LISTEN", "127.0.0.1:2") }
        if flag { desk = desk.flag("--listen", "listen", "127.0.0.1:3") }
        let expected = if flag { 3 } else if variable { 2 } else if file { 1 } else { 4141 };
        prop_assert_eq!(desk.load().settings().listen.port(), expected);
    }

    #[test]
    fn the_order_of_variables_does_not_matter(shuffled in Just(VARIABLES.to_vec()).prop_shuffle()) {
        let desk = |variables: &[(&str, &str)]| {
            variables.iter().fold(Desk::new(), |desk, (name, value)| desk.variable(name, value))
        };
        let shown = |desk: Desk| desk.load().entries().skip(2).map(|(_, value, _)| value).collect::<Vec<_>>();
        prop_assert_eq!(shown(desk(&shuffled)), shown(desk(&VARIABLES)));
    }
}

const VARIABLES: [(&str, &str); 3] = [
    ("STILLROOM_IDLE__TICK", "1m"),
    ("STILLROOM_WORKER__API_KEY", "key"),
    ("STILLROOM_WORKER__PROVIDER", "openai"),
];

#[test]
fn a_named_file_is_read_instead_of_all_others() {
    let desk = Desk::new().own("listen = \"127.0.0.1:1\"").found("listen = \"127.0.0.1:2\"");
    assert_eq!(desk.shown("listen"), "127.0.0.1:2");
    assert_eq!(desk.named("listen = \"127.0.0.1:3\"").shown("listen"), "127.0.0.1:3");
}

#[test]
fn the_users_own_file_is_read_when_no_other_is_there() {
    let desk = Desk::new().own("idle.tick = \"2m\"");
    assert_eq!(desk.shown("idle.tick"), "2m");
}

#[test]
fn the_environment_can_name_the_file_and_the_flag_beats_it() {
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), "idle.tick = \"3m\"").unwrap();
    let desk = Desk::new().variable("STILLROOM_CONFIG", &other.path().display().to_string());
    assert_eq!(desk.shown("idle.tick"), "3m");
    assert_eq!(desk.named("idle.tick = \"4m\"").shown("idle.tick"), "4m");
}

#[test]
fn without_anything_the_defaults_of_the_gateway_hold() {
    let desk = Desk::new();
    let loaded = desk.load();
    let default = domain::settings::Settings::with_data_dir(loaded.settings().data_dir.clone());
    assert_eq!(format!("{:?}", loaded.settings()), format!("{default:?}"));
    assert!(loaded.settings().data_dir.ends_with("stillroom"));
    assert!(loaded.notes().is_empty() && loaded.file().is_none());
}

#[test]
fn a_section_whose_keys_are_all_commented_out_sets_nothing() {
    let desk = Desk::new().named("[worker]\n# model = \"haiku\"\n\n[idle]\n");
    assert_eq!(desk.shown("worker.model"), serde_json::Value::Null);
    assert!(Desk::new().named("[wurker]\n").refusal().contains("there is no setting wurker"));
}

#[test]
fn every_key_of_a_file_arrives() {
    let desk = Desk::new().named(include_str!("every_key.toml"));
    let loaded = desk.load();
    let untouched: Vec<_> =
        loaded.entries().filter(|(.., origin)| origin.is_none()).map(|(key, ..)| key.name).collect();
    assert_eq!(untouched, [""; 0]);
    insta::assert_debug_snapshot!(loaded.settings());
}

#[test]
fn the_proxy_that_other_programs_use_is_used_and_said_unless_anybody_says_otherwise() {
    let shared = || Desk::new().variable("HTTPS_PROXY", "http://me:canary@proxy.example:3128");
    let desk = shared().variable("NO_PROXY", "localhost,.corp.example");
    assert_eq!(desk.shown("upstream.proxy"), "http://proxy.example:3128");
    assert_eq!(desk.shown("upstream.no_proxy"), serde_json::json!(["localhost", ".corp.example"]));
    let note = "requests to providers behind https go through the proxy proxy.example:3128, as environment variable HTTPS_PROXY says";
    assert_eq!(desk.load().notes(), [note]);
    for other in [
        shared().own("upstream.proxy = \"http://own.example\""),
        shared().variable("STILLROOM_UPSTREAM__PROXY", "http://own.example:80/"),
    ] {
        assert_eq!(other.shown("upstream.proxy"), "http://own.example:80");
        assert!(other.load().notes().is_empty(), "who says it here knows it");
    }
    let off = shared().own("upstream.proxy = \"off\"");
    assert_eq!(off.shown("upstream.proxy"), serde_json::Value::Null);
    assert!(off.load().notes().is_empty());
}
