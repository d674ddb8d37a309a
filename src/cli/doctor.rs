//! `fqm-pipe doctor`: whether everything that a night needs is there, and what to do where it is not. With
//! `--crash-test` it also tries out, on probes in a folder of its own, that a power cut at any moment loses
//! nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use chrono::Utc;
use serde::Serialize;
use serde_json::Value;

use super::error::CliError;
use super::open;
use super::output::{self, counted};
use crate::core::{Created, Store};
use crate::pipeline::{Pipeline, State};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Also cut the power of small runs at every moment, and see that the next run finishes them
    #[arg(long)]
    crash_test: bool,
    /// How many different runs the crash test takes
    #[arg(long, default_value_t = 1, value_name = "N", requires = "crash_test")]
    seeds: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Failed,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    health: Health,
    says: String,
}

type Found = Result<String, (Health, String)>;

fn failed<T>(message: impl ToString) -> Result<T, (Health, String)> {
    Err((Health::Failed, message.to_string()))
}

fn warning<T>(message: impl ToString) -> Result<T, (Health, String)> {
    Err((Health::Warning, message.to_string()))
}

pub(super) async fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let workspace = Workspace::find(from)?;
    let mut findings = Vec::new();
    let mut note = |what, found: Found| {
        let (health, says) = match found {
            Ok(says) => (Health::Ok, says),
            Err((health, says)) => (health, says),
        };
        findings.push(Finding { what, health, says });
    };
    note("workspace", Ok(workspace.folder.display().to_string()));
    note("pipelines", pipelines(&workspace));
    note("state", state(&workspace));
    note("logs", logs(&workspace).await);
    note("store", writable(workspace.open_store()).await);
    note("registry", writable(workspace.open_registry()).await);
    note("disk", disk(&workspace));
    note("fqm-torch", torch());
    note("device", device());
    note("clock", clock());
    note("notices", notices(&workspace));
    if args.crash_test {
        note("crash test", crash_test(args.seeds));
    }
    if args.json {
        output::json(&findings)?;
    } else {
        let rows = findings.iter().map(|finding| {
            let word = match finding.health {
                Health::Ok => "ok",
                Health::Warning => "warning",
                Health::Failed => "FAILED",
            };
            vec![word.to_owned(), finding.what.to_owned(), finding.says.clone()]
        });
        output::data(&output::table(&rows.collect::<Vec<_>>()));
    }
    let bad = findings.iter().any(|finding| finding.health == Health::Failed);
    Ok(i32::from(bad))
}

fn pipelines(workspace: &Workspace) -> Found {
    let names = open::pipeline_names(workspace);
    if names.is_empty() {
        return warning(
            "there is none under pipelines/; `fqm-pipe init DIR` makes a workspace with one",
        );
    }
    for name in &names {
        open::pipeline(workspace, name, &crate::steps::here()).or_else(|e| failed(e.message))?;
    }
    Ok(names.join(", "))
}

fn state(workspace: &Workspace) -> Found {
    let state = State::open(&workspace.state).or_else(failed)?;
    let problems = state.check().or_else(failed)?;
    match problems.as_slice() {
        [] => Ok(workspace.state.display().to_string()),
        [first, ..] => failed(format!(
            "{} is damaged ({first}); move it away: the next run computes everything anew",
            workspace.state.display()
        )),
    }
}

async fn logs(workspace: &Workspace) -> Found {
    let logs = workspace.open_logs().or_else(failed)?;
    match logs.ensure_readable().await {
        Ok(()) => Ok(workspace.logs.to_string()),
        Err(error) => failed(error),
    }
}

