//! Where is searched, and how a statement is told.

use domain::ids::Principal;

/// Where is searched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'s> {
    /// Whose; everybody's if none is named.
    pub principal: Option<&'s Principal>,
    /// In which project, by its name or by a folder that is a part of it, and what was promoted; in all if none is named.
    pub project: Option<&'s str>,
}

impl<'s> Scope<'s> {
    /// What [`OF_SESSIONS`] and [`OF_ENTRIES`] are told: the first two values of their statement.
    pub(super) fn values(self) -> (Option<&'s str>, Option<&'s str>) {
        (self.principal.map(Principal::as_str), self.project)
    }
}

/// Holds for the sessions of a scope.
pub(super) const OF_SESSIONS: &str =
    "(?1 IS NULL OR principal = ?1) AND (?2 IS NULL OR ?2 IN (project, directory))";

/// Holds for its entries.
pub(super) const OF_ENTRIES: &str =
    "(?1 IS NULL OR principal = ?1) AND (?2 IS NULL OR promoted OR project = ?2 OR project IN
    (SELECT project FROM session WHERE directory = ?2 AND session.principal = knowledge.principal))";
