//! A text that may be a condition, an effect, an atom, a parameter or an initial fact.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    fqm_fuzz::holds::expression(text);
});
