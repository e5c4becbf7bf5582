//! Each pitfall of actix 0.13, shown on its stock API, beside what the shell does in its place.
//!
//! Should one of the `stock_…` tests ever fail after an update of actix, the pitfall is gone and the
//! part of the shell that stands against it can be looked at again.
#![expect(clippy::disallowed_methods, reason = "the stock API is what is shown here")]

mod capacity;
mod context;
mod fairness;
mod intervals;
mod leaving;
mod order;
mod stopping;
mod supervision;

use std::cell::RefCell;
use std::rc::Rc;

use actix::{Actor, Context, Handler, Message, Supervised};

/// A stock actor that notes numbers where the test can see them.
#[derive(Default)]
struct Stock(Rc<RefCell<Vec<u32>>>);

impl Stock {
    /// A stock actor with its notes, in a mailbox with room for `capacity`.
    fn started(capacity: usize) -> (actix::Addr<Self>, Rc<RefCell<Vec<u32>>>) {
        let notes = Rc::default();
        let stock = Self(Rc::clone(&notes));
        let create = |context: &mut Context<Self>| {
            context.set_mailbox_capacity(capacity);
            stock
        };
        (Self::create(create), notes)
    }
}

impl Actor for Stock {
    type Context = Context<Self>;
}

impl Supervised for Stock {}

struct Note(u32);

impl Message for Note {
    type Result = ();
}

impl Handler<Note> for Stock {
    type Result = ();

    fn handle(&mut self, Note(number): Note, _: &mut Context<Self>) {
        self.0.borrow_mut().push(number);
    }
}

/// Something to do in the handler.
struct Do(InHandler);

type InHandler = Box<dyn FnOnce(&mut Stock, &mut Context<Stock>) + Send>;

impl Do {
    fn it(deed: impl FnOnce(&mut Stock, &mut Context<Stock>) + Send + 'static) -> Self {
        Self(Box::new(deed))
    }
}

impl Message for Do {
    type Result = ();
}

impl Handler<Do> for Stock {
    type Result = ();

    fn handle(&mut self, Do(deed): Do, context: &mut Context<Self>) {
        deed(self, context);
    }
}
