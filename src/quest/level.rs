//! The level format `fq-level/1`: what a level file may say, its digests and its split.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expr::{Atom, Condition, Effects, ExprError, Init, Param};
use super::locate::LevelFile;
use super::place::Place;
use super::repeats::NoRepeats;
use crate::core::{Digest, PlaceError, canonical_json};

/// Format version of level files.
pub const LEVEL_SCHEMA: &str = "fq-level/1";
/// Largest level file that is read, in bytes.
const MAX_LEVEL_BYTES: usize = 4 * 1024 * 1024;

/// Why a level cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// The text is not TOML of this shape; the message holds line and column.
    #[error("read the level as TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// The text is not JSON of this shape; the message holds line and column.
    #[error("read the level as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An expression inside the level is wrong.
    #[error(transparent)]
    Expr(#[from] ExprError),
    /// The file says a format that this program does not know.
    #[error("read the level: schema `{found}` is not known; this program reads `{LEVEL_SCHEMA}`")]
    Schema {
        /// What the file says.
        found: String,
    },
    /// The file is too large.
    #[error("read the level: {bytes} bytes; a level may have at most {MAX_LEVEL_BYTES}")]
    Size {
        /// Its size.
        bytes: usize,
    },
    /// The level contradicts itself.
    #[error("check level {0}")]
    Invalid(Box<Fault>),
}

/// What contradicts the rest of a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{level}`: {place}: {problem}; {fix}")]
pub struct Fault {
    /// Id of the level.
    pub level: String,
    /// Where in the level.
    pub place: Place,
    /// What is wrong there.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

/// A small world, its functions and a goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Format version, `fq-level/1`.
    pub schema: String,
    /// Name of the level, unique in its suite.
    pub id: String,
    /// Family that the level belongs to.
    pub family: String,
    /// Level of difficulty, from 1: sizes and depth rise with it.
    pub level: u32,
    /// Challenge within the level, from 1: which twists are on.
    pub challenge: u32,
    /// The same story in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub narrative: String,
    /// Where the level comes from.
    pub source: Source,
    /// Split that the level was drawn for; [`split_of`] of its content digest is what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Types by name, each with its parent; the root is `object`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, String>,
    /// Names of the objects by type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, BTreeSet<String>>,
    /// Predicates by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub predicates: BTreeMap<String, PredicateDef>,
    /// Integer fluents by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fluents: BTreeMap<String, FluentDef>,
    /// Tables of costs by name, for functions whose cost depends on their arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub costs: BTreeMap<String, CostTable>,
    /// Functions by name.
    pub functions: BTreeMap<String, FunctionDef>,
    /// Facts that are true at the start, and values of fluents (their minimum where not given).
    #[serde(default)]
    pub init: Vec<Init>,
    /// What must hold at the end.
    pub goal: Condition,
    /// Limits of an episode.
    pub limits: Limits,
    /// What an agent may see.
    #[serde(default)]
    pub observability: Observability,
    /// The certified minimum and a plan that reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// A predicate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PredicateDef {
    /// What it means.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How people say it, with `{0}`, `{1}` for the arguments: `{0} is on top of {1}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
    /// Typed parameters, in order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// Whether it speaks of what the agent holds or of the environment.
    #[serde(default)]
    pub store: StoreKind,
    /// True where no function changes it.
    #[serde(default, rename = "static")]
    pub fixed: bool,
}

/// Costs by argument.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// Typed parameters, in order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// Cost by the arguments, joined by a comma and a space: `"a, b" = 3.0`.
    pub values: BTreeMap<String, f64>,
}

/// Where a fact lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// What the agent holds.
    Inventory,
    /// What is so in the environment.
    #[default]
    Env,
}

/// An integer fluent. A call that would take it out of its range is not applicable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FluentDef {
    /// What it counts, and its unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Smallest value.
    #[serde(default)]
    pub min: i32,
    /// Largest value.
    pub max: i32,
}

