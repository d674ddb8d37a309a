//! Short expressions of level files: conditions, effects, parameters and initial facts.
//!
//! `has(?p) and not enhanced(?p) and budget >= 1`, `done(?p), not open(?p), budget -= 1`.
//! Each type reads from and prints to text; printing is canonical (sorted, one spelling), so a
//! digest does not depend on how a person wrote it. Parsing is bounded and never panics.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const READ_AT: &str = "read expression at column ";

/// Why an expression could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{READ_AT}{column}: {problem}")]
pub struct ExprError {
    /// One-based column (in bytes) of the first token that does not fit.
    pub column: usize,
    /// What is wrong and how to write it instead.
    pub problem: String,
}

/// An argument: a parameter of the function (`?p`) or an object (`p1`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// A function parameter, without the question mark.
    Var(String),
    /// An object of the level.
    Object(String),
}

/// A predicate applied to terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom {
    /// Name of the predicate.
    pub predicate: String,
    /// Its arguments; empty for a plain flag.
    pub args: Vec<Term>,
}

/// How a fluent is compared with a number. `<` and `>` are stored as `<=` and `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compare {
    /// At least.
    Ge,
    /// At most.
    Le,
    /// Equal.
    Eq,
    /// Different.
    Ne,
}

impl Compare {
    /// Whether `left` compares so with `right`.
    #[inline]
    pub fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Ge => left >= right,
            Self::Le => left <= right,
            Self::Eq => left == right,
            Self::Ne => left != right,
        }
    }
}

/// One part of a conjunction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// A fact that must be true, or false where negated.
    Fact {
        /// The fact.
        atom: Atom,
        /// True where the fact must be false.
        negated: bool,
    },
    /// A fluent against a number.
    Number {
        /// Name of the fluent.
        fluent: String,
        /// The comparison.
        compare: Compare,
        /// The number.
        value: i64,
    },
    /// Two terms that must be the same object, or different ones where negated.
    Same {
        /// Left term.
        left: Term,
        /// Right term.
        right: Term,
        /// True for `!=`.
        negated: bool,
    },
}

/// A conjunction of tests, sorted; empty means always true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition(pub Vec<Test>);

/// One part of an effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The fact becomes true.
    Add(Atom),
    /// The fact becomes false.
    Delete(Atom),
    /// The fluent changes by this much.
    Increase {
        /// Name of the fluent.
        fluent: String,
        /// Added to it; negative to decrease.
        by: i64,
    },
    /// The fluent takes this value.
    Assign {
        /// Name of the fluent.
        fluent: String,
        /// Its new value.
        to: i64,
    },
}

/// A set of changes, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects(pub Vec<Change>);

/// A typed parameter, written `?p: prompt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Name without the question mark.
    pub name: String,
    /// Name of its type.
    pub kind: String,
}

/// One entry of the initial state: a fact, or `fluent = number`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Init {
    /// A fact that is true at the start.
    Fact(Atom),
    /// A fluent's value at the start.
    Number {
        /// Name of the fluent.
        fluent: String,
        /// Its value.
        value: i64,
    },
}

impl ExprError {
    /// Takes its own message apart: errors of TOML and JSON readers carry only text.
    pub(super) fn from_message(message: &str) -> Option<Self> {
        let (column, problem) = message.strip_prefix(READ_AT)?.split_once(": ")?;
        Some(Self { column: column.parse().ok()?, problem: problem.to_owned() })
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Var(name) => write!(f, "?{name}"),
            Self::Object(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.predicate)?;
        if self.args.is_empty() {
            return Ok(());
        }
        f.write_str("(")?;
        join(f, &self.args, ", ")?;
        f.write_str(")")
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::Eq => "==",
            Self::Ne => "!=",
        })
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact { atom, negated } => {
                write!(f, "{}{atom}", if *negated { "not " } else { "" })
            }
            Self::Number { fluent, compare, value } => write!(f, "{fluent} {compare} {value}"),
            Self::Same { left, right, negated } => {
                write!(f, "{left} {} {right}", if *negated { "!=" } else { "==" })
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        join(f, &self.0, " and ")
    }
}

impl Effects {
    /// True where nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(atom) => write!(f, "{atom}"),
            Self::Delete(atom) => write!(f, "not {atom}"),
            Self::Increase { fluent, by } if *by < 0 => {
                write!(f, "{fluent} -= {}", by.unsigned_abs())
            }
            Self::Increase { fluent, by } => write!(f, "{fluent} += {by}"),
            Self::Assign { fluent, to } => write!(f, "{fluent} = {to}"),
        }
    }
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        join(f, &self.0, ", ")
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "?{}: {}", self.name, self.kind)
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact(atom) => write!(f, "{atom}"),
            Self::Number { fluent, value } => write!(f, "{fluent} = {value}"),
        }
    }
}

fn join<T: fmt::Display>(f: &mut fmt::Formatter<'_>, parts: &[T], between: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        write!(f, "{part}")?;
    }
    Ok(())
}

macro_rules! as_text {
    ($($type:ident: $description:literal),*) => { $(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|e: ExprError| serde::de::Error::custom(e))
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $description })
            }
        }
    )* };
}

as_text! {
    Atom: "a name with arguments: `road(?from, ?to)`",
    Condition: "tests joined by `and`: `has(?p) and not done(?p) and budget >= 1 and ?a != ?b`",
    Effects: "changes joined by commas: `done(?p), not open(?p), budget -= 1`",
    Param: "a typed parameter: `?p: prompt`",
    Init: "a fact that is true at the start, or `fluent = number`"
}
