//! The promises of the store, each with a test that would notice if it were broken.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod batches;
mod browse;
mod curation;
mod desk;
mod distillation;
mod erasing;
mod exchange;
mod fixture;
mod folder;
mod forgetting;
mod graves;
mod injection;
mod kill;
mod knowledge;
mod ledger;
mod merging;
mod origins;
mod periods;
mod projects;
mod reading;
mod recall;
mod repetition;
mod retention;
mod sessions;
mod shapes;
mod taking_over;
mod transfer;
mod turns;
mod vain;
mod vectors;
mod warming;
