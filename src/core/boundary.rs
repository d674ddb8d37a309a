//! Counted crash points: every durable effect has one before and one after it, so that a test can
//! kill a night at each of them in turn and see that the next run finishes it.
//!
//! `FQM_CRASH_COUNTER` names a file that the processes of one run share: each boundary appends one
//! line to it. With `FQM_CRASH_AT=n` the process that reaches the n-th boundary is killed, as a power
//! cut would end it: no destructor runs. Without these variables a boundary costs one atomic load.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, OnceLock};

use rustix::process::Signal;

struct Counter {
    file: Mutex<File>,
    cut_at: Option<u64>,
}

fn counter() -> Option<&'static Counter> {
    static COUNTER: OnceLock<Option<Counter>> = OnceLock::new();
    COUNTER
        .get_or_init(|| {
            let path = std::env::var_os("FQM_CRASH_COUNTER")?;
            let file = OpenOptions::new().create(true).append(true).open(path).ok()?;
            let cut_at = std::env::var("FQM_CRASH_AT").ok().and_then(|n| n.parse().ok());
            Some(Counter { file: Mutex::new(file), cut_at })
        })
        .as_ref()
}

/// Marks one side of a durable effect (`put`, `fsync`, `rename`, `commit`, `child`).
///
/// Lines have a fixed width, so the length of the shared file is the number of boundaries passed by
/// all processes of the run.
pub fn boundary(kind: &'static str) {
    let Some(counter) = counter() else { return };
    let Ok(mut file) = counter.file.lock() else { return };
    if writeln!(file, "{kind:<15.15}").is_err() {
        return;
    }
    let passed = file.metadata().map(|m| m.len() / 16).unwrap_or(0);
    if counter.cut_at == Some(passed) {
        // As a power cut would end it: nothing runs any more, and no core is dumped.
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
        std::process::abort();
    }
}
