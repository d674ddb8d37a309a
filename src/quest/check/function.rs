//! Checks of functions: their expressions, limits, costs, results and outcomes.

use std::collections::BTreeSet;

use super::names::Names;
use super::{Checked, MADE, MAX_CALLS, RET};
use crate::quest::constraints::WAIT;
use crate::quest::expr::{Effects, Param, Term};
use crate::quest::level::{FunctionDef, LevelError, OutcomeDef, ReturnsDef};
use crate::quest::place::Place;

/// Most further calls that a call may take; a counter of that many values stands for each.
const MAX_TAKES: u32 = 1_000;

/// Most objects that a function makes.
const MAX_POOL: usize = 1_000;

/// Longest text of a result, in bytes; each ground call holds its own.
const MAX_RESULT: usize = 1_024;

/// Most outcomes of a call.
const MAX_OUTCOMES: usize = 64;

/// Largest cost of a call: sums over the longest episode stay exact.
const MAX_COST: f64 = 1e9;

impl Names<'_> {
    pub(super) fn function(&self, name: &str, f: &FunctionDef) -> Checked {
        let place = Place::level().key("functions").key(name);
        self.plain(&place.at_key(), name)?;
        if name == WAIT && self.level.functions.values().any(|f| f.takes.is_some()) {
            let problem = "`wait` is built in where a function takes time";
            return self.fail(&place.at_key(), problem, "rename the function");
        }
        self.params(&place.key("params"), &f.params)?;
        self.condition(&place.key("pre"), &f.pre, &f.params)?;
        if let Some(forbidden) = &f.forbidden {
            self.condition(&place.key("forbidden"), forbidden, &f.params)?;
        }
        let scope = self.scope(&place, f)?;
        self.effects(&place.key("effects"), &f.effects, &scope)?;
        self.time(&place, f, &scope)?;
        self.share(&place.key("quality"), "quality", f.quality)?;
        self.cost(&place, f)?;
        self.limits(&place, name, f)?;
        self.outcomes(&place.key("outcomes"), f, &scope)
    }

    /// What takes time: how long, and what changes at its start.
    fn time(&self, place: &Place, f: &FunctionDef, scope: &[Param]) -> Checked {
        let Some(takes) = f.takes else {
            if f.at_start.is_empty() {
                return Ok(());
            }
            let fix = "add `takes`, or move it to `effects`";
            return self.fail(&place.key("at_start"), "the function takes no time", fix);
        };
        if !(1..=MAX_TAKES).contains(&takes) {
            let fix = format_args!("write 1 to {MAX_TAKES}, or drop it");
            return self.fail(&place.key("takes"), format_args!("takes is {takes}"), fix);
        }
        // Two calls that run at once would make the same object.
        if f.returns.as_ref().is_some_and(|r| !r.pool.is_empty()) && !f.params.is_empty() {
            let problem = "calls that take time, make new objects and have parameters may overlap";
            let fix = "drop the parameters, or make the objects in a second function";
            return self.fail(&place.key("returns").key("pool"), problem, fix);
        }
        self.effects(&place.key("at_start"), &f.at_start, scope)?;
        self.once(&place.key("at_start"), &[&f.effects, &f.at_start])
    }

    fn cost(&self, place: &Place, f: &FunctionDef) -> Checked {
        self.amount(&place.key("cost"), f.cost)?;
        let Some(by) = &f.cost_by else { return Ok(()) };
        let place = place.key("cost_by");
        if (f.cost - 1.0).abs() > f64::EPSILON {
            return self.fail(&place, "`cost` and `cost_by` are both given", "keep one of them");
        }
        let Some(table) = self.level.costs.get(&by.predicate) else {
            let known = self.level.costs.keys().map(String::as_str);
            let place = place.words(&by.predicate);
            return self.unknown(
                &place,
                "table of costs",
                &by.predicate,
                known,
                "declare it under [costs]",
            );
        };
        let kinds: Vec<&str> = table.params.iter().map(|p| p.kind.as_str()).collect();
        self.args(&place.words(by), by, &kinds, &f.params)
    }

    /// A cost that sums and searches can work with.
    pub(super) fn amount(&self, place: &Place, cost: f64) -> Checked {
        if cost.is_sign_positive() && cost <= MAX_COST {
            return Ok(());
        }
        let fix = format_args!("write a number from 0 to {MAX_COST}");
        self.fail(place, format_args!("cost {cost} is not usable"), fix)
    }

    fn share(&self, place: &Place, what: &str, value: f64) -> Checked {
        if value.is_sign_positive() && (0.0..=1.0).contains(&value) {
            return Ok(());
        }
        self.fail(place, format_args!("{what} {value} is out of range"), "write 0 to 1")
    }

    fn limits(&self, place: &Place, name: &str, f: &FunctionDef) -> Checked {
        if f.max_calls == Some(0) {
            let fix = "write at least 1, or drop the function";
            return self.fail(&place.key("max_calls"), "max_calls is 0", fix);
        }
        for (key, limit) in [("max_calls", f.max_calls), ("cooldown", f.cooldown)] {
            if let Some(limit) = limit.filter(|l| *l > MAX_CALLS) {
                let problem = format_args!("limit {limit} is too large");
                let fix = format_args!("write at most {MAX_CALLS}");
                return self.fail(&place.key(key), problem, fix);
            }
        }
        let place = place.key("exclusive_with");
        for other in &f.exclusive_with {
            if other == name {
                let problem = format_args!("exclusive_with names `{other}` itself");
                return self.fail(&place.words(other), problem, "name another function");
            }
            if !self.level.functions.contains_key(other) {
                let known = self.level.functions.keys().filter(|k| *k != name).map(String::as_str);
                let fix = "name another function";
                return self.unknown(&place.words(other), "function", other, known, fix);
            }
        }
        Ok(())
    }

    /// The parameters, and `?ret` where the function makes objects.
    fn scope(&self, place: &Place, f: &FunctionDef) -> Result<Vec<Param>, LevelError> {
        let mut scope = f.params.clone();
        let Some(returns) = &f.returns else { return Ok(scope) };
        self.result(&place.key("returns"), returns, &f.params)?;
        let Some(first) = returns.pool.first() else { return Ok(scope) };
        let pool = place.key("returns").key("pool");
        let kind = self.term(&pool, &Term::Object(first.clone()), &[])?;
        if returns.pool.len() > MAX_POOL {
            let problem = format_args!("a pool of {} objects", returns.pool.len());
            return self.fail(&pool, problem, format_args!("name at most {MAX_POOL}"));
        }
        let mut seen = BTreeSet::new();
        for (i, object) in returns.pool.iter().enumerate() {
            if self.term(&pool, &Term::Object(object.clone()), &[])? != kind {
                let problem = format_args!("`{object}` is not a `{kind}`");
                return self.fail(&pool.index(i), problem, "give all of them one type");
            }
            if !seen.insert(object) {
                let problem = format_args!("`{object}` stands twice");
                return self.fail(&pool.index(i), problem, "name each object once");
            }
            if f.takes.is_some() && self.makers.get(object.as_str()).is_some_and(|n| *n > 1) {
                let problem = format_args!("`{object}` is also made by another function");
                let fix = "give a function that takes time a pool of its own";
                return self.fail(&pool.index(i), problem, fix);
            }
        }
        if let Some(at) = scope.iter().position(|p| p.name == RET) {
            let problem = "`?ret` is also a parameter";
            return self.fail(&place.key("params").index(at), problem, "rename the parameter");
        }
        scope.push(Param { name: RET.to_owned(), kind });
        Ok(scope)
    }

    /// A text or a pool, and in the text only parameters between braces.
    fn result(&self, place: &Place, returns: &ReturnsDef, params: &[Param]) -> Checked {
        let Some(value) = &returns.value else { return Ok(()) };
        if value.len() > MAX_RESULT {
            let problem = format_args!("a result of {} bytes", value.len());
            let fix = format_args!("write at most {MAX_RESULT}");
            return self.fail(&place.key("value"), problem, fix);
        }
        if !returns.pool.is_empty() {
            let problem = "`value` and `pool` are both given";
            return self.fail(&place.key("value"), problem, "keep one of them");
        }
        for hole in value.split('{').skip(1).filter_map(|rest| rest.split_once('}')) {
            if !params.iter().any(|p| p.name == hole.0) {
                let problem = format_args!("`{{{}}}` is not a parameter here", hole.0);
                let fix = "write `{p}` for the argument of `?p`";
                return self.fail(&place.key("value"), problem, fix);
            }
        }
        Ok(())
    }

    fn outcomes(&self, place: &Place, f: &FunctionDef, scope: &[Param]) -> Checked {
        if f.outcomes.len() > MAX_OUTCOMES {
            let problem = format_args!("{} outcomes", f.outcomes.len());
            return self.fail(place, problem, format_args!("use at most {MAX_OUTCOMES}"));
        }
        let mut sum = 0.0;
        let mut seen = BTreeSet::new();
        for (i, outcome) in f.outcomes.iter().enumerate() {
            let place = place.index(i);
            self.outcome(&place, outcome, scope)?;
            let effects = &outcome.effects;
            let with: &[&Effects] =
                if i == 0 { &[&f.at_start, &f.effects, effects] } else { &[&f.at_start, effects] };
            self.once(&place.key("effects"), with)?;
            if !seen.insert(&outcome.name) {
                let problem = format_args!("two outcomes are called `{}`", outcome.name);
                return self.fail(&place.key("name"), problem, "give each its own name");
            }
            sum += outcome.p;
        }
        if !f.outcomes.is_empty() && (sum - 1.0).abs() > 1e-9 {
            let problem = format_args!("probabilities of outcomes sum to {sum}");
            return self.fail(place, problem, "make the probabilities sum to 1");
        }
        Ok(())
    }

    fn outcome(&self, place: &Place, outcome: &OutcomeDef, scope: &[Param]) -> Checked {
        self.plain(&place.key("name"), &outcome.name)?;
        self.share(&place.key("p"), "probability", outcome.p)?;
        if outcome.p == 0.0 {
            // The proven minimum counts the luckiest outcome, and this one never happens.
            return self.fail(&place.key("p"), "probability 0 means never", "drop the outcome");
        }
        self.share(&place.key("quality"), "quality", outcome.quality)?;
        self.effects(&place.key("effects"), &outcome.effects, scope)
    }

    /// A name of a predicate or fluent that the engine does not keep for itself.
    pub(super) fn free(&self, place: &Place, name: &str) -> Checked {
        let functions = &self.level.functions;
        let any = |uses: fn(&FunctionDef) -> bool| functions.values().any(uses);
        let keeper = match name {
            MADE => self.has_pool().then_some("`returns.pool`"),
            "used" => any(|f| !f.exclusive_with.is_empty()).then_some("`exclusive_with`"),
            "calls" => any(|f| f.max_calls.is_some()).then_some("`max_calls`"),
            "cooldown" => any(|f| f.cooldown.is_some()).then_some("`cooldown`"),
            "running" | "left" => any(|f| f.takes.is_some()).then_some("`takes`"),
            _ => None,
        };
        match keeper {
            None => Ok(()),
            Some(keeper) => {
                let problem = format_args!("the engine keeps the name `{name}` for {keeper}");
                self.fail(place, problem, "rename it")
            }
        }
    }
}
