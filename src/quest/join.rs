//! All ways to bind the parameters of a function so that its static conditions hold.
//!
//! Each static predicate is a table. Domains are first reduced to what the tables leave of them,
//! then parameters are bound one after the other, connected ones first and the most constrained
//! first among these, each from the rows that agree with what is bound. Where the conditions form
//! a tree this meets no dead end (Yannakakis 1981); elsewhere a budget of steps bounds the search.

use std::collections::{BTreeMap, BTreeSet};

/// The rows of a static predicate.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Sorted.
    rows: Vec<Vec<usize>>,
    /// Numbers of rows by position and object.
    index: BTreeMap<(usize, usize), Vec<usize>>,
    /// Different objects by position.
    distinct: Vec<usize>,
}

impl Table {
    pub(super) fn new(rows: BTreeSet<Vec<usize>>) -> Self {
        let mut index: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (number, row) in rows.iter().enumerate() {
            for (position, &object) in row.iter().enumerate() {
                index.entry((position, object)).or_default().push(number);
            }
        }
        let arity = rows.first().map_or(0, Vec::len);
        let objects = |position: usize| index.keys().filter(move |(p, _)| *p == position).count();
        let distinct = (0..arity).map(objects).collect();
        Self { rows: rows.into_iter().collect(), index, distinct }
    }

    /// Numbers of the rows with this object at this position.
    fn with(&self, position: usize, object: usize) -> &[usize] {
        self.index.get(&(position, object)).map_or(&[], Vec::as_slice)
    }

    fn contains(&self, row: &[usize]) -> bool {
        self.rows.binary_search_by(|r| r.as_slice().cmp(row)).is_ok()
    }
}

/// An argument of a condition: a parameter by its number, or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arg {
    Slot(usize),
    Object(usize),
}

/// A condition that no call can change.
#[derive(Debug)]
pub(super) enum Fixed<'t> {
    Fact { table: &'t Table, args: Vec<Arg>, negated: bool },
    Same { left: Arg, right: Arg, negated: bool },
}

impl Fixed<'_> {
    fn args(&self) -> Vec<Arg> {
        match self {
            Self::Fact { args, .. } => args.clone(),
            Self::Same { left, right, .. } => vec![*left, *right],
        }
    }

    /// The table and arguments of a fact that must be true.
    fn positive(&self) -> Option<(&Table, &[Arg])> {
        match self {
            Self::Fact { table, args, negated: false } => Some((table, args)),
            _ => None,
        }
    }
}

/// Bound objects by parameter.
type Bound = [Option<usize>];

fn value(arg: Arg, bound: &Bound) -> Option<usize> {
    match arg {
        Arg::Object(object) => Some(object),
        Arg::Slot(slot) => bound.get(slot).copied().flatten(),
    }
}

fn fits(row: &[usize], args: &[Arg], bound: &Bound) -> bool {
    row.iter().zip(args).all(|(object, arg)| value(*arg, bound).is_none_or(|b| b == *object))
}

/// A search that ran out of its budget, or over the number of bindings wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMany {
    Bindings,
    Steps,
}

pub(super) struct Join<'t> {
    conditions: Vec<Fixed<'t>>,
    domains: Vec<Vec<usize>>,
    /// Parameters in the order in which they are bound.
    order: Vec<usize>,
    /// By place in the order: the conditions whose arguments are then all known.
    ready: Vec<Vec<usize>>,
    most: usize,
    steps: usize,
    found: Vec<Vec<usize>>,
}

impl<'t> Join<'t> {
    /// Objects that each parameter may take, sorted, and the conditions between them. At most
    /// `most` bindings are wanted.
    pub(super) fn new(conditions: Vec<Fixed<'t>>, domains: Vec<Vec<usize>>, most: usize) -> Self {
        let (order, ready) = (Vec::new(), Vec::new());
        Self { conditions, domains, order, ready, most, steps: 0, found: Vec::new() }
    }

