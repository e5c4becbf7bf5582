//! Knowledge that is added to a client's request on its way.
//!
//! Only turns of sessions whose project has some are touched, and only where that can be done without a doubt: a body that is
//! compressed, cannot be read, or is signed goes on as it came. Everything is looked up in memory. While nothing is known of any
//! project, a request pays for reading one flag; a session that gets nothing, and says in its headers which it is, for a look
//! into a map.

use crate::capture::{Glance, Sent, project};
use crate::edge::Edge;
use crate::session::{Kind, Signs, name, session_id};
use actix_web::http::header::HeaderName;
use bytes::Bytes;
use domain::provider::Dialect;
use std::sync::Arc;
use upstream::dialect::with_addition;
use upstream::transport::HeaderMap;
use workers::Standing;

/// Headers that vouch for the bytes of a body.
static SEALS: [HeaderName; 6] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("signature"),
    HeaderName::from_static("x-amz-content-sha256"),
];

/// A request that is ready to go.
pub(crate) struct Prepared {
    /// What goes to the provider.
    pub(crate) body: Bytes,
    /// What was read of the request, if that was needed. Seldom, so that the others should not have room for it.
    pub(crate) glance: Option<Box<Glance>>,
}

/// What goes to the provider for a request with these headers. What was added is noted in `sent`.
pub(crate) async fn prepared(edge: &Edge, sent: &mut Sent, headers: &HeaderMap) -> Prepared {
    let as_it_came = sent.body.clone();
    let Some(dialect) = sent.route.dialect.filter(|_| may_be_added(edge, sent, headers)) else {
        return Prepared { body: as_it_came, glance: None };
    };
    let glance = Glance::at(edge, sent).await;
    let added = added(edge, dialect, &glance, &sent.body);
    let (body, injection) = added.map_or((as_it_came, None), |(body, text)| (body, Some(text)));
    sent.injection = injection;
    Prepared { body, glance: Some(Box::new(glance)) }
}

/// Whether it is worth reading the request before it goes.
fn may_be_added(edge: &Edge, sent: &Sent, headers: &HeaderMap) -> bool {
    edge.house.notebook.holds()
        && sent.encoding.as_deref().is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"))
        && !SEALS.iter().any(|seal| headers.contains_key(seal))
        && !gets_nothing(edge, &sent.signs)
}

/// Whether the headers name a session of which it is known that it gets nothing.
fn gets_nothing(edge: &Edge, signs: &Signs) -> bool {
    let session = name(signs, None).map(|name| session_id(&edge.principal, &name.words));
    session.is_some_and(|session| edge.house.notebook.standing(&session) == Standing::Decided(None))
}

fn added(edge: &Edge, dialect: Dialect, glance: &Glance, body: &[u8]) -> Option<(Bytes, Arc<str>)> {
    let asked = glance.asked.as_ref().filter(|_| glance.who.kind == Kind::Turn)?;
    let session = glance.who.session.as_ref()?;
    let project = asked.directory.as_deref().map(|stated| project(edge, stated));
    let whose = (&edge.principal, project.as_ref());
    let text = edge.house.notebook.of_turn(session, whose, &asked.model, edge.today())?;
    with_addition(dialect, body, &text).map(|body| (body, text))
}