/// A function that the agent may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionDef {
    /// What it does, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Typed parameters, in order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// What must hold before the call.
    #[serde(default)]
    pub pre: Condition,
    /// What the first (intended) outcome changes; at the end of a call that takes time.
    #[serde(default)]
    pub effects: Effects,
    /// The call starts now and ends after this many further calls; others overlap with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<u32>,
    /// What a call that takes time changes when it starts.
    #[serde(default, skip_serializing_if = "Effects::is_empty")]
    pub at_start: Effects,
    /// Where this holds, the call must not be made although it can be: it ends the episode as a
    /// failure. The empty condition forbids the function everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<Condition>,
    /// What the call gives back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<ReturnsDef>,
    /// Quality of the first outcome's result, 0 to 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub quality: f64,
    /// Cost of a call, in the reward's units of one plain call.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub cost: f64,
    /// A table of [`Level::costs`] with the parameters that it is read by, `road(?from, ?to)`; it
    /// takes the place of `cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_by: Option<Atom>,
    /// Most calls in one episode, over all arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u32>,
    /// Calls of anything else that must lie between two calls of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<u32>,
    /// Functions that cannot be used in an episode that used this one, and the other way round.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclusive_with: BTreeSet<String>,
    /// Possible outcomes; none means the one intended outcome. Probabilities sum to 1, the first
    /// is the intended one and adds the function's `effects` to its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeDef>,
}

fn one() -> f64 {
    1.0
}

fn is_one(value: &f64) -> bool {
    (*value - 1.0).abs() < f64::EPSILON
}

impl Default for FunctionDef {
    fn default() -> Self {
        Self {
            description: String::new(),
            params: Vec::new(),
            pre: Condition::default(),
            effects: Effects::default(),
            takes: None,
            at_start: Effects::default(),
            forbidden: None,
            returns: None,
            quality: 1.0,
            cost: 1.0,
            cost_by: None,
            max_calls: None,
            cooldown: None,
            exclusive_with: BTreeSet::new(),
            outcomes: Vec::new(),
        }
    }
}

/// What a call gives back: a named text, or the next new object of a finite pool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnsDef {
    /// Name of the result, such as `plan.json`; `{p}` stands for the argument of `?p`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Objects that calls make, in this order; effects speak of the new one as `?ret`, and
    /// conditions may ask `made(x)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool: Vec<String>,
}

/// One outcome of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeDef {
    /// Name, such as `ok`, `timeout`, `poor`.
    pub name: String,
    /// Probability.
    pub p: f64,
    /// What this outcome changes.
    #[serde(default)]
    pub effects: Effects,
    /// Quality of its result, 0 to 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub quality: f64,
    /// True for an error or a timeout: nothing is returned.
    #[serde(default)]
    pub failed: bool,
}

/// Limits of an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most calls before the episode ends.
    pub max_calls: u32,
}

/// What an agent may see of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Observability {
    /// Everything.
    #[default]
    Full,
    /// The goal stands in the narrative only.
    GoalInNarrative,
    /// Effects of functions are not told.
    EffectsUnknown,
}

/// Where a level comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Kind of origin.
    pub kind: SourceKind,
    /// Commit of an imported file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// License of an imported file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Seed of a generated level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Kind of origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Imported from PDDL.
    Pddl,
    /// Written by a person.
    Hand,
    /// Made by a generator from a seed.
    Generated,
    /// Lifted from a log.
    Log,
}

/// What a level may be used for. Decided by its content digest alone: see [`split_of`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Logs may be played on it, and a policy may learn from them.
    Train,
    /// For choosing between trained policies.
    Validation,
    /// For judging them.
    Evaluation,
}

/// The certified minimum of a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Fewest calls; on stochastic levels with the luckiest outcomes.
    pub min_calls: u32,
    /// Cost of the plan below, in units of one plain call.
    pub plan_cost: f64,
    /// Least cost of any plan, in units of one plain call, where it is proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_cost: Option<f64>,
    /// True where no shorter plan exists.
    pub proven: bool,
    /// How it was found, such as `bfs`.
    pub method: String,
    /// States that the search expanded.
    pub expanded: u64,
    /// The plan: names of calls, with `#outcome` where it is not the first one.
    pub plan: Vec<String>,
    /// Expected calls of the best policy where outcomes are drawn; a failure counts as
    /// `limits.max_calls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_calls: Option<f64>,
}

/// The structure of a level: what its content digest covers.
#[derive(Serialize)]
struct Content<'a> {
    schema: &'a str,
    family: &'a str,
    types: &'a BTreeMap<String, String>,
    objects: &'a BTreeMap<String, BTreeSet<String>>,
    predicates: BTreeMap<&'a String, (&'a Vec<Param>, StoreKind, bool)>,
    fluents: BTreeMap<&'a String, (i32, i32)>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    costs: &'a BTreeMap<String, CostTable>,
    functions: BTreeMap<&'a String, FunctionDef>,
    init: &'a Vec<Init>,
    goal: &'a Condition,
    observability: Observability,
}

