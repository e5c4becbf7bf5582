//! What can be asked of a store, and what it promises.

use crate::batch::KeptBatch;
use crate::browse::Browse;
use crate::costs::{Costs, CostsBy, WarmReturn};
use crate::distillation::CurationMaterial;
use crate::error::StoreError;
use crate::habits::KeptHabits;
use crate::knowledge::{Applied, Draft};
use crate::ledger::LedgerEntry;
use crate::recall::{Hit, Scope};
use crate::refusal::Vain;
use crate::session::{Backlog, SessionHead, SessionSummary, StatedFolder};
use crate::turn::{Recorded, TurnRecord};
use crate::vectors::{TextKey, Unembedded};
use crate::warming::{KeptPause, WarmingMemory};
use crate::yours::Yours;
use domain::conversation::RecordedMessage;
use domain::ids::{BatchMark, KnowledgeId, Principal, ProjectId, SessionId};
use domain::knowledge::{KnowledgeEntry, Observation, Operation};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::vector::{ModelName, QueryVector, Vector};
use domain::warming::{WarmingMode, Whose};

/// What the gateway keeps. Every method blocks, so async code comes by way of a [`Desk`](crate::Desk). A method does its
/// work whole or not at all, and once it returned `Ok`, not even a power cut undoes it.
///
/// # Errors
/// All methods: [`StoreError::Database`] when the database failed (the same call may work later), and
/// [`StoreError::Corrupt`] when it is damaged. A method says so if it refuses anything besides.
pub trait Store: Browse + Yours + Send {
    /// Records a turn. The same turn again changes nothing, and a turn that was missed is made up for by the next of its
    /// session.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the session belongs to another principal.
    fn record_turn(&mut self, turn: &TurnRecord) -> Result<Recorded, StoreError>;

    /// Records turns in their order, in one step if that can be: syncing is most of what a turn costs. What is wrong with one
    /// of them is no other's concern.
    fn record_turns(&mut self, turns: &[TurnRecord]) -> Vec<Result<Recorded, StoreError>>;

    /// How a session stands: what is pending in it. Zeroes for a session that is not known.
    ///
    /// # Errors
    /// As told for the trait.
    fn standing(&mut self, session: &SessionId) -> Result<Recorded, StoreError>;

    /// The next messages of `session` to distil, cut as [`domain::segment::segment`] tells.
    ///
    /// # Errors
    /// As told for the trait.
    fn pending(
        &mut self,
        session: &SessionId,
        at_most_tokens: u64,
        now: UnixMillis,
    ) -> Result<Vec<RecordedMessage>, StoreError>;

    /// Keeps `lines` as observations, and that they cover the messages `sources`. When one of the sources is covered
    /// already, or is not of this session, nothing is written and the answer is empty. No lines is an answer too: the
    /// sources hold nothing worth observing. A line that begins with [`domain::knowledge::PIN`] is pinned.
    ///
    /// # Errors
    /// As told for the trait.
    fn store_observations(
        &mut self,
        session: &SessionId,
        sources: &[i64],
        lines: &[String],
        at: UnixMillis,
    ) -> Result<Vec<Observation>, StoreError>;

    /// How many answers in a row about what [`Store::pending`] tells next were of no use.
    ///
    /// # Errors
    /// As told for the trait.
    fn refusals(&mut self, session: &SessionId) -> Result<u32, StoreError>;

    /// Notes that an answer was of no use. After the [`domain::segment::GIVEN_UP`]th in a row, once an answer about anything
    /// else was of use since the first or a day has gone, what it was about is passed over: nothing is made of these messages
    /// any more, and they are found by their words as before; these observations stay as they are; the curator has nothing
    /// to do in the session until more was said there. Whether that happened. Entries that were to become fewer are never passed
    /// over: each time the next one comes the later ([`domain::fading::Consolidated`]).
    ///
    /// # Errors
    /// As told for the trait.
    fn refuse(&mut self, session: &SessionId, about: &Vain, at: UnixMillis) -> Result<bool, StoreError>;

