//! Which session a request belongs to, so that one conversation is remembered as one.
//!
//! Agents that name their sessions are believed ([`mod@name`]). The others are recognised by what they say: each request holds
//! the conversation so far, so a session goes on where its last answer left off ([`registry`]). Besides turns, agents send
//! requests that are no part of any conversation: titles, probes, compactions ([`kind`]). However a session was found, its id
//! is its principal's own ([`id`]).

pub(crate) mod kind;
pub(crate) mod registry;

mod history;
mod id;
mod name;
mod point;
mod seats;
mod signs;

#[cfg(test)]
mod agents_tests;

pub(crate) use kind::Kind;
pub(crate) use registry::{Claim, Registry};

use domain::conversation::Asked;
use domain::ids::{Principal, SessionId};
use domain::time::UnixMillis;
use history::History;
pub(crate) use id::session_id;
use name::Name;
pub(crate) use name::{is_named, name};
pub(crate) use signs::Signs;
use workers::Speaker;

/// What is known of the speaker of one request.
#[derive(Debug)]
pub(crate) struct Identified {
    /// The session; none for a side request that names none.
    pub(crate) session: Option<SessionId>,
    /// The session's name in the client's own words.
    pub(crate) identity: Option<String>,
    /// Who spoke.
    pub(crate) speaker: Speaker,
    /// Whether it is a turn.
    pub(crate) kind: Kind,
    /// The place in a conversation, where that is what named the session.
    pub(crate) claim: Option<Claim>,
}

/// Identifies a request by its signs and by what it says, if that could be read.
pub(crate) fn identify(
    registry: &Registry,
    principal: &Principal,
    signs: &Signs,
    asked: Option<&Asked>,
    now: UnixMillis,
) -> Identified {
    let kind = kind::kind(signs, asked);
    let named = |name: Name| Identified {
        session: Some(session_id(principal, &name.words)),
        identity: Some(name.words),
        speaker: name.speaker,
        kind,
        claim: None,
    };
    name(signs, asked).map(named).unwrap_or_else(|| {
        let turn = asked.filter(|_| kind == Kind::Turn);
        let claim = turn.map(|asked| registry.claim(principal, &History::of(asked), now));
        let session = claim.as_ref().map(|claim| claim.session().clone());
        Identified { session, identity: None, speaker: Speaker::Main, kind, claim }
    })
}
