//! Reading the credential off a request's headers (rule R15): one token or none, and never a guess.

use crate::companions::Companions;
use crate::credential::{Credential, CredentialKind};
use crate::fingerprint::Fingerprinter;
use crate::jwt;
use crate::secret::Secret;

/// The longest header value that is taken for a credential, in bytes.
pub const LONGEST_CREDENTIAL: usize = 16 * 1024;

/// The header in which a token stands behind a scheme.
const BEARING: &str = "authorization";
const AUTH_HEADERS: [&str; 3] = [BEARING, "x-api-key", "x-goog-api-key"];
const COMPANIONS: [&str; 5] =
    ["anthropic-version", "anthropic-beta", "chatgpt-account-id", "openai-organization", "openai-project"];

/// Whether a credential stands in the header of this lower-case name.
#[must_use]
pub fn is_auth_header(name: &str) -> bool {
    AUTH_HEADERS.contains(&name)
}

/// Whether the header of this lower-case name holds a credential, or what must stand beside one.
#[must_use]
pub fn concerns_credentials(name: &str) -> bool {
    is_auth_header(name) || COMPANIONS.contains(&name)
}

/// What a request's headers held.
#[derive(Debug)]
pub enum Intake {
    /// Exactly one credential.
    Captured(Credential),
    /// No header that authenticates.
    Nothing,
    /// Something that must not be taken for a credential; the request is relayed as it is.
    Left(Oddity),
}

/// Why a credential was left alone. Each is counted under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// Two headers with different tokens.
    Conflicting,
    /// One header sent more than once.
    Repeated,
    /// Blanks, commas or other bytes that no token has, or no token at all.
    Malformed,
    /// Longer than [`LONGEST_CREDENTIAL`].
    TooLong,
}

impl Oddity {
    /// The name used in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflicting => "conflicting",
            Self::Repeated => "repeated",
            Self::Malformed => "malformed",
            Self::TooLong => "too-long",
        }
    }
}

/// What one header that authenticates holds: its whole value, and the token in it.
type Found<'h> = Option<(&'h str, &'h str)>;

/// Reads the credential from `headers`: pairs of a lower-case name and the bytes as they came, in any order, repeats included.
pub fn read<'h>(headers: impl Iterator<Item = (&'h str, &'h [u8])>, hasher: &Fingerprinter) -> Intake {
    let mut found: [Found<'h>; AUTH_HEADERS.len()] = [None; _];
    let mut beside = Vec::new();
    for (name, value) in headers {
        if let Some(place) = AUTH_HEADERS.iter().position(|known| *known == name) {
            if found[place].is_some() {
                return Intake::Left(Oddity::Repeated);
            }
            match token(name, value) {
                Ok(it) => found[place] = Some(it),
                Err(oddity) => return Intake::Left(oddity),
            }
        } else if let Some(known) = COMPANIONS.into_iter().find(|known| *known == name) {
            beside.extend(std::str::from_utf8(value).ok().map(|value| (known, value)));
        }
    }
    let mut tokens = found.iter().flatten().map(|(_, token)| *token);
    let Some(token) = tokens.next() else { return Intake::Nothing };
    if tokens.any(|other| other != token) {
        return Intake::Left(Oddity::Conflicting);
    }
    let companions: Companions = beside.into_iter().collect();
    let in_key_header = found[1..].iter().any(Option::is_some);
    let kind = CredentialKind::read(token, companions.get("anthropic-beta"), in_key_header);
    let (header, value) = preferred(&found, kind);
    let fingerprint = hasher.fingerprint_in_parts(header, plainly(header, token));
    let ends = (kind == CredentialKind::Jwt).then(|| jwt::expiry(token)).flatten();
    Intake::Captured(Credential { header, value: Secret::new(value), kind, fingerprint, companions, ends })
}

/// Of several headers with one token, the one that fits its kind, and its whole value: providers read keys from `x-api-key`, the rest
/// as `Bearer`.
fn preferred<'h>(found: &[Found<'h>; AUTH_HEADERS.len()], kind: CredentialKind) -> (&'static str, &'h str) {
    let wants_bearer = kind != CredentialKind::ApiKey;
    let there = AUTH_HEADERS.into_iter().zip(found).filter_map(|(header, it)| Some((header, it.as_ref()?.0)));
    let fits = |(header, _): &(&str, &str)| (*header == BEARING) == wants_bearer;
    there.clone().find(fits).or_else(|| there.clone().next()).unwrap_or_default()
}

/// The header's whole value and the token in it.
fn token<'h>(header: &str, value: &'h [u8]) -> Result<(&'h str, &'h str), Oddity> {
    if value.len() > LONGEST_CREDENTIAL {
        return Err(Oddity::TooLong);
    }
    let whole = std::str::from_utf8(value).map_err(|_| Oddity::Malformed)?.trim_matches([' ', '\t']);
    let token = if header == BEARING { bearer(whole).ok_or(Oddity::Malformed)? } else { whole };
    let sound = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    if sound { Ok((whole, token)) } else { Err(Oddity::Malformed) }
}

/// What stands behind the scheme `Bearer`, in any case and after one or more blanks.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_start_matches(' '))
}

