//! What a JSON Web Token says of its own end (RFC 7519, claim `exp`). Nothing is verified: the provider decides what a token
//! is worth, and this is only a hint (R14).

use crate::time::UnixMillis;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The longest payload that is looked into, in base64 characters.
const LONGEST_PAYLOAD: usize = 16 * 1024;

#[derive(Deserialize)]
struct Claims {
    /// Seconds since 1970; the format allows fractions.
    exp: Option<f64>,
}

/// When `token`, three parts joined by dots, says that it ends. None when it says nothing that can be read.
#[must_use]
pub fn expiry(token: &str) -> Option<UnixMillis> {
    let payload = token.split('.').nth(1).filter(|payload| payload.len() <= LONGEST_PAYLOAD)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let seconds = serde_json::from_slice::<Claims>(&payload).ok()?.exp?;
    // Beyond the year 10,000 it is no date but somebody's "never".
    (0.0..253_402_300_800.0).contains(&seconds).then_some(UnixMillis((seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_end_is_read_from_the_payload() {
        assert_eq!(
            expiry(&token(r#"{"sub":"x","exp":1767225600,"aud":["a"]}"#)),
            Some(UnixMillis(1_767_225_600_000))
        );
        assert_eq!(expiry(&token(r#"{"exp":1767225600.5}"#)), Some(UnixMillis(1_767_225_600_500)));
        assert_eq!(
            expiry(&format!("{}=.c2ln", token(r#"{"exp":1767225600}"#).trim_end_matches(".c2ln"))),
            expiry(&token(r#"{"exp":1767225600}"#))
        );
    }

    #[test]
    fn what_says_nothing_sensible_has_no_end() {
        for claims in
            [r#"{"exp":"soon"}"#, r#"{"exp":-1}"#, r#"{"exp":1e300}"#, r#"{"exp":null}"#, "{}", "[]", "x"]
        {
            assert_eq!(expiry(&token(claims)), None, "{claims}");
        }
        assert_eq!(expiry("no-token"), None);
        assert_eq!(expiry(&token(&format!("{{\"exp\":1,\"x\":\"{}\"}}", "y".repeat(LONGEST_PAYLOAD)))), None);
    }

    proptest! {
        #[test]
        fn whatever_a_client_sends_nothing_breaks(token in "\\PC{0,80}") {
            let _read: Option<UnixMillis> = expiry(&token);
        }
    }
}
