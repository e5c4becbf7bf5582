//! Orders to a provider that runs behind a socket, as JSON: for tests in other languages, and for people.

use super::{Fault, Pace, Provider};
use serde::Deserialize;
use std::time::Duration;

/// One order: `{"accept": "TOKEN"}`, `{"expire_in": {"token": "TOKEN", "seconds": 60}}`, `{"fault": "overloaded"}`, …
/// Spans begin when the order arrives.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Accept a token.
    Accept(String),
    /// Accept a token as one of an owner's.
    AcceptAs {
        /// The token.
        token: String,
        /// Whose it is.
        owner: String,
    },
    /// Accept every token that nothing bad is known of, or stop doing so.
    AcceptAny(bool),
    /// Let a token expire.
    ExpireIn {
        /// The token.
        token: String,
        /// From now; 0 is at once.
        seconds: f64,
    },
    /// Take a token back.
    Revoke(String),
    /// Let a token do nothing.
    Forbid(String),
    /// Switch off the account behind a token.
    Block(String),
    /// Answer everybody with 401 by mistake.
    WronglyRefuseEveryoneFor {
        /// From now.
        seconds: f64,
    },
    /// Let the next request meet a fault.
    Fault(Fault),
    /// Let every request meet a fault.
    FaultFor {
        /// Which.
        fault: Fault,
        /// From now.
        seconds: f64,
    },
    /// Keep a prompt cache, or stop keeping one.
    Cache(bool),
    /// Speak at another pace.
    Pace {
        /// Milliseconds before the first byte.
        first_ms: u64,
        /// Milliseconds after each event.
        between_ms: u64,
    },
    /// Forget what was received.
    Forget,
}

/// One order, or several that are followed in turn.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Orders {
    Many(Vec<Order>),
    One(Order),
}

/// Follows the orders in `body`, which arrived at `now`: all of them, or none when one cannot be read.
///
/// # Errors
/// What is wrong with the orders, for whoever gave them.
pub fn follow(provider: &Provider, body: &[u8], now: Duration) -> Result<(), String> {
    let orders = match serde_json::from_slice(body) {
        Ok(Orders::Many(orders)) => orders,
        Ok(Orders::One(order)) => vec![order],
        // The error of the untagged form says nothing, the one of a single order does.
        Err(_) => vec![serde_json::from_slice(body).map_err(|error| error.to_string())?],
    };
    orders.into_iter().for_each(|order| obey(provider, order, now));
    Ok(())
}

fn obey(provider: &Provider, order: Order, now: Duration) {
    match order {
        Order::Accept(token) => provider.accept(&token),
        Order::AcceptAs { token, owner } => provider.accept_as(&token, &owner),
        Order::AcceptAny(any) => provider.accept_any(any),
        Order::ExpireIn { token, seconds } => provider.expire_at(&token, after(now, seconds)),
        Order::Revoke(token) => provider.revoke(&token),
        Order::Forbid(token) => provider.forbid(&token),
        Order::Block(token) => provider.block(&token),
        Order::WronglyRefuseEveryoneFor { seconds } => {
            provider.wrongly_refuse_everyone(now, after(now, seconds));
        }
        Order::Fault(fault) => provider.next(fault),
        Order::FaultFor { fault, seconds } => provider.between(now, after(now, seconds), fault),
        Order::Cache(keep) => provider.keep_cache(keep),
        Order::Pace { first_ms, between_ms } => provider.speak(Pace {
            first: Duration::from_millis(first_ms),
            between: Duration::from_millis(between_ms),
        }),
        Order::Forget => provider.forget_received(),
    }
}

/// A span that is negative, not a number or too long counts as none, none and for ever.
fn after(now: Duration, seconds: f64) -> Duration {
    let span = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    now.saturating_add(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_followed_all_or_none() {
        let provider = Provider::new(0);
        let now = Duration::from_secs(10);
        assert_eq!(follow(&provider, br#"{"accept": "t"}"#, now), Ok(()));
        let some_bad = br#"[{"revoke": "t"}, {"dance": true}]"#;
        assert!(follow(&provider, some_bad, now).is_err());
        assert!(
            provider.state().tokens.check(Some("t"), now).is_ok(),
            "the good half of bad orders was not followed"
        );
        let good = br#"[{"expire_in": {"token": "t", "seconds": 1.5}}, {"fault": {"rate_limited": {"retry_after": 2}}},
                        {"fault": "overloaded"}, {"fault": {"error_event_in_stream": "expired"}}, "forget"]"#;
        assert_eq!(follow(&provider, good, now), Ok(()));
        let mut state = provider.state();
        assert!(state.tokens.check(Some("t"), Duration::from_millis(11_499)).is_ok());
        assert!(state.tokens.check(Some("t"), Duration::from_millis(11_500)).is_err());
        assert_eq!(state.script.take(now), Some(Fault::RateLimited { retry_after: Some(2) }));
    }

    #[test]
    fn an_unknown_order_is_named() {
        let error = follow(&Provider::new(0), br#"{"dance": true}"#, Duration::ZERO).unwrap_err();
        assert!(error.contains("dance") && error.contains("expire_in"), "{error}");
    }
}
