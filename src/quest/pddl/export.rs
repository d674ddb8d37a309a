//! From a level to a domain and a problem.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write as _};

use super::formula::TOTAL_COST;
use super::names::to_pddl;
use super::sections::FORMULA_WORDS;
use crate::quest::expr::{Atom, Change, Condition, Effects, Init, Param, Term, Test};
use crate::quest::level::{Fault, FunctionDef, Level};
use crate::quest::place::Place;

/// Why a level cannot be written as PDDL: where in it, what the subset cannot say, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("export level {0}")]
pub struct PddlExportError(pub Box<Fault>);

/// A level as PDDL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PddlText {
    /// The domain file.
    pub domain: String,
    /// The problem file.
    pub problem: String,
}

/// Writes a level as a PDDL domain and problem with the same calls, facts and costs.
///
/// Levels are richer than the subset. Fluents, drawn outcomes, new objects, limits of use, calls
/// that take time and forbidden calls are refused. What changes no plan is left out: words,
/// returned texts, qualities, the limit of calls, observability and the reference.
///
/// # Errors
/// Names the place and what the subset cannot say there.
pub fn export_pddl(level: &Level) -> Result<PddlText, PddlExportError> {
    let writer = Writer::new(level);
    writer.check()?;
    Ok(PddlText { domain: writer.domain(), problem: writer.problem() })
}

struct Writer<'a> {
    level: &'a Level,
    /// Objects that functions name: constants of the domain.
    constants: BTreeSet<&'a str>,
    /// True where some call does not cost 1.
    costs: bool,
}

type Checked = Result<(), PddlExportError>;

impl<'a> Writer<'a> {
    fn new(level: &'a Level) -> Self {
        let functions = level.functions.values();
        let constants = functions.clone().flat_map(named_objects).collect();
        let unit = |f: &FunctionDef| f.cost_by.is_none() && f.cost.to_bits() == 1f64.to_bits();
        Self { level, constants, costs: !functions.clone().all(unit) }
    }

    fn refuse(&self, place: &Place, problem: impl Display, fix: &str) -> Checked {
        let (level, problem) =
            (self.level.id.clone(), format!("outside of the PDDL subset: {problem}"));
        let fault = Fault { level, place: place.clone(), problem, fix: fix.to_owned() };
        Err(PddlExportError(Box::new(fault)))
    }

    fn check(&self) -> Checked {
        self.facts_alone(&Place::level().key("goal"), &self.level.goal)?;
        for (name, f) in &self.level.functions {
            self.function(&Place::level().key("functions").key(name), f)?;
        }
        self.names()
    }

    fn function(&self, place: &Place, f: &FunctionDef) -> Checked {
        let pool = f.returns.as_ref().is_some_and(|r| !r.pool.is_empty());
        let beyond = [
            (f.outcomes.len() > 1, "outcomes", "the outcome is drawn"),
            (f.outcomes.iter().any(|o| o.failed), "outcomes", "the outcome is a failure"),
            (pool, "returns", "calls make new objects"),
            (f.max_calls.is_some(), "max_calls", "uses are counted"),
            (f.cooldown.is_some(), "cooldown", "uses need a rest between them"),
            (!f.exclusive_with.is_empty(), "exclusive_with", "uses exclude others"),
            (f.takes.is_some(), "takes", "calls take time"),
            (!f.at_start.is_empty(), "at_start", "calls take time"),
            (f.forbidden.is_some(), "forbidden", "calls are forbidden although possible"),
        ];
        for (is_so, field, problem) in beyond {
            if is_so {
                return self.refuse(&place.key(field), problem, "say it with facts, or drop it");
            }
        }
        self.facts_alone(&place.key("pre"), &f.pre)?;
        for change in &all_effects(f).0 {
            if let Change::Increase { fluent, .. } | Change::Assign { fluent, .. } = change {
                return self.number(&place.key("effects").words(change), fluent);
            }
        }
        Ok(())
    }

    fn facts_alone(&self, place: &Place, condition: &Condition) -> Checked {
        for test in &condition.0 {
            if let Test::Number { fluent, .. } = test {
                return self.number(&place.words(test), fluent);
            }
        }
        Ok(())
    }

    fn number(&self, place: &Place, fluent: &str) -> Checked {
        let problem = format_args!("`{fluent}` is a number");
        self.refuse(place, problem, "count with facts, or drop it")
    }

