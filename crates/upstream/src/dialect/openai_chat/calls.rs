//! Which tool call a piece of a stream belongs to. Providers count their calls, name them, do both, or neither; some count wrongly, and
//! some name a call again with each piece of it.

/// The calls so far, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Begun>);

#[derive(Debug)]
struct Begun {
    index: Option<u64>,
    id: String,
    place: u64,
}

impl Calls {
    /// The place of the call that a piece with this index and id belongs to; none when it begins no call and goes on with none. Only the
    /// piece that begins a call has to bear the `name` of a tool.
    pub(super) fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> Option<u64> {
        let known = self.of_id(index, id).or_else(|| self.of_index(index, id, name));
        known.or_else(|| (!id.is_empty() || !name.is_empty()).then(|| self.begin(index, id)))
    }

    /// An id may be shared by calls that are counted apart: some take the name of the tool for one.
    fn of_id(&self, index: Option<u64>, id: &str) -> Option<u64> {
        let is_same = |call: &&Begun| {
            let counted_apart = index.is_some() && call.index.is_some() && index != call.index;
            !id.is_empty() && call.id == id && !counted_apart
        };
        self.0.iter().rfind(is_same).map(|call| call.place)
    }

    /// The last one with that index, unless a call begins: it names a tool, and itself where calls are counted. There are providers that
    /// invent an id for each piece, but then only the first names a tool.
    fn of_index(&self, index: Option<u64>, id: &str, name: &str) -> Option<u64> {
        let begins = !name.is_empty() && (index.is_none() || !id.is_empty());
        let is_same = |call: &&Begun| index.is_none() || call.index == index;
        self.0.iter().rfind(is_same).filter(|_| !begins).map(|call| call.place)
    }

    fn begin(&mut self, index: Option<u64>, id: &str) -> u64 {
        let is_free = |place: &u64| self.0.iter().all(|call| call.place != *place);
        let behind_all = || self.0.iter().map(|call| call.place.saturating_add(1)).max().unwrap_or_default();
        let place = index.filter(is_free).unwrap_or_else(behind_all);
        self.0.push(Begun { index, id: id.to_owned(), place });
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index, an id, the name of a tool, and the place they lead to.
    type Piece = (Option<u64>, &'static str, &'static str, u64);

    #[test]
    fn each_piece_finds_its_call() {
        const NONE: Option<u64> = None;
        let cases: [(&str, &[Piece]); 9] = [
            ("counted", &[(Some(0), "a", "x", 0), (Some(1), "b", "y", 1), (Some(0), "", "", 0)]),
            ("counted from behind", &[(Some(1), "b", "y", 1), (Some(0), "a", "x", 0), (Some(1), "", "", 1)]),
            (
                "not counted",
                &[(NONE, "a", "x", 0), (NONE, "b", "y", 1), (NONE, "", "", 1), (NONE, "a", "", 0)],
            ),
            ("counted as one", &[(Some(0), "a", "x", 0), (Some(0), "b", "y", 1), (Some(0), "", "", 1)]),
            ("named again", &[(Some(0), "a", "x", 0), (Some(0), "a", "x", 0), (Some(0), "a", "", 0)]),
            ("named anew", &[(Some(0), "a", "x", 0), (Some(0), "b", "", 0), (Some(1), "c", "x", 1)]),
            ("without an id", &[(Some(0), "", "x", 0), (Some(0), "", "x", 0), (Some(1), "", "x", 1)]),
            ("with neither", &[(NONE, "", "x", 0), (NONE, "", "", 0), (NONE, "", "y", 1)]),
            ("one id, counted", &[(Some(0), "x", "x", 0), (Some(1), "x", "x", 1), (Some(0), "x", "", 0)]),
        ];
        for (case, pieces) in cases {
            let mut calls = Calls::default();
            for (index, id, name, place) in pieces {
                assert_eq!(calls.place(*index, id, name), Some(*place), "{case}: {index:?} {id} {name}");
            }
        }
    }

    #[test]
    fn a_piece_of_no_call_has_no_place() {
        assert_eq!(Calls::default().place(Some(0), "", ""), None);
    }
}
