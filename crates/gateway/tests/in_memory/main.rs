//! The whole gateway as an app, without a socket: what the simulator builds on.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod house;
#[cfg(test)]
mod login;
#[cfg(test)]
mod senders;
#[cfg(test)]
mod turn;
