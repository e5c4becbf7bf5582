//! The message trace: the last few thousand messages of the house, while somebody wants to see them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::{Row, Selection};

/// How many rows are kept: about a megabyte as they usually are, and nine at the very most.
const KEPT: usize = 4096;
/// How far a subscriber may fall behind before it misses rows.
const BEHIND: usize = 1024;

/// Numbers every message, and records them while it is on.
///
/// While off, it costs one relaxed atomic load a message. Clones share the record.
#[derive(Clone)]
pub struct Trace(Arc<Record>);

struct Record {
    on: AtomicBool,
    numbers: AtomicU64,
    kept: Mutex<VecDeque<Arc<Row>>>,
    live: broadcast::Sender<Arc<Row>>,
}

impl Trace {
    /// A trace that records nothing yet.
    #[must_use]
    pub fn off() -> Self {
        let (live, _) = broadcast::channel(BEHIND);
        let (on, numbers) = (AtomicBool::new(false), AtomicU64::new(1));
        Self(Arc::new(Record { on, numbers, kept: Mutex::default(), live }))
    }

    /// A trace that records from the first message on.
    #[must_use]
    pub fn on() -> Self {
        let trace = Self::off();
        trace.switch(true);
        trace
    }

    /// Starts or stops recording; what is recorded stays.
    pub fn switch(&self, on: bool) {
        self.0.on.store(on, Ordering::Relaxed);
    }

    /// Whether messages are being recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Relaxed)
    }

    /// The last `n` rows, oldest first; fewer if fewer are kept.
    #[must_use]
    pub fn last(&self, n: usize) -> Vec<Row> {
        self.selected(n, &Selection::default()).iter().map(|row| Row::clone(row)).collect()
    }

    /// The last `n` rows of those that `selection` holds, oldest first; fewer if fewer are kept.
    #[must_use]
    pub fn selected(&self, n: usize, selection: &Selection) -> Vec<Arc<Row>> {
        let mut rows: Vec<_> =
            self.kept().iter().rev().filter(|row| selection.holds(row)).take(n).map(Arc::clone).collect();
        rows.reverse();
        rows
    }

    /// Every row from now on. A subscriber that falls far behind misses the oldest ones.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Row>> {
        self.0.live.subscribe()
    }

    pub(crate) fn number(&self) -> u64 {
        self.0.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn record(&self, row: Row) {
        let row = Arc::new(row);
        {
            let mut kept = self.kept();
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(Arc::clone(&row));
        }
        // An error only says that nobody is listening.
        self.0.live.send(row).ok();
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Row>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::off()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Trace").field("on", &self.is_on()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(mail: u64) -> Row {
        Row { mail, ..Row::default() }
    }

    fn mails(rows: &[Row]) -> Vec<u64> {
        rows.iter().map(|row| row.mail).collect()
    }

    #[test]
    fn the_last_rows_come_oldest_first() {
        let trace = Trace::on();
        (1..=3).for_each(|mail| trace.record(row(mail)));
        assert_eq!(mails(&trace.last(2)), [2, 3]);
        assert_eq!(mails(&trace.last(99)), [1, 2, 3]);
    }

    #[test]
    fn the_last_rows_of_a_kind_are_found_behind_any_number_of_others() {
        let trace = Trace::on();
        let told = |mail, actor| trace.record(Row { actor, ..row(mail) });
        (1..=3).for_each(|mail| told(mail, "Distiller"));
        (4..=1000).for_each(|mail| told(mail, "CredentialActor"));
        let distiller = Selection { actor: Some("Distiller".to_owned()), ..Selection::default() };
        let found = trace.selected(2, &distiller);
        assert_eq!(found.iter().map(|row| row.mail).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn the_record_is_bounded_and_forgets_the_oldest() {
        let trace = Trace::on();
        (0..KEPT as u64 + 10).for_each(|mail| trace.record(row(mail)));
        let kept = trace.last(usize::MAX);
        assert_eq!((kept.len(), kept[0].mail), (KEPT, 10));
    }

    #[tokio::test]
    async fn a_subscriber_hears_rows_as_they_come() {
        let trace = Trace::on();
        let mut live = trace.subscribe();
        trace.clone().record(row(7));
        assert_eq!(live.recv().await.map(|row| row.mail), Ok(7));
    }
}