    /// The observations of `session` that should be merged into fewer, oldest first: none up to
    /// [`MERGED_ABOVE`](domain::knowledge::MERGED_ABOVE) of them that were not merged yet.
    ///
    /// # Errors
    /// As told for the trait.
    fn mergeable(&mut self, session: &SessionId) -> Result<Vec<Observation>, StoreError>;

    /// Keeps `lines` in place of the observations `sources`, which are found by words as before, but stand in no list any more.
    /// When one of the sources was merged already, is pinned, or is not of this session, nothing is written and the answer is
    /// empty.
    ///
    /// # Errors
    /// As told for the trait.
    fn merge_observations(
        &mut self,
        session: &SessionId,
        sources: &[i64],
        lines: &[String],
        at: UnixMillis,
    ) -> Result<Vec<Observation>, StoreError>;

    /// What the curator works from; nothing for a session that is not known.
    ///
    /// # Errors
    /// As told for the trait.
    fn curation_material(&mut self, session: &SessionId) -> Result<CurationMaterial, StoreError>;

    /// Applies all `operations` to the knowledge of the session's principal and project, and sets its turns since curation
    /// to 0. Creating what has the category and title of an entry, in whatever case, or says the same in nearly the same words
    /// ([`domain::resemblance`]), updates that entry. What says the same as an entry that was deleted before is not created.
    /// Entries that are nearly alike and differ in a number or a negation are noted as contradicting each other.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when one of the operations is invalid or the session is not known.
    fn apply_operations(
        &mut self,
        session: &SessionId,
        operations: &[Operation],
        at: UnixMillis,
    ) -> Result<Applied, StoreError>;

    /// Notes that so many of the session's turns were said while the curator's model thought, which it therefore did not see.
    ///
    /// # Errors
    /// As told for the trait.
    fn leave_uncurated(&mut self, session: &SessionId, turns: u32) -> Result<(), StoreError>;

    /// The entries of the session's project if there are more than `most` and they were not consolidated lately
    /// ([`domain::fading::is_consolidation_due`]); else none. Of very many those of which least is left, as many as one call can see to. Notes that they are consolidated from `now` on.
    ///
    /// # Errors
    /// As told for the trait.
    fn begin_consolidation(
        &mut self,
        session: &SessionId,
        most: u32,
        now: UnixMillis,
    ) -> Result<Vec<KnowledgeEntry>, StoreError>;

    /// Applies all `operations` as [`apply_operations`](Self::apply_operations) does, and leaves the session as it stands.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when one of the operations is invalid or the session is not known.
    fn consolidate(
        &mut self,
        session: &SessionId,
        operations: &[Operation],
        at: UnixMillis,
    ) -> Result<Applied, StoreError>;

    /// Notes that the entries `ids` were of use at `at`: found, or given to a model. Ids that are gone are no error.
    ///
    /// # Errors
    /// As told for the trait.
    fn note_use(&mut self, ids: &[KnowledgeId], at: UnixMillis) -> Result<(), StoreError>;

    /// Every session with undistilled messages, unmerged observations or uncurated turns; the one used last first.
    ///
    /// # Errors
    /// As told for the trait.
    fn backlog(&mut self) -> Result<Vec<Backlog>, StoreError>;

    /// What it takes to recognise every session again; the one used last first.
    ///
    /// # Errors
    /// As told for the trait.
    fn heads(&mut self) -> Result<Vec<SessionHead>, StoreError>;

    /// All sessions of `principal`, or of everybody; the one used last first.
    ///
    /// # Errors
    /// As told for the trait.
    fn sessions(&mut self, principal: Option<&Principal>) -> Result<Vec<SessionSummary>, StoreError>;

    /// One session, if it is known.
    ///
    /// # Errors
    /// As told for the trait.
    fn session(&mut self, session: &SessionId) -> Result<Option<SessionSummary>, StoreError>;

    /// All messages of a session, oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn messages(&mut self, session: &SessionId) -> Result<Vec<RecordedMessage>, StoreError>;

    /// All observations of a session that were not merged, those that stand for the oldest messages first.
    ///
    /// # Errors
    /// As told for the trait.
    fn observations(&mut self, session: &SessionId) -> Result<Vec<Observation>, StoreError>;

