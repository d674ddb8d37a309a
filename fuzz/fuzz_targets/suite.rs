//! A text that may declare a suite.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    fqm_fuzz::holds::suite(text);
});
