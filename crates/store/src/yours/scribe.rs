//! An export as lines of text, a piece at a time.

use super::Yours;
use super::export::Bookmark;
use super::record::Record;
use crate::error::StoreError;
use domain::ids::Principal;

/// Writes everything that an owner has, line by line, and last how many lines there were.
#[derive(Debug)]
pub struct Scribe {
    whose: Principal,
    next: Option<Bookmark>,
    written: u64,
    is_done: bool,
}

impl Scribe {
    /// One that has written nothing yet.
    #[must_use]
    pub fn of(whose: Principal) -> Self {
        Self { whose, next: Some(Bookmark::default()), written: 0, is_done: false }
    }

    /// The next lines; none when all are written.
    ///
    /// # Errors
    /// When the store cannot say.
    pub fn write(&mut self, store: &mut (impl Yours + ?Sized)) -> Result<Option<String>, StoreError> {
        while let Some(bookmark) = self.next.take() {
            let (records, next) = store.export_some(&self.whose, bookmark)?;
            self.next = next;
            self.written += records.len() as u64;
            if !records.is_empty() {
                return records.iter().map(line).collect::<Result<_, _>>().map(Some);
            }
        }
        let end = (!self.is_done).then(|| line(&Record::End { records: self.written })).transpose();
        self.is_done = true;
        end
    }
}

fn line(record: &Record) -> Result<String, StoreError> {
    let text = serde_json::to_string(record).map_err(|error| StoreError::Database(Box::new(error)))?;
    Ok(text + "\n")
}
