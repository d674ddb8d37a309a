//! Slurm: one job for each step, joined by `afterok`. What Slurm remembers is a hint: right after a crash of
//! its controller it may have lost a job, or run one twice under the same id, so jobs are known by the
//! comment that they carry (run, step, attempt), never by their id.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Engine, EngineError, Sight, Task, WorkerCommand};
use crate::pipeline::exchange::Handle;

/// How long a command of Slurm may take; with a dead authentication service they hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Slurm, by its commands.
pub struct Slurm {
    /// The command line of the worker.
    pub worker: WorkerCommand,
    /// Where the output of jobs goes: a folder that the nodes see.
    pub logs: PathBuf,
    /// More arguments for `sbatch`, e.g. `--partition=gpu`.
    pub arguments: Vec<String>,
}

impl Slurm {
    async fn jobs(&self, run: &str) -> Result<Vec<Job>, EngineError> {
        // `--me` goes by the user; `-t all` shows ended jobs as long as Slurm remembers them.
        let listed = command("squeue", &["--me", "-h", "-t", "all", "-o", "%i|%T|%r|%k"], None);
        let listed = listed.await?;
        Ok(listed.lines().filter_map(|line| Job::read(line, run)).collect())
    }

    fn arguments(&self, handle: &Handle, task: &Task, after: &[String]) -> Vec<String> {
        let log = self.logs.join(format!("{}.{}.{}.log", handle.run, task.step, task.attempt));
        let mut arguments = vec![
            "--parsable".to_owned(),
            // The driver submits anew what is lost. Two who do so would run it twice.
            "--no-requeue".to_owned(),
            "--kill-on-invalid-dep=yes".to_owned(),
            format!("--job-name=fqm-{}", task.step),
            format!("--comment={}", comment(handle, &task.step, task.attempt)),
            format!("--output={}", log.display()),
        ];
        if !after.is_empty() {
            arguments.push(format!("--dependency=afterok:{}", after.join(":")));
        }
        if let Some(memory) = task.needs.mem {
            arguments.push(format!("--mem={}K", memory.0.div_ceil(1 << 10)));
        }
        if let Some(cpus) = task.needs.cpus {
            arguments.push(format!("--cpus-per-task={cpus}"));
        }
        if task.needs.gpu > 0 {
            arguments.push(format!("--gres=gpu:{}", task.needs.gpu));
        }
        if let Some(limit) = task.limit {
            // The worker keeps to the limit itself, and to the second; Slurm's is for a deaf one.
            arguments.push(format!("--time={}", limit.0.as_secs().div_ceil(60) + 5));
        }
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }
}

#[async_trait]
impl Engine for Slurm {
    fn name(&self) -> &'static str {
        "slurm"
    }

    async fn submit(&self, handle: &Handle, tasks: &[Task]) -> Result<(), EngineError> {
        std::fs::create_dir_all(&self.logs)
            .map_err(|e| EngineError::setup(format!("make {}: {e}", self.logs.display())))?;
        // A submission that failed may have been taken all the same, so what is there is looked up first.
        let mut ids: BTreeMap<String, (u32, String)> = BTreeMap::new();
        let mut known = |job: Job| {
            let latest = ids.get(&job.step).is_none_or(|(attempt, _)| *attempt <= job.attempt);
            if latest {
                ids.insert(job.step, (job.attempt, job.id));
            }
        };
        self.jobs(&handle.run).await?.into_iter().for_each(&mut known);
        for task in tasks {
            if ids.get(&task.step).is_some_and(|(attempt, _)| *attempt >= task.attempt) {
                continue;
            }
            let after = task.after.iter().filter_map(|step| ids.get(step));
            let after: Vec<String> = after.map(|(_, id)| id.clone()).collect();
            let handle_text = handle.to_string();
            let exec = ["step", "exec", "--of", &handle_text, "--step", &task.step];
            let script = format!("#!/bin/sh\nexec {}\n", self.worker.with(&exec));
            let arguments = self.arguments(handle, task, &after);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let id = command("sbatch", &arguments, Some(script)).await?;
            // With several clusters the name of one follows the id.
            let id = id.trim().split(';').next().unwrap_or_default().to_owned();
            ids.insert(task.step.clone(), (task.attempt, id));
        }
        Ok(())
    }

    async fn look(&self, handle: &Handle) -> Result<BTreeMap<(String, u32), Sight>, EngineError> {
        let jobs = self.jobs(&handle.run).await?.into_iter();
        Ok(jobs.map(|job| ((job.step.clone(), job.attempt), job.sight())).collect())
    }

    async fn cancel(&self, handle: &Handle) -> Result<(), EngineError> {
        let jobs = self.jobs(&handle.run).await?;
        let open = jobs.into_iter().filter(|job| !matches!(job.sight(), Sight::Ended(_)));
        let ids: Vec<String> = open.map(|job| job.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        command("scancel", &ids, None).await.map(drop)
    }
}

