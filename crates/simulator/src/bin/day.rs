//! Prints what a day of nineteen users comes to under four policies.

use clap::Parser;
use simulator::day;

/// A day of nineteen users whose tokens die, under the seed's three policies and ours.
#[derive(Debug, Parser)]
#[command(name = "day")]
struct Arguments {
    /// What all of the day comes from: who speaks when, which token lives how long, how long calls take.
    #[arg(long, default_value_t = day::SEED)]
    seed: u64,
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn main() {
    print!("{}", day::story(Arguments::parse().seed));
}