    /// All entries of `principal`, or of everybody; the last changed first.
    ///
    /// # Errors
    /// As told for the trait.
    fn knowledge(&mut self, principal: Option<&Principal>) -> Result<Vec<KnowledgeEntry>, StoreError>;

    /// The entries of `principal` that hold in `project`, or where no project is stated: those that belong there and those
    /// that were promoted; the surest and then the last changed first.
    ///
    /// # Errors
    /// As told for the trait.
    fn project_knowledge(
        &mut self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<KnowledgeEntry>, StoreError>;

    /// Keeps what an agent asks to keep in a project; an entry of the same category and title there gets a new version.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the draft is invalid.
    fn remember(
        &mut self,
        place: (&Principal, &ProjectId),
        draft: &Draft,
        at: UnixMillis,
    ) -> Result<KnowledgeEntry, StoreError>;

    /// Lets go of an entry of a project because an agent asks for it; its versions stay, and its id stays taken. Tells whether
    /// it was there.
    ///
    /// # Errors
    /// As told for the trait.
    fn let_go(
        &mut self,
        place: (&Principal, &ProjectId),
        id: &KnowledgeId,
        at: UnixMillis,
    ) -> Result<bool, StoreError>;

    /// Every entry and whose it is; the surest and then the last changed first.
    ///
    /// # Errors
    /// As told for the trait.
    fn holdings(&mut self) -> Result<Vec<(Principal, KnowledgeEntry)>, StoreError>;

    /// What is added to the requests of the `limit` sessions that were used last, or nothing.
    ///
    /// # Errors
    /// As told for the trait.
    fn injections(&mut self, limit: usize) -> Result<Vec<(SessionId, Option<String>)>, StoreError>;

    /// Decides that nothing is added to the requests of a session, or that its next turn decides.
    ///
    /// # Errors
    /// [`StoreError::Database`] also when the session is not known.
    fn decide_injection(&mut self, session: &SessionId, on: bool) -> Result<(), StoreError>;

    /// Makes an entry its principal's in every project, or of its own project alone again; none when it is not there.
    ///
    /// # Errors
    /// As told for the trait.
    fn promote_entry(
        &mut self,
        id: &KnowledgeId,
        promoted: bool,
    ) -> Result<Option<KnowledgeEntry>, StoreError>;

    /// Writes a new version of the entry `id`, or makes it, outside of any project, when the id was never taken.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the draft is invalid, or the id was deleted or belongs to another principal.
    fn put_entry(
        &mut self,
        principal: &Principal,
        id: &KnowledgeId,
        draft: &Draft,
        at: UnixMillis,
    ) -> Result<KnowledgeEntry, StoreError>;

    /// Forgets an entry and all its versions for good; its id stays taken. Tells whether it was there.
    ///
    /// # Errors
    /// As told for the trait.
    fn delete_entry(&mut self, id: &KnowledgeId, at: UnixMillis) -> Result<bool, StoreError>;

    /// Searches knowledge, observations and messages of `principal`, or of everybody, for the words of `query`; the best
    /// first, at most `limit` hits (taken as 1 to [`MOST_HITS`](crate::MOST_HITS)). No query is wrong.
    ///
    /// # Errors
    /// As told for the trait.
    fn recall(
        &mut self,
        principal: Option<&Principal>,
        query: &str,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        self.recall_within(Scope { principal, ..Scope::default() }, query, limit)
    }

    /// The same within a scope.
    ///
    /// # Errors
    /// As told for the trait.
    fn recall_within(&mut self, scope: Scope<'_>, query: &str, limit: usize) -> Result<Vec<Hit>, StoreError> {
        self.recall_near(scope, query, None, limit)
    }

    /// The same, and what means alike although it has none of the words, as far as the model that made `near` of the query has
    /// seen it.
    ///
    /// # Errors
    /// As told for the trait.
    fn recall_near(
        &mut self,
        scope: Scope<'_>,
        query: &str,
        near: Option<&QueryVector>,
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError>;

    /// At most `limit` texts that `model` has not seen yet: entries, then observations, then messages, the oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn unembedded(&mut self, model: &ModelName, limit: usize) -> Result<Vec<Unembedded>, StoreError>;

    /// Keeps what `model` made of texts that [`unembedded`](Self::unembedded) gave, in its order, a vector for each part; in place
    /// of what another model made. A text that is gone or was rewritten meanwhile is left out.
    ///
    /// # Errors
    /// As told for the trait.
    fn keep_vectors(&mut self, model: &ModelName, made: &[(TextKey, Vec<Vector>)]) -> Result<(), StoreError>;

    /// Which projects the folders that agents stated are parts of, once for each principal; the one used last first.
    ///
    /// # Errors
    /// As told for the trait.
    fn folders(&mut self) -> Result<Vec<StatedFolder>, StoreError>;

    /// Notes what a background call cost.
    ///
    /// # Errors
    /// As told for the trait.
    fn charge(&mut self, entry: &LedgerEntry) -> Result<(), StoreError>;

    /// The same for a call with a name, once: of a second time nothing is written.
    ///
    /// # Errors
    /// As told for the trait.
    fn charge_once(&mut self, call: &str, entry: &LedgerEntry) -> Result<(), StoreError>;

    /// Dollars spent for `purpose` at `since` and later.
    ///
    /// # Errors
    /// As told for the trait.
    fn spent_since(&mut self, purpose: Purpose, since: UnixMillis) -> Result<f64, StoreError>;

    /// Notes what a return to a warm cache saved.
    ///
    /// # Errors
    /// As told for the trait.
    fn credit(&mut self, back: &WarmReturn) -> Result<(), StoreError>;

    /// What background work cost and what warming saved at `since` and later, added up; by day the newest first, else the
    /// largest sums first.
    ///
    /// # Errors
    /// As told for the trait.
    fn costs(&mut self, since: UnixMillis, by: CostsBy) -> Result<Vec<Costs>, StoreError>;

    /// What was decided about warming, which pauses last at `now`, and how the last `watched` warm-ups went.
    ///
    /// # Errors
    /// As told for the trait.
    fn warming_memory(&mut self, watched: u32, now: UnixMillis) -> Result<WarmingMemory, StoreError>;

    /// Switches all warming on or off; on also ends the pause of all warming.
    ///
    /// # Errors
    /// As told for the trait.
    fn switch_warming(&mut self, on: bool, at: UnixMillis) -> Result<(), StoreError>;

    /// Decides about one session's warming; all modes but stop also end the session's pauses.
    ///
    /// # Errors
    /// As told for the trait.
    fn set_warming_mode(
        &mut self,
        session: &SessionId,
        mode: WarmingMode,
        at: UnixMillis,
    ) -> Result<(), StoreError>;

    /// What was decided about one session's warming.
    ///
    /// # Errors
    /// As told for the trait.
    fn warming_mode(&mut self, session: &SessionId) -> Result<WarmingMode, StoreError>;

    /// Keeps a pause that began at `now`, in place of the one before it.
    ///
    /// # Errors
    /// As told for the trait.
    fn keep_warming_pause(&mut self, pause: &KeptPause, now: UnixMillis) -> Result<(), StoreError>;

    /// Keeps what lies in a provider's batch, or is on its way into one, in place of a batch of the same mark.
    ///
    /// # Errors
    /// As told for the trait.
    fn keep_batch(&mut self, batch: &KeptBatch) -> Result<(), StoreError>;

    /// Forgets a batch. One that is gone is no error.
    ///
    /// # Errors
    /// As told for the trait.
    fn forget_batch(&mut self, mark: &BatchMark) -> Result<(), StoreError>;

    /// Every batch that was kept and not forgotten, the oldest first.
    ///
    /// # Errors
    /// As told for the trait.
    fn batches(&mut self) -> Result<Vec<KeptBatch>, StoreError>;

    /// What was learnt of waits, those that changed last at the end.
    ///
    /// # Errors
    /// As told for the trait.
    fn habits(&mut self) -> Result<Vec<KeptHabits>, StoreError>;

    /// Keeps what was learnt until `at`, each in place of what was kept of the same before, and forgets those of `forgotten`;
    /// all or nothing.
    ///
    /// # Errors
    /// As told for the trait.
    fn keep_habits(
        &mut self,
        kept: &[KeptHabits],
        forgotten: &[Whose],
        at: UnixMillis,
    ) -> Result<(), StoreError>;
}