impl Level {
    /// Reads, normalises and checks a level file: JSON where it begins with `{`, else TOML.
    ///
    /// # Errors
    /// The first fault, with its place in the file and the fix. [`LevelFile`] shows there what
    /// grounding and certifying find later.
    pub fn read(file: &str, text: &str) -> Result<Self, PlaceError> {
        LevelFile::new(file, text).read()
    }

    /// Reads, normalises and checks a level written in TOML.
    ///
    /// # Errors
    /// Names the place and the fix.
    pub fn from_toml(text: &str) -> Result<Self, LevelError> {
        check_size(text)?;
        toml::from_str::<Self>(text)?.normalised()
    }

    /// Reads, normalises and checks a level written in JSON.
    ///
    /// # Errors
    /// Names the place and the fix.
    pub fn from_json(text: &str) -> Result<Self, LevelError> {
        check_size(text)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str::<NoRepeats>(text)?;
        serde_json::from_str::<Self>(text)?.normalised()
    }

    /// Canonical JSON: sorted keys, no spaces. What [`Level::digest`] hashes.
    pub fn to_json(&self) -> String {
        let bytes = canonical_json(self).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Sorts what has no order and checks the level.
    ///
    /// # Errors
    /// Names the place and the fix.
    pub fn normalised(mut self) -> Result<Self, LevelError> {
        if self.schema != LEVEL_SCHEMA {
            return Err(LevelError::Schema { found: self.schema });
        }
        super::check::check(&self)?;
        self.init.sort();
        self.init.dedup();
        for table in self.costs.values_mut() {
            let values = std::mem::take(&mut table.values);
            table.values = values.into_iter().map(|(key, cost)| (cost_key(&key), cost)).collect();
        }
        Ok(self)
    }

    /// Digest of the whole canonical JSON.
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json().as_bytes())
    }

    /// Digest of the structure only: without id, grade, words, source, limits, reference and
    /// split. Two levels with the same content digest are the same problem.
    pub fn content_digest(&self) -> Digest {
        let bare = |f: &FunctionDef| FunctionDef {
            description: String::new(),
            // That something comes back is structure; what it says is words.
            returns: f
                .returns
                .clone()
                .map(|r| ReturnsDef { value: r.value.map(|_| String::new()), ..r }),
            ..f.clone()
        };
        let content = Content {
            schema: &self.schema,
            family: &self.family,
            types: &self.types,
            objects: &self.objects,
            predicates: self
                .predicates
                .iter()
                .map(|(name, p)| (name, (&p.params, p.store, p.fixed)))
                .collect(),
            fluents: self.fluents.iter().map(|(name, f)| (name, (f.min, f.max))).collect(),
            costs: &self.costs,
            functions: self.functions.iter().map(|(name, f)| (name, bare(f))).collect(),
            init: &self.init,
            goal: &self.goal,
            observability: self.observability,
        };
        Digest::of(&canonical_json(&content).unwrap_or_default())
    }

    /// How people ask for it again: `family/level.challenge@seed` where a seed makes it, else its id.
    pub fn name(&self) -> String {
        match (self.source.kind, self.source.seed) {
            (SourceKind::Generated, Some(seed)) => {
                format!("{}/{}.{}@{seed}", self.family, self.level, self.challenge)
            }
            _ => self.id.clone(),
        }
    }

    /// The split that this level's content belongs to.
    pub fn split(&self) -> Split {
        split_of(&self.content_digest())
    }

    /// True where some call has more than one outcome.
    pub fn is_stochastic(&self) -> bool {
        self.functions.values().any(|f| f.outcomes.len() > 1)
    }
}

/// The one spelling of a key of a cost table: a comma and a space between the objects.
pub(super) fn cost_key(written: &str) -> String {
    written.split(',').map(str::trim).collect::<Vec<_>>().join(", ")
}

fn check_size(text: &str) -> Result<(), LevelError> {
    if text.len() > MAX_LEVEL_BYTES {
        return Err(LevelError::Size { bytes: text.len() });
    }
    Ok(())
}

/// The split of a content digest: by the first byte of the SHA-256 of its hex text, about 60 %
/// train, 10 % validation and 30 % evaluation. Splits are disjoint by construction.
pub fn split_of(content: &Digest) -> Split {
    let hex = Digest::of(content.hex().as_bytes()).hex();
    match u8::from_str_radix(hex.get(..2).unwrap_or("00"), 16).unwrap_or(0) {
        0..154 => Split::Train,
        154..180 => Split::Validation,
        _ => Split::Evaluation,
    }
}

/// JSON Schema of level files.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Level)
}
