//! Steps that need libtorch, and those that ask for it, run in a child process, in a process group of its
//! own. The child gets the frozen request on its standard input and tells what happens as JSON lines on
//! its standard output.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::catalog::{Catalog, FailureKind, StepContext, StepFailure, StepRequest, StepResult};
use super::events::{Event, Reporter};
use super::process::Usage;
use super::spec::Memory;
use super::stop::{Stop, interrupted, stopped};
use crate::core::{Blobs, boundary};

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
    /// What the step cost, said last.
    Usage(Usage),
}

/// What a child may use.
pub(super) struct Limits {
    /// How much memory.
    pub memory: Option<Memory>,
    /// How long it may take to end after it was told to.
    pub grace: Duration,
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

/// Runs a step in a child process and waits for its end. When the run is to end, the child is told so,
/// and killed with all its descendants where it takes too long.
pub(super) async fn run_in_child(
    program: &[PathBuf],
    variables: &[(String, String)],
    context: &StepContext,
    limits: &Limits,
    stop: &Stop,
    sink: &(dyn Fn(Event) + Send + Sync),
) -> Result<StepResult, StepFailure> {
    let request = serde_json::to_vec(&context.request).map_err(StepFailure::internal)?;
    let mut child = start(program, variables)?;
    let group = Group::of(&child);
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
    let mut end = None;
    let listen = async {
        let mut stdout = BufReader::new(stdout);
        while let Some(line) = next_line(&mut stdout).await {
            match serde_json::from_str(&line) {
                Ok(ChildMessage::Event(event)) => sink(event),
                Ok(ChildMessage::Result(result)) => end = Some(Ok(result)),
                Ok(ChildMessage::Failure(failure)) => end = Some(Err(failure)),
                Ok(ChildMessage::Usage(usage)) => sink(usage.of(&context.request.step)),
                Err(_) => context.reporter.log(line),
            }
        }
        child.wait().await
    };
    let ended_late = async {
        stopped(stop).await;
        group.signal(Signal::TERM);
        tokio::time::sleep(limits.grace).await;
    };
    let status = tokio::select! {
        status = listen => status,
        () = ended_late => return Err(interrupted()),
        failure = too_much(group.0, limits.memory) => return Err(failure),
    };
    boundary("child done");
    let complaints = complaints.await.unwrap_or_default();
    complaints.iter().for_each(|line| context.reporter.log(line.as_str()));
    let failed = || if *stop.borrow() { interrupted() } else { lost(status, &complaints) };
    end.unwrap_or_else(|| Err(failed()))
}

/// How often the memory of a child is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Ends when a child holds more memory than its step asked for.
async fn too_much(child: Option<Pid>, memory: Option<Memory>) -> StepFailure {
    let (Some(child), Some(memory)) = (child, memory) else { return std::future::pending().await };
    let path = format!("/proc/{}/status", child.as_raw_nonzero());
    loop {
        tokio::time::sleep(LOOK).await;
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        let held = kib.unwrap_or(0) << 10;
        if held > memory.0 {
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            return StepFailure::input(format!(
                "keep to its memory: it held {:.0} MiB, and `needs.mem` is {:.0} MiB; raise it, or give the step less to do",
                mib(held),
                mib(memory.0)
            ));
        }
    }
}

/// The process group of a child, which ends with this value: what the child started, too.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Makes this process end with its parent, as a child of a run must: another run may take its place.
///
/// # Errors
/// When the parent has ended already.
pub fn end_with_parent() -> Result<(), String> {
    let parent = rustix::process::getppid();
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    match rustix::process::getppid() == parent {
        true => Ok(()),
        false => Err("start: the process that started this one has ended".to_owned()),
    }
}

/// Runs the step whose frozen request comes on standard input, with the bodies of `catalog`, and tells
/// the parent what happens: the whole of a child's work.
pub async fn serve_step(catalog: &dyn Catalog) {
    let relay = Relay::default();
    match served(catalog, &relay).await {
        Ok(result) => relay.send(&ChildMessage::Result(result)),
        Err(failure) => relay.send(&ChildMessage::Failure(failure)),
    }
    relay.send(&ChildMessage::Usage(Usage::of_this_process()));
}

async fn served(catalog: &dyn Catalog, relay: &Relay) -> Result<StepResult, StepFailure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(StepFailure::internal)?;
    let request: StepRequest = serde_json::from_str(&text).map_err(StepFailure::internal)?;
    let body = catalog.body(&request.kind).ok_or_else(|| {
        StepFailure::internal(format!("find the body of the step kind `{}`", request.kind))
    })?;
    let blobs = Blobs::new(request.workspace.open_store()?);
    let reporter = relay.reporter(&request.step);
    body.run(&StepContext { request, blobs, reporter }).await
}

fn start(program: &[PathBuf], variables: &[(String, String)]) -> Result<Child, StepFailure> {
    let found = program.iter().find(|path| path.is_file()).ok_or_else(|| {
        let places: Vec<_> = program.iter().map(|p| p.display().to_string()).collect();
        StepFailure::input(format!(
            "find fqm-torch beside fqm-pipe ({}); build it with `make build`, or name it with FQM_TORCH",
            places.join(", ")
        ))
    })?;
    let mut command = Command::new(found);
    command
        .args(["step", "child"])
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
