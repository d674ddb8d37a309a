//! A graph from a log's history alone, for orchestrations whose level is not known.
//!
//! Facts: `done(f)`, `failed(f)` and `last(f)` for every function, `has(key)` for every parameter
//! key (seen in a result or an argument), `asked` and `answered`. Calls: one per function, which
//! needs `has(key)` for its parameters and adds it for keys that it was seen to return. The user is
//! a call too, one that cannot be chosen. What the user and the agent said, and what other tasks show
//! to follow on that, are features of the calls (see `habits`): a few hundred logged choices are too
//! few to learn words from their embeddings. The policy chooses the next function; arguments are not
//! its business here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::graph::{
    CALL_FEATURES, Edge, EdgeKind, FACT_FEATURES, GLOBAL_FEATURES, Graph, Topology, call, fact,
    global, share,
};
use super::habits::{Habits, Hint};
use super::text::{TEXT_FEATURES, embed};
use super::trail::Trail;
use super::vocabulary::{
    FunctionInfo, RESPOND, Vocabulary, function_of, keys, spoken, top_keys, went_wrong,
};
use crate::dataset::Step;

/// History facts per function: done, failed, last.
const PER_FUNCTION: usize = 3;

/// Columns that stand for something else where the level is known; the state says which
/// ([`global::FOREIGN`]).
mod hinted {
    use super::{call, global};

    /// How probable the function is after those called last, by what other tasks show.
    pub(super) const HABIT: usize = call::HELPS;
    /// The logarithm of that, a quarter.
    pub(super) const LOG_HABIT: usize = call::COST;
    /// How much the user's words speak for it, by what other tasks show.
    pub(super) const HEARD: usize = call::SLACK;
    /// The same of the agent's last answer, or of the last result.
    pub(super) const OWN_WORDS: usize = call::RISK;
    /// Ids that the user named last and it could be given, two or more is 1.
    pub(super) const TOLD: usize = call::SOLE;
    /// Ids that it could be given and was not yet, squashed to 0..1.
    pub(super) const FRESH: usize = call::FAR;
    /// How often the user spoke, eight or more is 1.
    pub(super) const TURNS: usize = global::GOALS;
    /// Choices since the user spoke last, four or more is 1.
    pub(super) const SINCE: usize = global::OPEN;
}

/// A logged orchestration up to some step.
pub(crate) struct Dialogue<'a> {
    names: Vec<String>,
    functions: Vec<FunctionInfo>,
    habits: Option<&'a Habits>,
    task: String,
    trail: Trail,
    key_list: Vec<String>,
    edges: Vec<Edge>,
    texts: Vec<f32>,
    history: Vec<(usize, bool)>,
    steps: usize,
    known: BTreeSet<String>,
    told: BTreeSet<String>,
    asked: bool,
    answered: bool,
}

