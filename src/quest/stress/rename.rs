//! Another name for everything that has one.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::quest::expr::{Atom, Change, Condition, Effects, Init, Param, Term, Test};
use crate::quest::level::{CostTable, FluentDef, FunctionDef, Level, OutcomeDef, PredicateDef};

/// New names by old ones. What is not in here keeps its name: `object`, `made`, `wait`.
type Names = BTreeMap<String, String>;

/// The new names of a level.
struct Renamer {
    types: Names,
    objects: Names,
    predicates: Names,
    fluents: Names,
    functions: Names,
    costs: Names,
    params: Names,
}

/// The same level with names that mean nothing, in an order of their own, and without words.
pub(super) fn renamed(level: &Level, dice: &mut ChaCha8Rng) -> Level {
    let renamer = Renamer::new(level, dice);
    renamer.level(level)
}

fn shuffled<'a>(
    names: impl Iterator<Item = &'a String>,
    prefix: &str,
    dice: &mut ChaCha8Rng,
) -> Names {
    let old: BTreeSet<&String> = names.collect();
    let mut places: Vec<usize> = (0..old.len()).collect();
    places.shuffle(dice);
    // Equal lengths, so that the order of the new names is that of their numbers.
    let new = |(name, place): (&String, usize)| (name.clone(), format!("{prefix}{place:04}"));
    old.into_iter().zip(places).map(new).collect()
}

fn new_name(names: &Names, old: &str) -> String {
    names.get(old).cloned().unwrap_or_else(|| old.to_owned())
}

impl Renamer {
    fn new(level: &Level, dice: &mut ChaCha8Rng) -> Self {
        let functions = level.functions.values();
        let pools = functions.clone().filter_map(|f| f.returns.as_ref()).flat_map(|r| &r.pool);
        let params = functions.flat_map(|f| &f.params).map(|p| &p.name);
        let of_predicates = level.predicates.values().flat_map(|p| &p.params).map(|p| &p.name);
        let of_costs = level.costs.values().flat_map(|c| &c.params).map(|p| &p.name);
        Self {
            types: shuffled(level.types.keys().chain(level.objects.keys()), "t", dice),
            objects: shuffled(level.objects.values().flatten().chain(pools), "o", dice),
            predicates: shuffled(level.predicates.keys(), "p", dice),
            fluents: shuffled(level.fluents.keys(), "n", dice),
            functions: shuffled(level.functions.keys(), "f", dice),
            costs: shuffled(level.costs.keys(), "c", dice),
            params: shuffled(params.chain(of_predicates).chain(of_costs), "x", dice),
        }
    }

    fn level(&self, level: &Level) -> Level {
        let kinds = |old: &str| self.kind(old);
        let objects = |names: &BTreeSet<String>| {
            names.iter().map(|o| new_name(&self.objects, o)).collect::<BTreeSet<_>>()
        };
        Level {
            narrative: String::new(),
            types: level.types.iter().map(|(a, b)| (kinds(a), kinds(b))).collect(),
            objects: level.objects.iter().map(|(t, o)| (kinds(t), objects(o))).collect(),
            predicates: level
                .predicates
                .iter()
                .map(|(name, def)| (new_name(&self.predicates, name), self.predicate(def)))
                .collect(),
            fluents: level
                .fluents
                .iter()
                .map(|(name, def)| {
                    let bare = FluentDef { description: String::new(), ..def.clone() };
                    (new_name(&self.fluents, name), bare)
                })
                .collect(),
            costs: level
                .costs
                .iter()
                .map(|(name, table)| (new_name(&self.costs, name), self.table(table)))
                .collect(),
            functions: level
                .functions
                .iter()
                .map(|(name, def)| (new_name(&self.functions, name), self.function(def)))
                .collect(),
            init: level.init.iter().map(|i| self.init(i)).collect(),
            goal: self.condition(&level.goal),
            ..level.clone()
        }
    }

    fn kind(&self, old: &str) -> String {
        if old == "object" { old.to_owned() } else { new_name(&self.types, old) }
    }

