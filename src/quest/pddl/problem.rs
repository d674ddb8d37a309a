//! The problem file: objects, initial state, goal and metric.

use std::collections::{BTreeMap, BTreeSet};

use super::PddlFile;
use super::domain::{Domain, objects};
use super::formula::{Formula, is_total_cost, number};
use super::lisp::{Node, Read};
use super::scope::{Scope, written};
use super::sections::{Sections, requirements};
use crate::quest::expr::{Atom, Condition, Test};

const SECTIONS: [&str; 7] =
    [":domain", ":requirements", ":objects", ":init", ":goal", ":metric", ":length"];

/// A problem as read.
#[derive(Debug)]
pub(super) struct Problem {
    pub name: String,
    pub init: BTreeSet<Atom>,
    /// Values of the functions at the start.
    pub values: BTreeMap<Atom, f64>,
    pub goal: Condition,
    /// True where the problem asks for the least `total-cost`, and not for the fewest steps.
    pub costs: bool,
}

impl Problem {
    /// Reads a problem of a domain; its objects join those in the domain's scope.
    pub(super) fn read(file: &PddlFile<'_>, domain: &mut Domain) -> Read<Self> {
        let sections = Sections::read(file, "problem", &SECTIONS)?;
        requirements(file, &sections)?;
        of_domain(file, &sections, &domain.name)?;
        objects(file, sections.get(":objects"), &mut domain.scope)?;
        let Some((_, init)) = sections.find(":init") else {
            return file.fail(&(0..0), "the problem has no `(:init …)`", "write one");
        };
        let formula = Formula { file: *file, scope: &domain.scope, params: &[] };
        let mut problem = Self {
            name: sections.name().to_owned(),
            init: BTreeSet::new(),
            values: BTreeMap::new(),
            goal: goal(file, &sections, &formula)?,
            costs: metric(file, &sections)?,
        };
        problem.init(file, init, &domain.scope)?;
        Ok(problem)
    }

    fn init(&mut self, file: &PddlFile<'_>, nodes: &[Node], scope: &Scope) -> Read<()> {
        let mut denied = BTreeSet::new();
        for node in nodes {
            match node.headed() {
                Some(("=", parts)) => self.value(file, node, parts, scope)?,
                Some(("not", [fact])) => {
                    denied.insert(scope.atom(file, fact, &[])?);
                }
                Some(("at", [time, fact]))
                    if fact.list().is_some()
                        && time.word().is_some_and(|word| word.parse::<f64>().is_ok()) =>
                {
                    let help = "say what is true at the start";
                    return file.fail(&node.span, "timed initial literals are not supported", help);
                }
                Some((head @ ("and" | "or" | "oneof" | "unknown" | "forall"), _)) => {
                    let message = format!("`{head}` is not a fact");
                    return file.fail(&node.start(), message, "list the facts one by one");
                }
                _ => {
                    self.init.insert(scope.atom(file, node, &[])?);
                }
            }
        }
        if let Some(atom) = denied.intersection(&self.init).next() {
            let span = nodes.iter().find(|n| matches!(n.headed(), Some(("not", [fact])) if scope.atom(file, fact, &[]).is_ok_and(|a| a == *atom)));
            let span = span.map_or(0..0, |node| node.span.clone());
            let message = format!("`{atom}` is both true and false at the start");
            return file.fail(&span, message, "drop one of the two");
        }
        Ok(())
    }

    fn value(
        &mut self,
        file: &PddlFile<'_>,
        node: &Node,
        parts: &[Node],
        scope: &Scope,
    ) -> Read<()> {
        let [target, value] = parts else {
            return file.fail(&node.span, "`=` takes two parts", "write `(= (function …) number)`");
        };
        if is_total_cost(target) {
            number(file, value)?;
            return Ok(());
        }
        let atom = scope.value(file, target, &[])?;
        let value = number(file, value)?;
        if self.values.insert(atom, value).is_some_and(|before| before != value) {
            let message = format!("`{}` has two values", written(file, &target.span));
            return file.fail(&node.span, message, "drop one of them");
        }
        Ok(())
    }
}

fn of_domain(file: &PddlFile<'_>, sections: &Sections, domain: &str) -> Read<()> {
    let Some((node, parts)) = sections.find(":domain") else {
        let help = format!("write `(:domain {domain})`");
        return file.fail(&(0..0), "the problem names no domain", help);
    };
    match parts {
        [name] if name.word() == Some(domain) => Ok(()),
        _ => {
            let message = format!("the domain file defines `{domain}`");
            file.fail(&node.span, message, "name it here, or give the other domain file")
        }
    }
}

/// The goal: a conjunction of facts. Comparisons of objects are decided here and now.
fn goal(file: &PddlFile<'_>, sections: &Sections, formula: &Formula<'_>) -> Read<Condition> {
    let Some((section, parts)) = sections.find(":goal") else {
        return file.fail(&(0..0), "the problem has no `(:goal …)`", "write one");
    };
    let [node] = parts else {
        let help = "write `(:goal (and …))`";
        return file.fail(&section.start(), "the goal is not one condition", help);
    };
    let mut goal = formula.condition(node)?;
    for test in &goal.0 {
        if let Test::Same { left, right, negated } = test
            && (left == right) == *negated
        {
            let message = format!("`{test}` can never hold");
            return file.fail(&node.span, message, "drop it from the goal");
        }
        if let Test::Fact { atom, negated: true } = test
            && goal.0.contains(&Test::Fact { atom: atom.clone(), negated: false })
        {
            let message = format!("`{atom}` must be true and false at once");
            return file.fail(&node.span, message, "drop one of the two");
        }
    }
    goal.0.retain(|test| !matches!(test, Test::Same { .. }));
    if goal.0.is_empty() {
        let help = "name a fact that must hold at the end";
        return file.fail(&node.span, "the goal asks for nothing", help);
    }
    Ok(goal)
}

/// Whether costs count: `(:metric minimize (total-cost))`.
fn metric(file: &PddlFile<'_>, sections: &Sections) -> Read<bool> {
    match sections.find(":metric") {
        None => Ok(false),
        Some((_, [way, what])) if way.word() == Some("minimize") && is_total_cost(what) => Ok(true),
        Some((node, _)) => {
            let help = "write `(:metric minimize (total-cost))`, or drop it";
            file.fail(&node.span, "this metric is not supported", help)
        }
    }
}
