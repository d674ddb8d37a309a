//! What every command prints, for people and as JSON, and what it says of the commonest mistakes. A
//! snapshot is a transcript: command lines, each with its exit code, its output and its talk.
//! `INSTA_UPDATE=always cargo test --test it commands` writes them anew; read the difference.

mod files;
mod help;
mod learning;
mod operating;
mod quest;
mod registry;
mod runs;

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::{Captures, Regex};

use crate::support::{PIPE, Ran, Sandbox};

/// A pipeline of three steps that do nothing.
pub const CHAIN: &str = r#"schema = 1
name = "probes"

[[step]]
id = "a"
uses = "probe.run@1"
params = { text = "a", rows = 7 }

[[step]]
id = "b"
uses = "probe.run@1"
in = { first = "a.probe" }

[[step]]
id = "c"
uses = "probe.run@1"
in = { first = "b.probe" }
"#;

/// Commands that ran one after the other in one folder, and what came of each. What differs from one
/// machine, folder or moment to another is replaced by something as long that never does.
pub struct Transcript<'a> {
    folder: &'a Path,
    paths: Vec<String>,
    /// The ids of runs in the order in which they were first seen.
    runs: Vec<String>,
    /// Digests that are told apart by letters.
    digests: Vec<(String, char)>,
    text: String,
}

impl fmt::Display for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl<'a> Transcript<'a> {
    /// Commands in a workspace.
    pub fn of(sandbox: &'a Sandbox) -> Self {
        Self::within(&sandbox.root, sandbox.outside())
    }

    /// Commands in a folder outside any workspace.
    pub fn at(folder: &'a Path) -> Self {
        Self::within(folder, folder)
    }

    /// Commands in a folder; the path of a folder around it is hidden.
    fn within(folder: &'a Path, outside: &Path) -> Self {
        let real = outside.canonicalize().unwrap();
        let as_url = |path: &Path| url::Url::from_file_path(path).unwrap().path().to_owned();
        let as_text = |path: &Path| path.display().to_string();
        let paths = vec![as_text(outside), as_text(&real), as_url(outside), as_url(&real)];
        Self { folder, paths, runs: Vec::new(), digests: Vec::new(), text: String::new() }
    }

    /// Runs a command line and takes down all that it says.
    pub fn run(&mut self, line: &str) -> Ran {
        let ran = ran(self.folder, line);
        self.note(line, &ran);
        ran
    }

    /// Runs a command whose output is long, and takes down how that begins.
    pub fn head(&mut self, line: &str, lines: usize) {
        let mut ran = ran(self.folder, line);
        let first: Vec<&str> = ran.stdout.lines().take(lines).collect();
        ran.stdout = format!("{}\n[and so on]", first.join("\n"));
        self.note(line, &ran);
    }

    /// Runs a command whose numbers come out of a training, and takes down everything but them.
    pub fn shape(&mut self, line: &str) -> Ran {
        let ran = ran(self.folder, line);
        self.take_down(line, &ran, numberless);
        ran
    }

    /// Learns the id of a run that no transcript has shown yet.
    pub fn knows(&mut self, run: &str) {
        if !self.runs.iter().any(|known| known == run) {
            self.runs.push(run.to_owned());
        }
    }

    /// Gives a letter to a digest that comes out of a training.
    pub fn names(&mut self, digest: &str, letter: char) {
        self.digests.push((digest.trim_start_matches("sha256:").to_owned(), letter));
    }

    /// Takes down a command that ran elsewhere, such as one that went on in the background.
    pub fn note(&mut self, line: &str, ran: &Ran) {
        self.take_down(line, ran, str::to_owned);
    }

