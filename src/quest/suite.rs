//! Suites: declared families of generated levels, drawn by grade and split, and hand-written ones.

mod declaration;
mod draw;
mod error;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::level::Level;
use super::locate::{LevelFile, fault_at};
use super::planner::{SolveLimits, certify};
use crate::core::PlaceError;
use declaration::check_declaration;

pub use declaration::{Grade, SUITE_SCHEMA, SuiteDecl, Target};
pub use error::SuiteError;

const BUILTIN: [(&str, &str); 13] = [
    ("courier.toml", include_str!("../../levels/courier.toml")),
    ("dialogue.toml", include_str!("../../levels/dialogue.toml")),
    ("guard.toml", include_str!("../../levels/guard.toml")),
    ("migration.toml", include_str!("../../levels/migration.toml")),
    ("quota.toml", include_str!("../../levels/quota.toml")),
    ("recovery.toml", include_str!("../../levels/recovery.toml")),
    ("refinery.toml", include_str!("../../levels/refinery.toml")),
    ("rollout.toml", include_str!("../../levels/rollout.toml")),
    ("safety.toml", include_str!("../../levels/safety.toml")),
    ("symphony.toml", include_str!("../../levels/symphony.toml")),
    ("toolbox.toml", include_str!("../../levels/toolbox.toml")),
    ("vault.toml", include_str!("../../levels/vault.toml")),
    ("workshop.toml", include_str!("../../levels/workshop.toml")),
];

const BUILTIN_HAND: [(&str, &str); 10] = [
    ("hand/corrected-plan.toml", include_str!("../../levels/hand/corrected-plan.toml")),
    ("hand/first-steps.toml", include_str!("../../levels/hand/first-steps.toml")),
    ("hand/flaky-build.toml", include_str!("../../levels/hand/flaky-build.toml")),
    ("hand/lean-budget.toml", include_str!("../../levels/hand/lean-budget.toml")),
    ("hand/new-branch.toml", include_str!("../../levels/hand/new-branch.toml")),
    ("hand/no-force.toml", include_str!("../../levels/hand/no-force.toml")),
    ("hand/price-list.toml", include_str!("../../levels/hand/price-list.toml")),
    ("hand/read-the-brief.toml", include_str!("../../levels/hand/read-the-brief.toml")),
    ("hand/slow-tests.toml", include_str!("../../levels/hand/slow-tests.toml")),
    ("hand/strange-panel.toml", include_str!("../../levels/hand/strange-panel.toml")),
];

/// Families by name, and hand-written levels.
#[derive(Debug, Clone)]
pub struct Suite {
    pub(super) families: BTreeMap<String, SuiteDecl>,
    pub(super) hand: Vec<Level>,
}

impl Suite {
    /// The suite that is compiled in: the declarations under `levels/`.
    ///
    /// # Errors
    /// Never in a released build; a test reads them all.
    pub fn try_builtin() -> Result<Self, SuiteError> {
        let mut suite = Self { families: BTreeMap::new(), hand: Vec::new() };
        for (file, text) in BUILTIN {
            suite.add_declaration(file, text)?;
        }
        for (file, text) in BUILTIN_HAND {
            suite.add_level(file, text)?;
        }
        Ok(suite)
    }

    /// As [`Suite::try_builtin`]; empty where a declaration is broken, which a test excludes.
    pub fn builtin() -> Self {
        Self::try_builtin().unwrap_or_else(|_| Self { families: BTreeMap::new(), hand: Vec::new() })
    }

    /// Reads a folder: declarations `*.toml`, and hand-written levels `hand/*.toml`.
    ///
    /// # Errors
    /// Names the file, the place in it and the fix.
    pub fn load(dir: &Path) -> Result<Self, SuiteError> {
        let mut suite = Self { families: BTreeMap::new(), hand: Vec::new() };
        for path in toml_files(dir)? {
            suite.add_declaration(&path.display().to_string(), &read(&path)?)?;
        }
        let hand = dir.join("hand");
        if hand.is_dir() {
            for path in toml_files(&hand)? {
                suite.add_level(&path.display().to_string(), &read(&path)?)?;
            }
        }
        Ok(suite)
    }

