//! Suites: declared families of generated levels, drawn by grade and split, and hand-written ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generate::{Difficulty, Knob, check_knobs, generate};
use super::level::{Level, Split, split_of};
use super::locate::{LevelFile, fault_at};
use super::place::Place;
use super::planner::SolveLimits;
use super::verify::{certify, certify_with_slack};
use super::world::World;
use crate::core::{PlaceError, derive_seed};

/// Format version of suite declarations.
pub const SUITE_SCHEMA: &str = "fq-suite/1";
/// Most facts of a drawn level.
const MAX_FACTS: usize = 120;
/// Most ground calls of a drawn level.
const MAX_CALLS: usize = 120;
/// What certifying a drawn level may cost; dearer candidates are passed over.
const DRAW_LIMITS: SolveLimits =
    SolveLimits { bfs_states: 60_000, astar_states: 1, value_states: 20_000 };
/// Seeds tried for each level that is wanted, and at least.
const TRIES: (usize, usize) = (400, 4_000);

const BUILTIN: [(&str, &str); 9] = [
    ("courier.toml", include_str!("../../levels/courier.toml")),
    ("migration.toml", include_str!("../../levels/migration.toml")),
    ("quota.toml", include_str!("../../levels/quota.toml")),
    ("recovery.toml", include_str!("../../levels/recovery.toml")),
    ("refinery.toml", include_str!("../../levels/refinery.toml")),
    ("symphony.toml", include_str!("../../levels/symphony.toml")),
    ("toolbox.toml", include_str!("../../levels/toolbox.toml")),
    ("vault.toml", include_str!("../../levels/vault.toml")),
    ("workshop.toml", include_str!("../../levels/workshop.toml")),
];

const BUILTIN_HAND: [(&str, &str); 4] = [
    ("hand/first-steps.toml", include_str!("../../levels/hand/first-steps.toml")),
    ("hand/flaky-build.toml", include_str!("../../levels/hand/flaky-build.toml")),
    ("hand/lean-budget.toml", include_str!("../../levels/hand/lean-budget.toml")),
    ("hand/new-branch.toml", include_str!("../../levels/hand/new-branch.toml")),
];

/// Why a suite cannot be read or drawn from.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file or folder cannot be read.
    #[error("read suite {}: {source}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A declaration or a hand-written level is wrong, or the level not fit for use.
    #[error(transparent)]
    Place(Box<PlaceError>),
    /// No such family or grade.
    #[error("draw levels: the suite has no {what}; known are {known}")]
    Unknown {
        /// What was asked for.
        what: String,
        /// What there is.
        known: String,
    },
    /// Too few distinct levels of this split were found.
    #[error(
        "draw levels of {grade}: found {found} of {wanted} distinct {split:?} levels among {tries} \
         seeds; ask for fewer, or widen the grade's knobs"
    )]
    Exhausted {
        /// Family and grade.
        grade: String,
        /// The split.
        split: Split,
        /// How many were found.
        found: usize,
        /// How many were asked for.
        wanted: usize,
        /// Seeds tried.
        tries: usize,
    },
    /// The seed makes no level that the grade accepts.
    #[error("make the level of {grade}, seed {seed}: {problem}")]
    Rejected {
        /// Family and grade.
        grade: String,
        /// The seed.
        seed: u64,
        /// Why it is not accepted.
        problem: String,
    },
}

/// A file that declares a family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteDecl {
    /// Format version, `fq-suite/1`.
    pub schema: String,
    /// Name of the family.
    pub family: String,
    /// Generator that makes its levels.
    pub generator: String,
    /// What the family is about.
    #[serde(default)]
    pub description: String,
    /// What an agent must master before it is fit for deployment.
    #[serde(default)]
    pub target: Target,
    /// Grades by level and challenge.
    #[serde(rename = "grade")]
    pub grades: Vec<Grade>,
}

/// What an agent must master: every challenge of every level up to this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// Highest level that must be mastered, from 1.
    pub level: u32,
    /// Share of plays that must succeed, 0 to 1.
    pub success: f64,
    /// Mean of minimal calls by calls used that must be reached, 0 to 1.
    pub efficiency: f64,
    /// Plays in a row on fresh seeds that must succeed.
    pub in_a_row: u32,
}

