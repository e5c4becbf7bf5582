//! The sessions that a registry holds in mind, found by where their conversations stand. Bounded: the one unused for the
//! longest time goes first.

use super::point::Point;
use domain::conversation::Digest;
use domain::ids::{Principal, SessionId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How a session's last request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// It is under way.
    Open,
    /// It was answered, and the answer was understood.
    Answered,
    /// Part of an answer may have reached the client, but nobody here knows which.
    Lost,
    /// Part of an answer reached the client, and then an error: most clients drop it and ask again.
    Withdrawn,
    /// Nothing of an answer reached the client.
    Failed,
}

/// Where a session's conversation stands.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    /// Who owns it.
    pub(super) principal: Principal,
    /// The conversation up to its last request.
    pub(super) position: Point,
    /// The conversation up to the last answer known.
    head: Option<Point>,
    /// The same, as the provider calls it: by the answer, and by the last item in it.
    called: [Option<Digest>; 2],
    /// How the last request went.
    pub(super) course: Course,
    /// Numbers its requests.
    pub(super) attempt: u64,
    used: u64,
}

impl Seat {
    /// A session that has never answered, before its first request.
    pub(super) fn new(principal: Principal, position: Point) -> Self {
        Self { principal, position, head: None, called: [None; 2], course: Course::Open, attempt: 0, used: 0 }
    }

    /// A request moves it on to `position`.
    pub(super) fn asked(self, position: Point) -> Self {
        Self { position, attempt: self.attempt + 1, ..self.with(Course::Open) }
    }

    /// The last request was answered, up to `head`.
    pub(super) fn answered(self, head: Point) -> Self {
        Self { head: Some(head), called: [None; 2], ..self.with(Course::Answered) }
    }

    /// The provider calls it so.
    pub(super) fn called(self, names: impl IntoIterator<Item = Digest>) -> Self {
        let mut names = names.into_iter();
        Self { called: std::array::from_fn(|_| names.next()), ..self }
    }

    /// The last request took this course.
    pub(super) fn with(self, course: Course) -> Self {
        Self { course, ..self }
    }

    /// Where a request that goes on from here is looked for: behind the last answer, unless the next is just being given.
    fn open_heads(&self) -> impl Iterator<Item = Digest> {
        let heads = [self.head.map(|head| head.whole), self.head.and_then(Point::end)];
        heads.into_iter().chain(self.called).flatten().filter(|_| self.course != Course::Open)
    }

    /// Where the answer to the last request is looked for.
    fn positions(&self) -> impl Iterator<Item = Digest> {
        [Some(self.position.whole), self.position.end()].into_iter().flatten()
    }
}

/// Which index.
#[derive(Debug, Clone, Copy)]
enum Place {
    Head,
    Position,
}

type Index = HashMap<(Principal, Digest), BTreeSet<SessionId>>;

/// See the module.
#[derive(Debug)]
pub(super) struct Seats {
    limit: usize,
    clock: u64,
    seats: HashMap<SessionId, Seat>,
    by_use: BTreeMap<u64, SessionId>,
    by_head: Index,
    by_position: Index,
}

impl Seats {
    /// Room for `limit` sessions.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            clock: 0,
            seats: HashMap::new(),
            by_use: BTreeMap::new(),
            by_head: Index::new(),
            by_position: Index::new(),
        }
    }

    /// The sessions of `principal` whose conversations ended with an answer at `head`, which names all that was said or its end.
    pub(super) fn with_head(&self, principal: &Principal, head: Digest) -> impl Iterator<Item = &SessionId> {
        self.by_head.get(&(principal.clone(), head)).into_iter().flatten()
    }

    /// The sessions of `principal` whose last request ended at `position`, named likewise, and took this `course`.
    pub(super) fn at(
        &self,
        principal: &Principal,
        position: Digest,
        course: Course,
    ) -> impl Iterator<Item = &SessionId> {
        let there = self.by_position.get(&(principal.clone(), position)).into_iter().flatten();
        there.filter(move |session| self.get(session).is_some_and(|seat| seat.course == course))
    }

    /// How many sessions there is room for.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How a session stands.
    pub(super) fn get(&self, session: &SessionId) -> Option<&Seat> {
        self.seats.get(session)
    }

    /// Puts a session where `seat` says, whether it was here or not.
    pub(super) fn put(&mut self, session: &SessionId, mut seat: Seat) {
        self.remove(session);
        self.clock += 1;
        seat.used = self.clock;
        self.by_use.insert(seat.used, session.clone());
        for (place, digest) in Self::entries(&seat) {
            let there = self.index(place).entry((seat.principal.clone(), digest)).or_default();
            there.insert(session.clone());
        }
        self.seats.insert(session.clone(), seat);
        if self.seats.len() > self.limit {
            self.drop_oldest();
        }
    }

    fn remove(&mut self, session: &SessionId) {
        let Some(seat) = self.seats.remove(session) else { return };
        self.by_use.remove(&seat.used);
        for (place, digest) in Self::entries(&seat) {
            let key = (seat.principal.clone(), digest);
            let index = self.index(place);
            let others = index.get_mut(&key).map(|sessions| {
                sessions.remove(session);
                sessions.len()
            });
            if others == Some(0) {
                index.remove(&key);
            }
        }
    }

    /// Where a seat is found: behind its answers, and at its last request.
    fn entries(seat: &Seat) -> Vec<(Place, Digest)> {
        let heads = seat.open_heads().map(|head| (Place::Head, head));
        heads.chain(seat.positions().map(|position| (Place::Position, position))).collect()
    }

    fn index(&mut self, place: Place) -> &mut Index {
        match place {
            Place::Head => &mut self.by_head,
            Place::Position => &mut self.by_position,
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, session)) = self.by_use.first_key_value() {
            let session = session.clone();
            self.remove(&session);
        }
    }

    /// How many entries all indexes hold together.
    #[cfg(test)]
    pub(super) fn entry_count(&self) -> usize {
        self.seats.len() + self.by_use.len() + self.by_head.len() + self.by_position.len()
    }
}
