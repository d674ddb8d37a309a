//! Where levels come from: files, families of the suite with a seed, and the suite's hand-written ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::error::CliError;
use crate::core::nearest;
use crate::quest::{
    Level, LevelFile, SUITE_SCHEMA, SolveLimits, Split, Stress, Suite, SuiteError, certify,
};
use crate::steps::workspace_suite;
use crate::workspace::{Workspace, WorkspaceError};

/// The seed from which a level is drawn where none is named.
const SEED: u64 = 1;

/// The suite of the workspace; the one that is compiled in where there is no workspace.
pub(super) fn suite(from: &Path) -> Result<Suite, CliError> {
    let suite = match Workspace::find(from) {
        Ok(workspace) => workspace_suite(&workspace),
        Err(WorkspaceError::NotFound(_)) => Suite::try_builtin(),
        Err(other) => return Err(other.into()),
    };
    suite.map_err(of_suite)
}

/// The files of the workspace's suite by name; none where the suite that is compiled in is meant.
pub(in crate::cli) fn suite_files(from: &Path) -> Result<BTreeMap<String, String>, CliError> {
    let folder = match Workspace::find(from) {
        Ok(workspace) => workspace.folder.join("levels"),
        Err(WorkspaceError::NotFound(_)) => return Ok(BTreeMap::new()),
        Err(other) => return Err(other.into()),
    };
    if !folder.is_dir() {
        return Ok(BTreeMap::new());
    }
    let mut all = BTreeMap::new();
    for below in ["", "hand"] {
        let Ok(entries) = std::fs::read_dir(folder.join(below)) else { continue };
        for entry in entries {
            let path = entry.map_err(CliError::config)?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                let (_, text) = text_of(&path)?;
                let name = path.strip_prefix(&folder).unwrap_or(&path);
                all.insert(format!("levels/{}", name.display()), text);
            }
        }
    }
    Ok(all)
}

/// Levels to learn: read and checked, but not certified, for a teacher needs no proof.
pub(in crate::cli) fn levels_to_learn(paths: &[PathBuf]) -> Result<Vec<Level>, CliError> {
    files(paths)?.iter().map(|path| read(path)).collect()
}

/// A level that a person named: a file, `FAMILY/LEVEL.CHALLENGE`, the same with `@SEED`, or the id of a
/// hand-written level; each with `~STRESS` behind it for the level under that stress.
pub(in crate::cli) fn level(from: &Path, name: &str) -> Result<Level, CliError> {
    match name.rsplit_once('~') {
        Some((plain, stress)) if !Path::new(name).is_file() => {
            let stress: Stress = stress.parse().map_err(CliError::usage)?;
            let level = certified(plain_level(from, plain)?)?;
            stress.on(&level).ok_or_else(|| {
                let why = "it cannot be brought there, or nothing would be left to prove";
                CliError::usage(format!("bring the stress {stress} on {plain}: {why}"))
            })
        }
        _ => plain_level(from, name),
    }
}

/// The level with a proven minimum, which a level that was read need not state.
fn certified(level: Level) -> Result<Level, CliError> {
    if level.reference.as_ref().is_some_and(|r| r.proven) {
        return Ok(level);
    }
    certify(level, &SolveLimits::default()).map_err(CliError::usage)
}

fn plain_level(from: &Path, name: &str) -> Result<Level, CliError> {
    let path = Path::new(name);
    let named_like_a_file = path.extension().is_some_and(|e| e == "toml" || e == "json");
    if path.is_file() || named_like_a_file {
        return read(path);
    }
    let suite = suite(from)?;
    if let Some(level) = suite.hand().iter().find(|level| level.id == name) {
        return Ok(level.clone());
    }
    match parse(name) {
        Some((family, level, challenge, None)) => {
            let mut drawn = suite.draw(family, level, challenge, Split::Train, SEED, 1);
            if let Err(SuiteError::Exhausted { .. }) = drawn {
                drawn = suite.draw(family, level, challenge, Split::Evaluation, SEED, 1);
            }
            let first = drawn.map_err(|e| unknown(&suite, name, e))?.into_iter().next();
            first.ok_or_else(|| CliError::usage(format!("draw the level {name}: it has none")))
        }
        Some((family, level, challenge, Some(seed))) => {
            suite.regenerate(family, level, challenge, seed).map_err(|e| unknown(&suite, name, e))
        }
        None => Err(not_found(&suite, name)),
    }
}