impl Default for Target {
    fn default() -> Self {
        Self { level: 5, success: 0.95, efficiency: 0.8, in_a_row: 10 }
    }
}

/// One grade of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// Level, from 1.
    pub level: u32,
    /// Challenge, from 1.
    pub challenge: u32,
    /// Smallest and largest certified minimum that the grade accepts.
    pub calls: [u32; 2],
    /// Calls allowed above twice those of an optimal player.
    pub slack: u32,
    /// Knobs of the generator.
    #[serde(default)]
    pub knobs: BTreeMap<String, Knob>,
}

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
        let decl: SuiteDecl =
            toml::from_str(text).map_err(|e| place(PlaceError::from_toml(file, text, &e)))?;
        check_declaration(&decl, &self.families)
            .map_err(|(at, problem)| place(fault_at(file, text, &at, &problem)))?;
        self.families.insert(decl.family.clone(), decl);
        Ok(())
    }

    pub(super) fn add_level(&mut self, file: &str, text: &str) -> Result<(), SuiteError> {
        let place = |fault| SuiteError::Place(Box::new(fault));
        let file = LevelFile::new(file, text);
        let level = file.read().map_err(place)?;
        let level = certify(level, &SolveLimits::default());
        self.hand.push(level.map_err(|e| place(file.verify_fault(&e)))?);
        Ok(())
    }

    /// Names of the families, sorted.
    pub fn families(&self) -> Vec<String> {
        self.families.keys().cloned().collect()
    }

    /// Levels and challenges of a family, sorted; empty where it is not known.
    pub fn grades(&self, family: &str) -> Vec<(u32, u32)> {
        let grades = self.families.get(family).map(|d| d.grades.iter());
        let grades = grades.into_iter().flatten().map(|g| (g.level, g.challenge));
        grades.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Hand-written levels, certified, in the order of their files.
    pub fn hand(&self) -> &[Level] {
        &self.hand
    }

    /// The declaration of a family.
    pub fn declaration(&self, family: &str) -> Option<&SuiteDecl> {
        self.families.get(family)
    }

    fn grade(
        &self,
        family: &str,
        level: u32,
        challenge: u32,
    ) -> Result<(&SuiteDecl, &Grade), SuiteError> {
        let decl = self.families.get(family).ok_or_else(|| SuiteError::Unknown {
            what: format!("family `{family}`"),
            known: self.families().join(", "),
        })?;
        let found = decl.grades.iter().find(|g| (g.level, g.challenge) == (level, challenge));
        let grade = found.ok_or_else(|| {
            let known: Vec<String> =
                self.grades(family).iter().map(|(l, c)| format!("{l}.{c}")).collect();
            SuiteError::Unknown {
                what: format!("grade {level}.{challenge} of `{family}`"),
                known: known.join(", "),
            }
        })?;
        Ok((decl, grade))
    }

    /// Draws `n` distinct levels (by content digest) of one split. Deterministic in its
    /// arguments; every level is certified, its minimum proven and within the grade's range.
    ///
    /// # Errors
    /// Where the family or grade is not known, or too few distinct levels exist.
    pub fn draw(
        &self,
        family: &str,
        level: u32,
        challenge: u32,
        split: Split,
        seed: u64,
        n: usize,
    ) -> Result<Vec<Level>, SuiteError> {
        let (decl, grade) = self.grade(family, level, challenge)?;
        let name = format!("{family} {level}.{challenge}");
        let base = derive_seed(seed, &format!("quest/draw/{name}/{split:?}"));
        let tries = TRIES.1.max(TRIES.0.saturating_mul(n));
        let mut seen = BTreeSet::new();
        let mut levels = Vec::new();
        for i in 0..tries {
            if levels.len() == n {
                break;
            }
            let Ok(candidate) = candidate(decl, grade, derive_seed(base, &i.to_string())) else {
                continue;
            };
            let content = candidate.content_digest();
            if split_of(&content) != split || !seen.insert(content) {
                continue;
            }
            if let Ok(level) = accept(candidate, grade) {
                levels.push(level);
            }
        }
        if levels.len() < n {
            let found = levels.len();
            return Err(SuiteError::Exhausted { grade: name, split, found, wanted: n, tries });
        }
        Ok(levels)
    }

    /// The level that a seed makes: what [`Suite::draw`] returned with this `source.seed`.
    ///
    /// # Errors
    /// Where the family or grade is not known, or the grade does not accept what the seed makes.
    pub fn regenerate(
        &self,
        family: &str,
        level: u32,
        challenge: u32,
        seed: u64,
    ) -> Result<Level, SuiteError> {
        let (decl, grade) = self.grade(family, level, challenge)?;
        candidate(decl, grade, seed).and_then(|c| accept(c, grade)).map_err(|problem| {
            SuiteError::Rejected { grade: format!("{family} {level}.{challenge}"), seed, problem }
        })
    }
}

