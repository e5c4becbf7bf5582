//! Performers that turn effects into calls, and the one function that wires the actors together.