    /// The compiled-in files, name and text: what a new workspace is given.
    pub fn builtin_files() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILTIN.into_iter().chain(BUILTIN_HAND)
    }

    /// JSON Schema of suite declarations.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(SuiteDecl)
    }

    pub(super) fn add_declaration(&mut self, file: &str, text: &str) -> Result<(), SuiteError> {
        let place = |fault| SuiteError::Place(Box::new(fault));
        let mut decl: SuiteDecl =
            toml::from_str(text).map_err(|e| place(PlaceError::from_toml(file, text, &e)))?;
        check_declaration(&mut decl, &self.families)
            .map_err(|(at, problem)| place(fault_at(file, text, &at, &problem)))?;
        self.families.insert(decl.family.clone(), decl);
        Ok(())
    }

    pub(super) fn add_level(&mut self, file: &str, text: &str) -> Result<(), SuiteError> {
        let place = |fault| SuiteError::Place(Box::new(fault));
        let file = LevelFile::new(file, text);
        let level = file.read().map_err(place)?;
        if self.hand.iter().any(|known| known.id == level.id) {
            return Err(place(file.twice(&level.id)));
        }
        let level = certify(level, &SolveLimits::default());
        self.hand.push(level.map_err(|e| place(file.verify_fault(&e)))?);
        Ok(())
    }

    /// Names of the ordinary families, sorted: what is learned, played and ranked by.
    pub fn families(&self) -> Vec<String> {
        self.named(|d| !d.safety)
    }

    /// Names of the safety suites, sorted: what an agent must pass as a whole before it serves.
    /// They are drawn from like any family.
    pub fn safety_families(&self) -> Vec<String> {
        self.named(|d| d.safety)
    }

    /// Names of the ordinary families and of the safety suites, sorted.
    pub fn all_families(&self) -> Vec<String> {
        self.named(|_| true)
    }

    fn named(&self, wanted: impl Fn(&SuiteDecl) -> bool) -> Vec<String> {
        self.families.iter().filter(|(_, d)| wanted(d)).map(|(name, _)| name.clone()).collect()
    }

    /// Levels and challenges of a family, sorted; empty where it is not known.
    pub fn grades(&self, family: &str) -> Vec<(u32, u32)> {
        let grades = self.families.get(family).map(|d| d.grades.iter());
        let grades = grades.into_iter().flatten().map(|g| (g.level, g.challenge));
        grades.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Hand-written levels, certified, in the order of their files. Each can be played as it is;
    /// no grade draws them.
    pub fn hand(&self) -> &[Level] {
        &self.hand
    }

    /// The hand-written level of this id.
    ///
    /// # Errors
    /// Where there is none; the message lists those that there are.
    pub fn hand_level(&self, id: &str) -> Result<&Level, SuiteError> {
        self.hand.iter().find(|level| level.id == id).ok_or_else(|| {
            let known: Vec<&str> = self.hand.iter().map(|level| level.id.as_str()).collect();
            let what = format!("hand-written level `{id}`");
            SuiteError::Unknown { what, known: known.join(", ") }
        })
    }

    /// What an agent must master of each family, by name, before it is fit for deployment: by
    /// default every challenge of every level with 95 % success, efficiency 0.8, and ten plays on
    /// fresh seeds in a row. Safety suites have their targets here too.
    pub fn targets(&self) -> BTreeMap<String, Target> {
        self.families.iter().map(|(name, decl)| (name.clone(), decl.target.clone())).collect()
    }

    /// The declaration of a family.
    pub fn declaration(&self, family: &str) -> Option<&SuiteDecl> {
        self.families.get(family)
    }
}

fn read(path: &Path) -> Result<String, SuiteError> {
    std::fs::read_to_string(path)
        .map_err(|source| SuiteError::Read { path: path.to_owned(), source })
}

fn toml_files(dir: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let fail = |source| SuiteError::Read { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
