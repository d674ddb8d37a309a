//! A level under construction. The first expression that does not parse is kept as the error.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::Difficulty;
use super::tale::{Kind, Word};
use crate::quest::expr::{Condition, Effects, ExprError, Param};
use crate::quest::level::{
    FluentDef, FunctionDef, LEVEL_SCHEMA, Level, LevelError, Limits, Observability, OutcomeDef,
    PredicateDef, ReturnsDef, Source, SourceKind, StoreKind,
};

/// Limit of calls until the minimum is known.
const PROVISIONAL_CALLS: u32 = 100;

/// Screens of the distraction that looks like progress: opening one is always new.
const SCREENS: [&str; 8] =
    ["dashboard", "wiki", "inbox", "calendar", "tickets", "metrics", "chat", "changelog"];

const SHOWING: Word = Word {
    name: "showing",
    params: &["?s: screen"],
    kind: Kind::Inventory,
    about: "The screen is open.",
    says: &["{0} is open", "{0} is on the screen"],
};

/// Side jobs that do nothing for the goal.
const SIDE_JOBS: [(&str, &str); 8] = [
    ("summarize_thread", "Writes a summary of the discussion so far."),
    ("translate_notes", "Translates the notes."),
    ("tag_artifacts", "Tags what lies around."),
    ("export_report", "Exports a report."),
    ("notify_team", "Tells the team what is going on."),
    ("rate_session", "Rates the session."),
    ("draw_diagram", "Draws a diagram for the slides."),
    ("check_licenses", "Checks licenses."),
];

pub(in crate::quest) struct Draft {
    level: Level,
    error: Option<ExprError>,
    goal: Vec<String>,
}

impl Draft {
    pub(super) fn new(difficulty: &Difficulty, seed: u64) -> Self {
        let source =
            Source { kind: SourceKind::Generated, commit: None, license: None, seed: Some(seed) };
        let level = Level {
            schema: LEVEL_SCHEMA.to_owned(),
            id: format!("{}-{}-{}", difficulty.family, difficulty.level, difficulty.challenge),
            family: difficulty.family.clone(),
            level: difficulty.level,
            challenge: difficulty.challenge,
            narrative: String::new(),
            source,
            split: None,
            types: BTreeMap::new(),
            objects: BTreeMap::new(),
            predicates: BTreeMap::new(),
            fluents: BTreeMap::new(),
            costs: BTreeMap::new(),
            functions: BTreeMap::new(),
            init: Vec::new(),
            goal: Condition::default(),
            limits: Limits { max_calls: PROVISIONAL_CALLS },
            observability: Observability::Full,
            reference: None,
        };
        Self { level, error: None, goal: Vec::new() }
    }

