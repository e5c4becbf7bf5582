//! What the store says is left to do.

use crate::Upstreams;
use machines::idle_scheduler::{Backlog, LeftWork};
use machines::job::Brief;
use store::Desk;

/// Every session with something left to do, the one used last first. None where the store cannot say: it is asked again.
pub(crate) async fn left_work(desk: &Desk, upstreams: &Upstreams) -> Vec<LeftWork> {
    match desk.read(|store| store.backlog()).await {
        Ok(left) => left.into_iter().map(|work| of_session(work, upstreams)).collect(),
        Err(error) => {
            tracing::warn!(%error, "the store could not say which sessions have work left; it is asked again in an hour");
            Vec::new()
        }
    }
}

/// The scheduler decides who can wait when it hands the work out.
fn of_session(work: store::Backlog, upstreams: &Upstreams) -> LeftWork {
    let backlog = Backlog {
        pending_messages: work.pending_messages,
        pending_tokens: work.pending_tokens,
        turns_since_curation: work.turns_since_curation,
        unmerged: work.unmerged,
        entries: work.entries,
    };
    let brief = Brief {
        patient: false,
        upstream: upstreams.key(work.session.provider),
        principal: work.session.principal,
        session: work.session.id,
        dialect: work.session.dialect,
        model: work.session.model,
        project: work.session.project,
    };
    LeftWork { brief, backlog }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::provider::{Dialect, Provider, UpstreamKey};
    use domain::settings::Settings;
    use domain::time::UnixMillis;
    use store::SessionSummary;

    #[test]
    fn what_is_left_of_a_session_is_asked_for_where_its_provider_is_today() {
        let session = SessionSummary {
            id: "s".into(),
            principal: "p".into(),
            client: "c".to_owned(),
            provider: Provider::Anthropic,
            dialect: Dialect::AnthropicMessages,
            model: "m".to_owned(),
            upstream_origin: "https://api.anthropic.com".to_owned(),
            directory: None,
            project: None,
            turns: 1,
            usage: Default::default(),
            created: UnixMillis(1),
            last_activity: UnixMillis(1),
        };
        let work = store::Backlog {
            session,
            pending_messages: 1,
            pending_tokens: 1,
            turns_since_curation: 1,
            unmerged: 0,
            entries: 0,
        };
        let mut settings = Settings::with_data_dir("unused".into());
        settings.upstream.anthropic = "http://router.example:9100/anthropic".into();
        let left = of_session(work, &Upstreams::of(&settings));
        let router = UpstreamKey::new(Provider::Anthropic, "http://router.example:9100");
        assert_eq!(left.brief.upstream, router);
    }
}
