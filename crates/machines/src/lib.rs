//! One pure state machine per actor: time comes in as an argument, effects go out as data.
