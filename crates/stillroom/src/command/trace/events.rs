//! The gateway's server-sent events, from pieces that end anywhere.

use actor::Row;

/// One event of the stream of actor messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A message.
    Row(Box<Row<String>>),
    /// So many were not told, because we were too slow.
    Missed(u64),
}

/// What came so far and is no whole event yet.
#[derive(Debug, Default)]
pub(super) struct Events(Vec<u8>);

impl Events {
    /// The events that end in `piece`. What is none of ours is passed over: comments, and what a newer gateway may say.
    pub(super) fn of(&mut self, piece: &[u8]) -> Vec<Event> {
        self.0.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.0.drain(..end + 2).collect();
            events.extend(read(&String::from_utf8_lossy(&event)));
        }
        events
    }
}

fn read(event: &str) -> Option<Event> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data: ")?;
    match field("event: ")? {
        "message" => serde_json::from_str(data).ok().map(|row| Event::Row(Box::new(row))),
        "missed" => data.parse().ok().map(Event::Missed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_their_pieces_end() {
        let row = Row::<String> { message: "Wänted".to_owned(), ..Row::default() };
        let json = serde_json::to_string(&row).unwrap();
        let stream = format!(
            ": hello\n\nevent: message\ndata: {json}\n\n:\n\nevent: missed\ndata: 3\n\nevent: new\ndata: x\n\n"
        );
        let expected = vec![Event::Row(Box::new(row)), Event::Missed(3)];
        for length in [1, 2, 7, stream.len()] {
            let mut events = Events::default();
            let heard: Vec<Event> =
                stream.as_bytes().chunks(length).flat_map(|piece| events.of(piece)).collect();
            assert_eq!(heard, expected, "in pieces of {length}");
        }
    }
}