/// Takes `family/2.1@77` apart: family, level, challenge and seed.
fn parse(name: &str) -> Option<(&str, u32, u32, Option<u64>)> {
    let (family, rest) = name.split_once('/')?;
    let (grade, seed) = match rest.split_once('@') {
        Some((grade, seed)) => (grade, Some(seed.parse().ok()?)),
        None => (rest, None),
    };
    let (level, challenge) = grade.split_once('.')?;
    Some((family, level.parse().ok()?, challenge.parse().ok()?, seed))
}

fn unknown(suite: &Suite, name: &str, error: SuiteError) -> CliError {
    let family = name.split('/').next().unwrap_or_default();
    match (&error, suite.all_families().iter().any(|f| f == family)) {
        (SuiteError::Unknown { .. }, false) => not_found(suite, name),
        _ => CliError::usage(error),
    }
}

fn not_found(suite: &Suite, name: &str) -> CliError {
    let families = suite.all_families();
    let hand: Vec<&str> = suite.hand().iter().map(|level| level.id.as_str()).collect();
    let family = name.split('/').next().unwrap_or_default();
    let known = families.iter().map(String::as_str).chain(hand.iter().copied());
    let help = match nearest(family, known) {
        Some(near) if near != family => format!("did you mean `{near}`?"),
        _ => format!(
            "name a file, FAMILY/LEVEL.CHALLENGE or FAMILY/LEVEL.CHALLENGE@SEED with one of the \
             families {}, or one of {}",
            families.join(", "),
            hand.join(", ")
        ),
    };
    CliError::usage(format!("find the level `{name}`: {help}"))
}

/// Reads a level file, TOML or JSON; a fault points into it.
pub(super) fn read(path: &Path) -> Result<Level, CliError> {
    let (file, text) = level_text(path)?;
    Ok(Level::read(&file, &text)?)
}

/// Reads a level file and finds its fewest calls; a fault points into the file.
pub(super) fn read_certified(path: &Path) -> Result<Level, CliError> {
    let (file, text) = level_text(path)?;
    let file = LevelFile::new(&file, &text);
    certify(file.read()?, &SolveLimits::default()).map_err(|e| file.verify_fault(&e).into())
}

/// A file that holds a level, as the user knows it, and its text.
fn level_text(path: &Path) -> Result<(String, String), CliError> {
    let (file, text) = text_of(path)?;
    if let Some(family) = declared_family(&text) {
        return Err(CliError::usage(format!(
            "read a level from {file}: it declares the family `{family}`; name one of its levels, \
             {family}/LEVEL.CHALLENGE, or let agents play it with `quest run --family {family}`"
        )));
    }
    Ok((file, text))
}

/// Whether a text declares a family of levels, and is no level itself.
pub(super) fn is_declaration(text: &str) -> bool {
    declared_family(text).is_some()
}

fn declared_family(text: &str) -> Option<String> {
    let table = text.parse::<toml::Table>().ok()?;
    let of = |key: &str| table.get(key).and_then(toml::Value::as_str);
    (of("schema") == Some(SUITE_SCHEMA)).then(|| of("family").unwrap_or("FAMILY").to_owned())
}

/// A file as the user knows it, and its text.
pub(super) fn text_of(path: &Path) -> Result<(String, String), CliError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((file, text)),
        Err(e) => Err(CliError::usage(format!("read {file}: {e}"))),
    }
}

/// The level files among these paths; a folder stands for all `.toml` and `.json` files below it.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        collect(path, true, &mut found)
            .map_err(|e| CliError::usage(format!("read {}: {e}", path.display())))?;
        if found.len() == before {
            let message = format!("find levels in {}: no .toml or .json there", path.display());
            return Err(CliError::usage(message));
        }
    }
    Ok(found)
}

fn collect(path: &Path, named: bool, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        if named || path.extension().is_some_and(|e| e == "toml" || e == "json") {
            std::fs::metadata(path)?;
            found.push(path.to_owned());
        }
        return Ok(());
    }
    let entries = std::fs::read_dir(path)?.map(|e| Ok(e?.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, false, found))
}

/// A broken suite as a failure of the command line.
pub(super) fn of_suite(error: SuiteError) -> CliError {
    match error {
        SuiteError::Place(place) => (*place).into(),
        other => CliError::config(other),
    }
}
