//! How the steps of a run hear that it is to end.

use tokio::sync::watch;

use super::catalog::{FailureKind, StepFailure};

/// Whether the run is to end, as its steps see it.
pub(super) type Stop = watch::Receiver<bool>;

/// Waits until the run is to end; never ends where nobody can say so any more.
pub(super) async fn stopped(stop: &Stop) {
    if stop.clone().wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The failure of a step that the end of its run ended.
pub(super) fn interrupted() -> StepFailure {
    let message = "finish the step: the run was ended".to_owned();
    StepFailure { kind: FailureKind::Interrupted, message }
}
