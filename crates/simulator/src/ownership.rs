//! Whose tokens and whose words: a register of both, and what a look at the calls that reached a provider finds crossed.

use crate::provider::Received;
use crate::world::host_of;
use domain::ids::Principal;
use domain::provider::{Dialect, Provider as Vendor};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// What stands before a principal's name in a mark, and what stands after it. There is no blank, so that no summary parts it.
const MARK: (&str, char) = ("words-of=", '=');

/// What `principal` alone says: it goes into every text that is to be told from others'.
#[must_use]
pub fn mark(principal: &Principal) -> String {
    format!("{}{principal}{}", MARK.0, MARK.1)
}

/// Whose marks `text` bears. A mark that was cut is nobody's.
#[must_use]
pub fn marked_in(text: &str) -> BTreeSet<Principal> {
    text.split(MARK.0).skip(1).filter_map(|rest| Some(rest.split_once(MARK.1)?.0.into())).collect()
}

/// A call that mixes what belongs to two.
#[derive(Clone, PartialEq, Eq)]
pub enum Crossing {
    /// It carried no token that was ever issued.
    NobodysToken,
    /// It carried one principal's token and another's words.
    Words {
        /// Whose token.
        token: Principal,
        /// Whose words.
        words: Principal,
    },
    /// It carried a token to another provider than the one it was issued for.
    Upstream {
        /// Whose token.
        token: Principal,
        /// Where it went.
        host: String,
    },
}

impl fmt::Debug for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodysToken => write!(f, "a token that nobody owns"),
            Self::Words { token, words } => write!(f, "{token}'s token with {words}'s words"),
            Self::Upstream { token, host } => write!(f, "{token}'s token at {host}"),
        }
    }
}

/// What one call shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whose token it carried.
    pub owner: Option<Principal>,
    /// Whether it carried words that have an owner.
    pub is_marked: bool,
    /// What it mixes.
    pub crossings: Vec<Crossing>,
}

/// Which token is whose, and for which provider.
#[derive(Debug, Default)]
pub struct Register {
    tokens: HashMap<String, (Principal, Vendor)>,
}

impl Register {
    /// From now on `token` is `owner`'s at `vendor`.
    pub fn issue(&mut self, token: &str, owner: &Principal, vendor: Vendor) {
        self.tokens.insert(token.to_owned(), (owner.clone(), vendor));
    }

    /// How many tokens were issued.
    #[must_use]
    pub fn issued(&self) -> usize {
        self.tokens.len()
    }

    /// What `call` shows of who owns what it carried.
    #[must_use]
    pub fn examine(&self, call: &Received) -> Finding {
        let words = marked_in(&String::from_utf8_lossy(&call.exchange.body));
        let is_marked = !words.is_empty();
        let Some((owner, vendor)) = call.exchange.token().and_then(|token| self.tokens.get(token)) else {
            return Finding { owner: None, is_marked, crossings: vec![Crossing::NobodysToken] };
        };
        let strangers = words.into_iter().filter(|words| words != owner);
        let mut crossings: Vec<_> =
            strangers.map(|words| Crossing::Words { token: owner.clone(), words }).collect();
        if !went_to(call, *vendor) {
            let host = call.exchange.header("host").unwrap_or_default().to_owned();
            crossings.push(Crossing::Upstream { token: owner.clone(), host });
        }
        Finding { owner: Some(owner.clone()), is_marked, crossings }
    }
}

/// Whether both the host and the path are `vendor`'s.
fn went_to(call: &Received, vendor: Vendor) -> bool {
    let path = Dialect::of_path(call.exchange.path());
    call.exchange.header("host") == Some(host_of(vendor))
        && path.is_none_or(|dialect| dialect.provider() == vendor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Exchange;
    use domain::conversation::Usage;
    use domain::purpose::Purpose;
    use std::time::Duration;

    fn call(token: &str, host: &str, target: &str, words: &str) -> Received {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![header("host", host), header("authorization", &format!("Bearer {token}"))];
        let (method, target) = ("POST".to_owned(), target.to_owned());
        let exchange = Exchange { method, target, headers, body: words.to_owned().into() };
        Received {
            at: Duration::ZERO,
            exchange,
            status: 200,
            usage: Usage::default(),
            purpose: Purpose::Distill,
        }
    }

    fn ann() -> Principal {
        Principal::from("ann")
    }

    fn bob() -> Principal {
        Principal::from("bob")
    }

    fn crossings(token: &str, host: &str, target: &str, words: &str) -> Vec<Crossing> {
        let mut register = Register::default();
        register.issue("anns", &ann(), Vendor::Anthropic);
        register.issue("bobs", &bob(), Vendor::OpenAi);
        register.examine(&call(token, host, target, words)).crossings
    }

    #[test]
    fn what_is_ones_own_crosses_nothing() {
        let bobs = format!("{0}, {0}.", mark(&bob()));
        assert_eq!(crossings("anns", "anthropic.simulated", "/v1/messages", &mark(&ann())), []);
        assert_eq!(crossings("bobs", "openai.simulated", "/v1/responses", &bobs), []);
        assert_eq!(crossings("anns", "anthropic.simulated", "/v1/messages?beta=true", "unmarked"), []);
    }

    #[test]
    fn each_kind_of_crossing_is_found() {
        let (anns, bobs) = (mark(&ann()), mark(&bob()));
        let mixed = format!("{anns} and {bobs}");
        let words = Crossing::Words { token: ann(), words: bob() };
        assert_eq!(crossings("anns", "anthropic.simulated", "/v1/messages", &mixed), [words]);
        let upstream = |host: &str| Crossing::Upstream { token: ann(), host: host.to_owned() };
        for (host, target) in [("openai.simulated", "/v1/messages"), ("anthropic.simulated", "/v1/responses")]
        {
            assert_eq!(crossings("anns", host, target, &anns), [upstream(host)], "{host}{target}");
        }
        assert_eq!(crossings("forged", "openai.simulated", "/v1/responses", &bobs), [Crossing::NobodysToken]);
    }

    #[test]
    fn a_mark_survives_in_any_text_and_a_cut_one_is_nobodys() {
        let text = format!("<b>\"{}\"\\n{}x", mark(&ann()), mark(&bob()));
        assert_eq!(marked_in(&text), [ann(), bob()].into());
        assert_eq!(marked_in(&text[..text.len() - 2]), [ann()].into());
        assert_eq!(marked_in("words-of="), BTreeSet::new());
    }
}
