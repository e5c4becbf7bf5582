//! Many principals in one house: a door for each, agents of all kinds that give their sessions the same names, work in the same
//! directory and begin with the same words, tokens that die, are refreshed, and are sent again when dead. Whatever reaches a
//! provider carries the token and the words of one and the same.
//!
//! `STILLROOM_TENANT_REQUESTS` says how many requests clients make in all, in worlds of at most 20,000 each, so
//! that memory stays at 60 MB however many there are. 20,000 take half a minute in a debug build, 13 seconds in a release build.

#![expect(clippy::expect_used, clippy::panic, reason = "a scenario that goes wrong fails")]
#![expect(clippy::print_stdout, reason = "how much was compared belongs to the result")]

mod client;

use actor::Cause;
use client::{Client, Logins};
use domain::ids::Principal;
use domain::provider::Provider as Vendor;
use domain::purpose::Purpose;
use domain::settings::{GlobalFallback, Settings};
use domain::warming::WarmingMode;
use futures_util::future::join_all;
use machines::cache_warmer::WarmerMessage;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use simulator::agent::{Agent, Kind};
use simulator::ownership::{Crossing, Register, mark, marked_in};
use simulator::provider::Pace;
use simulator::world::{self, World};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use store::{MOST_HITS, Store, StoreError};
use workers::Spoken;

const PRINCIPALS: usize = 12;
/// Sessions that each principal has at once: two of each kind of agent.
const SESSIONS: usize = 2 * Kind::ALL.len();
const REQUESTS_IN_A_WORLD: u32 = 20_000;
/// So often somebody looks which caches are to be kept.
const STEPS_TO_A_LOOK: u32 = 32;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What was seen at the providers.
#[derive(Debug, Default)]
struct Seen {
    background: BTreeMap<&'static str, u32>,
    marked: u32,
    refused: u32,
    by_owner: BTreeMap<Principal, u32>,
    crossings: Vec<(Purpose, Crossing)>,
}

impl Seen {
    /// Looks at what the providers received meanwhile; none of it is kept.
    fn look(&mut self, world: &World, register: &Register) {
        for call in world.provider.take_received() {
            let finding = register.examine(&call);
            self.crossings.extend(finding.crossings.into_iter().map(|crossing| (call.purpose, crossing)));
            if call.purpose != Purpose::Client {
                *self.background.entry(call.purpose.as_str()).or_default() += 1;
                self.marked += u32::from(finding.is_marked);
                self.refused += u32::from(call.status == 401);
                finding.owner.into_iter().for_each(|owner| *self.by_owner.entry(owner).or_default() += 1);
            }
        }
    }

    fn background(&self) -> u32 {
        self.background.values().sum()
    }
}

/// A world with many principals.
struct Town {
    world: World,
    register: Rc<RefCell<Register>>,
    clients: Vec<Client>,
    seen: Seen,
    chance: StdRng,
}

impl Town {
    async fn settle(world: World, seed: u64) -> Self {
        world.provider.speak(Pace { first: Duration::from_millis(400), between: Duration::ZERO });
        let register = Rc::default();
        let (mut clients, mut chance) = (Vec::new(), StdRng::seed_from_u64(seed));
        for (at, principal) in principals().enumerate() {
            let door = Rc::new(world.door_of(principal.clone()).await.expect("a door"));
            let logins = Rc::new(RefCell::new(Logins::of(principal, &register, &world, &mut chance)));
            clients.extend((0..SESSIONS).map(|number| {
                // Who bears a name is another kind of agent with each principal.
                let kind = Kind::ALL[(number + at) % Kind::ALL.len()];
                Client::new(number, kind, &logins, &door, chance.random())
            }));
        }
        Self { world, register, clients, seen: Seen::default(), chance }
    }

    fn requests(&self) -> u32 {
        self.clients.iter().map(|client| client.requests).sum()
    }

