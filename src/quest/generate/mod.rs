//! Seeded generators, one file per family. A generator turns knobs and a seed into a level
//! without a reference; the suite certifies it.

mod areas;
mod attacks;
mod courier;
mod dialogue;
mod dice;
mod draft;
mod guard;
mod migration;
mod quota;
mod recovery;
mod refinery;
mod rollout;
mod symphony;
mod tale;
mod toolbox;
mod vault;
mod words;
mod workshop;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use dice::Dice;
pub(super) use draft::Draft;

use super::level::{Level, LevelError};

/// Names of the generators that are built in.
pub const FAMILIES: [&str; 12] = [
    "courier",
    "dialogue",
    "guard",
    "migration",
    "quota",
    "recovery",
    "refinery",
    "rollout",
    "symphony",
    "toolbox",
    "vault",
    "workshop",
];

/// A knob of a generator: a number, or a range from which each level draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Knob {
    /// Always this number.
    One(u32),
    /// From the first to the second, both included.
    Range([u32; 2]),
}

/// What a generator is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difficulty {
    /// Family that the level will name.
    pub family: String,
    /// Level, from 1.
    pub level: u32,
    /// Challenge, from 1.
    pub challenge: u32,
    /// Knobs by name; those left out are 0.
    pub knobs: BTreeMap<String, Knob>,
}

type Make = fn(&mut Dice<'_>, &mut Draft);

/// A generator: its function and its knobs with their largest values.
fn generator(name: &str) -> Option<(Make, &'static [(&'static str, u32)])> {
    Some(match name {
        "courier" => (courier::make, courier::KNOBS),
        "dialogue" => (dialogue::make, dialogue::KNOBS),
        "guard" => (guard::make, guard::KNOBS),
        "migration" => (migration::make, migration::KNOBS),
        "quota" => (quota::make, quota::KNOBS),
        "recovery" => (recovery::make, recovery::KNOBS),
        "refinery" => (refinery::make, refinery::KNOBS),
        "rollout" => (rollout::make, rollout::KNOBS),
        "symphony" => (symphony::make, symphony::KNOBS),
        "toolbox" => (toolbox::make, toolbox::KNOBS),
        "vault" => (vault::make, vault::KNOBS),
        "workshop" => (workshop::make, workshop::KNOBS),
        _ => return None,
    })
}

/// Checks knobs against those of a generator; the error says what is wrong and what is known.
pub(super) fn check_knobs(name: &str, knobs: &BTreeMap<String, Knob>) -> Result<(), String> {
    let Some((_, known)) = generator(name) else {
        return Err(format!("generator `{name}` is not known; known are {}", FAMILIES.join(", ")));
    };
    for (knob, value) in knobs {
        let Some((_, most)) = known.iter().find(|(k, _)| k == knob) else {
            let names: Vec<&str> = known.iter().map(|(k, _)| *k).collect();
            return Err(format!(
                "knob `{knob}` is not known to `{name}`; known are {}",
                names.join(", ")
            ));
        };
        let (low, high) = match *value {
            Knob::One(n) => (n, n),
            Knob::Range([low, high]) => (low, high),
        };
        if low > high || high > *most {
            return Err(format!("knob `{knob}` is {low}..{high}; stay within 0..{most}, in order"));
        }
    }
    Ok(())
}

/// The level of this seed, without a reference and with a provisional limit of calls. None where
/// the generator is not known.
pub(super) fn generate(
    name: &str,
    difficulty: &Difficulty,
    seed: u64,
) -> Option<Result<Level, LevelError>> {
    let (make, _) = generator(name)?;
    let mut dice = Dice::new(seed, name, &difficulty.knobs);
    let mut draft = Draft::new(difficulty, seed);
    make(&mut dice, &mut draft);
    Some(draft.finish())
}