    /// No two names become one, and none has a meaning of its own in PDDL.
    fn names(&self) -> Checked {
        let level = self.level;
        let place = |key: &str| Place::level().key(key);
        self.distinct(&place("types"), level.types.keys(), &["object", "either"])?;
        self.distinct(&place("objects"), level.objects.values().flatten(), &[])?;
        self.distinct(&place("predicates"), level.predicates.keys(), &FORMULA_WORDS)?;
        self.distinct(&place("functions"), level.functions.keys(), &[])?;
        self.distinct(&place("costs"), level.costs.keys(), &[TOTAL_COST])?;
        let predicates = level.predicates.iter().map(|(n, p)| ("predicates", n, &p.params));
        let functions = level.functions.iter().map(|(n, f)| ("functions", n, &f.params));
        let costs = level.costs.iter().map(|(n, c)| ("costs", n, &c.params));
        for (what, name, params) in predicates.chain(functions).chain(costs) {
            let place = place(what).key(name).key("params");
            self.distinct(&place, params.iter().map(|p| &p.name), &[])?;
        }
        Ok(())
    }

    fn distinct<'n>(
        &self,
        place: &Place,
        names: impl Iterator<Item = &'n String>,
        taken: &[&str],
    ) -> Checked {
        let mut seen: BTreeMap<String, &String> = BTreeMap::new();
        for name in names {
            let written = to_pddl(name);
            if taken.contains(&written.as_str()) {
                let problem = format_args!("`{name}` is a word of its own");
                return self.refuse(place, problem, "rename it");
            }
            if let Some(other) = seen.insert(written, name) {
                let problem = format_args!("`{other}` and `{name}` are one name without case");
                return self.refuse(place, problem, "rename one of them");
            }
        }
        Ok(())
    }

    fn domain(&self) -> String {
        let level = self.level;
        let mut out = format!("(define (domain {})\n", word(&to_pddl(&level.family)));
        out.push_str(&self.requirements());
        if !level.types.is_empty() {
            let types = level.types.iter().map(|(t, parent)| typed(t, parent, ""));
            out.push_str(&section(":types", types));
        }
        if !self.constants.is_empty() {
            out.push_str(&section(":constants", self.objects(true)));
        }
        let predicates = level.predicates.iter().map(|(name, p)| declared(name, &p.params));
        out.push_str(&section(":predicates", predicates));
        if self.costs {
            let tables = level.costs.iter().map(|(name, c)| declared(name, &c.params));
            let all = std::iter::once(format!("({TOTAL_COST})")).chain(tables);
            out.push_str(&section(
                ":functions",
                all.map(|function| format!("{function} - number")),
            ));
        }
        for (name, f) in &level.functions {
            out.push_str(&self.action(name, f));
        }
        out.push_str(")\n");
        out
    }

    fn requirements(&self) -> String {
        let level = self.level;
        let conditions = || level.functions.values().map(|f| &f.pre).chain([&level.goal]);
        let any = |wanted: fn(&Test) -> bool| conditions().any(|c| c.0.iter().any(wanted));
        let negated = any(|t| matches!(t, Test::Fact { negated: true, .. }));
        let mut words = vec![":strips"];
        let used = [
            (!level.types.is_empty(), ":typing"),
            (negated, ":negative-preconditions"),
            (any(|t| matches!(t, Test::Same { .. })), ":equality"),
            (self.costs, ":action-costs"),
        ];
        words.extend(used.iter().filter(|(is_used, _)| *is_used).map(|(_, word)| word));
        format!("  (:requirements {})\n", words.join(" "))
    }

    /// `name name - type` of the constants, or of all other objects.
    fn objects(&self, constants: bool) -> impl Iterator<Item = String> {
        self.level.objects.iter().filter_map(move |(kind, names)| {
            let wanted = |n: &&String| self.constants.contains(n.as_str()) == constants;
            let names: Vec<String> = names.iter().filter(wanted).map(|n| to_pddl(n)).collect();
            (!names.is_empty()).then(|| format!("{} - {}", names.join(" "), to_pddl(kind)))
        })
    }

    fn action(&self, name: &str, f: &FunctionDef) -> String {
        let params: Vec<String> = f.params.iter().map(|p| typed(&p.name, &p.kind, "?")).collect();
        let mut out = format!("  (:action {}\n", to_pddl(name));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "    :parameters ({})", params.join(" "));
        if !f.pre.0.is_empty() {
            let _ = writeln!(out, "    :precondition {}", conjunction(&f.pre));
        }
        let changes = all_effects(f).0.into_iter().map(|change| match change {
            Change::Add(atom) => fact(&atom),
            Change::Delete(atom) => format!("(not {})", fact(&atom)),
            Change::Increase { .. } | Change::Assign { .. } => String::new(),
        });
        let cost = self.costs.then(|| match &f.cost_by {
            Some(atom) => format!("(increase ({TOTAL_COST}) {})", fact(atom)),
            None => format!("(increase ({TOTAL_COST}) {})", f.cost),
        });
        let changes: Vec<String> = changes.chain(cost).collect();
        let _ = writeln!(out, "    :effect (and {}))", changes.join(" "));
        out
    }

    fn problem(&self) -> String {
        let level = self.level;
        let mut out = format!("(define (problem {})\n", word(&level.id));
        let _ = writeln!(out, "  (:domain {})", word(&to_pddl(&level.family)));
        out.push_str(&section(":objects", self.objects(false)));
        let facts = level.init.iter().filter_map(|entry| match entry {
            Init::Fact(atom) => Some(fact(atom)),
            Init::Number { .. } => None,
        });
        let costs = level.costs.iter().filter(|_| self.costs).flat_map(|(name, table)| {
            let value = |(args, cost): (&String, &f64)| {
                let args = args.split(", ").filter(|a| !a.is_empty()).map(to_pddl);
                let words: Vec<String> = std::iter::once(to_pddl(name)).chain(args).collect();
                format!("(= ({}) {cost})", words.join(" "))
            };
            table.values.iter().map(value).collect::<Vec<_>>()
        });
        let total = self.costs.then(|| format!("(= ({TOTAL_COST}) 0)"));
        out.push_str(&section(":init", facts.chain(total).chain(costs)));
        let _ = writeln!(out, "  (:goal {})", conjunction(&level.goal));
        if self.costs {
            let _ = writeln!(out, "  (:metric minimize ({TOTAL_COST}))");
        }
        out.push_str(")\n");
        out
    }
}

