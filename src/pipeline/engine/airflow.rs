//! Airflow 3: a pipeline as a DAG with one `BashOperator` for each step. Airflow decides when and where;
//! `fqm-pipe step exec` does the work. The DAG stands on its own (`fqm-pipe export airflow`); `run --engine
//! airflow` puts it into Airflow's folder, triggers it and follows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::Deserialize;
use tokio::process::Command;

use super::{Engine, EngineError, Sight, Task, WorkerCommand};
use crate::pipeline::exchange::Handle;
use crate::pipeline::spec::{By, Pipeline, StepSpec};

/// How often Airflow's command line is asked: each call starts Python and takes about two seconds.
const ASK: Duration = Duration::from_secs(5);

/// How long Airflow may take to find a new DAG.
const FIND: Duration = Duration::from_secs(120);

/// Airflow, by its command line.
pub struct Airflow {
    /// The command, e.g. `airflow`.
    pub program: String,
    /// The folder that Airflow reads DAGs from.
    pub dags: PathBuf,
    /// The DAG's id and its file.
    pub id: String,
    /// The DAG.
    pub text: String,
    /// What was last heard.
    pub heard: Mutex<Option<Heard>>,
}

/// What Airflow said, and when.
type Heard = (Instant, BTreeMap<(String, u32), Sight>);

impl Airflow {
    async fn command(&self, arguments: &[&str]) -> Result<String, EngineError> {
        let child = Command::new(&self.program)
            .args(arguments)
            // Airflow mixes its log into what it prints.
            .env("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| {
                EngineError::setup(format!(
                    "start `{}`: {e}; the Airflow engine needs the command `airflow` on the PATH, or its path as `program` below [engines.airflow] in fqm.toml",
                    self.program
                ))
            })?;
        let ended = tokio::time::timeout(Duration::from_secs(120), child.wait_with_output()).await;
        let output = ended
            .map_err(|_| EngineError::temporary("hear from Airflow within 120 s"))?
            .map_err(EngineError::temporary)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        Err(EngineError::temporary(format!("use `airflow {}`: {last}", arguments.join(" "))))
    }

    fn run_id(handle: &Handle) -> String {
        format!("fqm-{}", handle.run)
    }

    /// Puts the DAG where Airflow finds it, and waits until it does.
    async fn install(&self) -> Result<(), EngineError> {
        let path = self.dags.join(format!("{}.py", self.id));
        let failed = |e| EngineError::setup(format!("write {}: {e}", path.display()));
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&self.text) {
            // A DAG that is read while it is written would be a broken one.
            let part = self.dags.join(format!(".{}.part", self.id));
            std::fs::create_dir_all(&self.dags).map_err(failed)?;
            std::fs::write(&part, &self.text).map_err(failed)?;
            std::fs::rename(&part, &path).map_err(failed)?;
        }
        let begun = Instant::now();
        loop {
            let known = self.command(&["dags", "details", &self.id, "-o", "json"]).await;
            match known {
                Ok(_) => break,
                Err(error) if !error.temporary || begun.elapsed() > FIND => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
        self.command(&["dags", "unpause", "--yes", &self.id]).await.map(drop)
    }
}

#[derive(Deserialize)]
struct TaskState {
    task_id: String,
    #[serde(default)]
    state: Option<String>,
}

#[async_trait]
impl Engine for Airflow {
    fn name(&self) -> &'static str {
        "airflow"
    }

    fn restarts(&self) -> bool {
        true
    }

    async fn submit(&self, handle: &Handle, _: &[Task]) -> Result<(), EngineError> {
        self.install().await?;
        let conf = serde_json::json!({ "of": handle.to_string() }).to_string();
        let run = Self::run_id(handle);
        let triggered =
            self.command(&["dags", "trigger", &self.id, "--run-id", &run, "--conf", &conf]).await;
        match triggered {
            // The same run was triggered before: by a driver that has died since, say.
            Err(error) if error.message.contains("AlreadyExists") => Ok(()),
            triggered => triggered.map(drop),
        }
    }

    async fn look(&self, handle: &Handle) -> Result<BTreeMap<(String, u32), Sight>, EngineError> {
        let heard = self.heard.lock().map(|heard| heard.clone()).unwrap_or_default();
        if let Some((at, sights)) = heard
            && at.elapsed() < ASK
        {
            return Ok(sights);
        }
        let run = Self::run_id(handle);
        let said =
            self.command(&["tasks", "states-for-dag-run", &self.id, &run, "-o", "json"]).await?;
        let states: Vec<TaskState> = serde_json::from_str(said.trim())
            .map_err(|e| EngineError::temporary(format!("read what Airflow says: {e}")))?;
        let sight = |state: Option<&str>| match state {
            Some("running") => Sight::Running,
            Some(state @ ("success" | "failed" | "skipped" | "upstream_failed" | "removed")) => {
                Sight::Ended(state.to_owned())
            }
            _ => Sight::Waiting,
        };
        let sights: BTreeMap<_, _> = states
            .into_iter()
            .map(|task| ((task.task_id.clone(), 1), sight(task.state.as_deref())))
            .collect();
        if let Ok(mut heard) = self.heard.lock() {
            *heard = Some((Instant::now(), sights.clone()));
        }
        Ok(sights)
    }

    /// Airflow's command line cannot end a run. The workers see in the store that it is ended, and the
    /// tasks after them have nothing to do.
    async fn cancel(&self, _: &Handle) -> Result<(), EngineError> {
        Ok(())
    }
}