impl<'a> Dialogue<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(vocabulary: &'a Vocabulary, workflow: &str, task: &str) -> Self {
        let functions = vocabulary.functions(workflow);
        let all: BTreeSet<&String> = functions.values().flat_map(|f| &f.params).collect();
        let key_list: Vec<String> = all.into_iter().cloned().collect();
        let mut texts = Vec::new();
        for (name, info) in &functions {
            let params: Vec<&str> = info.params.iter().map(String::as_str).collect();
            let about = if name == RESPOND { "answer or ask the user" } else { &info.description };
            texts.extend(embed(name, about, &params));
        }
        Self {
            edges: edges(&functions, &key_list),
            names: functions.keys().cloned().collect(),
            functions: functions.into_values().collect(),
            habits: vocabulary.habits(workflow),
            task: task.to_owned(),
            trail: Trail::default(),
            key_list,
            texts,
            history: Vec::new(),
            steps: 0,
            known: BTreeSet::new(),
            told: BTreeSet::new(),
            asked: false,
            answered: false,
        }
    }

    /// The function's place among the candidates.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|n| n.as_str().cmp(name)).ok()
    }

    /// What the agent saw before this step.
    pub(crate) fn observe(&mut self, step: &Step) {
        self.trail.observe(step);
        let said = spoken(step.observation_json.as_deref());
        if said.is_empty() {
            return;
        }
        self.answered = self.asked || self.steps == 0;
        let words: BTreeSet<String> =
            said.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
        let names = |key: &str| key.split('_').all(|w| words.contains(&w.to_lowercase()));
        self.told.extend(self.key_list.iter().filter(|k| names(k)).cloned());
    }

    /// What the step did, and what came back.
    pub(crate) fn act(&mut self, step: &Step) {
        self.trail.act(step);
        self.steps += 1;
        let Some(name) = function_of(step) else { return };
        self.asked = name == RESPOND;
        if self.asked {
            self.answered = false;
        } else {
            self.known.extend(top_keys(step.args_json.as_deref()));
            self.known.extend(keys(step.result_json.as_deref()));
        }
        if let Some(place) = self.position(name) {
            self.history.push((place, went_wrong(step)));
        }
    }

    /// The present state; every function may be chosen.
    pub(crate) fn graph(&self) -> Graph {
        let functions = self.names.len();
        let facts = functions * PER_FUNCTION + self.key_list.len() + 2;
        let mut texts = self.texts.clone();
        texts.extend_from_slice(&[0.0; TEXT_FEATURES]);
        let call_text = (0..=functions as i32).collect();
        let topology = Topology::new(facts, functions + 1, self.edges.clone(), call_text, texts);
        Graph {
            topology: Arc::new(topology),
            fact_features: self.fact_features(),
            call_features: self.call_features(),
            globals: self.globals(),
            applicable: (0..functions as i32).collect(),
        }
    }

    fn fact_features(&self) -> Vec<f32> {
        let mut out = Vec::new();
        let mut push = |holds: bool, column: Option<usize>| {
            let mut row = [0.0; FACT_FEATURES];
            row[if holds { fact::TRUE } else { fact::FALSE }] = 1.0;
            row[fact::NOT_GOAL] = 1.0;
            if let Some(column) = column {
                row[column] = 1.0;
            }
            out.extend_from_slice(&row);
        };
        for place in 0..self.names.len() {
            let mut made = self.history.iter().filter(|(p, _)| *p == place);
            push(made.clone().any(|(_, failed)| !failed), Some(fact::HISTORY));
            push(made.any(|(_, failed)| *failed), Some(fact::HISTORY));
            push(self.history.last().is_some_and(|(p, _)| *p == place), Some(fact::HISTORY));
        }
        for key in &self.key_list {
            let told = self.told.contains(key);
            push(self.known.contains(key), told.then_some(fact::DIALOGUE));
        }
        push(self.asked, Some(fact::DIALOGUE));
        push(self.answered, Some(fact::DIALOGUE));
        out
    }

    fn call_features(&self) -> Vec<f32> {
        let mut out = vec![0.0; (self.names.len() + 1) * CALL_FEATURES];
        let hints = self.hints();
        let functions = self.names.iter().zip(&self.functions).zip(hints).enumerate();
        for ((place, ((name, info), hint)), row) in
            functions.zip(out.chunks_exact_mut(CALL_FEATURES))
        {
            let made = self.history.iter().filter(|(p, _)| *p == place);
            let failed = made.clone().filter(|(_, failed)| *failed).count();
            let made = made.count();
            row[call::APPLICABLE] = 1.0;
            row[call::CHANCE] = 1.0;
            row[call::QUALITY] = 1.0;
            row[call::CALLED] = share(made, 4);
            row[call::FUNCTION_CALLED] = share(made, 8);
            row[call::FAILED] = share(failed, 4);
            let (params, fresh) = (&info.params, self.trail.fresh(name, &info.sources));
            let met = params.iter().filter(|k| self.known.contains(*k)).count();
            row[call::READY] = if params.is_empty() { 1.0 } else { share(met, params.len()) };
            tell(row, hint);
            row[hinted::TOLD] = share(fresh.told, 2);
            row[hinted::FRESH] = fresh.known as f32 / (fresh.known as f32 + 1.0);
            row[call::RESPOND] = f32::from(u8::from(name == RESPOND));
            if let Some((_, failed)) = self.history.last().filter(|(p, _)| *p == place) {
                row[call::LAST] = 1.0;
                row[call::LAST_FAILED] = f32::from(u8::from(*failed));
            }
            let age = self.history.iter().rev().position(|(p, _)| *p == place);
            row[call::RECENT] = age.map_or(0.0, |age| 1.0 / (age + 1) as f32);
        }
        out
    }

    /// What other tasks show for every function; nothing where no log of the workflow was counted.
    fn hints(&self) -> Vec<Hint> {
        let words = self.trail.words();
        let moment = self.trail.moment(&words);
        match self.habits {
            Some(habits) => habits.hints(&self.task, &self.names, &moment),
            None => Habits::default().hints(&self.task, &self.names, &moment),
        }
    }

    fn globals(&self) -> Vec<f32> {
        let mut out = vec![0.0; GLOBAL_FEATURES];
        out[global::BUDGET_SHARE] = 1.0;
        out[global::BUDGET] = 1.0;
        out[global::CALLS_MADE] = share(self.history.len(), 32);
        let failed = self.history.last().is_some_and(|(_, failed)| *failed);
        out[global::LAST_FAILED] = f32::from(u8::from(failed));
        out[global::FOREIGN] = 1.0;
        out[hinted::TURNS] = share(self.trail.turns(), 8);
        out[hinted::SINCE] = share(self.trail.since(), 4);
        out
    }
}

