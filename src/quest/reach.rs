//! Relaxed reachability: what can ever become true, false, or a value.

use std::collections::{BTreeMap, BTreeSet};

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
        let mut waiting = Waiting::new(raw, &reach);
        while let Some(i) = waiting.ready.pop() {
            if let (Some(call), Some(reached)) = (raw.calls.get(i), reach.calls.get_mut(i)) {
                *reached = true;
                reach.take(call, raw, &mut waiting);
            }
        }
        reach
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

    fn take(&mut self, call: &RawCall, raw: &Raw, waiting: &mut Waiting) {
        // What a call that takes time changes at its end counts at once here.
        self.change(&call.start_add, &call.start_del, waiting);
        for outcome in &call.outcomes {
            self.change(&outcome.add, &outcome.del, waiting);
            for effect in &outcome.num {
                let ends = raw.fluents.get(effect.fluent).map_or((0, 0), |f| (f.min, f.max));
                let Some(range) = self.range.get_mut(effect.fluent) else { continue };
                let wider = match effect.change {
                    NumChange::Add(by) if by > 0 => (range.0, ends.1.max(range.1)),
                    NumChange::Add(by) if by < 0 => (ends.0.min(range.0), range.1),
                    NumChange::Add(_) => *range,
                    NumChange::Set(to) => (range.0.min(to), range.1.max(to)),
                };
                if *range != wider {
                    *range = wider;
                    waiting.widened(effect.fluent, wider);
                }
            }
        }
    }

    fn change(&mut self, add: &BTreeSet<u32>, del: &BTreeSet<u32>, waiting: &mut Waiting) {
        for &id in add {
            if let Some(on) = self.can_true.get_mut(id as usize).filter(|on| !**on) {
                *on = true;
                waiting.possible(id, true);
            }
        }
        for &id in del.difference(add) {
            if let Some(off) = self.can_false.get_mut(id as usize).filter(|off| !**off) {
                *off = true;
                waiting.possible(id, false);
            }
        }
    }
}

/// What each call still waits for, so that every condition is looked at once however long the
/// chains of calls are.
struct Waiting {
    /// By call: conditions that cannot hold yet.
    missing: Vec<usize>,
    /// By atom: calls that wait for it to be true, and to be false.
    atoms: BTreeMap<(u32, bool), Vec<usize>>,
    /// By fluent: tests that wait for its range to reach up to a value, and down to one.
    above: BTreeMap<usize, BTreeMap<i64, Vec<usize>>>,
    below: BTreeMap<usize, BTreeMap<i64, Vec<usize>>>,
    /// By test: its call, and whether it still waits.
    tests: Vec<(usize, bool)>,
    /// Calls that wait for nothing more.
    ready: Vec<usize>,
}

impl Waiting {
    fn new(raw: &Raw, reach: &Reach) -> Self {
        let mut waiting = Self {
            missing: vec![0; raw.calls.len()],
            atoms: BTreeMap::new(),
            above: BTreeMap::new(),
            below: BTreeMap::new(),
            tests: Vec::new(),
            ready: Vec::new(),
        };
        for (i, call) in raw.calls.iter().enumerate() {
            let facts = call.pre.iter().filter(|(id, on)| !reach.literal(*id, *on));
            let numbers = call.num.iter().filter(|test| !reach.number(test));
            let mut missing = 0;
            for literal in facts {
                waiting.atoms.entry(*literal).or_default().push(i);
                missing += 1;
            }
            for test in numbers {
                waiting.test(i, test, reach);
                missing += 1;
            }
            match waiting.missing.get_mut(i) {
                Some(count) if missing > 0 => *count = missing,
                _ => waiting.ready.push(i),
            }
        }
        waiting
    }

    /// A test that fails now waits for the end of the range that it lies beyond; a test for being
    /// different, for either.
    fn test(&mut self, call: usize, test: &NumTest, reach: &Reach) {
        let (_, high) = reach.range.get(test.fluent).copied().unwrap_or((0, 0));
        let (up, down) = match test.compare {
            Compare::Ge => (Some(test.value), None),
            Compare::Le => (None, Some(test.value)),
            Compare::Eq if test.value > high => (Some(test.value), None),
            Compare::Eq => (None, Some(test.value)),
            Compare::Ne => (Some(test.value + 1), Some(test.value - 1)),
        };
        let number = self.tests.len();
        self.tests.push((call, true));
        for (ends, value) in [(&mut self.above, up), (&mut self.below, down)] {
            if let Some(value) = value {
                ends.entry(test.fluent).or_default().entry(value).or_default().push(number);
            }
        }
    }

    /// The atom can be true, or false, from now on.
    fn possible(&mut self, id: u32, on: bool) {
        for call in self.atoms.remove(&(id, on)).unwrap_or_default() {
            self.less(call);
        }
    }

    /// The fluent can take more values from now on.
    fn widened(&mut self, fluent: usize, (low, high): (i64, i64)) {
        let mut met = Vec::new();
        if let Some(above) = self.above.get_mut(&fluent) {
            let beyond = above.split_off(&(high.saturating_add(1)));
            met.extend(std::mem::replace(above, beyond).into_values().flatten());
        }
        if let Some(below) = self.below.get_mut(&fluent) {
            met.extend(below.split_off(&low).into_values().flatten());
        }
        for number in met {
            if let Some((call, open)) = self.tests.get_mut(number).filter(|(_, open)| *open) {
                *open = false;
                let call = *call;
                self.less(call);
            }
        }
    }

    fn less(&mut self, call: usize) {
        if let Some(missing) = self.missing.get_mut(call) {
            *missing -= 1;
            if *missing == 0 {
                self.ready.push(call);
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
