//! What the machines' tests speak of, in one place.

use crate::job::Brief;
use domain::ids::Principal;
use domain::provider::{Dialect, Provider, UpstreamKey};

/// The one upstream of the tests.
pub(crate) fn upstream() -> UpstreamKey {
    UpstreamKey::new(Provider::Anthropic, "http://h")
}

/// A brief for this session.
pub(crate) fn brief(session: &str) -> Brief {
    Brief {
        principal: Principal::local(),
        session: session.into(),
        upstream: upstream(),
        dialect: Dialect::AnthropicMessages,
        model: "claude-sonnet-4-5".into(),
        patient: false,
        project: None,
    }
}

/// So many cases of a property: 500, or what `PROPTEST_CASES` asks for beyond that.
pub(crate) fn many() -> proptest::test_runner::Config {
    let asked = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases: asked.cases.max(500), ..asked }
}
