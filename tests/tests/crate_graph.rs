//! The layout is the architecture: who may use whom is law, and this test reads it off the manifests.

#![expect(clippy::expect_used, reason = "a graph that cannot be read is no graph")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each crate of ours, and which of ours it may use outside its tests.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("machines", &["domain"]),
    ("model", &["domain", "machines"]),
    ("actor", &[]),
    ("upstream", &["domain"]),
    ("store", &["domain"]),
    ("embedding", &["domain"]),
    ("workers", &["domain", "machines", "actor", "upstream", "store", "embedding"]),
    ("gateway", &["domain", "machines", "actor", "upstream", "store", "embedding", "workers"]),
    (
        "simulator",
        &["domain", "machines", "model", "actor", "upstream", "store", "embedding", "workers", "gateway"],
    ),
    (
        "stillroom",
        &["domain", "machines", "actor", "upstream", "store", "embedding", "workers", "gateway", "simulator"],
    ),
];

/// What a pure crate must not even see.
const IMPURE: [&str; 8] = ["tokio", "actix", "actix-rt", "actix-web", "awc", "tracing", "rusqlite", "rand"];

/// The regular dependencies of every crate in the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    let metadata: Value = serde_json::from_slice(&cargo.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(&package["name"]), regular(&package["dependencies"]))).collect()
}

fn regular(dependencies: &Value) -> BTreeSet<String> {
    let all = dependencies.as_array().expect("dependencies");
    all.iter().filter(|it| it["kind"].is_null()).map(|it| text(&it["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[test]
fn every_crate_uses_only_what_lies_below_it() {
    let dependencies = dependencies();
    let ours: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in MAY_USE {
        let used: Vec<&String> = dependencies[name].iter().filter(|it| ours.contains(it.as_str())).collect();
        let strays: Vec<_> = used.iter().filter(|it| !allowed.contains(&it.as_str())).collect();
        assert!(strays.is_empty(), "{name} must not use {strays:?}");
    }
}

#[test]
fn every_crate_of_the_workspace_has_its_place_in_the_graph() {
    let known: BTreeSet<String> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    let found: BTreeSet<String> = dependencies().into_keys().filter(|name| name != "stories").collect();
    assert_eq!(found, known);
}

#[test]
fn the_pure_crates_see_neither_runtime_nor_clock_nor_chance() {
    let dependencies = dependencies();
    for name in ["domain", "machines", "model"] {
        let impure: Vec<_> = IMPURE.iter().filter(|it| dependencies[name].contains(**it)).collect();
        assert!(impure.is_empty(), "{name} must not use {impure:?}");
    }
}

#[test]
fn only_the_actor_crate_sees_the_actor_library() {
    let users: Vec<String> =
        dependencies().into_iter().filter(|(_, used)| used.contains("actix")).map(|(name, _)| name).collect();
    assert_eq!(users, ["actor"]);
}
