//! What is brought in: a file, or what another program writes, which can be read only once.

use super::LONGEST_LINE;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::Path;

/// Some editors begin a file with it; it says nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// See the module.
pub(super) struct Source<'p> {
    pub(super) path: &'p Path,
    /// All of it, if it can be read only once.
    held: Option<Vec<u8>>,
}

impl<'p> Source<'p> {
    /// Reads all of it, unless it can be read again.
    pub(super) fn of(path: &'p Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut held = None;
        if !file.metadata()?.is_file() {
            file.read_to_end(held.insert(Vec::new()))?;
        }
        Ok(Self { path, held })
    }

    /// An export of everything begins with a brace; all else is knowledge.
    pub(super) fn begins_with_a_brace(&self) -> io::Result<bool> {
        let mut reader = self.read()?;
        let beginning = reader.fill_buf()?;
        Ok(beginning.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
    }

    /// The text of it.
    pub(super) fn text(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.read()?.read_to_end(&mut bytes)?;
        let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8");
        String::from_utf8(bytes).map_err(no_text)
    }

    /// Its lines, from the first.
    pub(super) fn lines(&self) -> io::Result<Lines<'_>> {
        Ok(Lines { reader: self.read()?, line: Vec::new(), longest: LONGEST_LINE })
    }

    fn read(&self) -> io::Result<Box<dyn BufRead + '_>> {
        let mut reader: Box<dyn BufRead + '_> = match &self.held {
            Some(bytes) => Box::new(Cursor::new(bytes)),
            None => Box::new(BufReader::new(File::open(self.path)?)),
        };
        if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(reader)
    }
}

/// The lines of a file, one at a time.
pub(super) struct Lines<'s> {
    reader: Box<dyn BufRead + 's>,
    line: Vec<u8>,
    /// How long one may be, in bytes.
    longest: usize,
}

impl Lines<'_> {
    /// The next line, without its end; what is no UTF-8 in it is replaced.
    pub(super) fn next(&mut self) -> io::Result<Option<String>> {
        self.line.clear();
        let mut limited = io::Read::take(&mut self.reader, self.longest as u64);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() >= self.longest {
            return Err(io::Error::other("a line is longer than 256 MiB"));
        }
        Ok(Some(String::from_utf8_lossy(&self.line).trim_end_matches(['\n', '\r']).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_is_refused_and_not_cut() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("lines");
        std::fs::write(&file, "one\r\n\nfour\n").unwrap();
        let source = Source::of(&file).unwrap();
        let read = |longest| {
            let mut lines = Lines { longest, ..source.lines().unwrap() };
            let mut said = Vec::new();
            while let Some(line) = lines.next().transpose() {
                said.push(line.map_err(|error| error.to_string()));
                if said.last().is_some_and(Result::is_err) {
                    break;
                }
            }
            said
        };
        assert_eq!(read(9), [Ok("one".to_owned()), Ok(String::new()), Ok("four".to_owned())]);
        assert_eq!(read(5).last(), Some(&Err("a line is longer than 256 MiB".to_owned())));
    }

    #[test]
    fn a_mark_at_the_beginning_that_says_nothing_is_passed_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("marked");
        std::fs::write(&file, "\u{feff}{\u{feff}").unwrap();
        let source = Source::of(&file).unwrap();
        assert!(source.begins_with_a_brace().unwrap());
        assert_eq!(source.text().unwrap(), "{\u{feff}");
        assert_eq!(source.lines().unwrap().next().unwrap().as_deref(), Some("{\u{feff}"));
    }
}
