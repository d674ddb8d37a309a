//! `fqm-pipe quest check`: one line for each file, and the exit code says whether all are sound.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::error::{CliError, Kind};
use super::super::output;
use super::source;
use super::words::{counted, number};
use crate::quest::{
    Level, LevelFile, Reference, SolveLimits, Suite, SuiteError, World, certify, replay,
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Level files, suite declarations, or folders of them
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Read and ground only; do not look for the fewest calls
    #[arg(long)]
    no_solve: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found in a file.
#[derive(Serialize)]
struct Checked {
    file: String,
    ok: bool,
    /// The level's id, or `family NAME` for a declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Reference>,
    /// What is right, or what is wrong.
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

pub(super) fn run(args: &Args) -> Result<i32, CliError> {
    let (mut checked, mut faults) = (Vec::new(), Vec::new());
    for path in source::files(&args.files)? {
        match check(&path, !args.no_solve) {
            Ok(found) => checked.push(found),
            Err(error) => {
                checked.push(wrong(&path, &error));
                faults.push(error);
            }
        }
    }
    if args.json {
        output::json(&checked)?;
    } else {
        let row = |c: &Checked| {
            let word = if c.ok { "ok" } else { "bad" };
            vec![word.to_owned(), c.file.clone(), c.says.clone()]
        };
        output::data(&output::table(&checked.iter().map(row).collect::<Vec<_>>()));
        faults.iter().filter(|fault| fault.place.is_some()).for_each(output::error);
    }
    Ok(if faults.is_empty() { 0 } else { CliError::new(Kind::Config, "").exit() })
}

fn check(path: &Path, solve: bool) -> Result<Checked, CliError> {
    let (file, text) = source::text_of(path)?;
    if source::is_declaration(&text) {
        return declaration(&file, &text);
    }
    let shown = LevelFile::new(&file, &text);
    let level = shown.read()?;
    let world = World::ground(&level).map_err(|e| shown.ground_fault(&e))?;
    let (facts, calls) = (world.facts().len(), world.calls().len());
    let reference = if solve { Some(proven(&shown, &level)?) } else { None };
    let size = || {
        let (facts, calls) = (counted(facts, "fact", "facts"), counted(calls, "call", "calls"));
        format!("{facts}, {calls}; not solved")
    };
    let says = reference.as_ref().map_or_else(size, minimum);
    Ok(Checked {
        says: format!("{}: {says}", level.id),
        ok: true,
        id: Some(level.id),
        facts: Some(facts),
        calls: Some(calls),
        reference,
        line: None,
        column: None,
        file,
    })
}

/// The level's minimum; a reference that the file states must agree with it.
fn proven(file: &LevelFile, level: &Level) -> Result<Reference, CliError> {
    if level.reference.is_some() {
        replay(level).map_err(|e| file.verify_fault(&e))?;
    }
    let certified =
        certify(level.clone(), &SolveLimits::default()).map_err(|e| file.verify_fault(&e))?;
    let found = certified.reference.ok_or_else(|| CliError::internal("read the certificate"))?;
    match &level.reference {
        Some(stated) if stated.proven && stated.min_calls != found.min_calls => {
            Err(CliError::config(format!(
                "verify level `{}`: reference.min_calls says {}, and the proven minimum is {}",
                level.id, stated.min_calls, found.min_calls
            )))
        }
        _ => Ok(found),
    }
}

fn minimum(reference: &Reference) -> String {
    let calls = counted(reference.min_calls as usize, "call", "calls");
    let states = counted(reference.expanded as usize, "state", "states");
    let expected = reference.expected_calls.map_or_else(String::new, |expected| {
        format!("; {} expected of the best player", number(expected))
    });
    format!("{calls} at least, proven by {} over {states}{expected}", reference.method)
}

fn declaration(file: &str, text: &str) -> Result<Checked, CliError> {
    // The place in the folder decides how a suite reads a file; here its schema does, so that it is
    // read under another name than its own.
    let files = [("declaration.toml".to_owned(), text.to_owned())].into();
    let suite = Suite::from_files(&files).map_err(|error| match error {
        SuiteError::Place(mut place) => {
            place.file = file.to_owned();
            (*place).into()
        }
        other => source::of_suite(other),
    })?;
    let family = suite.all_families().into_iter().next().unwrap_or_default();
    let grades = counted(suite.grades(&family).len(), "grade", "grades");
    Ok(Checked {
        file: file.to_owned(),
        ok: true,
        says: format!("family {family}: {grades}"),
        id: Some(format!("family {family}")),
        facts: None,
        calls: None,
        reference: None,
        line: None,
        column: None,
    })
}

fn wrong(path: &Path, error: &CliError) -> Checked {
    let place = error.place.as_deref();
    let at = place.map(crate::core::PlaceError::line_and_column);
    let says = match (place, at) {
        (Some(place), Some((line, column))) => {
            format!("line {line}, column {column}: {}", first_line(&place.message))
        }
        _ => first_line(&error.message).to_owned(),
    };
    Checked {
        file: path.display().to_string(),
        ok: false,
        id: None,
        facts: None,
        calls: None,
        reference: None,
        says,
        line: at.map(|(line, _)| line),
        column: at.map(|(_, column)| column),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
