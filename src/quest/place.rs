//! Where in a level a fault is: the way of keys to it, and what to look at there.

use std::fmt;

/// One step on the way into a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this entry of a list, counted from 0.
    Index(usize),
}

/// What to look at when the way has been walked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Aim {
    /// The value.
    #[default]
    Value,
    /// The key itself.
    Key,
    /// These words of the expression there, each within the one before it. Where a list stands
    /// there, the first of its expressions that has them.
    Words(Vec<String>),
}

/// A place in a level. It prints as a dotted path, `functions.ship.outcomes[1].p`, whose keys are
/// quoted where TOML would ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// From the level to the value.
    pub steps: Vec<Step>,
    /// What to look at there.
    pub aim: Aim,
}

impl Place {
    /// The level as a whole.
    pub fn level() -> Self {
        Self::default()
    }

    /// The value under this key of this place.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// The entry of the list at this place.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        let steps = self.steps.iter().cloned().chain([step]).collect();
        Self { steps, aim: Aim::Value }
    }

    /// The key at the end of the way instead of its value.
    #[must_use]
    pub fn at_key(&self) -> Self {
        Self { steps: self.steps.clone(), aim: Aim::Key }
    }

    /// These words of the expression at this place; within the ones already aimed at, if any.
    #[must_use]
    pub fn words(&self, words: impl fmt::Display) -> Self {
        let mut all = match &self.aim {
            Aim::Words(outer) => outer.clone(),
            _ => Vec::new(),
        };
        all.push(words.to_string());
        Self { steps: self.steps.clone(), aim: Aim::Words(all) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("the level");
        }
        for (i, step) in self.steps.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    f.write_str(if i > 0 { "." } else { "" })?;
                    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    match !key.is_empty() && key.chars().all(bare) {
                        true => f.write_str(key)?,
                        false => write!(f, "{key:?}")?,
                    }
                }
            }
        }
        Ok(())
    }
}