/// The effects of a function and of its one outcome, where it names one.
fn all_effects(f: &FunctionDef) -> Effects {
    let outcome = f.outcomes.iter().flat_map(|o| &o.effects.0);
    let all: BTreeSet<Change> = f.effects.0.iter().chain(outcome).cloned().collect();
    Effects(all.into_iter().collect())
}

/// The objects that a function speaks of by name.
fn named_objects(f: &FunctionDef) -> Vec<&str> {
    let mut terms: Vec<&Term> = Vec::new();
    for test in &f.pre.0 {
        match test {
            Test::Fact { atom, .. } => terms.extend(&atom.args),
            Test::Same { left, right, .. } => terms.extend([left, right]),
            Test::Number { .. } => {}
        }
    }
    for change in f.outcomes.iter().flat_map(|o| &o.effects.0).chain(&f.effects.0) {
        if let Change::Add(atom) | Change::Delete(atom) = change {
            terms.extend(&atom.args);
        }
    }
    terms.extend(f.cost_by.iter().flat_map(|atom| &atom.args));
    let named = terms.into_iter().filter_map(|term| match term {
        Term::Object(name) => Some(name.as_str()),
        Term::Var(_) => None,
    });
    named.collect()
}

fn section(name: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("\n    {line}")).collect();
    format!("  ({name}{lines})\n")
}

fn typed(name: &str, kind: &str, mark: &str) -> String {
    format!("{mark}{} - {}", to_pddl(name), to_pddl(kind))
}

fn declared(name: &str, params: &[Param]) -> String {
    let params: String =
        params.iter().map(|p| format!(" {}", typed(&p.name, &p.kind, "?"))).collect();
    format!("({}{params})", to_pddl(name))
}

fn term(term: &Term) -> String {
    match term {
        Term::Var(name) => format!("?{}", to_pddl(name)),
        Term::Object(name) => to_pddl(name),
    }
}

fn fact(atom: &Atom) -> String {
    let args: String = atom.args.iter().map(|t| format!(" {}", term(t))).collect();
    format!("({}{args})", to_pddl(&atom.predicate))
}

fn conjunction(condition: &Condition) -> String {
    let parts = condition.0.iter().map(|test| match test {
        Test::Fact { atom, negated } => not(*negated, fact(atom)),
        Test::Same { left, right, negated } => {
            not(*negated, format!("(= {} {})", term(left), term(right)))
        }
        Test::Number { .. } => String::new(),
    });
    format!("(and {})", parts.collect::<Vec<_>>().join(" "))
}

fn not(negated: bool, part: String) -> String {
    if negated { format!("(not {part})") } else { part }
}

/// A name that one word of PDDL can hold.
fn word(name: &str) -> String {
    // A question mark begins a variable, and a colon a keyword.
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '(' | ')' | ';' | '?' | ':');
    let word: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    if word.is_empty() { "level".to_owned() } else { word.to_ascii_lowercase() }
}