    /// All bindings, in ascending order. Takes its steps from `budget`.
    pub(super) fn run(mut self, budget: &mut usize) -> Result<Vec<Vec<usize>>, TooMany> {
        self.steps = *budget;
        let ran = self.reduce().and_then(|()| {
            self.plan();
            let mut bound = vec![None; self.domains.len()];
            let holds = |c: &usize| self.conditions.get(*c).is_none_or(|c| self.holds(c, &bound));
            match self.ready.first().is_none_or(|known| known.iter().all(holds)) {
                true => self.bind(0, &mut bound),
                false => Ok(()),
            }
        });
        *budget = self.steps;
        ran?;
        self.found.sort();
        Ok(self.found)
    }

    fn spend(&mut self, steps: usize) -> Result<(), TooMany> {
        self.steps = self.steps.checked_sub(steps).ok_or(TooMany::Steps)?;
        Ok(())
    }

    /// Drops objects that no row of some table allows. A tree of conditions is consistent after
    /// a pass up and a pass down each of its branches; more passes are not worth their time.
    fn reduce(&mut self) -> Result<(), TooMany> {
        for _ in 0..2 * self.domains.len() {
            let mut changed = false;
            for i in 0..self.conditions.len() {
                changed |= self.reduce_by(i)?;
            }
            if !changed {
                break;
            }
        }
        Ok(())
    }

    fn reduce_by(&mut self, condition: usize) -> Result<bool, TooMany> {
        let Some((table, args)) = self.conditions.get(condition).and_then(Fixed::positive) else {
            return Ok(false);
        };
        let cost = table.rows.len() * args.len().max(1);
        let mut kept: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for arg in args {
            if let Arg::Slot(slot) = arg {
                kept.entry(*slot).or_default();
            }
        }
        for row in &table.rows {
            if !self.allows(row, args) {
                continue;
            }
            for (object, arg) in row.iter().zip(args) {
                if let Arg::Slot(slot) = arg {
                    kept.entry(*slot).or_default().insert(*object);
                }
            }
        }
        let mut changed = false;
        for (slot, objects) in kept {
            if let Some(domain) = self.domains.get_mut(slot) {
                changed |= objects.len() < domain.len();
                *domain = objects.into_iter().collect();
            }
        }
        self.spend(cost)?;
        Ok(changed)
    }

    /// Whether the domains allow a row: a parameter that stands twice takes one object.
    fn allows(&self, row: &[usize], args: &[Arg]) -> bool {
        row.iter().zip(args).enumerate().all(|(i, (object, arg))| match arg {
            Arg::Object(wanted) => wanted == object,
            Arg::Slot(slot) => {
                let first = args.iter().position(|a| a == arg).unwrap_or(i);
                row.get(first) == Some(object)
                    && self.domains.get(*slot).is_some_and(|d| d.binary_search(object).is_ok())
            }
        })
    }

    /// Chooses the order, and the place of each condition in it.
    fn plan(&mut self) {
        let mut known = vec![false; self.domains.len()];
        while let Some(next) = self.next(&known) {
            self.order.push(next);
            if let Some(known) = known.get_mut(next) {
                *known = true;
            }
        }
        self.ready = vec![Vec::new(); self.order.len() + 1];
        for (i, condition) in self.conditions.iter().enumerate() {
            let last = condition.args().into_iter().filter_map(|arg| match arg {
                Arg::Slot(slot) => self.order.iter().position(|s| *s == slot),
                Arg::Object(_) => None,
            });
            if let Some(ready) = self.ready.get_mut(last.max().map_or(0, |place| place + 1)) {
                ready.push(i);
            }
        }
    }

    /// The parameter to bind next: one that shares a table with what is known, if any, and the
    /// fewest objects to try among these.
    fn next(&self, known: &[bool]) -> Option<usize> {
        let open = (0..known.len()).filter(|slot| known.get(*slot) == Some(&false));
        open.min_by_key(|slot| {
            let domain = self.domains.get(*slot).map_or(0, Vec::len);
            let shared = self.conditions.iter().filter_map(|c| fan_out(c, *slot, known)).min();
            (shared.is_none(), shared.unwrap_or(domain).min(domain))
        })
    }

