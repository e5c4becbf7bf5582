//! Where is searched, and how a statement is told.

use domain::ids::Principal;
use domain::time::UnixMillis;

/// Of how many sessions of a period what is latest is looked for.
const LATEST_SESSIONS: usize = 100;

/// Where is searched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'s> {
    /// Whose; everybody's if none is named.
    pub principal: Option<&'s Principal>,
    /// In which project, by its name or by a folder that is a part of it, and what was promoted; in all if none is named.
    pub project: Option<&'s str>,
    /// When it was said or written.
    pub period: Period,
}

/// From one moment to another; what has no beginning or no end is open there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub since: Option<UnixMillis>,
    /// The first moment behind it.
    pub until: Option<UnixMillis>,
}

impl Period {
    /// Whether it has all time in it.
    #[must_use]
    pub fn is_open(self) -> bool {
        self == Self::default()
    }

    /// Whether a moment is in it.
    pub(super) fn has(self, at: UnixMillis) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// What a statement is told of a scope: its first four values.
type Values<'s> = (Option<&'s str>, Option<&'s str>, Option<i64>, Option<i64>);

impl<'s> Scope<'s> {
    /// What [`OF_SESSIONS`], [`OF_ENTRIES`] and [`in_period`] are told.
    pub(super) fn values(self) -> Values<'s> {
        let Period { since, until } = self.period;
        (self.principal.map(Principal::as_str), self.project, since.map(|it| it.0), until.map(|it| it.0))
    }
}

/// Holds for the sessions of a scope.
pub(super) const OF_SESSIONS: &str =
    "(?1 IS NULL OR principal = ?1) AND (?2 IS NULL OR ?2 IN (project, directory))";

/// Holds for its entries.
pub(super) const OF_ENTRIES: &str =
    "(?1 IS NULL OR principal = ?1) AND (?2 IS NULL OR promoted OR project = ?2 OR project IN
    (SELECT project FROM session WHERE directory = ?2 AND session.principal = knowledge.principal))";

/// Holds for sessions in which something may be of its period. An index that has no `created` is asked for it only where it counts.
pub(super) const MAY_BE_IN_PERIOD: &str =
    "(?3 IS NULL OR last_activity >= ?3) AND (?4 IS NULL OR created < ?4)";

/// When an observation's last message was said, however much later it was written; of what was merged, and of what outlived its messages,
/// when it was written.
pub(super) const OBSERVED: &str = "ifnull((SELECT max(message.at) FROM message
    WHERE message.distillation = observation.distillation), observation.at)";

/// The sessions of a scope and its period that were used last, as `used`.
pub(super) fn latest_sessions() -> String {
    format!(
        "(SELECT id AS used FROM session WHERE {OF_SESSIONS} AND {MAY_BE_IN_PERIOD}
        ORDER BY last_activity DESC LIMIT {LATEST_SESSIONS})"
    )
}

/// Holds for what is of its period by the moment `at`, which is not looked up where none is asked for.
pub(super) fn in_period(at: &str) -> String {
    format!("(?3 IS NULL OR {at} >= ?3) AND (?4 IS NULL OR {at} < ?4)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_its_first_moment_and_not_the_one_behind_it() {
        let at = |millis| Some(UnixMillis(millis));
        let has = |since, until| [1, 2, 3].map(|moment| Period { since, until }.has(UnixMillis(moment)));
        assert_eq!(has(at(2), None), [false, true, true]);
        assert_eq!(has(None, at(2)), [true, false, false]);
        assert_eq!(has(at(2), at(3)), [false, true, false]);
        assert_eq!(has(at(3), at(1)), [false; 3]);
        assert!(Period::default().is_open() && !Period { since: None, until: at(3) }.is_open());
    }
}
