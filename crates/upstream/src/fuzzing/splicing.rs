//! A request that is changed changes where it should, and nowhere else.

use super::dialect;
use crate::amendment::Amendment;
use crate::dialect::json::{Text, compact};
use crate::warmup::warmup;
use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Any body is turned down for a warm-up, amended as a refusal behind a zero byte asks, and written without blanks; whatever
/// that does, the rest of it stays.
pub fn splicing(input: &[u8]) {
    turned_down(input);
    if let Ok(text) = std::str::from_utf8(input) {
        without_blanks(text);
    }
    let mut halves = input.splitn(2, |byte| *byte == 0);
    if let (Some(request), Some(refusal)) = (halves.next(), halves.next()) {
        (0..3).for_each(|at| amended(at, request, refusal));
    }
}

fn turned_down(body: &[u8]) {
    let before = members(body);
    let Ok(warm) = warmup(body) else {
        let complete = |members: &[Member<'_>]| has_each_key_once(members) && has(members, "max_tokens");
        assert!(!before.is_some_and(|members| complete(&members)), "nothing was wrong with it");
        return;
    };
    let before = before.expect("only an object is turned down");
    let after = members(&warm).expect("an object is still one");
    assert_eq!(apart_from(&TURNED, &after), apart_from(&TURNED, &before));
    assert!(
        value(&after, "max_tokens").is_some_and(|limit| limit.parse::<u64>().is_ok_and(|limit| limit > 0))
    );
    assert_eq!(value(&after, "stream"), has(&before, "stream").then_some("false"));
}

/// The members that a warm-up may change.
const TURNED: [&str; 2] = ["max_tokens", "stream"];

fn apart_from<'b>(keys: &[&str], members: &[Member<'b>]) -> Vec<(String, &'b str)> {
    let kept = members.iter().filter(|(key, _)| !keys.contains(&&**key));
    kept.map(|(key, value)| (key.to_string(), value.get())).collect()
}

fn amended(at: u8, request: &[u8], refusal: &[u8]) {
    let Some(change) = Amendment::asked_for(dialect(at), request, refusal) else { return };
    let map = |body: &[u8]| -> BTreeMap<String, String> {
        let map: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).expect("an object");
        map.into_iter().map(|(key, value)| (key, value.get().to_owned())).collect()
    };
    let (before, after) = (map(request), map(&change.applied(&Bytes::copy_from_slice(request))));
    let lacks = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<(String, String)> {
        one.iter()
            .filter(|(key, value)| other.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let (gone, new) = (lacks(&before, &after), lacks(&after, &before));
    assert_eq!(gone.len(), 1, "one parameter goes: {gone:?}");
    assert!(
        new.len() <= 1 && new.iter().all(|(_, value)| *value == gone[0].1),
        "or gets another name: {new:?}"
    );
    assert!(["model", "messages", "input", "system", "instructions"].iter().all(|key| *key != gone[0].0));
}

fn without_blanks(text: &str) {
    let tight = compact(text);
    assert_eq!(compact(&tight), tight, "nothing is left to take out");
    match serde_json::from_str::<Value>(text) {
        Ok(value) => assert_eq!(serde_json::from_str::<Value>(&tight).ok(), Some(value)),
        Err(_) => assert!(tight.len() <= text.len()),
    }
}

type Member<'b> = (Text<'b>, &'b RawValue);

/// The members of an object as they stand, in order and repeats included.
struct Members<'b>(Vec<Member<'b>>);

fn members(body: &[u8]) -> Option<Vec<Member<'_>>> {
    // Keys are read as forgivingly as ours are, so what is no JSON has to be told beforehand.
    serde_json::from_slice::<&RawValue>(body).ok()?;
    serde_json::from_slice(body).ok().map(|members: Members<'_>| members.0)
}

fn value<'b>(members: &[Member<'b>], wanted: &str) -> Option<&'b str> {
    members.iter().find(|(key, _)| &**key == wanted).map(|(_, value)| value.get())
}

fn has(members: &[Member<'_>], wanted: &str) -> bool {
    value(members, wanted).is_some()
}

fn has_each_key_once(members: &[Member<'_>]) -> bool {
    (0..members.len()).all(|at| members[..at].iter().all(|(key, _)| **key != *members[at].0))
}

impl<'de: 'b, 'b> Deserialize<'de> for Members<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        std::iter::from_fn(|| map.next_entry().transpose()).collect()
    }
}
