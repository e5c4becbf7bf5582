//! What holds warming back is kept, and what it cost and saved adds up.

use crate::fixture::{id, store_with};
use domain::conversation::{CacheTtl, Usage};
use domain::ids::Principal;
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::warming::{Bucket, PauseCause, WarmingMode, Whose};
use store::{
    Costs, CostsBy, Extent, KeptHabits, KeptPause, LedgerEntry, SqliteStore, Store, WarmReturn, Yours as _,
};
use tempfile::TempDir;

const NOON: UnixMillis = UnixMillis(1_798_200_000_000);
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn later(millis: i64) -> UnixMillis {
    UnixMillis(NOON.0 + millis)
}

fn call(purpose: Purpose, at: UnixMillis, session: &str, usd: f64) -> LedgerEntry {
    LedgerEntry {
        at,
        session: Some(id(session)),
        purpose,
        provider: Provider::Anthropic,
        model: format!("model of {session}"),
        status: Some(200),
        usage: Usage::default(),
        usd,
        attempts: 1,
    }
}

fn back(at: UnixMillis, session: &str, usd: f64) -> WarmReturn {
    WarmReturn {
        at,
        session: id(session),
        provider: Provider::Anthropic,
        model: format!("model of {session}"),
        ttl: CacheTtl::FiveMinutes,
        tokens: 1000,
        usd,
    }
}

fn pause(bucket: Option<Bucket>, until: UnixMillis) -> KeptPause {
    KeptPause { bucket, cause: PauseCause::Uncached, said: "so".into(), until }
}

fn bucket(session: &str) -> Bucket {
    Bucket { session: id(session), model: "m".into(), origin: "https://h".into() }
}

#[test]
fn a_pause_of_a_session_that_was_forgotten_meanwhile_is_not_kept() {
    let mut store = store_with("a", &["quince"]);
    store.forget(&Principal::local(), &Extent::Session(id("a")), NOON).unwrap();
    for bucket in ["a", "b"].map(bucket) {
        store.keep_warming_pause(&pause(Some(bucket), later(HOUR)), NOON).unwrap();
    }
    let kept: Vec<_> =
        store.warming_memory(40, NOON).unwrap().pauses.into_iter().map(|it| it.bucket).collect();
    assert_eq!(kept, [Some(bucket("b"))]);
}

#[test]
fn a_switch_modes_and_pauses_are_there_after_opening_again() {
    let home = TempDir::new().unwrap();
    let open = || SqliteStore::open(home.path()).unwrap();
    let fresh = open().warming_memory(40, NOON).unwrap();
    assert!(fresh.on && fresh.modes.is_empty() && fresh.pauses.is_empty(), "{fresh:?}");
    let mut store = open();
    store.switch_warming(false, NOON).unwrap();
    store.set_warming_mode(&id("a"), WarmingMode::Keep, NOON).unwrap();
    store.set_warming_mode(&id("b"), WarmingMode::Stop, NOON).unwrap();
    let one = pause(Some(bucket("a")), later(HOUR));
    let all = pause(None, later(2 * HOUR));
    store.keep_warming_pause(&one, NOON).unwrap();
    store.keep_warming_pause(&all, NOON).unwrap();
    drop(store);
    let mut store = open();
    let kept = store.warming_memory(40, NOON).unwrap();
    assert!(!kept.on);
    assert_eq!(kept.modes, [(id("a"), WarmingMode::Keep), (id("b"), WarmingMode::Stop)]);
    assert_eq!(kept.pauses, [all.clone(), one]);
    assert_eq!(store.warming_memory(40, later(HOUR)).unwrap().pauses, [all], "a pause that is over is none");
    assert_eq!(store.warming_mode(&id("a")).unwrap(), WarmingMode::Keep);
    store.set_warming_mode(&id("a"), WarmingMode::Auto, NOON).unwrap();
    assert_eq!(store.warming_mode(&id("a")).unwrap(), WarmingMode::Auto);
}

#[test]
fn a_persons_word_ends_the_pauses_it_is_about() {
    let mut store = SqliteStore::in_memory().unwrap();
    let pauses = [None, Some(bucket("a")), Some(bucket("b"))].map(|bucket| pause(bucket, later(HOUR)));
    for kept in &pauses {
        store.keep_warming_pause(kept, NOON).unwrap();
    }
    let [all, a, b] = pauses;
    let left = |store: &mut SqliteStore| store.warming_memory(40, NOON).unwrap().pauses;
    store.set_warming_mode(&id("a"), WarmingMode::Stop, NOON).unwrap();
    assert_eq!(left(&mut store), [all.clone(), a, b.clone()], "to stop is not to try again");
    store.set_warming_mode(&id("a"), WarmingMode::Auto, NOON).unwrap();
    assert_eq!(left(&mut store), [all.clone(), b.clone()]);
    store.switch_warming(false, NOON).unwrap();
    assert_eq!(left(&mut store), [all, b.clone()]);
    store.switch_warming(true, NOON).unwrap();
    assert_eq!(left(&mut store), [b]);
}

