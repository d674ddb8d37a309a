//! Narratives: which goal, facts, constraints and functions a text in plain words implies.
//!
//! A deterministic reader that goes by words alone; every reading names the bytes of the text that
//! it rests on, and what could not be read is listed. How it works, what it reads and where it
//! fails: `docs/narrative.md`.

mod arguments;
mod candidates;
mod causes;
mod clauses;
mod compose;
mod deduce;
mod execute;
mod fit;
mod implied;
mod lexicon;
mod mentions;
mod numbers;
mod purposes;
mod reader;
mod reasoning;
mod relaxed;
mod statements;
mod synonyms;
#[cfg(test)]
mod tests;
mod wishes;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expr::{Atom, Compare, Condition, Init, Term, Test};
use super::level::Level;

pub use compose::{NarrativeError, level_from_text, narrated_goal};
pub use deduce::{Deduction, deduce_function_sequence};
pub use execute::{ExecutedCall, Execution, Stopped, simulate_execution, validate_solution};
pub use reasoning::{Flaw, Reasoning, reasoning};

/// Readings below this confidence are listed among what was not understood.
pub const LEAST_CONFIDENCE: f64 = 0.3;

/// Bytes of the text, from `start` up to `end`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

/// What a reading rests on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A template that the predicate's `says` gives.
    Says,
    /// The words of a name.
    Name,
    /// The words of a description.
    Description,
    /// What a function brings about, of which the text names the function.
    Function,
    /// The same predicate as in the clause before, which this one leaves out.
    Carried,
    /// The types of the objects alone: one predicate fits them.
    Types,
}

/// Something read from the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading<T> {
    /// What was read.
    pub what: T,
    /// The clause that says so.
    pub span: Span,
    /// How sure the reader is, 0 to 1. An order, not a probability.
    pub confidence: f64,
    /// What it rests on.
    pub basis: Basis,
}

/// What must not happen, or not too often.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// The function must not be called; where arguments are named, not with these.
    NeverCall {
        /// Name of the function.
        function: String,
        /// One entry a parameter; none where the text leaves it open.
        args: Vec<Option<String>>,
    },
    /// The fact must never be true.
    NeverTrue {
        /// The fact.
        fact: Atom,
    },
    /// At most this many calls.
    MostCalls {
        /// The number.
        calls: u32,
    },
}

/// A part of the text that no reading covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// Where it stands.
    pub span: Span,
    /// Why it was not read.
    pub why: String,
}

/// What a narrative implies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// What must hold at the end, in the order of the text.
    #[serde(with = "as_text")]
    #[schemars(with = "Vec<Reading<String>>")]
    pub goal: Vec<Reading<Test>>,
    /// What holds at the start.
    pub init: Vec<Reading<Init>>,
    /// What must not happen.
    pub constraints: Vec<Reading<Constraint>>,
    /// Functions that the text names or paraphrases, by name.
    pub functions: Vec<Reading<String>>,
    /// Objects that the text names and the level does not have, each with its type.
    pub objects: BTreeMap<String, String>,
    /// What was not understood.
    pub unread: Vec<Unread>,
}

/// A goal test as the text of a condition.
mod as_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Condition, Reading, Test};

    pub fn serialize<S: Serializer>(
        tests: &[Reading<Test>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = |r: &Reading<Test>| Reading {
            what: r.what.to_string(),
            span: r.span,
            confidence: r.confidence,
            basis: r.basis,
        };
        tests.iter().map(text).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Reading<Test>>, D::Error> {
        let mut out = Vec::new();
        for r in Vec::<Reading<Condition>>::deserialize(deserializer)? {
            let (span, confidence, basis) = (r.span, r.confidence, r.basis);
            let read = |what| Reading { what, span, confidence, basis };
            out.extend(r.what.0.into_iter().map(read));
        }
        Ok(out)
    }
}

impl Analysis {
    /// The goal as a condition: sorted, each part once.
    pub fn goal_condition(&self) -> Condition {
        let mut tests: Vec<Test> = self.goal.iter().map(|r| r.what.clone()).collect();
        tests.sort();
        tests.dedup();
        Condition(tests)
    }

    /// The facts and numbers of the start: sorted, each once.
    pub fn initial_state(&self) -> Vec<Init> {
        let mut init: Vec<Init> = self.init.iter().map(|r| r.what.clone()).collect();
        init.sort();
        init.dedup();
        init
    }
}

/// Reads a text about this level: objects are those of the level.
///
/// The level's own goal, initial state and narrative are not looked at; its names, types,
/// templates, descriptions and what its functions change are.
pub fn analyze_narrative(level: &Level, text: &str) -> Analysis {
    reader::read(level, text, false)
}

/// Reads a text that describes a whole problem of this domain: objects that it names and the level
/// does not have are introduced.
pub fn analyze_problem(domain: &Level, text: &str) -> Analysis {
    reader::read(domain, text, true)
}

fn fact(predicate: &str, args: &[String]) -> Atom {
    let args = args.iter().map(|a| Term::Object(a.clone())).collect();
    Atom { predicate: predicate.to_owned(), args }
}

fn number(fluent: &str, compare: Compare, value: i64) -> Test {
    Test::Number { fluent: fluent.to_owned(), compare, value }
}
