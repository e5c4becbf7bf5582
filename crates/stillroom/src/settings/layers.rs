//! What was written where, one value a key: a flag beats the environment, which beats the file.

use super::keys::Key;
use super::origin::Origin;
use super::value::Value;
use std::collections::BTreeMap;

/// One value, its key and its place.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Whose value it is.
    pub(crate) key: &'static Key,
    /// What was written.
    pub(crate) value: Value,
    /// Where.
    pub(crate) origin: Origin,
}

/// The winning value of every key that anybody wrote.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers(BTreeMap<&'static str, Written>);

impl Layers {
    /// Lays `written` over what is there. The order of laying does not matter: the origin's rank decides.
    pub(crate) fn lay(&mut self, written: Written) {
        let rank = written.origin.rank();
        let beaten = self.0.get(written.key.name).is_none_or(|standing| standing.origin.rank() <= rank);
        if beaten {
            self.0.insert(written.key.name, written);
        }
    }

    /// Where the value of `key` comes from; none when nobody wrote it and the default holds.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        self.0.get(key).map(|written| &written.origin)
    }

    /// Every value that won.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Written> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::super::origin::{Choice, Line};
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    fn origins() -> Vec<Origin> {
        let line = Line { file: "stillroom.toml".into(), number: 1, choice: Choice::Named };
        vec![Origin::File(line), Origin::Environment("STILLROOM_X".into()), Origin::Flag("--x")]
    }

    fn written(key: &str, origin: Origin) -> Written {
        Written { key: keys::find(key).unwrap(), value: Value::bare(origin.to_string()), origin }
    }

    proptest! {
        #[test]
        fn in_whatever_order_layers_are_laid_the_same_one_wins(
            present in subsequence(origins(), 1..=3),
            shuffled in Just(origins()).prop_shuffle(),
        ) {
            let mut layers = Layers::default();
            for origin in shuffled.into_iter().filter(|origin| present.contains(origin)) {
                layers.lay(written("listen", origin));
            }
            let highest = present.iter().max_by_key(|origin| origin.rank());
            prop_assert_eq!(layers.origin("listen"), highest);
        }
    }

    #[test]
    fn one_key_does_not_cover_another() {
        let mut layers = Layers::default();
        layers.lay(written("listen", Origin::Flag("--listen")));
        assert_eq!(layers.origin("data_dir"), None);
        assert_eq!(layers.iter().count(), 1);
    }
}
