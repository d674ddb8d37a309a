//! Asks `fqm-torch`, which holds the weights: a request on its standard input, an answer on its
//! standard output, its talk on ours.

use std::process::Stdio;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;

use super::error::CliError;
use super::open;
use crate::policy::DETERMINISM_ENV;

/// Sends a request to a command of `fqm-torch` and reads the answer.
pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(
    command: &str,
    request: &Q,
) -> Result<A, CliError> {
    let request = serde_json::to_vec(request).map_err(CliError::internal)?;
    let program = open::torch_program().into_iter().find(|path| path.is_file());
    let program = program.ok_or_else(|| {
        CliError::config("find fqm-torch beside fqm-pipe; build it with `make build`")
    })?;
    let mut child = tokio::process::Command::new(&program)
        .arg(command)
        .envs(DETERMINISM_ENV.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| CliError::config(format!("start {}: {e}", program.display())))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ends before it has read all closes the pipe; its exit tells why.
        let _ = stdin.write_all(&request).await;
    }
    let done = child.wait_with_output().await.map_err(CliError::internal)?;
    if !done.status.success() {
        return Err(CliError::config("play with the policy; its reason stands above"));
    }
    serde_json::from_slice(&done.stdout).map_err(CliError::internal)
}
