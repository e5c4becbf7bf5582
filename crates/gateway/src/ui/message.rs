//! One message, whole as it is kept.

use super::fault::Fault;
use super::figures::{ago, counted, tokens};
use super::layout::{self, Tab};
use super::links;
use super::text::{shortened, text};
use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use actix_web::{HttpResponse, web};
use domain::ids::SessionId;
use maud::html;

/// The page.
pub(super) async fn show(
    admin: web::Data<Admin>,
    path: web::Path<(SessionId, i64)>,
) -> Result<HttpResponse, Fault> {
    let (session, id) = path.into_inner();
    let wanted = session.clone();
    let found = admin.house.desk.read(move |store| store.message(&wanted, id)).await?;
    let message =
        found.ok_or_else(|| Refusal::Unknown(format!("there is no message {id} in this session")))?;
    let body = html! {
        div.masthead {
            p.crumbs { a href="/ui" { "Now" } " / " a href=(links::session(&session)) { bdi { (text(&shortened(session.as_str(), 44))) } } }
            h1 { "Message " (id) }
            p.lead {
                (message.role.as_str()) " \u{b7} " (ago(message.at, admin.unix())) " \u{b7} about " (tokens(message.tokens)) " tokens \u{b7} "
                (counted(message.text.len() as u64, "byte", "bytes"))
            }
        }
        pre.card.words.mono dir="auto" tabindex="0" aria-label="The message's text" { (text(&message.text)) }
    };
    Ok(layout::page(&format!("Message {id}"), Tab::Now, None, &body))
}
