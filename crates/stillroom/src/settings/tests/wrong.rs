//! Every way to be wrong, as the user reads it.

use super::Desk;

/// One refusal after the other, so that they are read, and changed, together.
fn refusals(desks: impl IntoIterator<Item = Desk>) -> String {
    desks.into_iter().map(|desk| desk.refusal()).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_right_one() {
    insta::assert_snapshot!(refusals([
        Desk::new().named("listen = \"127.0.0.1:0\"\n\n[worker]\nmodle = \"haiku\""),
        Desk::new().named("worker.apikey = \"canary\""),
        Desk::new().named("colour = \"canary\""),
        Desk::new().named("upstream = \"http://127.0.0.1:1\""),
        Desk::new().named("[idle.tick]\nseconds = 3"),
        Desk::new().variable("STILLROOM_UPSTREAM_ANTHROPIC", "http://127.0.0.1:9100"),
        Desk::new().variable("STILLROOM_TOKEN", "canary"),
        Desk::new().named(format!("{} = 1", "k".repeat(1000))),
    ]));
}

#[test]
fn a_bad_value_names_its_place_and_what_the_key_takes() {
    insta::assert_snapshot!(refusals([
        Desk::new().named("[idle]\n# how often\ntick = \"soon\""),
        Desk::new().named("distiller.enabled = \"true\""),
        Desk::new().named("worker.max_retries = -1"),
        Desk::new().named("worker.max_retries = 8.0"),
        Desk::new().named(format!("worker.max_retries = \"{}\"", "ä".repeat(1000))),
        Desk::new().named("worker.max_retries = 2026-11-23"),
        Desk::new().named("worker.global_fallback = \"always\""),
        Desk::new().named("worker.use_client_credentials = [\"api-key\", \"password\"]"),
        Desk::new().named("relay.max_body = 64"),
        Desk::new().variable("STILLROOM_UPSTREAM__OPENAI", "https://me:canary@example.com/?key=canary"),
        Desk::new().variable("STILLROOM_UPSTREAM__OPENAI", "https://api.openai.com/v1"),
        Desk::new().variable("STILLROOM_UPSTREAM__PROXY", "socks5://me:canary@proxy.example:1080"),
        Desk::new().variable("HTTPS_PROXY", "me:canary@proxy.example:port"),
        Desk::new().variable("STILLROOM_WORKER__MODEL", ""),
        Desk::new().variable("STILLROOM_CACHE_WARMER__MAX_COST_PER_DAY", "much"),
        Desk::new().flag("--listen", "listen", "localhost"),
        Desk::new().flag("--data-dir", "data_dir", "~/data"),
    ]));
}

#[test]
fn a_bad_secret_is_never_shown() {
    let text = refusals([
        Desk::new().named("worker.api_key = \"canary with blanks\""),
        Desk::new().named("sentry.dsn = \"canary\""),
        Desk::new().named("access.token = [\"canary\"]"),
        Desk::new().named("worker.max_retries = \"sk-ant-canary\""),
    ]);
    insta::assert_snapshot!(text);
}

/// The keys that hold a secret, each with a value that is right.
const SECRETS: [(&str, &str); 3] = [
    ("worker.api_key", "sk-ant-canary"),
    ("access.token", "canary"),
    ("sentry.dsn", "https://canary@example.com/1"),
];

/// The same value from the environment and from a file.
fn everywhere(key: &str, value: &str) -> [Desk; 2] {
    let variable = format!("STILLROOM_{}", key.replace('.', "__").to_uppercase());
    let escaped = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    let line = format!("{key} = \"{}\"", value.chars().map(escaped).collect::<String>());
    [Desk::new().variable(&variable, value), Desk::new().named(&line)]
}

#[cfg(unix)]
#[test]
fn a_found_file_that_has_no_end_or_never_begins_is_refused_at_once() {
    let desk = Desk::new();
    let here = desk.places().working_directory.join("stillroom.toml");
    for endless in ["/dev/zero", "/dev/tty"] {
        std::os::unix::fs::symlink(endless, &here).unwrap();
        assert!(desk.refusal().contains("it is no file"), "{}", desk.refusal());
        std::fs::remove_file(&here).unwrap();
    }
    let long = Desk::new().named("# ".repeat(1 << 20));
    assert!(long.refusal().contains("it is longer than a mebibyte"), "{}", long.refusal());
}

#[test]
fn a_secret_loses_the_line_end_that_came_with_it() {
    for (key, value) in SECRETS {
        for around in [format!("{value}\n"), format!(" {value}\r\n")] {
            for desk in everywhere(key, &around) {
                let loaded = desk.load();
                let settings = loaded.settings();
                let secrets = [&settings.worker.api_key, &settings.access_token, &settings.sentry.dsn];
                let held: Vec<_> = secrets.into_iter().flatten().map(|secret| secret.reveal()).collect();
                assert_eq!(held, [value], "{key}");
            }
        }
    }
}

#[test]
fn a_secret_with_a_control_character_inside_is_refused_and_not_shown() {
    for (key, value) in SECRETS {
        for control in ['\n', '\r', '\t', '\u{7}', '\u{1b}', '\u{7f}'] {
            let broken = value.replacen("anar", &format!("an{control}ar"), 1);
            for desk in everywhere(key, &broken) {
                let text = desk.refusal();
                assert!(text.contains(&format!("{key} cannot be (hidden)")), "{text}");
                assert!(!text.contains("ary") && !text.contains("@example.com"), "{text}");
            }
        }
    }
}

#[test]
fn no_refusal_shows_a_secret() {
    for desk in [
        Desk::new().named("worker.api_key = \"canary"),
        Desk::new().named("worker.api_key = canary"),
        Desk::new().named("x = \"canary\""),
        Desk::new().named("worker.apikey = \"canary\""),
        Desk::new().named("acess.token = \"canary\""),
        Desk::new().named("sentry.dns = \"https://canary@example.com/1\""),
        Desk::new().variable("STILLROOM_ACCESS_TOKEN", "canary"),
        Desk::new().variable("STILLROOM_ACCESS__TOKEN", "canary canary"),
        Desk::new().variable("STILLROOM_UPSTREAM__OPENAI", "https://canary@example.com"),
        Desk::new().variable("STILLROOM_UPSTREAM", "https://canary@example.com"),
    ] {
        let text = desk.refusal();
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn what_is_no_toml_or_cannot_be_read_is_said_with_its_place() {
    let mut missing = Desk::new();
    missing.flags.config = Some("/nowhere/stillroom.toml".into());
    insta::assert_snapshot!(refusals([
        Desk::new().named("listen = \"127.0.0.1:0\"\nworker model"),
        Desk::new().named("listen = \"127.0.0.1:0\"\nlisten = \"127.0.0.1:1\""),
        Desk::new().named(b"# K\xfcche\nlisten = \"127.0.0.1:0\""),
        missing,
    ]));
}

#[test]
fn a_file_that_is_there_but_cannot_be_read_is_not_passed_over() {
    let desk = Desk::new();
    std::fs::create_dir(desk.project.path().join("stillroom.toml")).unwrap();
    assert!(desk.refusal().contains("cannot be read"));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_called_that_and_not_passed_over() {
    let desk = Desk::new();
    std::os::unix::fs::symlink("/no/such/file", desk.project.path().join("stillroom.toml")).unwrap();
    let refusal = desk.refusal();
    assert!(refusal.contains("why: it is a link to /no/such/file, where nothing is\n"), "{refusal}");
}

#[test]
fn nobody_listens_to_others_without_a_token() {
    insta::assert_snapshot!(refusals([
        Desk::new().flag("--listen", "listen", "0.0.0.0:4141"),
        Desk::new().flag("--listen", "listen", "[::]:4141"),
    ]));
    let guarded = Desk::new()
        .flag("--listen", "listen", "0.0.0.0:4141")
        .variable("STILLROOM_ACCESS__TOKEN", "long-and-random");
    assert!(guarded.load().settings().access_token.is_some());
}

#[test]
fn a_key_of_unknown_shape_needs_its_provider() {
    let desk = || Desk::new().variable("STILLROOM_WORKER__API_KEY", "canary");
    insta::assert_snapshot!(desk().refusal());
    assert_eq!(desk().variable("STILLROOM_WORKER__PROVIDER", "openai").shown("worker.provider"), "openai");
}

#[test]
fn a_key_of_anthropic_is_sent_to_no_other_provider() {
    let desk = |provider: &str| {
        let key = Desk::new().variable("STILLROOM_WORKER__API_KEY", "sk-ant-api03-canary");
        key.variable("STILLROOM_WORKER__PROVIDER", provider)
    };
    insta::assert_snapshot!(desk("openai").refusal(), @r#"
    error: worker.api_key is Anthropic's, and worker.provider is not
      why: a key must only ever be sent to the provider it belongs to
      do: leave worker.provider out, or name a key of that provider
    "#);
    assert_eq!(desk("anthropic").shown("worker.provider"), "anthropic");
}

#[test]
fn without_a_home_the_data_folder_must_be_named() {
    use super::{Failure, Flags, Places, load};
    let refused = load(&Places::default(), &Flags::default()).map_err(Failure::from).unwrap_err();
    insta::assert_snapshot!(refused);
    let named = Flags { values: vec![("--data-dir", "data_dir", "/somewhere".to_owned())], config: None };
    assert!(load(&Places::default(), &named).is_ok());
}
