//! Steps that need libtorch run in a child process, in a process group of its own. The child gets the
//! frozen request on its standard input and tells what happens as JSON lines on its standard output.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::catalog::{FailureKind, StepContext, StepFailure, StepResult};
use super::events::{Event, Reporter};
use crate::core::boundary;

/// A line from the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildMessage {
    /// Something happened.
    Event(Event),
    /// The step is done.
    Result(StepResult),
    /// The step failed.
    Failure(StepFailure),
}

/// The child's side: writes messages to its standard output, a line each.
#[derive(Clone, Default)]
pub struct Relay(Arc<Mutex<()>>);

impl Relay {
    /// Sends a message. A parent that is gone ends the child by signal, so errors are not looked at.
    pub fn send(&self, message: &ChildMessage) {
        let Ok(mut line) = serde_json::to_vec(message) else { return };
        line.push(b'\n');
        let _guard = self.0.lock();
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }

    /// A reporter whose events go to the parent.
    pub fn reporter(&self, step: &str) -> Reporter {
        let relay = self.clone();
        Reporter::new(step, Arc::new(move |event| relay.send(&ChildMessage::Event(event))))
    }
}

/// Runs a step in a child process and waits for its end.
pub(super) async fn run_in_child(
    program: &[PathBuf],
    variables: &[(String, String)],
    context: &StepContext,
    sink: &(dyn Fn(Event) + Send + Sync),
) -> Result<StepResult, StepFailure> {
    let request = serde_json::to_vec(&context.request).map_err(StepFailure::internal)?;
    let mut child = start(program, variables)?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(StepFailure::internal("start the child: it has no pipes"));
    };
    boundary("child");
    // A child that dies before it has read its request closes the pipe; its exit tells why.
    let _ = stdin.write_all(&request).await;
    drop(stdin);
    let complaints = tokio::spawn(last_lines(stderr));
    let mut stdout = BufReader::new(stdout);
    let mut end = None;
    while let Some(line) = next_line(&mut stdout).await {
        match serde_json::from_str(&line) {
            Ok(ChildMessage::Event(event)) => sink(event),
            Ok(ChildMessage::Result(result)) => end = Some(Ok(result)),
            Ok(ChildMessage::Failure(failure)) => end = Some(Err(failure)),
            Err(_) => context.reporter.log(line),
        }
    }
    let status = child.wait().await;
    boundary("child done");
    let complaints = complaints.await.unwrap_or_default();
    complaints.iter().for_each(|line| context.reporter.log(line.as_str()));
    end.unwrap_or_else(|| Err(lost(status, &complaints)))
}

fn start(program: &[PathBuf], variables: &[(String, String)]) -> Result<Child, StepFailure> {
    let found = program.iter().find(|path| path.is_file()).ok_or_else(|| {
        let places: Vec<_> = program.iter().map(|p| p.display().to_string()).collect();
        StepFailure::input(format!(
            "find fqm-torch beside fqm-pipe ({}); build it with `make build`, or name it with FQM_TORCH",
            places.join(", ")
        ))
    })?;
    Command::new(found)
        .arg("step")
        .envs(variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| StepFailure::input(format!("start {}: {e}", found.display())))
}

/// The next line, whatever its bytes: a pipe that nobody reads to its end would hold the child.
async fn next_line<R: AsyncBufRead + Unpin>(from: &mut R) -> Option<String> {
    let mut line = Vec::new();
    let read = from.read_until(b'\n', &mut line).await.ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
}

async fn last_lines(stderr: tokio::process::ChildStderr) -> Vec<String> {
    let mut stderr = BufReader::new(stderr);
    let mut kept = std::collections::VecDeque::new();
    while let Some(line) = next_line(&mut stderr).await {
        kept.push_back(line);
        if kept.len() > 200 {
            kept.pop_front();
        }
    }
    kept.into()
}

fn lost(status: std::io::Result<std::process::ExitStatus>, complaints: &[String]) -> StepFailure {
    let how = status.map_or_else(|e| e.to_string(), |s| s.to_string());
    let last = complaints.last().map(|line| format!("; it said: {line}")).unwrap_or_default();
    let message = format!("finish the step: its process ended without a result ({how}){last}");
    StepFailure { kind: FailureKind::Lost, message }
}
