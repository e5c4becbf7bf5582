//! The command line: serve, demo, run, and a look inside.
