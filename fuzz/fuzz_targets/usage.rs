#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| upstream::fuzzing::usage(input));
