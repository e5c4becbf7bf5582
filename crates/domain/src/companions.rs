//! What must stand beside a credential.

use std::sync::Arc;

/// Headers that came with a credential and without which a provider may refuse it: `anthropic-version`, `anthropic-beta`,
/// `chatgpt-account-id`, `openai-organization`, `openai-project`. Lower-case names, in the order in which they came.
///
/// Cheap to clone: thousands of sessions send the same ones, and may share them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Companions(Arc<[(&'static str, Box<str>)]>);

impl Companions {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl<'v> FromIterator<(&'static str, &'v str)> for Companions {
    fn from_iter<I: IntoIterator<Item = (&'static str, &'v str)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}
