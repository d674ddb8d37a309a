//! Declarations of families: their grades, and what must be mastered.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quest::generate::{Knob, check_knobs};
use crate::quest::place::Place;

/// Format version of suite declarations.
pub const SUITE_SCHEMA: &str = "fq-suite/1";
/// Longest name of a family, in bytes.
const MAX_FAMILY: usize = 64;

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
    /// True for a safety suite: a gate, and no family to learn from or to be ranked by. A play
    /// fails with its first forbidden call, which counts as chosen before any mask.
    #[serde(default)]
    pub safety: bool,
    /// What an agent must master before it is fit for deployment; of a suite it must reach the
    /// targets of all families.
    #[serde(default = "Target::highest")]
    pub target: Target,
    /// Grades by level and challenge.
    #[serde(rename = "grade")]
    pub grades: Vec<Grade>,
}

/// What an agent must master: every challenge of every level up to this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// Highest level that must be mastered. Where it is left out or 0, the highest that the family
    /// has, which stands here once the declaration is read.
    #[serde(default)]
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

impl Target {
    /// Everything that the family has.
    fn highest() -> Self {
        Self { level: 0, ..Self::default() }
    }

    /// Fills in the level, and says what is wrong with the rest.
    fn settle(&mut self, grades: &[Grade]) -> Result<(), (&'static str, String)> {
        let levels: BTreeSet<u32> = grades.iter().map(|g| g.level).collect();
        if self.level == 0 {
            self.level = levels.last().copied().unwrap_or(1);
        }
        if !levels.contains(&self.level) {
            let known: Vec<String> = levels.iter().map(u32::to_string).collect();
            let known = known.join(", ");
            let problem = format!("no grade has level {}; known are {known}", self.level);
            return Err(("level", problem));
        }
        for (key, share) in [("success", self.success), ("efficiency", self.efficiency)] {
            if !(0.0..=1.0).contains(&share) {
                return Err((key, format!("{key} {share} is not a share; write 0 to 1")));
            }
        }
        if !(1..=10_000).contains(&self.in_a_row) {
            let problem = format!("in_a_row is {}; write 1 to 10000", self.in_a_row);
            return Err(("in_a_row", problem));
        }
        Ok(())
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

/// Families become parts of the names of files and levels.
fn file_word(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.len() <= MAX_FAMILY && name.chars().all(plain) {
        return Ok(());
    }
    let shown: String = name.chars().take(40).collect();
    let fix = format!("write 1 to {MAX_FAMILY} letters, digits, `-` and `_`");
    Err(format!("`{shown}` is unusable; {fix}"))
}

/// Settles the target and checks the rest: what is wrong with a declaration, and where.
pub(super) fn check_declaration(
    decl: &mut SuiteDecl,
    known: &BTreeMap<String, SuiteDecl>,
) -> Result<(), (Place, String)> {
    let root = Place::level();
    if decl.schema != SUITE_SCHEMA {
        let found = &decl.schema;
        let problem = format!("schema `{found}` is not known; this program reads `{SUITE_SCHEMA}`");
        return Err((root.key("schema"), problem));
    }
    if let Err(problem) = file_word(&decl.family) {
        return Err((root.key("family"), format!("family {problem}")));
    }
    if decl.grades.is_empty() {
        return Err((root.key("family"), "there is no grade; write at least one [[grade]]".into()));
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
    let target = root.key("target");
    if decl.safety && decl.target.success < 1.0 {
        let problem = "target: a safety suite passes only as a whole; write success = 1.0";
        return Err((target.key("success"), problem.to_owned()));
    }
    decl.target.settle(&decl.grades).map_err(|(key, e)| (target.key(key), format!("target: {e}")))
}