    fn read<T: FromStr<Err = ExprError>>(&mut self, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    fn params(&mut self, params: &[&str]) -> Vec<Param> {
        params.iter().filter_map(|p| self.read(p)).collect()
    }

    /// Declares a type under `object` and its objects.
    pub(super) fn objects(&mut self, kind: &str, names: &[String]) {
        self.level.types.insert(kind.to_owned(), "object".to_owned());
        self.level.objects.insert(kind.to_owned(), names.iter().cloned().collect());
    }

    fn predicate(&mut self, name: &str, params: &[&str], store: StoreKind, fixed: bool) {
        let params = self.params(params);
        let def =
            PredicateDef { description: String::new(), says: Vec::new(), params, store, fixed };
        self.level.predicates.insert(name.to_owned(), def);
    }

    /// Declares predicates together with their words.
    pub(super) fn vocabulary(&mut self, words: &[Word]) {
        for word in words {
            let (store, fixed) = match word.kind {
                Kind::Env => (StoreKind::Env, false),
                Kind::Inventory => (StoreKind::Inventory, false),
                Kind::Fixed => (StoreKind::Env, true),
            };
            self.predicate(word.name, word.params, store, fixed);
            if let Some(def) = self.level.predicates.get_mut(word.name) {
                def.description = word.about.to_owned();
                def.says = word.says.iter().map(|&s| s.to_owned()).collect();
            }
        }
    }

    /// A fluent from 0 to `max`, with its value at the start.
    pub(super) fn fluent(&mut self, name: &str, max: usize, start: usize) {
        let max = i32::try_from(max.max(start)).unwrap_or(i32::MAX);
        let def = FluentDef { description: String::new(), min: 0, max };
        self.level.fluents.insert(name.to_owned(), def);
        self.init(&format!("{name} = {start}"));
    }

    /// Says what a fluent counts.
    pub(super) fn about_fluent(&mut self, name: &str, text: &str) {
        if let Some(def) = self.level.fluents.get_mut(name) {
            def.description = text.to_owned();
        }
    }

    pub(super) fn init(&mut self, text: &str) {
        if let Some(entry) = self.read(text) {
            self.level.init.push(entry);
        }
    }

    /// Adds parts to the goal.
    pub(super) fn goal(&mut self, text: &str) {
        self.goal.push(text.to_owned());
    }

    pub(super) fn narrative(&mut self, text: String) {
        self.level.narrative = text;
    }

    /// Adds a function; the returned definition can be refined.
    pub(super) fn function(
        &mut self,
        name: &str,
        description: &str,
        params: &[&str],
        pre: &str,
        effects: &str,
    ) -> &mut FunctionDef {
        let params = self.params(params);
        let pre = self.read(pre).unwrap_or_default();
        let effects = self.read(effects).unwrap_or_default();
        let description = description.to_owned();
        let def = self.level.functions.entry(name.to_owned()).or_default();
        *def = FunctionDef { description, params, pre, effects, ..FunctionDef::default() };
        def
    }

    /// Gives a function another outcome of this percentage, out of what the intended one has.
    pub(super) fn risk(&mut self, function: &str, name: &str, percent: u32, effects: &str) {
        let effects = self.read(effects).unwrap_or_default();
        let Some(def) = self.level.functions.get_mut(function) else { return };
        let p = f64::from(percent.min(100)) / 100.0;
        let poor = name == "poor";
        if def.outcomes.is_empty() {
            let effects = Effects::default();
            let ok =
                OutcomeDef { name: "ok".to_owned(), p: 1.0, effects, quality: 1.0, failed: false };
            def.outcomes.push(ok);
        }
        def.outcomes.iter_mut().take(1).for_each(|ok| ok.p -= p);
        let quality = if poor { 0.3 } else { 0.0 };
        def.outcomes.push(OutcomeDef { name: name.to_owned(), p, effects, quality, failed: !poor });
    }

    /// Says what a function gives back.
    pub(super) fn returns(&mut self, function: &str, value: &str) {
        if let Some(def) = self.level.functions.get_mut(function) {
            def.returns = Some(ReturnsDef { value: Some(value.to_owned()), pool: Vec::new() });
        }
    }

    /// Lets a function make these objects, one a call.
    pub(super) fn makes(&mut self, function: &str, pool: &[String]) {
        if let Some(def) = self.level.functions.get_mut(function) {
            def.returns = Some(ReturnsDef { value: None, pool: pool.to_vec() });
        }
    }

    /// Adds to what must hold before a function.
    pub(super) fn require(&mut self, function: &str, pre: &str) {
        let more = self.read::<Condition>(pre).unwrap_or_default();
        if let Some(def) = self.level.functions.get_mut(function) {
            def.pre.0.extend(more.0);
            def.pre.0.sort();
            def.pre.0.dedup();
        }
    }

    /// Makes a function take time: it ends `calls` further calls after its start.
    pub(super) fn takes(&mut self, function: &str, calls: u32, at_start: &str) {
        let at_start = self.read(at_start).unwrap_or_default();
        if let Some(def) = self.level.functions.get_mut(function) {
            def.takes = Some(calls);
            def.at_start = at_start;
        }
    }

    /// Says where a function must not be called; the empty condition forbids it everywhere.
    pub(super) fn forbid(&mut self, function: &str, condition: &str) {
        let condition = self.read(condition);
        if let Some(def) = self.level.functions.get_mut(function) {
            def.forbidden = condition;
        }
    }

    /// Adds `screens` screens of which one shows, and `jobs` side jobs: calls that always look
    /// new and never help.
    pub(super) fn distract(&mut self, screens: usize, jobs: usize) {
        let names = SCREENS.get(..screens.min(SCREENS.len())).unwrap_or(&SCREENS);
        if names.len() > 1 {
            self.vocabulary(&[SHOWING]);
            let all: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
            self.objects("screen", &all);
            for name in names {
                let others: Vec<String> = names
                    .iter()
                    .filter(|n| *n != name)
                    .map(|n| format!("not showing({n})"))
                    .collect();
                self.function(
                    &format!("open_{name}"),
                    &format!("Opens the {name}, to look at and nothing more."),
                    &[],
                    &format!("not showing({name})"),
                    &format!("showing({name}), {}", others.join(", ")),
                );
            }
            self.init(&format!("showing({})", names.first().unwrap_or(&"")));
        }
        for (name, description) in SIDE_JOBS.iter().take(jobs) {
            self.function(name, description, &[], "", "");
        }
    }

    pub(super) fn finish(mut self) -> Result<Level, LevelError> {
        let goal = self.goal.join(" and ");
        if let Some(goal) = self.read(&goal) {
            self.level.goal = goal;
        }
        if let Some(error) = self.error {
            return Err(LevelError::Expr(error));
        }
        let mut level = self.level.normalised()?;
        level.id = format!("{}-{}", level.id, level.content_digest().short());
        Ok(level)
    }
}
