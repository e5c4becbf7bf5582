//! A run in words, for people who read how a rule was broken.

use crate::state::{Mail, State};
use crate::step::Action;
use crate::world::World;

impl World {
    /// What happens in this step from `state`.
    #[must_use]
    pub fn describe(&self, state: &State, action: Action) -> String {
        match action {
            Action::Request(session, token) => format!("{}'s client sends token {token}", self.name(session)),
            Action::Answer(call) => {
                let accepted = state.is_alive(state.calls[call].token);
                format!(
                    "the provider {} {}",
                    if accepted { "accepts" } else { "refuses" },
                    self.call(state, call)
                )
            }
            Action::FalseAlarm(call) => format!("the provider wrongly refuses {}", self.call(state, call)),
            Action::Deliver(mail) => format!("CredentialActor hears {}", self.mail(state, mail)),
            Action::Repeat(mail) => {
                format!("CredentialActor hears {}, and will again", self.mail(state, mail))
            }
            Action::Sweep(session) => format!("the worker's sweep comes to {}", self.name(session)),
            Action::Hint => "the newest hint arrives".to_owned(),
            Action::Revoke(token) => format!("token {token} dies"),
            Action::Wait => "time passes until something is due".to_owned(),
            Action::Crash => "CredentialActor dies and is rebuilt".to_owned(),
            Action::CrashWorker => "the worker dies and is rebuilt".to_owned(),
            Action::Evict(session) => format!("{} leaves memory", self.name(session)),
        }
    }

    fn name(&self, session: usize) -> &str {
        self.sessions[session].slot.session.as_str()
    }

    fn call(&self, state: &State, number: usize) -> String {
        let call = &state.calls[number];
        let whose = if call.lease.is_some() { "the worker's call for" } else { "the client's call of" };
        format!("{whose} {}, with token {}", self.name(call.session), call.token)
    }

    fn mail(&self, state: &State, number: usize) -> String {
        match &state.mail[number] {
            Mail::Fact { session, evidence } => {
                format!("that {}'s client was answered {}", self.name(*session), evidence.status)
            }
            Mail::Report { brief, .. } => format!("the worker's report for {}", brief.session),
        }
    }
}