/// What a job carries with it, so that it is known again.
fn comment(handle: &Handle, step: &str, attempt: u32) -> String {
    format!("fqm {} {step} {attempt}", handle.run)
}

/// A job of a run, as `squeue` shows it.
struct Job {
    id: String,
    state: String,
    reason: String,
    step: String,
    attempt: u32,
}

impl Job {
    /// Reads a line `ID|STATE|REASON|COMMENT`; nothing where the job is of no step of the run.
    fn read(line: &str, run: &str) -> Option<Self> {
        let parts: Vec<&str> = line.splitn(4, '|').collect();
        let [id, state, reason, comment] = parts[..] else { return None };
        let words: Vec<&str> = comment.split(' ').collect();
        let ["fqm", of, step, attempt] = words[..] else { return None };
        let attempt = attempt.parse().ok().filter(|_| of == run)?;
        let [id, state, reason, step] = [id, state, reason, step].map(str::to_owned);
        Some(Self { id, state, reason, step, attempt })
    }

    fn sight(&self) -> Sight {
        match self.state.as_str() {
            // A job like this waits for ever where Slurm is told not to end it.
            "PENDING" if self.reason == "DependencyNeverSatisfied" => {
                Sight::Ended(self.reason.clone())
            }
            "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" => {
                Sight::Waiting
            }
            "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT" => {
                Sight::Running
            }
            state => Sight::Ended(format!("{state} {}", self.reason)),
        }
    }
}

/// Runs a command of Slurm and gives its standard output.
async fn command(
    program: &str,
    arguments: &[&str],
    input: Option<String>,
) -> Result<String, EngineError> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            EngineError::setup(format!(
                "start `{program}`: {e}; the Slurm engine needs Slurm's commands on the PATH of this machine"
            ))
        })?;
    if let (Some(mut stdin), Some(text)) = (child.stdin.take(), input) {
        let _ = stdin.write_all(text.as_bytes()).await;
    }
    let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = ended
        .map_err(|_| {
            let seconds = PATIENCE.as_secs();
            EngineError::temporary(format!("hear from `{program}` within {seconds} s"))
        })?
        .map_err(EngineError::temporary)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let message = format!("use `{program}`: {}", said.join("; "));
    // Of a refusal nothing comes by waiting; whatever else it is may pass.
    let refused =
        ["not available", "Invalid", "invalid", "denied", "not satisfied", "unrecognized"];
    let temporary = !refused.iter().any(|word| message.contains(word));
    Err(EngineError { message, temporary })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_known_by_its_comment() {
        let read = |line: &str| Job::read(line, "0123abcd");
        let job = read("7|PENDING|Dependency|fqm 0123abcd ingest 2").unwrap();
        assert_eq!((job.step.as_str(), job.attempt, job.sight()), ("ingest", 2, Sight::Waiting));
        assert!(read("7|PENDING|Dependency|fqm other ingest 2").is_none());
        assert!(read("7|PENDING|Dependency|(null)").is_none());
        let sight = |line: &str| read(line).unwrap().sight();
        assert_eq!(sight("7|RUNNING|None|fqm 0123abcd a 1"), Sight::Running);
        let never = sight("7|PENDING|DependencyNeverSatisfied|fqm 0123abcd a 1");
        assert!(matches!(never, Sight::Ended(_)), "{never:?}");
        let lost = sight("7|NODE_FAIL|None|fqm 0123abcd a 1");
        assert_eq!(lost, Sight::Ended("NODE_FAIL None".to_owned()));
    }

    #[test]
    fn a_path_with_a_space_stays_one_word() {
        let worker = WorkerCommand { program: "/a b/fqm-pipe".into(), workspace: "/w".into() };
        assert_eq!(
            worker.with(&["step", "it's"]),
            "'/a b/fqm-pipe' --workspace /w step 'it'\\''s'"
        );
    }
}
