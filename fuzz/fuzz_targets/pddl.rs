//! A text that may be a PDDL domain and, behind a line of dashes, a problem of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (domain, problem) = text.split_once("\n---\n").unwrap_or((text, ""));
    fqm_fuzz::holds::pddl(domain, problem);
});