    fn bind(&mut self, place: usize, bound: &mut Vec<Option<usize>>) -> Result<(), TooMany> {
        let Some(&slot) = self.order.get(place) else {
            if self.found.len() >= self.most {
                return Err(TooMany::Bindings);
            }
            self.found.push(bound.iter().copied().flatten().collect());
            return Ok(());
        };
        let objects = self.candidates(slot, bound)?;
        let tests = self.ready.get(place + 1).map_or(0, Vec::len);
        self.spend(objects.len() * (1 + tests))?;
        for object in objects {
            bound[slot] = Some(object);
            let known = self.ready.get(place + 1).map_or(&[][..], Vec::as_slice);
            let holds = |c: &usize| self.conditions.get(*c).is_none_or(|c| self.holds(c, bound));
            if known.iter().all(holds) {
                self.bind(place + 1, bound)?;
            }
        }
        bound[slot] = None;
        Ok(())
    }

    /// Objects that the parameter may take beside what is bound: from the shortest list of rows.
    fn candidates(&mut self, slot: usize, bound: &Bound) -> Result<Vec<usize>, TooMany> {
        let mut best: Option<(&[usize], &Table, &[Arg], usize)> = None;
        for (table, args) in self.conditions.iter().filter_map(Fixed::positive) {
            let Some(at) = args.iter().position(|a| *a == Arg::Slot(slot)) else { continue };
            for (position, arg) in args.iter().enumerate() {
                let Some(object) = value(*arg, bound) else { continue };
                let rows = table.with(position, object);
                if best.is_none_or(|(shortest, ..)| rows.len() < shortest.len()) {
                    best = Some((rows, table, args, at));
                }
            }
        }
        let domain = self.domains.get(slot).map_or(&[][..], Vec::as_slice);
        let Some((rows, table, args, at)) = best else {
            let objects = domain.to_vec();
            self.spend(self.conditions.len())?;
            return Ok(objects);
        };
        let fitting = rows.iter().filter_map(|&number| table.rows.get(number));
        let fitting = fitting.filter(|row| fits(row, args, bound));
        let objects: BTreeSet<usize> = fitting.filter_map(|row| row.get(at).copied()).collect();
        let cost = rows.len() + self.conditions.len();
        let objects = objects.into_iter().filter(|o| domain.binary_search(o).is_ok()).collect();
        self.spend(cost)?;
        Ok(objects)
    }

    /// Whether a condition with all its arguments known holds.
    fn holds(&self, condition: &Fixed<'_>, bound: &Bound) -> bool {
        match condition {
            Fixed::Fact { table, args, negated } => {
                let row: Vec<usize> = args.iter().filter_map(|a| value(*a, bound)).collect();
                table.contains(&row) != *negated
            }
            Fixed::Same { left, right, negated } => {
                (value(*left, bound) == value(*right, bound)) != *negated
            }
        }
    }
}

/// How many objects a condition leaves for a parameter on average, once some are known; none
/// where it does not connect the parameter with these.
fn fan_out(condition: &Fixed<'_>, slot: usize, known: &[bool]) -> Option<usize> {
    let (table, args) = condition.positive()?;
    args.contains(&Arg::Slot(slot)).then_some(())?;
    let is_known = |arg: &Arg| match arg {
        Arg::Object(_) => true,
        Arg::Slot(slot) => known.get(*slot) == Some(&true),
    };
    let fixed = args.iter().enumerate().filter(|(_, arg)| is_known(arg));
    let shares = fixed
        .map(|(i, _)| table.rows.len().div_ceil(table.distinct.get(i).map_or(1, |d| (*d).max(1))));
    shares.min()
}
