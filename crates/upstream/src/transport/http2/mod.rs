//! HTTP/2 with the providers that have it: many exchanges on one connection.
//!
//! What the transport promises over HTTP/1.1 holds here as well; awc's own HTTP/2 does not, so the `h2` crate is used
//! directly ([ADR 0010](../../../../../docs/adr/0010-http2-is-spoken-without-awc.md)).

mod exchange;
mod head;
mod line;
mod provider;

use std::{cell::RefCell, collections::HashMap, io, rc::Rc};

use self::{
    exchange::{Loss, ask},
    provider::Provider,
};
use super::{Answer, Fault, Limits, Request, body::Progress, dial::Dialer, route::Route};

/// The connections of one thread to all providers that are spoken to in HTTP/2.
pub(super) struct Http2 {
    limits: Limits,
    dialer: Dialer,
    /// By host and port. There are as many as there are upstreams in the settings.
    providers: RefCell<HashMap<String, Rc<Provider>>>,
}

impl Http2 {
    /// Without a connection yet. `dialer` offers HTTP/2 to whom it connects.
    pub(super) fn new(limits: Limits, dialer: Dialer) -> Self {
        Self { limits, dialer, providers: RefCell::default() }
    }

    /// One exchange; none when the provider has HTTP/1.1 only.
    ///
    /// A request that the provider certainly did nothing about is asked again on another connection: once, and once more for
    /// each kept connection that turns out to take none either. Who refuses on a new one refuses the request.
    pub(super) async fn exchange(
        &self,
        route: &Route,
        request: &Request,
        progress: &Progress,
    ) -> Result<Option<Answer>, Fault> {
        let provider = self.provider(route.authority());
        let mut asked_again = false;
        loop {
            let seat = provider.seat(&self.dialer, self.limits.connect, &route.uri).await?;
            let Some(seat) = seat else { return Ok(None) };
            let kept = seat.kept;
            match ask(seat, route, (request, progress), self.limits.between_bytes).await {
                Ok(answer) => return Ok(Some(answer)),
                Err(Loss::Failed(fault)) => return Err(fault),
                Err(Loss::Unheard) => provider.let_go(),
            }
            if asked_again && !kept {
                return Err(Fault::Refused(io::ErrorKind::ConnectionRefused));
            }
            asked_again = true;
        }
    }

    fn provider(&self, authority: &str) -> Rc<Provider> {
        if let Some(known) = self.providers.borrow().get(authority) {
            return Rc::clone(known);
        }
        let provider = Rc::new(Provider::new());
        self.providers.borrow_mut().insert(authority.to_owned(), Rc::clone(&provider));
        provider
    }
}
