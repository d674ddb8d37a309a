//! A text that may be a level in TOML (or, beginning with a brace, JSON).
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    fqm_fuzz::holds::level(text);
});
