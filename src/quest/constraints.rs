//! What a function may do besides its own effects, as plain facts and counters: pools of new
//! objects, usage constraints, calls that take time.

use std::collections::BTreeMap;

use super::check::MADE;
use super::expr::Compare;
use super::ground::Grounder;
use super::level::FunctionDef;
use super::raw::{RawCall, RawOutcome};
use super::world::{Function, NumChange, NumEffect, NumTest};

/// The built-in function that lets time pass; there where some function takes time.
pub(super) const WAIT: &str = "wait";
/// Hidden fluent: how many calls run.
pub(super) const RUNNING: &str = "running()";

/// Hidden predicate: this function has been called.
pub(super) fn used(function: &str) -> String {
    format!("used({function})")
}

/// Hidden predicate: a call of this function, with these arguments and new object, runs.
pub(super) fn running(function: &str) -> String {
    format!("running({function})")
}

/// Further calls after which a call ends; 0 where it ends at once.
pub(super) fn takes(f: &FunctionDef) -> u32 {
    f.takes.unwrap_or(0)
}

impl Grounder<'_> {
    /// A call that makes an object of a pool: the previous one must exist, this one not yet.
    pub(super) fn make(&mut self, call: &mut RawCall, object: usize, pool: &[usize]) {
        let made = self.intern(MADE, vec![object]);
        call.pre.push((made, false));
        let place = pool.iter().position(|&o| o == object).unwrap_or(0);
        if let Some(&previous) = place.checked_sub(1).and_then(|i| pool.get(i)) {
            let before = self.intern(MADE, vec![previous]);
            call.pre.push((before, true));
        }
        for outcome in call.outcomes.iter_mut().filter(|o| !o.failed) {
            outcome.add.insert(made);
        }
    }

    /// Usage constraints as hidden counters and facts.
    pub(super) fn constrain(&mut self, call: &mut RawCall, name: &str, f: &FunctionDef) {
        if let Some(limit) = f.max_calls {
            let fluent = self.fluent(&format!("calls({name})"));
            let value = i64::from(limit) - 1;
            call.num.push(NumTest { fluent, compare: Compare::Le, value });
            for outcome in &mut call.outcomes {
                outcome.num.push(NumEffect { fluent, change: NumChange::Add(1) });
            }
        }
        if let Some(rest) = f.cooldown {
            let fluent = self.fluent(&format!("cooldown({name})"));
            call.num.push(NumTest { fluent, compare: Compare::Le, value: 0 });
            let change = NumChange::Set(i64::from(rest));
            for outcome in &mut call.outcomes {
                outcome.num.push(NumEffect { fluent, change });
            }
        }
        let Some(others) = self.exclusive.get(name).cloned() else { return };
        for other in others {
            let id = self.intern(&used(other), Vec::new());
            call.pre.push((id, false));
        }
        let id = self.intern(&used(name), Vec::new());
        if call.takes > 0 {
            call.start_add.insert(id);
            return;
        }
        for outcome in &mut call.outcomes {
            outcome.add.insert(id);
        }
    }

    /// A call is applicable only where every outcome keeps every fluent in its range.
    pub(super) fn keep_in_range(&self, call: &mut RawCall) {
        for outcome in &call.outcomes {
            for effect in &outcome.num {
                let (NumChange::Add(by), Some(f)) =
                    (effect.change, self.raw.fluents.get(effect.fluent))
                else {
                    continue;
                };
                let (compare, value) =
                    if by < 0 { (Compare::Ge, f.min - by) } else { (Compare::Le, f.max - by) };
                call.num.push(NumTest { fluent: effect.fluent, compare, value });
            }
        }
        call.num.sort();
        call.num.dedup();
    }

    /// A call that takes time: a fact says that it runs, which starting adds and every end drops.
    /// Numbers that change at its start are paid with those of its outcome.
    pub(super) fn take_time(
        &mut self,
        call: &mut RawCall,
        name: &str,
        f: &FunctionDef,
        bound: &BTreeMap<&str, usize>,
    ) {
        call.takes = takes(f);
        if call.takes == 0 {
            return;
        }
        let mut start = RawOutcome::default();
        self.change(&mut start, &f.at_start, bound);
        let args = call.args.iter().chain(&call.ret).copied().collect();
        let runs = self.intern(&running(name), args);
        call.running = Some(runs);
        call.pre.push((runs, false));
        start.add.insert(runs);
        for outcome in &mut call.outcomes {
            outcome.del.insert(runs);
            outcome.num.extend(&start.num);
        }
        (call.start_add, call.start_del) = (start.add, start.del);
    }

    /// A call that takes time counts among the running ones. Its end counts it out again, so the
    /// counter stays in range by itself.
    pub(super) fn count_running(&self, call: &mut RawCall) {
        let Some(fluent) = self.raw.running.filter(|_| call.takes > 0) else { return };
        for outcome in &mut call.outcomes {
            outcome.num.push(NumEffect { fluent, change: NumChange::Add(1) });
        }
    }

    /// `wait()`, where some function takes time.
    pub(super) fn wait(&mut self) {
        let Some(fluent) = self.raw.running else { return };
        let most = self.raw.calls.iter().filter(|c| c.takes > 0).count();
        if let Some(running) = self.raw.fluents.get_mut(fluent) {
            running.max = i64::try_from(most).unwrap_or(i64::MAX);
        }
        self.raw.calls.push(RawCall {
            function: self.raw.functions.len(),
            num: vec![NumTest { fluent, compare: Compare::Ge, value: 1 }],
            outcomes: vec![RawOutcome { p: 1.0, quality: 1.0, ..RawOutcome::default() }],
            wait: true,
            cost: 1.0,
            ..RawCall::default()
        });
        self.raw.functions.push(Function {
            name: WAIT.to_owned(),
            description: "Waits until the next running call ends.".to_owned(),
            params: Vec::new(),
            cost: 1.0,
        });
    }
}
