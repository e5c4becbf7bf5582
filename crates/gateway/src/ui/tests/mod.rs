//! The dashboard as a browser sees it, without one: real actors, a real store, and a provider on a real socket.

mod acting;
mod hostile;
mod pages;