/// Whether a store takes an object once and not twice, which everything rests on.
async fn writable(store: Result<Store, crate::core::StoreError>) -> Found {
    let store = store.or_else(failed)?;
    let path = format!("doctor/{}", std::process::id());
    let first = store.create(&path, Bytes::from_static(b"ok")).await.or_else(failed)?;
    let second = store.create(&path, Bytes::from_static(b"no")).await.or_else(failed)?;
    store.delete(&path).await.or_else(failed)?;
    match (first, second) {
        (Created::New, Created::Existed) => Ok(store.url().to_string()),
        _ => failed(format!(
            "{} lets an object be created twice; use a store with conditional writes",
            store.url()
        )),
    }
}

/// Room below which a night may not end: some nights' worth of tables and checkpoints.
const ROOM: u64 = 2 << 30;

fn disk(workspace: &Workspace) -> Found {
    let places = [Some(workspace.state.clone()), workspace.store.to_file_path().ok()];
    let mut least = u64::MAX;
    for place in places.into_iter().flatten() {
        let there = place.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
        let room = rustix::fs::statvfs(there).or_else(failed)?;
        least = least.min(room.f_bavail.saturating_mul(room.f_frsize));
    }
    let says = format!("{:.1} GiB free", least as f64 / f64::from(1 << 30));
    if least < ROOM { warning(format!("{says}; a night may run out of room")) } else { Ok(says) }
}

fn torch() -> Found {
    let places: Vec<PathBuf> = open::torch_program();
    let Some(program) = places.iter().find(|path| path.is_file()) else {
        return failed(
            "fqm-torch is not beside fqm-pipe; build it with `make build`, or name it with FQM_TORCH",
        );
    };
    let ended = Command::new(program).stdin(Stdio::null()).output().or_else(failed)?;
    match ended.status.code() {
        // Without a command it says that people have no need to start it.
        Some(2) => Ok(format!("{}, libtorch {}", program.display(), crate::steps::LIBTORCH)),
        _ => {
            let said = String::from_utf8_lossy(&ended.stderr);
            let last = said.lines().last().unwrap_or("it says nothing");
            failed(format!("{} does not start: {last}; run `make libtorch`", program.display()))
        }
    }
}

