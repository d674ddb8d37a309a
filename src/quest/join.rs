//! All ways to fill the parameters of a function that its static conditions allow.
//!
//! Trying every object for every parameter costs the product of their numbers. Instead parameters
//! are bound in an order that branches little: a static fact such as `road(?a, ?b)` offers only
//! the pairs that are so, and every static test is asked as soon as its terms are known. The order
//! is greedy, by the expected number of branches, as in database joins.

use std::collections::{BTreeMap, BTreeSet};

/// Facts that no call changes, by predicate.
pub(super) type Statics = BTreeMap<usize, BTreeSet<Vec<usize>>>;

/// What stands in an argument's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arg {
    /// The object of this slot.
    Slot(usize),
    /// This object.
    Object(usize),
}

/// A static test of a condition.
#[derive(Debug, Clone)]
pub(super) enum Check {
    /// A fact that is so, or is not where negated.
    Fact { predicate: usize, args: Vec<Arg>, negated: bool },
    /// Two terms are the same object, or not where negated.
    Same { left: Arg, right: Arg, negated: bool },
}

impl Check {
    fn slots(&self) -> Vec<usize> {
        let args: Vec<Arg> = match self {
            Self::Fact { args, .. } => args.clone(),
            Self::Same { left, right, .. } => vec![*left, *right],
        };
        let slot = |arg| if let Arg::Slot(slot) = arg { Some(slot) } else { None };
        args.into_iter().filter_map(slot).collect()
    }
}

/// How the next parameters are bound, and what can be asked then.
struct Step {
    way: Way,
    checks: Vec<Check>,
}

enum Way {
    /// Each object of the slot.
    Objects(usize),
    /// Each fact whose known arguments fit: facts by these arguments.
    Facts { args: Vec<Arg>, known: Vec<usize>, rows: BTreeMap<Vec<usize>, Vec<Vec<usize>>> },
}

/// Binds parameters; a slot is a parameter with the objects that it can stand for.
pub(super) struct Join<'a> {
    statics: &'a Statics,
    slots: &'a [Vec<usize>],
    /// Place of an object among those of each slot.
    places: Vec<BTreeMap<usize, usize>>,
    steps: Vec<Step>,
    /// Tests without parameters.
    first: Vec<Check>,
}

impl<'a> Join<'a> {
    pub(super) fn new(statics: &'a Statics, slots: &'a [Vec<usize>], checks: Vec<Check>) -> Self {
        let places = |objects: &Vec<usize>| objects.iter().copied().zip(0..).collect();
        let places = slots.iter().map(places).collect();
        let (waiting, first) = checks.into_iter().partition(|check| !check.slots().is_empty());
        let mut join = Self { statics, slots, places, steps: Vec::new(), first };
        join.order(waiting);
        join
    }

