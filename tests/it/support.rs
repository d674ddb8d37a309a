//! A workspace in a temporary folder and the programs to run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub const PIPE: &str = env!("CARGO_BIN_EXE_fqm-pipe");

/// A workspace of its own, gone when the value is dropped.
pub struct Sandbox {
    folder: tempfile::TempDir,
    pub root: PathBuf,
}

/// What a command printed and how it ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().map(|s| 128 + s);
        Self {
            code: output.status.code().or(signal).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl Sandbox {
    /// A fresh workspace as `fqm-pipe init` makes it.
    pub fn shipped(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(name);
        let made = Command::new(PIPE).arg("init").arg(&root).output().unwrap();
        Ran::of(made).expect(0);
        Self { folder, root }
    }

    /// A workspace without anything in it.
    pub fn empty(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(name);
        fs::create_dir_all(root.join("pipelines")).unwrap();
        fs::write(root.join("fqm.toml"), format!("schema = 1\nname = \"{name}\"\n")).unwrap();
        Self { folder, root }
    }

    /// A workspace with nothing but a pipeline `probes`.
    pub fn probes(text: &str) -> Self {
        let sandbox = Self::empty("w");
        sandbox.write("pipelines/probes.toml", text);
        sandbox
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.root.join(file), text).unwrap();
    }

    /// A fresh workspace whose nights are small: a short training, few pairs.
    pub fn new(name: &str) -> Self {
        let sandbox = Self::shipped(name);
        sandbox.edit(
            "pipelines/nightly.toml",
            &[
                (
                    "max_states = 30000 }",
                    "max_states = 1500, network = { width = 16, rounds = 3 } }",
                ),
                (
                    "levels = 6 }",
                    "levels = 1, rollouts = 2, plays = 10, families = [\"courier\"] }",
                ),
                ("tries = 120, keep = 24", "tries = 8, keep = 2, stress = false"),
                ("min_examples = 200", "min_examples = 50"),
                ("pairs = 600,", "pairs = 60, grades = [1, 2],"),
                ("safety = 30", "safety = 15"),
                ("delay = \"10s\"", "delay = \"10ms\""),
            ],
        );
        sandbox.edit(
            "registry/fqm/promotion.toml",
            &[("success = 0.8", "success = 0.01"), ("min_episodes = 20", "min_episodes = 5")],
        );
        sandbox
    }

    /// The same with a day of simulated logs.
    pub fn with_day(name: &str, date: &str, episodes: u32, seed: u64) -> Self {
        let sandbox = Self::new(name);
        sandbox.simulate(date, episodes, seed);
        sandbox
    }

    pub fn simulate(&self, date: &str, episodes: u32, seed: u64) {
        let (episodes, seed) = (episodes.to_string(), seed.to_string());
        self.run(&[
            "simulate",
            "--from",
            date,
            "--days",
            "1",
            "--episodes",
            &episodes,
            "--seed",
            &seed,
        ])
        .expect(0);
    }

    #[track_caller]
    pub fn edit(&self, file: &str, changes: &[(&str, &str)]) {
        let path = self.root.join(file);
        let mut text = fs::read_to_string(&path).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{file} has no `{from}`");
            text = text.replace(from, to);
        }
        fs::write(path, text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PIPE);
        command.arg("--workspace").arg(&self.root).args(arguments);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("FQM_") && name != "FQM_TORCH" {
                command.env_remove(name);
            }
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Runs the night of a date and gives its JSON.
    #[track_caller]
    pub fn night(&self, date: &str) -> Value {
        self.run(&["run", "nightly", "--date", date, "--json"]).expect(0).json()
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// Every file below the workspace with its bytes.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.root.clone()];
        while let Some(path) = open.pop() {
            if path.is_symlink() {
                continue;
            } else if path.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
        found
    }
}

/// The real logs, where they are: beside the checkout, or as `FQM_REAL_LOGS` says.
pub fn real_logs() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/real-logs");
    let path = std::env::var_os("FQM_REAL_LOGS").map_or(beside, PathBuf::from);
    let found = path.canonicalize().ok().filter(|p| p.is_dir());
    if found.is_none() {
        eprintln!("skipped: no real logs at {}", path.display());
    }
    found
}
