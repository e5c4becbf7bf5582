//! Black-box stories against the built gateway; each file in `tests/` is one.
