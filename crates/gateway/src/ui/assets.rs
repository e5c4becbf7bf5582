//! The style sheet, the script and the icon: part of the program, each under an address that changes with what it says.

use super::fault::Fault;
use crate::admin::refusal::Refusal;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// Since an address never means anything else, a browser need not ask again within a year.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_str!("assets/style.css")));
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("script", "js", "text/javascript; charset=utf-8", include_str!("assets/script.js"))
});
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

/// A file that pages load.
pub(super) struct Asset {
    name: String,
    kind: &'static str,
    body: &'static str,
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, body: &'static str) -> Self {
        let digest = Sha256::digest(body);
        let digits: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{name}-{digits}.{ending}"), kind, body }
    }

    /// Where it is.
    pub(super) fn address(&self) -> String {
        format!("/ui/assets/{}", self.name)
    }
}

/// Answers with a file.
pub(super) async fn show(name: web::Path<String>) -> Result<HttpResponse, Fault> {
    let asset = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == *name);
    let Asset { kind, body, .. } = asset
        .ok_or_else(|| Refusal::Unknown("the dashboard has no such file; load its page again".to_owned()))?;
    Ok(HttpResponse::Ok().content_type(*kind).insert_header((CACHE_CONTROL, FOR_GOOD)).body(*body))
}
