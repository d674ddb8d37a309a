//! What a logged orchestration has come to: functions called, words said, values at hand.
//!
//! Everything here was known before the next choice. The same trail is walked when a vocabulary
//! counts what went before a function and when a policy is asked for the next one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::habits::Moment;
use super::text::{shape, tokens};
use super::vocabulary::{RESPOND, function_of, parse, prose, spoken};
use crate::dataset::Step;

/// Most distinct words of one text that count.
const MOST_WORDS: usize = 120;
/// A result of more words than this is data: only that there is one counts.
const SHORT_RESULT: usize = 12;
/// Most values that are remembered.
const MOST_VALUES: usize = 500;

/// Who spoke last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    #[default]
    Nobody,
    User,
    Agent,
    Function,
}

/// A logged orchestration up to some step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    past: Vec<String>,
    last: Last,
    turns: usize,
    since: usize,
    said: BTreeSet<String>,
    answer: BTreeSet<String>,
    result: BTreeSet<String>,
    /// Values that look like ids, with the places where they were met.
    values: BTreeMap<String, BTreeSet<String>>,
    /// Ids that the user named last.
    told: BTreeSet<String>,
    /// Which function was given which value.
    used: BTreeMap<String, BTreeSet<String>>,
}

/// Words at hand.
pub(crate) struct Words {
    heard: BTreeSet<String>,
    own: BTreeSet<String>,
}

/// Values that a function could be given and was not yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fresh {
    /// Those that the user named last.
    pub(crate) told: usize,
    /// All of them.
    pub(crate) known: usize,
}

impl Trail {
    /// What the agent saw before a step.
    pub(crate) fn observe(&mut self, step: &Step) {
        let said = spoken(step.observation_json.as_deref());
        if said.is_empty() {
            return;
        }
        self.last = Last::User;
        self.turns += 1;
        self.since = 0;
        self.said = some(tokens(&said));
        self.told = said.split_whitespace().map(trimmed).filter(|w| shape(w).is_some()).collect();
        for value in self.told.clone() {
            let place = format!("said {}", shape(&value).unwrap_or_default());
            self.remember(value, place);
        }
    }

    /// What the step did, and what came back.
    pub(crate) fn act(&mut self, step: &Step) {
        let Some(name) = function_of(step) else { return };
        self.past.push(name.to_owned());
        self.since += 1;
        if name == RESPOND {
            self.last = Last::Agent;
            self.answer = some(tokens(&prose(step.args_json.as_deref())));
            return;
        }
        self.used.entry(name.to_owned()).or_default().extend(given(step));
        self.last = Last::Function;
        self.result = result_words(step);
        if let Some(result) = parse(step.result_json.as_deref()) {
            self.learn(&result, "");
        }
    }

    /// The words at hand, each marked with who said it and whether that was the last that happened.
    pub(crate) fn words(&self) -> Words {
        let marked = |mark: &str, words: &BTreeSet<String>| -> BTreeSet<String> {
            words.iter().map(|w| format!("{mark} {w}")).collect()
        };
        let (heard, own) = match self.last {
            Last::Nobody => Default::default(),
            Last::User => (marked("user", &self.said), marked("asked", &self.answer)),
            Last::Agent => (BTreeSet::new(), marked("agent", &self.answer)),
            Last::Function => (marked("wish", &self.said), marked("result", &self.result)),
        };
        Words { heard, own }
    }

    /// What stands before the next choice.
    pub(crate) fn moment<'a>(&'a self, words: &'a Words) -> Moment<'a> {
        Moment { past: &self.past, heard: &words.heard, own: &words.own }
    }

    /// How often the user spoke.
    pub(crate) fn turns(&self) -> usize {
        self.turns
    }

    /// Choices since the user spoke last.
    pub(crate) fn since(&self) -> usize {
        self.since
    }

    /// The places where the values that a step was given had been met.
    pub(crate) fn sources(&self, step: &Step) -> BTreeSet<String> {
        given(step).iter().filter_map(|value| self.values.get(value)).flatten().cloned().collect()
    }

    /// Values from such places that the function was not given yet.
    pub(crate) fn fresh(&self, function: &str, sources: &BTreeSet<String>) -> Fresh {
        let used = self.used.get(function);
        let mut fresh = Fresh::default();
        for (value, places) in &self.values {
            if !places.is_disjoint(sources) && used.is_none_or(|used| !used.contains(value)) {
                fresh.known += 1;
                fresh.told += usize::from(self.told.contains(value));
            }
        }
        fresh
    }

    fn learn(&mut self, value: &Value, key: &str) {
        match value {
            Value::String(text) if shape(text).is_some() => {
                self.remember(text.clone(), format!("key {key}"));
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item, key)),
            Value::Object(map) => {
                for (inner, value) in map {
                    if shape(inner).is_some() {
                        self.remember(inner.clone(), format!("key {key}"));
                    }
                    self.learn(value, inner);
                }
            }
            _ => {}
        }
    }

    fn remember(&mut self, value: String, place: String) {
        if self.values.len() < MOST_VALUES || self.values.contains_key(&value) {
            self.values.entry(value).or_default().insert(place);
        }
    }
}

/// Values in the arguments of a call that look like ids.
fn given(step: &Step) -> BTreeSet<String> {
    fn collect(value: &Value, out: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if shape(text).is_some() => {
                out.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|v| collect(v, out)),
            Value::Object(map) => map.values().for_each(|v| collect(v, out)),
            _ => {}
        }
    }
    let mut out = BTreeSet::new();
    if let Some(args) = parse(step.args_json.as_deref()) {
        collect(&args, &mut out);
    }
    out
}

fn result_words(step: &Step) -> BTreeSet<String> {
    let text = prose(step.result_json.as_deref());
    let words = tokens(&text);
    match words.len() {
        0 => BTreeSet::from(["(empty)".to_owned()]),
        n if n > SHORT_RESULT => BTreeSet::from(["(data)".to_owned()]),
        _ => words,
    }
}

fn some(words: BTreeSet<String>) -> BTreeSet<String> {
    words.into_iter().take(MOST_WORDS).collect()
}

fn trimmed(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}
