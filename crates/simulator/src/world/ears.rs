//! What the world hears of the house: alerts as they are raised, and counts.

use domain::provider::Provider;
use domain::purpose::Purpose;
use machines::credential::Alert;
use std::sync::{Arc, Mutex, PoisonError};
use workers::{Alarm, Meter};

/// Keeps every alert, and hands it on to whoever else is to hear of it.
#[derive(Default)]
pub struct Alerts {
    raised: Mutex<Vec<Alert>>,
    beside: Option<Arc<dyn Alarm>>,
}

impl Alerts {
    pub(super) fn heard_by(alarm: Arc<dyn Alarm>) -> Self {
        Self { beside: Some(alarm), ..Self::default() }
    }

    /// Every alert so far, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Alert> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Alarm for Alerts {
    fn raise(&self, alert: &Alert) {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).push(alert.clone());
        if let Some(alarm) = &self.beside {
            alarm.raise(alert);
        }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// Attempts of background work at a provider.
    pub background_calls: u32,
    /// Those that were refused with 401.
    pub refused: u32,
    /// Turns recorded.
    pub turns: u32,
    /// Turns that a full queue refused.
    pub shed: u32,
    /// What warm-ups cost, in dollars.
    pub warm_cost: f64,
    /// What warm-ups saved, in dollars.
    pub warm_saved: f64,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

impl Tally {
    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Meter for Tally {
    fn upstream_request(&self, purpose: Purpose, _provider: Provider, status: u16) {
        if purpose != Purpose::Client {
            self.count(|it| {
                it.background_calls += 1;
                it.refused += u32::from(status == 401);
            });
        }
    }

    fn auth_failure(&self, _provider: Provider, _status: u16) {}

    fn alert(&self, _kind: &'static str) {}

    fn turn_recorded(&self) {
        self.count(|it| it.turns += 1);
    }

    fn turn_shed(&self) {
        self.count(|it| it.shed += 1);
    }

    fn warm_saved(&self, usd: f64) {
        self.count(|it| it.warm_saved += usd);
    }

    fn warm_cost(&self, usd: f64) {
        self.count(|it| it.warm_cost += usd);
    }
}