    fn params(&self, params: &[Param]) -> Vec<Param> {
        let new =
            |p: &Param| Param { name: new_name(&self.params, &p.name), kind: self.kind(&p.kind) };
        params.iter().map(new).collect()
    }

    fn predicate(&self, def: &PredicateDef) -> PredicateDef {
        PredicateDef {
            description: String::new(),
            says: Vec::new(),
            params: self.params(&def.params),
            ..def.clone()
        }
    }

    fn table(&self, table: &CostTable) -> CostTable {
        let key = |old: &str| {
            let objects = old.split(',').map(|o| new_name(&self.objects, o.trim()));
            objects.collect::<Vec<_>>().join(", ")
        };
        CostTable {
            params: self.params(&table.params),
            values: table.values.iter().map(|(k, v)| (key(k), *v)).collect(),
        }
    }

    fn function(&self, def: &FunctionDef) -> FunctionDef {
        let mut made = FunctionDef {
            description: String::new(),
            params: self.params(&def.params),
            pre: self.condition(&def.pre),
            effects: self.effects(&def.effects),
            at_start: self.effects(&def.at_start),
            forbidden: def.forbidden.as_ref().map(|c| self.condition(c)),
            cost_by: def.cost_by.as_ref().map(|atom| Atom {
                predicate: new_name(&self.costs, &atom.predicate),
                args: atom.args.iter().map(|t| self.term(t)).collect(),
            }),
            exclusive_with: {
                let others = def.exclusive_with.iter();
                others.map(|name| new_name(&self.functions, name)).collect()
            },
            outcomes: def
                .outcomes
                .iter()
                .map(|o| OutcomeDef { effects: self.effects(&o.effects), ..o.clone() })
                .collect(),
            ..def.clone()
        };
        if let Some(returns) = &mut made.returns {
            // The text of a result is words.
            returns.value = returns.value.as_ref().map(|_| "result".to_owned());
            returns.pool.iter_mut().for_each(|o| *o = new_name(&self.objects, o));
        }
        made
    }

    fn term(&self, term: &Term) -> Term {
        match term {
            // `?ret` is the language's own.
            Term::Var(name) => Term::Var(new_name(&self.params, name)),
            Term::Object(name) => Term::Object(new_name(&self.objects, name)),
        }
    }

    fn atom(&self, atom: &Atom) -> Atom {
        Atom {
            predicate: new_name(&self.predicates, &atom.predicate),
            args: atom.args.iter().map(|t| self.term(t)).collect(),
        }
    }

    fn condition(&self, condition: &Condition) -> Condition {
        let test = |test: &Test| match test.clone() {
            Test::Fact { atom, negated } => Test::Fact { atom: self.atom(&atom), negated },
            Test::Number { fluent, compare, value } => {
                Test::Number { fluent: new_name(&self.fluents, &fluent), compare, value }
            }
            Test::Same { left, right, negated } => {
                Test::Same { left: self.term(&left), right: self.term(&right), negated }
            }
        };
        Condition(condition.0.iter().map(test).collect())
    }

    fn effects(&self, effects: &Effects) -> Effects {
        let change = |change: &Change| match change.clone() {
            Change::Add(atom) => Change::Add(self.atom(&atom)),
            Change::Delete(atom) => Change::Delete(self.atom(&atom)),
            Change::Increase { fluent, by } => {
                Change::Increase { fluent: new_name(&self.fluents, &fluent), by }
            }
            Change::Assign { fluent, to } => {
                Change::Assign { fluent: new_name(&self.fluents, &fluent), to }
            }
        };
        Effects(effects.0.iter().map(change).collect())
    }

    fn init(&self, init: &Init) -> Init {
        match init {
            Init::Fact(atom) => Init::Fact(self.atom(atom)),
            Init::Number { fluent, value } => {
                Init::Number { fluent: new_name(&self.fluents, fluent), value: *value }
            }
        }
    }
}
