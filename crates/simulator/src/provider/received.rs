//! What the provider was asked and how it answered: the log that tests count in.

use super::exchange::Exchange;
use domain::conversation::Usage;
use domain::purpose::Purpose;
use serde_json::{Value, json};
use std::time::Duration;

/// One request that reached the provider.
#[derive(Debug, Clone)]
pub struct Received {
    /// When, on the clock of whoever asked.
    pub at: Duration,
    /// The request itself.
    pub exchange: Exchange,
    /// The status it was answered with.
    pub status: u16,
    /// What was counted and charged for it; nothing where nothing was said.
    pub usage: Usage,
    /// What it was sent for, guessed from the request alone. Nothing in a request says so.
    pub purpose: Purpose,
}

impl Received {
    /// Whether it was sent with this token.
    #[must_use]
    pub fn is_with(&self, token: &str) -> bool {
        self.exchange.token() == Some(token)
    }

    /// Whether its token was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.status, 401..=403)
    }

    /// As the control endpoint shows it, token and body included: everything here is simulated.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "at_ms": u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX),
            "method": self.exchange.method,
            "target": self.exchange.target,
            "token": self.exchange.token(),
            "headers": self.exchange.headers,
            "body": String::from_utf8_lossy(&self.exchange.body),
            "status": self.status,
            "purpose": self.purpose.as_str(),
        })
    }
}