    /// Everybody wants their latest caches kept: for conversations as short as these a warm-up hardly ever pays.
    async fn keep_caches(&self) {
        let sessions = self.world.sessions().await.expect("store");
        for session in sessions.into_iter().take(PRINCIPALS * SESSIONS) {
            let kept = WarmerMessage::ModeSet(session.id, WarmingMode::Keep);
            self.world.house.warmer.tell(Spoken(kept), Cause::origin("Test")).expect("taken");
        }
    }

    /// A few speak at once, then time passes: mostly seconds, sometimes so long that sessions are idle.
    async fn live(&mut self, requests: u32) {
        for step in 0_u32.. {
            if self.requests() >= requests {
                break;
            }
            if step % STEPS_TO_A_LOOK == 0 {
                self.keep_caches().await;
            }
            self.clients.shuffle(&mut self.chance);
            let at_once = self.chance.random_range(1..=4);
            let speaking = self.clients.iter_mut().take(at_once).map(|client| client.speak(&self.world));
            join_all(speaking).await;
            let idle = if self.chance.random_bool(0.05) { 120..1200 } else { 0..20 };
            self.world.pass(Duration::from_secs(self.chance.random_range(idle))).await;
            self.seen.look(&self.world, &self.register.borrow());
        }
        self.world.pass(HOUR).await;
        self.seen.look(&self.world, &self.register.borrow());
    }
}

fn principals() -> impl Iterator<Item = Principal> {
    (0..PRINCIPALS).map(|number| Principal::from(format!("tenant-{number}")))
}

/// The most that settings allow to stand in for one another: nothing but whose they are keeps tokens apart.
fn settings() -> Settings {
    let mut settings = Settings::with_data_dir("unused".into());
    settings.worker.global_fallback = GlobalFallback::Any;
    settings
}

fn requests_in_all() -> u32 {
    let wanted = std::env::var("STILLROOM_TENANT_REQUESTS").ok();
    wanted.map_or(REQUESTS_IN_A_WORLD, |wanted| wanted.parse().expect("a number of requests"))
}

#[test]
fn what_is_one_principals_never_meets_what_is_anothers() {
    let in_all = requests_in_all();
    let worlds = in_all.div_ceil(REQUESTS_IN_A_WORLD);
    for seed in 1..=worlds {
        let requests = in_all / worlds;
        world::run(seed.into(), settings(), async |world| {
            let mut town = Town::settle(world, seed.into()).await;
            town.live(requests).await;
            report(&town, seed);
            assert_eq!(town.seen.crossings, []);
            assert_busy(&town, requests);
            for principal in principals() {
                assert_keeps_to_itself(&town, &principal).await;
            }
        })
        .expect("a world");
    }
}

fn report(town: &Town, seed: u32) {
    let refused: u32 = town.clients.iter().map(|client| client.refused).sum();
    println!(
        "seed {seed}: {} requests of {PRINCIPALS} principals, {refused} refused, {} tokens; {} background calls {:?}, {} with marked \
         words, {} refused; {} crossings",
        town.requests(),
        town.register.borrow().issued(),
        town.seen.background(),
        town.seen.background,
        town.seen.marked,
        town.seen.refused,
        town.seen.crossings.len(),
    );
}

/// Nothing crosses where nothing happens.
fn assert_busy(town: &Town, requests: u32) {
    let Seen { background, marked, by_owner, .. } = &town.seen;
    assert!(*marked >= requests / 4, "{marked} background calls with marked words");
    for purpose in [Purpose::Distill, Purpose::Curate, Purpose::Warm] {
        assert!(
            background.get(purpose.as_str()).is_some_and(|calls| *calls >= requests / 1000),
            "{purpose:?}"
        );
    }
    assert!(by_owner.len() == PRINCIPALS, "{by_owner:?}");
    assert!(by_owner.values().all(|calls| *calls >= requests / 100), "{by_owner:?}");
    let refused: u32 = town.clients.iter().map(|client| client.refused).sum();
    assert!(refused >= requests / 100, "{refused} requests met a dead token");
}

