//! Drawing levels of a grade: candidates by seed, each certified before it is given out.

use std::collections::BTreeSet;

use super::{Grade, Suite, SuiteDecl, SuiteError};
use crate::core::derive_seed;
use crate::quest::generate::{Difficulty, generate};
use crate::quest::level::{Level, Split, split_of};
use crate::quest::planner::{SolveLimits, certify_with_slack};
use crate::quest::world::World;

/// Most facts of a drawn level.
const MAX_FACTS: usize = 120;
/// Most ground calls of a drawn level.
const MAX_CALLS: usize = 120;
/// What certifying a drawn level may cost; dearer candidates are passed over. A* proves most minima
/// in fewer states than breadth-first search, so that gets the larger share.
const DRAW_LIMITS: SolveLimits = SolveLimits {
    bfs_states: 3_000,
    greedy_states: 3_000,
    astar_states: 20_000,
    value_states: 20_000,
    memory: 256 << 20,
    cpu: None,
};
/// Seeds tried for each level that is wanted, and at least.
const TRIES: (usize, usize) = (400, 4_000);

impl Suite {
    fn grade(
        &self,
        family: &str,
        level: u32,
        challenge: u32,
    ) -> Result<(&SuiteDecl, &Grade), SuiteError> {
        let decl = self.families.get(family).ok_or_else(|| SuiteError::Unknown {
            what: format!("family `{family}`"),
            known: self.all_families().join(", "),
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
        let (mut levels, mut refused) = (Vec::new(), None);
        for i in 0..tries {
            if levels.len() == n {
                break;
            }
            let candidate = match candidate(decl, grade, derive_seed(base, &i.to_string())) {
                Ok(candidate) => candidate,
                Err(why) => {
                    refused = Some(why);
                    continue;
                }
            };
            let content = candidate.content_digest();
            if split_of(&content) != split || !seen.insert(content) {
                continue;
            }
            match accept(candidate, grade) {
                Ok(level) => levels.push(level),
                Err(why) => refused = Some(why),
            }
        }
        if levels.len() < n {
            let found = levels.len();
            return Err(SuiteError::Exhausted {
                grade: name,
                split,
                found,
                wanted: n,
                tries,
                refused,
            });
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