/// A pipeline as the text of a DAG file for Airflow 3.
pub fn dag(pipeline: &Pipeline, id: &str, worker: &WorkerCommand) -> String {
    let mut text = String::new();
    let zone = pipeline.schedule.as_ref().map_or("UTC", |times| times.timezone.name());
    let timetable = match &pipeline.schedule {
        Some(times) => {
            format!("CronTriggerTimetable({}, timezone={})", python(&times.cron), python(zone))
        }
        None => "None".to_owned(),
    };
    // Without a logical date (a run triggered by hand) Airflow knows only when the run is to start.
    let at = "(dag_run.logical_date or dag_run.run_after).astimezone(dag.timezone)";
    let date = match pipeline.by {
        By::Day => format!("({at}.date() - macros.timedelta(days=1)).isoformat()"),
        By::Hour => format!("({at} - macros.timedelta(hours=1)).strftime('%Y-%m-%dT%H')"),
    };
    let date = format!("{{{{ dag_run.conf.get('date') or {date} }}}}");
    let _ = write!(
        text,
        r#""""The pipeline `{name}` of fqm-pipe, made by `fqm-pipe export airflow {name}`: make it anew rather
than change it. The work is done by `fqm-pipe step exec`, which plans nothing: `begin` freezes the plan."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.timetables.trigger import CronTriggerTimetable

OF = "{{{{ dag_run.conf.get('of') or ti.xcom_pull(task_ids='begin') }}}}"

with DAG(
    dag_id={id},
    schedule={timetable},
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["fqm-pipe"],
    default_args={{"retry_delay": timedelta(seconds=10), "append_env": True, "skip_on_exit_code": 99}},
    doc_md=__doc__,
) as dag:
    # A run that `fqm-pipe run --engine airflow` triggers has begun already, and says so in `of`.
    begin = BashOperator(
        task_id="begin",
        bash_command={begin},
    )
"#,
        name = pipeline.name,
        id = python(id),
        begin = python(&format!(
            "{{% if dag_run.conf.get('of') %}}echo '{{{{ dag_run.conf['of'] }}}}'{{% else %}}{} --date '{date}'{{% endif %}}",
            worker.with(&["step", "begin", &pipeline.name]),
        )),
    );
    let mut joins = String::new();
    for step in &pipeline.steps {
        text += &task(step, worker);
        let up = step.upstream();
        let before: Vec<String> = up.iter().map(|id| variable(id)).collect();
        let before = if up.is_empty() { "begin".to_owned() } else { before.join(", ") };
        let _ = writeln!(joins, "    [{before}] >> {}", variable(&step.id));
    }
    let last: Vec<_> = pipeline.steps.iter().map(|step| variable(&step.id)).collect();
    let _ = write!(
        text,
        r#"    # Takes what the workers published into the state and writes the report; its end is that of the run.
    finish = BashOperator(
        task_id="finish",
        trigger_rule="all_done",
        bash_command={finish},
    )
{joins}    [{last}] >> finish
"#,
        finish = python(&format!(
            "{{% if dag_run.conf.get('of') %}}true{{% else %}}{} --of {{{{ ti.xcom_pull(task_ids='begin') }}}}{{% endif %}}",
            worker.with(&["step", "finish"]),
        )),
        last = last.join(", "),
    );
    text
}

fn task(step: &StepSpec, worker: &WorkerCommand) -> String {
    let timeout = step.timeout.map_or(String::new(), |timeout| {
        // The worker keeps to its limit itself; Airflow's is for a deaf one.
        let seconds = timeout.0.as_secs() * u64::from(step.retry.max + 1) + 300;
        format!("        execution_timeout=timedelta(seconds={seconds}),\n")
    });
    format!(
        "    {} = BashOperator(\n        task_id={},\n        retries={},\n{timeout}        bash_command={} + OF,\n    )\n",
        variable(&step.id),
        python(&step.id),
        step.retry.max,
        python(&format!(
            "exec {} --of ",
            worker.with(&["step", "exec", "--skip-exit", "99", "--step", &step.id])
        )),
    )
}

/// The name of a task in the file.
fn variable(step: &str) -> String {
    format!("step_{}", step.replace('-', "__"))
}

/// A text as Python writes it.
fn python(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
