//! Looking into the house, for scenarios that check and for the demo that shows.

use super::World;
use actor::Cause;
use domain::ids::SessionId;
use domain::intake::{self, Intake};
use domain::knowledge::{KnowledgeEntry, Observation};
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::credential::{CredentialMessage, CredentialReply, SlotView};
use std::time::Duration;
use store::{Hit, Period, Recorded, SessionSummary, StoreError};
use workers::Spoken;

/// How long an actor may take to answer: it has nothing to wait for.
const PATIENCE: Duration = Duration::from_secs(5);

impl World {
    /// All sessions; the one used last first.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn sessions(&self) -> Result<Vec<SessionSummary>, StoreError> {
        self.house.desk.read(|store| store.sessions(None)).await
    }

    /// What was distilled from a session, oldest first.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn observations(&self, session: &str) -> Result<Vec<Observation>, StoreError> {
        let session = SessionId::from(session);
        self.house.desk.read(move |store| store.observations(&session)).await
    }

    /// How a session stands.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn standing(&self, session: &str) -> Result<Recorded, StoreError> {
        let session = SessionId::from(session);
        self.house.desk.read(move |store| store.standing(&session)).await
    }

    /// All that was curated.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn knowledge(&self) -> Result<Vec<KnowledgeEntry>, StoreError> {
        self.house.desk.read(|store| store.knowledge(None)).await
    }

    /// What is found for some words, the best first.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn recall(&self, words: &str) -> Result<Vec<Hit>, StoreError> {
        self.house.recall((None, None), Period::default(), words.to_owned(), 10).await
    }

    /// Background calls that reached the provider while no lease for their token was out: there must be none (R8).
    #[must_use]
    pub fn unleased_calls(&self) -> Vec<String> {
        let received = self.provider.received();
        let background = received.iter().filter(|call| call.purpose != Purpose::Client);
        let unleased = background.filter(|call| {
            let headers = call.exchange.headers.iter();
            let lower: Vec<_> = headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
            let pairs = lower.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            match intake::read(pairs, &self.parts.fingerprinter) {
                Intake::Captured(credential) => {
                    !self.conformance.was_leased(credential.fingerprint, Moment::from(call.at))
                }
                Intake::Nothing | Intake::Left(_) => true,
            }
        });
        unleased.map(|call| format!("{} at {:?}: {:?}", call.purpose, call.at, call.exchange)).collect()
    }

    /// The credentials' slots; none when the CredentialActor does not answer.
    pub async fn slots(&self) -> Vec<SlotView> {
        let question = Spoken(CredentialMessage::ListSlots);
        match self.house.credentials.ask(question, Cause::origin("World"), PATIENCE).await {
            Ok(CredentialReply::Slots(slots)) => slots,
            _ => Vec::new(),
        }
    }
}