#[test]
fn of_the_last_warm_ups_those_count_that_were_paid_for_after_the_last_pause_of_all() {
    let mut store = SqliteStore::in_memory().unwrap();
    let track = |store: &mut SqliteStore, watched| {
        let memory = store.warming_memory(watched, later(DAY)).unwrap();
        (memory.refreshes, memory.returns)
    };
    assert_eq!(track(&mut store, 40), (0, 0));
    for number in 0..10 {
        store.charge(&call(Purpose::Warm, later(number * HOUR), "a", 0.1)).unwrap();
    }
    store.charge(&call(Purpose::Distill, later(HOUR), "a", 0.1)).unwrap();
    store.charge(&LedgerEntry { status: Some(429), ..call(Purpose::Warm, later(HOUR), "a", 0.0) }).unwrap();
    store.credit(&back(later(HOUR + 1), "a", 1.0)).unwrap();
    store.credit(&back(later(8 * HOUR + 1), "a", 1.0)).unwrap();
    assert_eq!(track(&mut store, 40), (10, 2));
    assert_eq!(track(&mut store, 3), (3, 1), "returns since the first of the three");
    store.keep_warming_pause(&pause(None, later(7 * HOUR + 1)), NOON).unwrap();
    assert_eq!(track(&mut store, 40), (2, 1));
}

#[test]
fn costs_add_up_by_day_model_and_session_and_warming_is_net() {
    let mut store = SqliteStore::in_memory().unwrap();
    store.charge(&call(Purpose::Warm, later(-DAY), "a", 0.25)).unwrap();
    store.charge(&call(Purpose::Warm, NOON, "a", 0.5)).unwrap();
    store.charge(&call(Purpose::Warm, NOON, "b", 1.0)).unwrap();
    store.charge(&LedgerEntry { status: None, ..call(Purpose::Warm, NOON, "b", 0.0) }).unwrap();
    store.charge(&call(Purpose::Distill, NOON, "b", 4.0)).unwrap();
    store.charge(&LedgerEntry { session: None, ..call(Purpose::Batch, NOON, "c", 2.0) }).unwrap();
    store.credit(&back(NOON, "a", 8.0)).unwrap();
    let shape = |costs: Vec<Costs>| -> Vec<(String, [f64; 4], [u64; 3])> {
        let row = |it: Costs| {
            let dollars = [it.other_usd, it.warm_cost_usd, it.warm_saved_usd, it.warm_net_usd];
            (it.key, dollars, [it.refreshes.into(), it.returns.into(), it.tokens])
        };
        costs.into_iter().map(row).collect()
    };
    let a = |key: &str| (key.to_owned(), [0.0, 0.75, 8.0, 7.25], [2, 1, 1000]);
    let b = |key: &str| (key.to_owned(), [4.0, 1.0, 0.0, -1.0], [1, 0, 0]);
    let c = |key: &str| (key.to_owned(), [2.0, 0.0, 0.0, 0.0], [0, 0, 0]);
    let mut costs = |by| shape(store.costs(UnixMillis(0), by).unwrap());
    assert_eq!(costs(CostsBy::Session), [a("a"), b("b"), c("")]);
    assert_eq!(costs(CostsBy::Model), [a("model of a"), b("model of b"), c("model of c")]);
    let days = [
        ("2026-12-25".to_owned(), [6.0, 1.5, 8.0, 6.5], [2, 1, 1000]),
        ("2026-12-24".to_owned(), [0.0, 0.25, 0.0, -0.25], [1, 0, 0]),
    ];
    assert_eq!(costs(CostsBy::Day), days);
    assert_eq!(costs(CostsBy::Nothing), [(String::new(), [6.0, 1.75, 8.0, 6.25], [3, 1, 1000])]);
    assert_eq!(shape(store.costs(NOON, CostsBy::Day).unwrap()), days[..1]);
    assert_eq!(store.costs(later(1), CostsBy::Nothing).unwrap(), []);
}

fn habits(whose: Whose, counts: &str) -> KeptHabits {
    KeptHabits { whose, shape: 1, counts: counts.to_owned() }
}

#[test]
fn habits_are_there_after_opening_again_the_last_changed_at_the_end_and_what_is_forgotten_is_gone() {
    let home = TempDir::new().unwrap();
    let open = || SqliteStore::open(home.path()).unwrap();
    assert_eq!(open().habits().unwrap(), []);
    let everybody = habits(Whose::Everybody, "all");
    let session = |name: &str, counts| habits(Whose::Session(id(name)), counts);
    let project = |name: &str| habits(Whose::Project(name.into()), "of a project");
    let mut store = open();
    let all = [everybody.clone(), session("a", "old"), session("b", "b"), project("a"), project("p")];
    store.keep_habits(&all, &[], NOON).unwrap();
    let forgotten = [Whose::Session(id("b")), Whose::Project("p".into()), Whose::Session(id("never kept"))];
    store.keep_habits(&[session("a", "new")], &forgotten, later(1)).unwrap();
    drop(store);
    assert_eq!(open().habits().unwrap(), [everybody, project("a"), session("a", "new")]);
}

#[test]
fn habits_that_are_no_text_or_of_another_shape_do_not_keep_the_others_from_being_read() {
    let home = TempDir::new().unwrap();
    let sound = habits(Whose::Session(id("sound")), "counts");
    let newer = KeptHabits { shape: 9, ..habits(Whose::Session(id("newer")), "{}") };
    let mut store = SqliteStore::open(home.path()).unwrap();
    store.keep_habits(&[sound.clone(), newer.clone()], &[], NOON).unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(home.path().join("stillroom.db")).unwrap();
    raw.execute("INSERT INTO habits VALUES ('project', 'p', 1, CAST(x'ff00ff' AS TEXT), 0)", []).unwrap();
    drop(raw);
    let damaged = habits(Whose::Project("p".into()), "");
    assert_eq!(SqliteStore::open(home.path()).unwrap().habits().unwrap(), [damaged, newer, sound]);
}
