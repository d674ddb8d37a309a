//! Asks `fqm-torch`, which holds the weights: a request on its standard input, an answer on its
//! standard output, its talk on ours.

use std::process::Stdio;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::error::{CliError, Kind};
use super::open;
use crate::pipeline::{ChildMessage, Observer};
use crate::policy::DETERMINISM_ENV;

/// Sends a request to a command of `fqm-torch` and reads the answer.
pub(super) async fn ask<Q: Serialize, A: DeserializeOwned>(
    command: &str,
    request: &Q,
) -> Result<A, CliError> {
    let mut child = start(command, request).await?;
    let mut answer = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut answer).await.map_err(CliError::internal)?;
    }
    ended(child).await?;
    serde_json::from_slice(&answer).map_err(CliError::internal)
}

/// As [`ask`], for work that takes long: tells what happens meanwhile.
pub(super) async fn follow<Q: Serialize, A: DeserializeOwned>(
    command: &str,
    request: &Q,
    observer: &mut dyn Observer,
) -> Result<A, CliError> {
    let mut child = start(command, request).await?;
    let mut answer = None;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.map_err(CliError::internal)? {
            match serde_json::from_str(&line) {
                Ok(ChildMessage::Event(event)) => observer.on(&event),
                _ => answer = Some(line),
            }
        }
    }
    ended(child).await?;
    let answer = answer.ok_or_else(|| CliError::internal("read the answer: there is none"))?;
    serde_json::from_str(&answer).map_err(CliError::internal)
}

async fn start<Q: Serialize>(command: &str, request: &Q) -> Result<Child, CliError> {
    let request = serde_json::to_vec(request).map_err(CliError::internal)?;
    let program = open::torch_program().into_iter().find(|path| path.is_file());
    let program = program.ok_or_else(|| {
        CliError::config("find fqm-torch beside fqm-pipe; build it with `make build`")
    })?;
    let mut child = Command::new(&program)
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
    Ok(child)
}

/// Waits for the end of a child, which says itself why it failed.
async fn ended(mut child: Child) -> Result<(), CliError> {
    let status = child.wait().await.map_err(CliError::internal)?;
    match status.code() {
        Some(0) => Ok(()),
        Some(_) => Err(CliError::told(Kind::Config)),
        None => {
            Err(CliError::temporary(format!("work with the policy: fqm-torch ended by {status}")))
        }
    }
}