    /// Chooses the steps, each time the one with the fewest expected branches.
    fn order(&mut self, mut waiting: Vec<Check>) {
        let mut bound: BTreeSet<usize> = BTreeSet::new();
        while bound.len() < self.slots.len() {
            let free = (0..self.slots.len()).filter(|slot| !bound.contains(slot));
            let objects = |slot: usize| self.slots.get(slot).map_or(0, Vec::len) as f64;
            let plain = free.map(|slot| (objects(slot), None, slot));
            let facts = waiting.iter().enumerate().filter_map(|(i, check)| {
                let Check::Fact { predicate, args, negated: false } = check else { return None };
                let free = check.slots().into_iter().find(|slot| !bound.contains(slot))?;
                Some((self.branches(*predicate, args, &bound), Some(i), free))
            });
            // Facts come first among equals: they bind more.
            let best = facts.chain(plain).min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, fact, slot)) = best else { return };
            let way = match fact.map(|i| waiting.remove(i)) {
                Some(Check::Fact { predicate, args, .. }) => {
                    let way = self.facts(predicate, args.clone(), &bound);
                    bound.extend(Check::Fact { predicate, args, negated: false }.slots());
                    way
                }
                _ => {
                    bound.insert(slot);
                    Way::Objects(slot)
                }
            };
            let known = |check: &Check| check.slots().iter().all(|slot| bound.contains(slot));
            let (checks, rest) = waiting.into_iter().partition(known);
            waiting = rest;
            self.steps.push(Step { way, checks });
        }
    }

    /// Expected number of facts that fit, once the bound arguments are known.
    fn branches(&self, predicate: usize, args: &[Arg], bound: &BTreeSet<usize>) -> f64 {
        let Some(rows) = self.statics.get(&predicate) else { return 0.0 };
        let known = known_places(args, bound).into_iter().map(|place| {
            let values: BTreeSet<usize> =
                rows.iter().filter_map(|r| r.get(place).copied()).collect();
            values.len().max(1) as f64
        });
        rows.len() as f64 / known.product::<f64>()
    }

    fn facts(&self, predicate: usize, args: Vec<Arg>, bound: &BTreeSet<usize>) -> Way {
        let known = known_places(&args, bound);
        let mut rows: BTreeMap<Vec<usize>, Vec<Vec<usize>>> = BTreeMap::new();
        for row in self.statics.get(&predicate).into_iter().flatten() {
            let key = known.iter().filter_map(|&place| row.get(place).copied()).collect();
            rows.entry(key).or_default().push(row.clone());
        }
        Way::Facts { args, known, rows }
    }

    /// Every binding, as the object of each slot: in the order of the slots and of their objects,
    /// the first slot changing slowest. None where more partial bindings are tried than are left,
    /// or more than `most` are found.
    pub(super) fn bindings(&self, tries: &mut usize, most: usize) -> Option<Vec<Vec<usize>>> {
        let bound = vec![usize::MAX; self.slots.len()];
        let mut search = Search { join: self, bound, found: Vec::new(), tries: *tries, most };
        if self.first.iter().all(|check| self.holds(check, &search.bound)) {
            search.extend(&self.steps)?;
        }
        *tries = search.tries;
        let mut found = search.found;
        found.sort_by_cached_key(|binding: &Vec<usize>| {
            let places = binding.iter().zip(&self.places);
            places.map(|(object, places)| places.get(object).copied()).collect::<Vec<_>>()
        });
        Some(found)
    }

    /// Binds the arguments of a fact; false where a type or a repeated parameter does not fit.
    fn fits(&self, args: &[Arg], row: &[usize], bound: &mut [usize]) -> bool {
        args.iter().zip(row).all(|(arg, &object)| match *arg {
            Arg::Object(wanted) => wanted == object,
            Arg::Slot(slot) => match bound.get_mut(slot) {
                Some(place) if *place == usize::MAX => {
                    *place = object;
                    self.places.get(slot).is_some_and(|objects| objects.contains_key(&object))
                }
                Some(place) => *place == object,
                None => false,
            },
        })
    }

    fn holds(&self, check: &Check, bound: &[usize]) -> bool {
        match check {
            Check::Fact { predicate, args, negated } => {
                let args: Vec<usize> = args.iter().map(|&arg| value(arg, bound)).collect();
                self.statics.get(predicate).is_some_and(|rows| rows.contains(&args)) != *negated
            }
            Check::Same { left, right, negated } => {
                (value(*left, bound) == value(*right, bound)) != *negated
            }
        }
    }
}

/// One walk through the steps.
struct Search<'j> {
    join: &'j Join<'j>,
    /// Object of each slot that is bound.
    bound: Vec<usize>,
    found: Vec<Vec<usize>>,
    /// Partial bindings that may still be tried.
    tries: usize,
    most: usize,
}

impl Search<'_> {
    /// Takes the steps that are left, in every way; none where a limit is passed.
    fn extend(&mut self, steps: &[Step]) -> Option<()> {
        self.tries = self.tries.checked_sub(1)?;
        let Some((step, rest)) = steps.split_first() else {
            self.found.push(self.bound.clone());
            return (self.found.len() <= self.most).then_some(());
        };
        match &step.way {
            Way::Objects(slot) => {
                for &object in self.join.slots.get(*slot).into_iter().flatten() {
                    if let Some(place) = self.bound.get_mut(*slot) {
                        *place = object;
                    }
                    self.checked(step, rest)?;
                }
                if let Some(place) = self.bound.get_mut(*slot) {
                    *place = usize::MAX;
                }
            }
            Way::Facts { args, known, rows } => {
                let known = known.iter().filter_map(|&place| args.get(place));
                let key: Vec<usize> = known.map(|&arg| value(arg, &self.bound)).collect();
                let before = self.bound.clone();
                for row in rows.get(&key).into_iter().flatten() {
                    if self.join.fits(args, row, &mut self.bound) {
                        self.checked(step, rest)?;
                    }
                    self.bound.clone_from(&before);
                }
            }
        }
        Some(())
    }

    fn checked(&mut self, step: &Step, rest: &[Step]) -> Option<()> {
        if step.checks.iter().all(|check| self.join.holds(check, &self.bound)) {
            return self.extend(rest);
        }
        Some(())
    }
}

fn known_places(args: &[Arg], bound: &BTreeSet<usize>) -> Vec<usize> {
    let known = |arg: &Arg| match arg {
        Arg::Object(_) => true,
        Arg::Slot(slot) => bound.contains(slot),
    };
    args.iter().enumerate().filter(|(_, arg)| known(arg)).map(|(place, _)| place).collect()
}

fn value(arg: Arg, bound: &[usize]) -> usize {
    match arg {
        Arg::Object(object) => object,
        Arg::Slot(slot) => bound.get(slot).copied().unwrap_or(usize::MAX),
    }
}