    fn take_down(&mut self, line: &str, ran: &Ran, filter: fn(&str) -> String) {
        let seen = Regex::new(r#"\(run ([0-9a-f]{12})\)|"(?:run|id)": "([0-9a-f]{12})""#).unwrap();
        for found in seen.captures_iter(&format!("{}{}", ran.stderr, ran.stdout)) {
            self.knows(found.get(1).or(found.get(2)).unwrap().as_str());
        }
        let line = self.placeless(line);
        self.text += &format!("$ fqm-pipe {line}\nexit code {}\n", ran.code);
        for (stream, said) in [("output", &ran.stdout), ("talk", &ran.stderr)] {
            if !said.is_empty() {
                let said = filter(&timeless(&self.placeless(said)));
                self.text += &format!("--- {stream}\n{}\n", said.trim_end());
            }
        }
        self.text.push('\n');
    }

    /// Without the folder's path and the ids of runs.
    fn placeless(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for path in &self.paths {
            text = text.replace(path, "[folder]");
        }
        for (nth, run) in self.runs.iter().enumerate() {
            text = text.replace(run, &format!("{:x}", nth + 1).repeat(12));
        }
        for (digest, letter) in &self.digests {
            for length in [64, 12] {
                text = text.replace(&digest[..length], &letter.to_string().repeat(length));
            }
        }
        // A shell reads a path in quotes where it has blanks.
        text.replace("'[folder]/w'", "[folder]/w").replace(env!("CARGO_PKG_VERSION"), "[version]")
    }
}

/// Runs a command line in a folder, with nothing of the caller's surroundings.
pub fn ran(folder: &Path, line: &str) -> Ran {
    Ran::of(command(folder, line).output().unwrap())
}

/// A command line as a program that is ready to start. Words stand between blanks, or between quotes.
pub fn command(folder: &Path, line: &str) -> Command {
    let words = Regex::new(r"'([^']*)'|(\S+)").unwrap();
    let words = words.captures_iter(line).map(|word| {
        let word = word.get(1).or(word.get(2)).unwrap();
        word.as_str().to_owned()
    });
    let mut command = Command::new(PIPE);
    command.current_dir(folder).args(words).env_clear().env("USER", "ada");
    for name in ["HOME", "TMPDIR", "LD_LIBRARY_PATH", "FQM_TORCH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Without moments, durations, processes, what these used of the machine, and lists that grow.
fn timeless(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, instead) in [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "2026-01-01T00:00:00Z"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-01-01 00:00:00 UTC"),
        (r"next at \S+ \S+ E[SD]T", "next at 2026-01-01 00:00:00 EST"),
        (r"\bin \d+(\.\d)? (ms|s)\b", "in 1 ms"),
        (r"(?m)^\d\d:\d\d:\d\d\.\d{3}", "00:00:00.000"),
        (r#"("(?:millis|cpu_seconds|peak_bytes|seconds)": ?)[0-9.]+"#, "${1}0"),
        (r"\b(process|pid) \d+", "${1} 1"),
        (r"\bcourier, dialogue[a-z, -]+workshop", "[families]"),
        (r"\bcorrected-plan, [a-z, -]+[a-z]", "[levels]"),
        (r"\d+\.\d\d s, \d+ µs a call", "0.00 s, 1 µs a call"),
        (r"used \d+\.\d CPU seconds and at most \d+ MiB", "used 0.0 CPU seconds and at most 1 MiB"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, instead).into_owned();
    }
    // What stands in columns keeps its width.
    let seconds = Regex::new(r"( *)\b\d+\.\d s\b").unwrap();
    let text = seconds.replace_all(&text, |found: &Captures<'_>| {
        let width = if found[1].len() > 1 { found[0].len() } else { found[1].len() + 5 };
        format!("{:>width$}", "0.0 s")
    });
    let column = Regex::new(r"(?m)^(\S+ +[a-z]+ +\d+ +)(\d+\.\d +)").unwrap();
    let text = column.replace_all(&text, |found: &Captures<'_>| {
        format!("{}{:width$}", &found[1], "0.0", width = found[2].len())
    });
    text.into_owned()
}

/// Without digests and numbers; columns shrink to what is left of them. Names and dates stay.
fn numberless(text: &str) -> String {
    let word = Regex::new(r#"[^\s"'`,;()\[\]]*[^\s"'`,;()\[\].:]"#).unwrap();
    let number = Regex::new(r"^[<≈+-]?\d+(\.\d+)?(e-?\d+)?([–-]\d+)?%?$").unwrap();
    let digest = Regex::new(r"^([a-z0-9]+:)*([0-9a-f]{64}|[0-9a-f]{12})$").unwrap();
    let text = word.replace_all(text, |found: &Captures<'_>| {
        let word = &found[0];
        let Some(hex) = digest.captures(word) else {
            return if number.is_match(word) { "#".to_owned() } else { word.to_owned() };
        };
        // What has been named already is one figure, many times.
        let hex = hex[2].as_bytes();
        if hex.iter().all(|byte| *byte == hex[0]) { word.to_owned() } else { "#".to_owned() }
    });
    Regex::new(r"(\S) {2,}").unwrap().replace_all(&text, "$1  ").into_owned()
}
