//! The promises of the store, each with a test that would notice if it were broken.

mod desk;
mod distillation;
mod fixture;
mod folder;
mod kill;
mod knowledge;
mod ledger;
mod recall;
mod repetition;
mod sessions;
mod turns;
