//! Which tokens are good, whose they are, and until when.

use super::refusal::Refusal;
use std::{collections::HashMap, ops::Range, time::Duration};

/// What the provider knows of its tokens. Times are on the clock of whoever asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    known: HashMap<String, Standing>,
    accept_any: bool,
    wrongly_refusing: Vec<Range<Duration>>,
}

#[derive(Debug, Clone)]
struct Standing {
    /// Who pays: prompt caches belong to owners, not to tokens.
    owner: String,
    expires: Option<Duration>,
    /// A reason that holds whatever the time.
    refusal: Option<Refusal>,
}

impl Tokens {
    pub(super) fn accept_any(&mut self, any: bool) {
        self.accept_any = any;
    }

    /// From now on `token` is good and is `owner`'s, whatever it was before.
    pub(super) fn accept(&mut self, token: &str, owner: &str) {
        let fresh = Standing { owner: owner.to_owned(), expires: None, refusal: None };
        self.known.insert(token.to_owned(), fresh);
    }

    pub(super) fn expire_at(&mut self, token: &str, at: Duration) {
        self.standing(token).expires = Some(at);
    }

    pub(super) fn refuse(&mut self, token: &str, why: Refusal) {
        self.standing(token).refusal = Some(why);
    }

    pub(super) fn wrongly_refuse(&mut self, span: Range<Duration>) {
        self.wrongly_refusing.push(span);
    }

    /// The owner behind `token`, or why it is no good at `now`.
    pub(super) fn check(&self, token: Option<&str>, now: Duration) -> Result<String, Refusal> {
        let token = token.filter(|token| !token.is_empty()).ok_or(Refusal::Missing)?;
        if self.wrongly_refusing.iter().any(|span| span.contains(&now)) {
            return Err(Refusal::Expired);
        }
        match self.known.get(token) {
            Some(standing) => standing.at(now),
            None if self.accept_any => Ok(token.to_owned()),
            None => Err(Refusal::Unknown),
        }
    }

    fn standing(&mut self, token: &str) -> &mut Standing {
        let new = || Standing { owner: token.to_owned(), expires: None, refusal: None };
        self.known.entry(token.to_owned()).or_insert_with(new)
    }
}

impl Standing {
    fn at(&self, now: Duration) -> Result<String, Refusal> {
        match self.refusal {
            Some(why) => Err(why),
            None if self.expires.is_some_and(|at| now >= at) => Err(Refusal::Expired),
            None => Ok(self.owner.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_token_is_good_until_the_very_moment_it_expires() {
        let mut tokens = Tokens::default();
        tokens.accept("t", "alice");
        tokens.expire_at("t", HOUR);
        assert_eq!(tokens.check(Some("t"), HOUR - Duration::from_nanos(1)), Ok("alice".into()));
        assert_eq!(tokens.check(Some("t"), HOUR), Err(Refusal::Expired));
        tokens.accept("t", "alice");
        assert_eq!(tokens.check(Some("t"), HOUR * 2), Ok("alice".into()));
    }

    #[test]
    fn accepting_any_token_still_refuses_those_known_to_be_bad() {
        let mut tokens = Tokens::default();
        assert_eq!(tokens.check(Some("new"), HOUR), Err(Refusal::Unknown));
        tokens.accept_any(true);
        tokens.refuse("bad", Refusal::Revoked);
        assert_eq!(tokens.check(Some("new"), HOUR), Ok("new".into()));
        assert_eq!(tokens.check(Some("bad"), HOUR), Err(Refusal::Revoked));
        assert_eq!(tokens.check(None, HOUR), Err(Refusal::Missing));
        assert_eq!(tokens.check(Some(""), HOUR), Err(Refusal::Missing));
    }

    #[test]
    fn a_wrong_refusal_meets_good_tokens_and_ends() {
        let mut tokens = Tokens::default();
        tokens.accept("t", "alice");
        tokens.wrongly_refuse(HOUR..HOUR * 2);
        assert!(tokens.check(Some("t"), Duration::ZERO).is_ok());
        assert_eq!(tokens.check(Some("t"), HOUR), Err(Refusal::Expired));
        assert!(tokens.check(Some("t"), HOUR * 2).is_ok());
    }
}
