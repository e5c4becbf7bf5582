//! In whose slots a token lies.

use domain::ids::{Principal, SessionId};
use std::collections::BTreeSet;
use std::iter;

/// A session and its owner.
pub(super) type Holder = (Principal, SessionId);

/// A set of sessions, in order. Nearly every token lies in one slot, so the first of them lies here and the set costs memory
/// only where there are more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Holders {
    /// The least of all, so that equal sets are equal.
    first: Option<Holder>,
    rest: BTreeSet<Holder>,
}

impl Holders {
    pub(super) fn insert(&mut self, holder: Holder) {
        let Some(first) = &mut self.first else {
            self.first = Some(holder);
            return;
        };
        if holder < *first {
            self.rest.insert(std::mem::replace(first, holder));
        } else if holder != *first {
            self.rest.insert(holder);
        }
    }

    pub(super) fn remove(&mut self, holder: &Holder) {
        if self.first.as_ref() == Some(holder) {
            self.first = self.rest.pop_first();
        } else {
            self.rest.remove(holder);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Holder> {
        iter::chain(&self.first, &self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holder(number: u8) -> Holder {
        (Principal::local(), SessionId::from(number.to_string()))
    }

    proptest! {
        #[test]
        fn holders_are_a_set_in_order(steps in proptest::collection::vec((any::<bool>(), 0_u8..6), 0..40)) {
            let (mut holders, mut model) = (Holders::default(), BTreeSet::new());
            for (comes, number) in steps {
                let holder = holder(number);
                if comes {
                    holders.insert(holder.clone());
                    model.insert(holder);
                } else {
                    holders.remove(&holder);
                    model.remove(&holder);
                }
                prop_assert_eq!(holders.iter().collect::<Vec<_>>(), model.iter().collect::<Vec<_>>());
                prop_assert_eq!(holders.is_empty(), model.is_empty());
            }
        }
    }
}
