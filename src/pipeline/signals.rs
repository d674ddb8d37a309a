//! The signals that end a run.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, where they can be listened to.
pub(super) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    pub(super) fn new() -> Self {
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    pub(super) async fn next(&mut self) -> i32 {
        let (interrupt, terminate) = (self.interrupt.as_mut(), self.terminate.as_mut());
        let wait = async |signal: Option<&mut Signal>| match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = wait(interrupt) => 2,
            () = wait(terminate) => 15,
        }
    }
}