/// A principal's sessions hold all of its turns, and nothing that can be found as its own is another's.
async fn assert_keeps_to_itself(town: &Town, principal: &Principal) {
    let own = principal.clone();
    let read = move |store: &mut dyn Store| Ok((store.sessions(Some(&own))?, texts_of(&own, store)?));
    let (sessions, texts) = town.world.house.desk.read(read).await.expect("store");
    let found: BTreeSet<Principal> = texts.iter().flat_map(|text| marked_in(text)).collect();
    assert_eq!(found, [principal.clone()].into());
    let turns: u32 = sessions.iter().map(|session| session.turns).sum();
    let clients = town.clients.iter().filter(|client| client.owner == *principal);
    let (answered, conversations) =
        clients.fold((0, 0), |sum, client| (sum.0 + client.answered, sum.1 + client.conversations));
    let said = (answered, conversations as usize);
    assert_eq!((turns, sessions.len()), said, "{principal}: each conversation in a session of its own");
}

/// Everything that the store tells a principal.
fn texts_of(principal: &Principal, store: &mut dyn Store) -> Result<Vec<String>, StoreError> {
    let found = store.recall(Some(principal), "words sluice", MOST_HITS)?;
    let mut texts: Vec<String> = found.into_iter().map(|hit| hit.text).collect();
    for project in [Some("/home/user/project".into()), None] {
        let known = store.project_knowledge(principal, project.as_ref())?;
        assert!(!known.is_empty(), "{principal} knows something of {project:?}");
        texts.extend(known.into_iter().map(|entry| entry.content));
    }
    for session in store.sessions(Some(principal))? {
        let entries = store.curation_material(&session.id)?.entries;
        texts.extend(entries.into_iter().map(|entry| entry.content));
        texts.extend(store.messages(&session.id)?.into_iter().map(|message| message.text));
        texts.extend(store.observations(&session.id)?.into_iter().map(|observed| observed.text));
    }
    Ok(texts)
}

/// What is found crossed in background calls after `kind` of agent has come in by Ann's door, with a token of this owner's for
/// this vendor, and has said this principal's words.
fn planted(kind: Kind, (owner, vendor): (&Principal, Vendor), words: &Principal) -> Vec<Crossing> {
    let token = "sk-ant-api03-planted";
    world::run(1, settings(), async |world| {
        let mut register = Register::default();
        register.issue(token, owner, vendor);
        world.provider.accept(token);
        let door = world.door_of(Principal::from("ann")).await.expect("a door");
        let mut agent = Agent::new(kind, "a-session-of-anns", token);
        for turn in 1..=3 {
            let line = format!("{} decided that sluice {turn} stays shut.", mark(words));
            assert_eq!(door.say(&mut agent, &line).await.status, 200);
        }
        world.pass(5 * MINUTE).await;
        let mut seen = Seen::default();
        seen.look(&world, &register);
        assert!(seen.marked >= 2, "{seen:?}");
        let background = seen.crossings.into_iter().filter(|(purpose, _)| *purpose != Purpose::Client);
        background.map(|(_, crossing)| crossing).collect()
    })
    .expect("a world")
}

#[test]
fn a_planted_crossing_is_found() {
    let (claude, codex) = (Kind::ClaudeCode, Kind::Codex);
    let [ann, bob] = &["ann", "bob"].map(Principal::from);
    assert_eq!(planted(claude, (ann, Vendor::Anthropic), ann), [], "nothing is planted");
    let found = |kind, token, words, crossing| {
        let crossings = planted(kind, token, words);
        assert!(crossings.len() >= 2 && crossings.iter().all(|it| *it == crossing), "{crossings:?}");
    };
    let mixed =
        |token: &Principal, words: &Principal| Crossing::Words { token: token.clone(), words: words.clone() };
    found(claude, (ann, Vendor::Anthropic), bob, mixed(ann, bob));
    found(claude, (bob, Vendor::Anthropic), ann, mixed(bob, ann));
    let host = world::host_of(Vendor::OpenAi).to_owned();
    found(codex, (ann, Vendor::Anthropic), ann, Crossing::Upstream { token: ann.clone(), host });
}
