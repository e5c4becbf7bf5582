//! Spans and log lines: what they say, and what they must never say.

use std::cell::RefCell;
use std::io;
use std::process::Command;
use std::sync::Once;

use tracing::Instrument;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::clerk::{House, Order, asked, at_home, deed, settle};

thread_local! {
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the log of this thread, if a test on it is listening.
struct ThreadLog;

impl io::Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.as_mut().map(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Installs one subscriber for the whole process. A subscriber of each test's own would not do:
/// tracing remembers what the first thread to pass a span thought of it.
pub(crate) fn install_log() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        tracing_subscriber::fmt()
            .with_writer(|| ThreadLog)
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .with_span_events(FmtSpan::CLOSE)
            .init();
    });
}

/// Everything that is logged while the orders are handled one after the other.
async fn logged(orders: Vec<Order>) -> String {
    LOG.set(Some(Vec::new()));
    at_home(async {
        let clerk = House::new().clerk(9);
        for order in orders {
            drop(asked(&clerk, order).await);
        }
        settle().await;
    })
    .await;
    String::from_utf8(LOG.take().unwrap()).unwrap()
}

/// The first line with all of these words.
fn line<'a>(log: &'a str, words: &[&str]) -> &'a str {
    let found = log.lines().find(|line| words.iter().all(|word| line.contains(word)));
    found.unwrap_or_else(|| panic!("no line with {words:?} in {log}"))
}

#[tokio::test(start_paused = true)]
async fn every_handled_message_is_one_span_with_all_its_fields() {
    let log = logged(vec![Order::Note(4)]).await;
    let fields = [
        "close",
        "stillroom::actor",
        "mail{actor=\"clerk\"",
        "incarnation=1",
        "from=\"test\"",
        "mail=1",
        "root=1",
        "queue_wait_us=0",
        "depth=0",
        "handle_us=0",
        "effects=0",
        "outcome=\"[4]\"",
    ];
    assert!(line(&log, &fields).contains("msg=\"Note\""));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_never_handled_within_another_span() {
    let tell_on = deed(|stage| stage.me().tell(Order::Note(4), stage.cause()).unwrap());
    let log = logged(vec![tell_on]).instrument(tracing::info_span!("elsewhere")).await;
    let span = line(&log, &["close", "msg=\"Note\"", "cause=1"]);
    assert_eq!((span.matches("mail{").count(), span.contains("elsewhere")), (1, false), "{span}");
}

#[tokio::test(start_paused = true)]
async fn what_a_performance_logs_is_within_the_span_of_the_message_that_started_it() {
    let log = logged(vec![deed(|stage| {
        let work = async {
            tracing::warn!("working");
            Order::Note(1)
        };
        stage.run(work, Order::Note(2));
    })])
    .await;
    assert!(line(&log, &["working"]).contains("msg=\"Do\""));
}

#[tokio::test(start_paused = true)]
async fn a_panics_place_is_logged_and_never_its_words() {
    let fail = deed(|stage| stage.run(async { panic!("the token is hunter2") }, Order::Note(2)));
    let text = logged(vec![Order::Crash, fail]).await;
    assert!(text.contains("an actor crashed") && text.contains("a performance panicked"), "{text}");
    assert!(text.contains("clerk.rs") && text.contains("logs.rs"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

/// Runs another test of this binary by itself, because what is printed is a matter of the process.
#[test]
fn a_contained_panic_prints_nothing() {
    let crashing = "crashes::a_crash_costs_its_own_question_and_the_machine_but_no_mail";
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", crashing, "--nocapture"])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(out.contains("1 passed"), "{out}{err}");
    assert!(!err.contains("hunter2") && !err.contains("panicked"), "{err}");
}
