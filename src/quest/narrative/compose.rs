//! From readings to levels: the goal that a narrative tells, and a whole level from a text.

use std::collections::{BTreeMap, BTreeSet};

use super::mentions::Introduced;
use super::{Analysis, Basis, Reading, analyze_narrative, analyze_problem, fact};
use crate::quest::expr::{Atom, Change, Condition, Init, Term, Test};
use crate::quest::level::{Level, LevelError};
use crate::quest::world::GroundError;

/// Why no level or goal comes of a text.
#[derive(Debug, thiserror::Error)]
pub enum NarrativeError {
    /// No goal was read.
    #[error(
        "read a goal from the narrative of level `{level}`: no clause fits a predicate, function \
         or fluent; name objects as the level does, or give its predicates `says`"
    )]
    NoGoal {
        /// Id of the level.
        level: String,
    },
    /// What was read makes no level.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// What was read cannot be grounded, or a part of the goal can never hold.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// No calls reach the goal that was read.
    #[error("plan for what the text wants in level `{level}`: no sequence of calls reaches it")]
    Unsolvable {
        /// Id of the level.
        level: String,
    },
    /// The search ended without a plan.
    #[error(
        "plan for what the text wants in level `{level}`: nothing was found within the limits of \
         the search; raise them"
    )]
    GaveUp {
        /// Id of the level.
        level: String,
    },
    /// The plan is longer than the text or the level allows.
    #[error(
        "plan for what the text wants in level `{level}`: it takes {calls} calls, and {most} are \
         allowed"
    )]
    TooLong {
        /// Id of the level.
        level: String,
        /// Calls of the plan.
        calls: usize,
        /// Most calls.
        most: u32,
    },
}

/// The goal that a level's narrative tells: what an agent goes by where the level's observability
/// is [`GoalInNarrative`](crate::quest::Observability::GoalInNarrative). The level's own goal is
/// not looked at.
///
/// # Errors
/// Where no goal can be read.
pub fn narrated_goal(level: &Level) -> Result<Condition, NarrativeError> {
    let goal = analyze_narrative(level, &level.narrative).goal_condition();
    if goal.0.is_empty() {
        return Err(NarrativeError::NoGoal { level: level.id.clone() });
    }
    Ok(goal)
}

/// The level of a problem that a text describes: functions and predicates are those of `domain`;
/// objects, initial state and goal come from the text.
///
/// # Errors
/// Where no goal was read, or what was read contradicts the domain.
pub fn level_from_text(domain: &Level, text: &str) -> Result<(Level, Analysis), NarrativeError> {
    let analysis = analyze_problem(domain, text);
    let mut level = domain.clone();
    text.clone_into(&mut level.narrative);
    level.goal = analysis.goal_condition();
    level.init = analysis.initial_state();
    level.reference = None;
    level.split = None;
    for (name, kind) in &analysis.objects {
        level.objects.entry(kind.clone()).or_default().insert(name.clone());
    }
    if level.goal.0.is_empty() {
        return Err(NarrativeError::NoGoal { level: level.id });
    }
    Ok((level.normalised()?, analysis))
}

/// The types of the objects that a text introduces: what the noun says, or else the narrowest type
/// among those that the predicates said of it ask for.
pub(super) fn kinds(
    level: &Level,
    introduced: &BTreeMap<String, Introduced>,
    read: &Analysis,
) -> BTreeMap<String, String> {
    let goal = read.goal.iter().filter_map(|r| match &r.what {
        Test::Fact { atom, .. } => Some(atom),
        _ => None,
    });
    let init = read.init.iter().filter_map(|r| match &r.what {
        Init::Fact(atom) => Some(atom),
        Init::Number { .. } => None,
    });
    let atoms: Vec<&Atom> = goal.chain(init).collect();
    let mut out = BTreeMap::new();
    for (name, object) in introduced {
        let mut kind = object.kind.clone();
        let mut said = false;
        for atom in &atoms {
            let params = level.predicates.get(&atom.predicate).map_or(&[][..], |d| &d.params);
            for (term, param) in atom.args.iter().zip(params) {
                if *term != Term::Object(name.clone()) {
                    continue;
                }
                said = true;
                let narrower = kind.as_ref().is_none_or(|k| below(level, &param.kind, k));
                if narrower && object.kind.is_none() {
                    kind = Some(param.kind.clone());
                }
            }
        }
        if said {
            out.insert(name.clone(), kind.unwrap_or_else(|| "object".to_owned()));
        }
    }
    out
}

/// Whether `kind` is a descendant of `of`.
fn below(level: &Level, kind: &str, of: &str) -> bool {
    let mut at = kind;
    for _ in 0..=level.types.len() {
        match level.types.get(at) {
            Some(parent) if parent == of => return true,
            Some(parent) => at = parent,
            None => break,
        }
    }
    false
}

/// Facts that the nouns of introduced objects say: `truck_0` is a `truck` where that is a predicate
/// that nothing changes. One such predicate and one noun that are left over belong together.
pub(super) fn facts_of_nouns(
    level: &Level,
    introduced: &BTreeMap<String, Introduced>,
    read: &Analysis,
) -> Vec<Reading<Init>> {
    let changes = level.functions.values().flat_map(|f| {
        f.effects.0.iter().chain(&f.at_start.0).chain(f.outcomes.iter().flat_map(|o| &o.effects.0))
    });
    let changed: BTreeSet<&str> = changes
        .filter_map(|c| match c {
            Change::Add(atom) | Change::Delete(atom) => Some(atom.predicate.as_str()),
            Change::Increase { .. } | Change::Assign { .. } => None,
        })
        .collect();
    let said: BTreeSet<&str> = read
        .init
        .iter()
        .filter_map(|r| match &r.what {
            Init::Fact(atom) => Some(atom.predicate.as_str()),
            Init::Number { .. } => None,
        })
        .collect();
    let mut free: BTreeMap<String, &str> = level
        .predicates
        .iter()
        .filter(|(name, def)| {
            def.params.len() == 1
                && !changed.contains(name.as_str())
                && !said.contains(name.as_str())
        })
        .map(|(name, _)| (super::words::stem(&name.to_lowercase()), name.as_str()))
        .collect();
    let nouns: BTreeSet<&str> = introduced.values().map(|o| o.noun.as_str()).collect();
    let mut meant: BTreeMap<&str, (&str, f64)> = BTreeMap::new();
    for noun in &nouns {
        if let Some(name) = free.remove(*noun) {
            meant.insert(noun, (name, 0.8));
        }
    }
    let left: Vec<&&str> = nouns.iter().filter(|n| !meant.contains_key(**n)).collect();
    if let ([noun], [name], false) =
        (left.as_slice(), free.values().collect::<Vec<_>>().as_slice(), meant.is_empty())
    {
        meant.insert(noun, (name, 0.4));
    }
    let of = |(name, object): (&String, &Introduced)| {
        let (predicate, confidence) = *meant.get(object.noun.as_str())?;
        let what = Init::Fact(fact(predicate, std::slice::from_ref(name)));
        Some(Reading { what, span: object.span, confidence, basis: Basis::Name })
    };
    introduced.iter().filter_map(of).collect()
}