fn device() -> Found {
    let wanted = std::env::var("FQM_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let gpu = Path::new("/dev/nvidia0").exists();
    match (wanted.as_str(), gpu) {
        ("cpu", false) => Ok("cpu; there is no NVIDIA device".to_owned()),
        ("cpu", true) => {
            warning("cpu, although there is an NVIDIA device; FQM_DEVICE=cuda uses it")
        }
        ("cuda", true) => Ok("cuda".to_owned()),
        ("cuda", false) => failed("FQM_DEVICE is cuda, and there is no NVIDIA device; unset it"),
        (other, _) => failed(format!("FQM_DEVICE is `{other}`; known: cpu, cuda")),
    }
}

fn clock() -> Found {
    let now = Utc::now();
    // Nothing of this program is older.
    match now.timestamp() > 1_760_000_000 {
        true => Ok(now.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        false => failed(format!("it is {now} here; set the clock, schedules go by it")),
    }
}

fn notices(workspace: &Workspace) -> Found {
    let mut told = 0;
    for name in open::pipeline_names(workspace) {
        let pipeline = open::pipeline(workspace, &name, &crate::steps::here());
        let Ok(Pipeline { notify, .. }) = pipeline else { continue };
        for rule in notify {
            let Some(hook) = rule.to.strip_prefix("webhook:") else {
                return failed(format!("{name} tells `{}`; write `webhook:NAME`", rule.to));
            };
            let Some(webhook) = workspace.webhooks.get(hook) else {
                return failed(format!(
                    "{name} tells `{hook}`, which fqm.toml does not have under [webhooks]"
                ));
            };
            if let Some(variable) =
                webhook.secret_env.as_ref().filter(|v| std::env::var(v).is_err())
            {
                return warning(format!(
                    "the secret of `{hook}` is in {variable}, which is not set here"
                ));
            }
            told += 1;
        }
    }
    Ok(if told == 0 {
        "nobody is told of anything".to_owned()
    } else {
        counted(told, "rule", "rules")
    })
}

/// A run of probes: a diamond, one step of it in a process of its own, one that is tried again.
fn probes(seed: u64) -> String {
    format!(
        r#"schema = 1
name = "probes"
[defaults]
retry = {{ max = 2, delay = "1ms" }}
[[step]]
id = "top"
uses = "probe.run@1"
params = {{ text = "{seed}", rows = {seed} }}
[[step]]
id = "left"
uses = "probe.run@1"
in = {{ first = "top.probe" }}
params = {{ fail = "transient", failures = 1 }}
[[step]]
id = "right"
uses = "probe.run@1"
in = {{ first = "top.probe" }}
isolate = true
[[step]]
id = "bottom"
uses = "probe.run@1"
in = {{ first = "left.probe", second = "right.probe" }}
"#
    )
}

/// Aborts runs of probes at every counted boundary; the same command must finish each of them with the
/// digests of a run that nothing disturbed.
fn crash_test(seeds: u64) -> Found {
    let mut cuts = 0;
    for seed in 0..seeds.max(1) {
        let (expected, boundaries) = undisturbed(seed)?;
        for at in 1..=boundaries {
            let folder = workspace(seed)?;
            let counter = folder.path().join("boundaries");
            let cut = probe(
                folder.path(),
                &[
                    ("FQM_CRASH_COUNTER", &counter.display().to_string()),
                    ("FQM_CRASH_AT", &at.to_string()),
                ],
            )?;
            let again = probe(folder.path(), &[])?;
            if again.code != Some(0) || again.outputs != expected {
                return failed(format!(
                    "seed {seed}: cut off at boundary {at} of {boundaries} (exit {:?}), the next run ended {:?} with other outputs; report this",
                    cut.code, again.code
                ));
            }
            cuts += 1;
        }
    }
    Ok(format!(
        "{cuts} power cuts, at every boundary of {}: nothing lost, nothing doubled",
        counted(seeds.max(1) as usize, "run", "runs")
    ))
}

fn undisturbed(seed: u64) -> Result<(Value, u64), (Health, String)> {
    let folder = workspace(seed)?;
    let counter = folder.path().join("boundaries");
    let ran = probe(folder.path(), &[("FQM_CRASH_COUNTER", &counter.display().to_string())])?;
    if ran.code != Some(0) {
        return failed(format!("a run of probes ends {:?}: {}", ran.code, ran.said));
    }
    // Every boundary is a line of sixteen bytes.
    let passed = std::fs::metadata(&counter).or_else(failed)?.len() / 16;
    Ok((ran.outputs, passed))
}

fn workspace(seed: u64) -> Result<tempfile::TempDir, (Health, String)> {
    let folder = tempfile::tempdir().or_else(failed)?;
    let made = std::fs::create_dir(folder.path().join("pipelines"))
        .and_then(|()| {
            std::fs::write(folder.path().join("fqm.toml"), "schema = 1\nname = \"probes\"\n")
        })
        .and_then(|()| std::fs::write(folder.path().join("pipelines/probes.toml"), probes(seed)));
    made.or_else(failed)?;
    Ok(folder)
}

struct Probed {
    code: Option<i32>,
    outputs: Value,
    said: String,
}

/// Runs the probes of a workspace by this program, with nothing of the user's own places.
fn probe(folder: &Path, variables: &[(&str, &str)]) -> Result<Probed, (Health, String)> {
    let program = std::env::current_exe().or_else(failed)?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FQM_") {
            command.env_remove(name);
        }
    }
    command.arg("--workspace").arg(folder).args([
        "run",
        "probes",
        "--date",
        "2026-01-01",
        "--json",
    ]);
    let ended = command.envs(variables.iter().copied()).stdin(Stdio::null()).output();
    let ended = ended.or_else(failed)?;
    let told: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    Ok(Probed { code: ended.status.code(), outputs: told["outputs"].clone(), said })
}