/// How a header with this token is written by everybody who writes it plainly. It is what the fingerprint is taken of: the
/// case of a scheme and the blanks behind it make no other token.
fn plainly<'t>(header: &str, token: &'t str) -> [&'t str; 2] {
    [if header == BEARING { "Bearer " } else { "" }, token]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> Intake {
        read(pairs.iter().map(|(name, value)| (*name, value.as_bytes())), &Fingerprinter::new([7; 32]))
    }

    fn captured(pairs: &[(&str, &str)]) -> (&'static str, String, CredentialKind) {
        match read_pairs(pairs) {
            Intake::Captured(it) => (it.header, it.value.reveal().to_owned(), it.kind),
            other => panic!("expected a credential, got {other:?}"),
        }
    }

    fn left(pairs: &[(&str, &str)]) -> Oddity {
        match read_pairs(pairs) {
            Intake::Left(oddity) => oddity,
            other => panic!("expected it to be left, got {other:?}"),
        }
    }

    #[test]
    fn what_a_token_itself_does_not_say_its_header_says() {
        let kind =
            |header| captured(&[(header, if header == BEARING { "Bearer opaque" } else { "opaque" })]).2;
        assert_eq!(
            AUTH_HEADERS.map(kind),
            [CredentialKind::Bearer, CredentialKind::ApiKey, CredentialKind::ApiKey]
        );
    }

    #[test]
    fn a_key_and_a_bearer_token_are_kept_exactly_as_they_came() {
        let key = ("x-api-key", "sk-ant-api03-k");
        assert_eq!(captured(&[key]), ("x-api-key", "sk-ant-api03-k".into(), CredentialKind::ApiKey));
        let bearer = ("authorization", "bearer   sk-ant-oat01-t");
        assert_eq!(
            captured(&[bearer]),
            ("authorization", "bearer   sk-ant-oat01-t".into(), CredentialKind::Bearer)
        );
    }

    #[test]
    fn a_token_has_one_fingerprint_however_its_scheme_and_blanks_are_written() {
        let fingerprint = |value| match read_pairs(&[("authorization", value)]) {
            Intake::Captured(it) => it.fingerprint,
            other => panic!("expected a credential, got {other:?}"),
        };
        let plain = fingerprint("Bearer t");
        assert_eq!(plain, Fingerprinter::new([7; 32]).fingerprint("authorization", "Bearer t"));
        for same in ["bearer t", "BEARER   t", " \tBearer t\t "] {
            assert_eq!(fingerprint(same), plain, "{same:?}");
        }
        assert_ne!(fingerprint("Bearer T"), plain, "the token itself is taken as it is");
    }

    #[test]
    fn two_headers_with_one_value_are_one_credential() {
        let helper = [("authorization", "Bearer sk-ant-api03-k"), ("x-api-key", "sk-ant-api03-k")];
        assert_eq!(captured(&helper).0, "x-api-key");
        let oauth = [("authorization", "Bearer sk-ant-oat01-t"), ("x-api-key", "sk-ant-oat01-t")];
        assert_eq!(captured(&oauth).0, "authorization");
    }

    #[test]
    fn what_is_not_clearly_one_token_is_left_alone() {
        assert_eq!(left(&[("authorization", "Bearer a"), ("x-api-key", "b")]), Oddity::Conflicting);
        assert_eq!(left(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]), Oddity::Repeated);
        assert_eq!(left(&[("authorization", "Bearer a, Bearer b")]), Oddity::Malformed);
        assert_eq!(left(&[("authorization", "Bearer a b")]), Oddity::Malformed);
        assert_eq!(left(&[("authorization", "Bearer ")]), Oddity::Malformed);
        assert_eq!(left(&[("authorization", "Bearer\ta")]), Oddity::Malformed);
        assert_eq!(left(&[("authorization", "Bearer \ta")]), Oddity::Malformed);
        assert_eq!(left(&[("x-api-key", "a,b")]), Oddity::Malformed);
        assert_eq!(left(&[("authorization", "Basic dXNlcjpwYXNz")]), Oddity::Malformed);
        assert_eq!(left(&[("x-api-key", "")]), Oddity::Malformed);
        assert_eq!(left(&[("x-api-key", "schlüssel")]), Oddity::Malformed);
        assert_eq!(left(&[("x-api-key", &"k".repeat(LONGEST_CREDENTIAL + 1))]), Oddity::TooLong);
        assert_eq!(captured(&[("x-api-key", &"k".repeat(LONGEST_CREDENTIAL))]).1.len(), LONGEST_CREDENTIAL);
    }

    #[test]
    fn a_name_with_an_underscore_is_no_alias() {
        assert!(matches!(read_pairs(&[("x_api_key", "sk-ant-api03-k")]), Intake::Nothing));
        assert!(!is_auth_header("x_api_key") && is_auth_header("x-api-key"));
    }

    #[test]
    fn the_headers_a_token_needs_beside_it_are_kept() {
        let pairs = [("authorization", "Bearer t"), ("anthropic-beta", "oauth-2025-04-20"), ("x-app", "cli")];
        let Intake::Captured(it) = read_pairs(&pairs) else { panic!("captured") };
        assert_eq!(it.companions, Companions::from_iter([("anthropic-beta", "oauth-2025-04-20")]));
        assert_eq!(it.kind, CredentialKind::Bearer);
    }
}
