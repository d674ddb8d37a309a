//! Relaxed reachability: what can ever become true, false, or a value.

use std::collections::BTreeSet;

use super::expr::Compare;
use super::level::Level;
use super::raw::{Raw, RawCall};
use super::world::{GroundError, NumChange, NumTest};

/// What can become true, false, or a value, if nothing that once held were ever lost.
pub(super) struct Reach {
    can_true: Vec<bool>,
    can_false: Vec<bool>,
    pub(super) range: Vec<(i64, i64)>,
    pub(super) calls: Vec<bool>,
}

impl Reach {
    pub(super) fn compute(raw: &Raw) -> Self {
        let is_init = |i: usize| raw.init.contains(&u32::try_from(i).unwrap_or(u32::MAX));
        let ticked = |min: i64, init: i64, ticks: bool| if ticks { min } else { init };
        let mut reach = Self {
            can_true: (0..raw.atoms.len()).map(is_init).collect(),
            can_false: (0..raw.atoms.len()).map(|i| !is_init(i)).collect(),
            range: raw.fluents.iter().map(|f| (ticked(f.min, f.init, f.ticks), f.init)).collect(),
            calls: vec![false; raw.calls.len()],
        };
        // Every round but the last reaches a new call, and ranges widen at once to their ends.
        loop {
            let before = reach.calls.iter().filter(|&&c| c).count();
            for (i, call) in raw.calls.iter().enumerate() {
                if reach.calls.get(i) == Some(&false) && reach.possible(call) {
                    reach.take(i, call, raw);
                }
            }
            if reach.calls.iter().filter(|&&c| c).count() == before {
                return reach;
            }
        }
    }

    pub(super) fn literal(&self, id: u32, on: bool) -> bool {
        let side = if on { &self.can_true } else { &self.can_false };
        side.get(id as usize).copied().unwrap_or(false)
    }

    pub(super) fn number(&self, test: &NumTest) -> bool {
        self.range.get(test.fluent).is_some_and(|&(low, high)| match test.compare {
            Compare::Ge => high >= test.value,
            Compare::Le => low <= test.value,
            Compare::Eq => low <= test.value && test.value <= high,
            Compare::Ne => low != test.value || high != test.value,
        })
    }

    fn possible(&self, call: &RawCall) -> bool {
        call.pre.iter().all(|&(id, on)| self.literal(id, on))
            && call.num.iter().all(|t| self.number(t))
    }

    fn take(&mut self, i: usize, call: &RawCall, raw: &Raw) {
        if let Some(reached) = self.calls.get_mut(i) {
            *reached = true;
        }
        // What a call that takes time changes at its end counts at once here.
        self.change(&call.start_add, &call.start_del);
        for outcome in &call.outcomes {
            self.change(&outcome.add, &outcome.del);
            for effect in &outcome.num {
                let ends = raw.fluents.get(effect.fluent).map_or((0, 0), |f| (f.min, f.max));
                if let Some(range) = self.range.get_mut(effect.fluent) {
                    match effect.change {
                        NumChange::Add(by) if by > 0 => range.1 = ends.1,
                        NumChange::Add(by) if by < 0 => range.0 = ends.0,
                        NumChange::Add(_) => {}
                        NumChange::Set(to) => *range = (range.0.min(to), range.1.max(to)),
                    }
                }
            }
        }
    }

    fn change(&mut self, add: &BTreeSet<u32>, del: &BTreeSet<u32>) {
        for &id in add {
            if let Some(on) = self.can_true.get_mut(id as usize) {
                *on = true;
            }
        }
        for &id in del.difference(add) {
            if let Some(off) = self.can_false.get_mut(id as usize) {
                *off = true;
            }
        }
    }
}

pub(super) fn atom_name(raw: &Raw, atom: &(usize, Vec<usize>)) -> String {
    let predicate = raw.predicates.get(atom.0).map_or("", |p| p.name.as_str());
    if atom.1.is_empty() { predicate.to_owned() } else { named(raw, predicate, &atom.1) }
}

pub(super) fn named(raw: &Raw, head: &str, args: &[usize]) -> String {
    let args: Vec<&str> =
        args.iter().map(|&a| raw.objects.get(a).map_or("", |(n, _)| n.as_str())).collect();
    format!("{head}({})", args.join(", "))
}

/// Refuses a level with a part of the goal that can never hold.
pub(super) fn check_goal(level: &Level, raw: &Raw, reach: &Reach) -> Result<(), GroundError> {
    let fail = |part: String| Err(GroundError::GoalUnreachable { level: level.id.clone(), part });
    for &(id, on) in &raw.goal {
        if !reach.literal(id, on) {
            let name = raw.atoms.get(id as usize).map(|a| atom_name(raw, a)).unwrap_or_default();
            return fail(if on { name } else { format!("not {name}") });
        }
    }
    for test in &raw.goal_num {
        if !reach.number(test) {
            let name = raw.fluents.get(test.fluent).map_or("", |f| f.name.as_str());
            return fail(format!("{name} {} {}", test.compare, test.value));
        }
    }
    for test in &level.goal.0 {
        if let super::expr::Test::Same { left, right, negated } = test
            && (left == right) == *negated
        {
            return fail(test.to_string());
        }
    }
    Ok(())
}