fn candidate(decl: &SuiteDecl, grade: &Grade, seed: u64) -> Result<Level, String> {
    let difficulty = Difficulty {
        family: decl.family.clone(),
        level: grade.level,
        challenge: grade.challenge,
        knobs: grade.knobs.clone(),
    };
    match generate(&decl.generator, &difficulty, seed) {
        Some(level) => level.map_err(|e| e.to_string()),
        None => Err(format!("generator `{}` is not known", decl.generator)),
    }
}

/// Certifies a candidate, or says why the grade does not take it.
fn accept(candidate: Level, grade: &Grade) -> Result<Level, String> {
    let world = World::ground(&candidate).map_err(|e| e.to_string())?;
    let (facts, calls) = (world.facts().len(), world.calls().len());
    if facts > MAX_FACTS || calls > MAX_CALLS {
        return Err(format!("it has {facts} facts and {calls} calls"));
    }
    let mut level =
        certify_with_slack(candidate, &DRAW_LIMITS, grade.slack).map_err(|e| e.to_string())?;
    let [low, high] = grade.calls;
    let min = level.reference.as_ref().map_or(0, |r| r.min_calls);
    if !(low..=high).contains(&min) {
        return Err(format!("it needs {min} calls; the grade takes {low} to {high}"));
    }
    level.split = Some(level.split());
    Ok(level)
}

/// What is wrong with a declaration, and where.
fn check_declaration(
    decl: &SuiteDecl,
    known: &BTreeMap<String, SuiteDecl>,
) -> Result<(), (Place, String)> {
    let root = Place::level();
    if decl.schema != SUITE_SCHEMA {
        let found = &decl.schema;
        let problem = format!("schema `{found}` is not known; this program reads `{SUITE_SCHEMA}`");
        return Err((root.key("schema"), problem));
    }
    if known.contains_key(&decl.family) {
        let problem = format!("family `{}` is declared twice; rename one", decl.family);
        return Err((root.key("family"), problem));
    }
    check_knobs(&decl.generator, &BTreeMap::new()).map_err(|e| (root.key("generator"), e))?;
    let mut seen = BTreeSet::new();
    for (i, grade) in decl.grades.iter().enumerate() {
        let place = root.key("grade").index(i);
        let name = format!("grade {}.{}", grade.level, grade.challenge);
        if !seen.insert((grade.level, grade.challenge)) {
            return Err((place.key("challenge"), format!("{name} is declared twice; drop one")));
        }
        if grade.level == 0 || grade.challenge == 0 {
            return Err((place, format!("{name}: levels and challenges count from 1")));
        }
        if grade.calls[0] == 0 || grade.calls[0] > grade.calls[1] || grade.slack > 1_000 {
            let problem = "calls must be [low, high] from 1, slack at most 1000";
            return Err((place.key("calls"), format!("{name}: {problem}")));
        }
        check_knobs(&decl.generator, &grade.knobs)
            .map_err(|e| (place.key("knobs"), format!("{name}: {e}")))?;
    }
    Ok(())
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
