//! A text that may be a level in JSON; the seeds are.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    fqm_fuzz::holds::level(text);
});
