//! The binary; all of it is in the library.
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// It gives memory back: after a burst of long requests, the system's own keeps several times as much.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    stillroom::main()
}
