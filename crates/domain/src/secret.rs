//! The one type that holds secret text.

use std::fmt;
use zeroize::Zeroizing;

/// Text that must never be seen: wiped when dropped, silent in `Debug`, without `Display`, `Serialize` or `PartialEq`.
///
/// Wiping is hygiene, not a guarantee: HTTP libraries make copies of header values that nobody can reach.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Call it only where the secret leaves for the provider it belongs to, or where it is hashed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_text() {
        assert_eq!(format!("{:?}", Secret::new("sk-ant-oat01-abc")), "Secret(…)");
    }
}
