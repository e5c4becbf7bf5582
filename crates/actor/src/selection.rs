//! Which rows of the message trace somebody wants to see.

use std::time::Duration;

use crate::Row;

/// What a row has to be like. Whatever is not said fits every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// It is about a session whose name begins so.
    pub session: Option<String>,
    /// This actor handled or sent it; upper and lower case are alike.
    pub actor: Option<String>,
    /// The message is called so; upper and lower case are alike.
    pub message: Option<String>,
    /// It belongs to the conversation whose first message has this number.
    pub root: Option<u64>,
    /// From being sent to having been handled it took longer than this.
    pub slower_than: Option<Duration>,
}

impl Selection {
    /// Whether `row` is wanted.
    #[must_use]
    pub fn holds<Name: AsRef<str>>(&self, row: &Row<Name>) -> bool {
        let is = |wanted: &str, name: &Name| name.as_ref().eq_ignore_ascii_case(wanted);
        let about = |wanted: &String| row.session.as_ref().is_some_and(|session| session.starts_with(wanted));
        self.root.is_none_or(|root| row.root == root)
            && self.session.as_ref().is_none_or(about)
            && self.actor.as_ref().is_none_or(|actor| is(actor, &row.actor) || is(actor, &row.from))
            && self.message.as_ref().is_none_or(|message| is(message, &row.message))
            && self.slower_than.is_none_or(|limit| took(row) > limit)
    }
}

fn took<Name>(row: &Row<Name>) -> Duration {
    Duration::from_micros(row.queue_wait_us.saturating_add(row.handle_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            actor: "CredentialActor",
            from: "Distiller",
            message: "ResolveCredential",
            session: Some("3f2a91c0-77".to_owned()),
            root: 9,
            queue_wait_us: 4_000,
            handle_us: 1_001,
            ..Row::default()
        }
    }

    fn selections(values: [&str; 3], root: u64, limit: u64) -> [Selection; 5] {
        let [session, actor, message] = values.map(|value| Some(value.to_owned()));
        [
            Selection { session, ..Selection::default() },
            Selection { actor, ..Selection::default() },
            Selection { message, ..Selection::default() },
            Selection { root: Some(root), ..Selection::default() },
            Selection { slower_than: Some(Duration::from_micros(limit)), ..Selection::default() },
        ]
    }

    #[test]
    fn who_asks_for_nothing_gets_everything() {
        assert!(Selection::default().holds(&row()));
        assert!(Selection::default().holds(&Row::<String>::default()));
    }

    #[test]
    fn each_wish_keeps_what_fits_and_nothing_else() {
        for wish in selections(["3f2a", "credentialactor", "resolvecredential"], 9, 5_000) {
            assert!(wish.holds(&row()), "{wish:?}");
        }
        for wish in selections(["f2a", "Credential", "Resolve"], 12, 5_001) {
            assert!(!wish.holds(&row()), "{wish:?}");
        }
    }

    #[test]
    fn an_actor_is_asked_for_by_what_it_hears_and_by_what_it_says() {
        let of = |actor: &str| Selection { actor: Some(actor.to_owned()), ..Selection::default() };
        assert!(of("distiller").holds(&row()) && of("credentialactor").holds(&row()));
    }

    #[test]
    fn all_wishes_have_to_be_fulfilled() {
        let [session, ..] = selections(["3f2a", "", ""], 0, 0);
        let both = Selection { root: Some(12), ..session };
        assert!(!both.holds(&row()));
    }

    #[test]
    fn what_is_about_no_session_is_about_none_that_is_asked_for() {
        let [session, ..] = selections(["", "", ""], 0, 0);
        assert!(!session.holds(&Row { session: None, ..row() }));
    }
}
