//! The program itself, as a user calls it.

#[cfg(test)]
mod refusals;
#[cfg(unix)]
#[cfg(test)]
mod running;
#[cfg(unix)]
#[cfg(test)]
mod serving;
#[cfg(test)]
mod support;