fn tell(row: &mut [f32], hint: Hint) {
    let speaks = |ratio: f64| ratio.clamp(-4.0, 4.0) as f32 / 2.0;
    let values = [
        (hinted::HABIT, hint.habit as f32),
        (hinted::LOG_HABIT, hint.habit.max(1e-4).ln() as f32 / 4.0),
        (hinted::HEARD, speaks(hint.heard)),
        (hinted::OWN_WORDS, speaks(hint.own)),
    ];
    for (column, value) in values {
        if let Some(slot) = row.get_mut(column) {
            *slot = value;
        }
    }
}

/// Edges of all functions; the user's call comes after the last function.
fn edges(functions: &BTreeMap<String, FunctionInfo>, key_list: &[String]) -> Vec<Edge> {
    let first_key = functions.len() * PER_FUNCTION;
    let (asked, answered) = (first_key + key_list.len(), first_key + key_list.len() + 1);
    let mut edges = Vec::new();
    let mut push = |fact: usize, kind: EdgeKind, call: usize| {
        edges.push(Edge::new(fact as u32, kind, call as u32));
    };
    for (place, (name, info)) in functions.iter().enumerate() {
        push(place * PER_FUNCTION, EdgeKind::Adds, place);
        push(place * PER_FUNCTION + 1, EdgeKind::Deletes, place);
        push(place * PER_FUNCTION + 2, EdgeKind::NeedsNot, place);
        for (index, key) in key_list.iter().enumerate() {
            if info.params.contains(key) {
                push(first_key + index, EdgeKind::Needs, place);
            }
            if info.returns.contains(key) {
                push(first_key + index, EdgeKind::Adds, place);
            }
        }
        if name == RESPOND {
            push(asked, EdgeKind::Adds, place);
            push(answered, EdgeKind::Deletes, place);
        } else {
            push(asked, EdgeKind::Deletes, place);
            push(answered, EdgeKind::Needs, place);
        }
    }
    push(answered, EdgeKind::Adds, functions.len());
    edges
}
