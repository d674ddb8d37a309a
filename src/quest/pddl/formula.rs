//! Conditions and effects.

use super::PddlFile;
use super::lisp::{Node, Read};
use super::names::to_level;
use super::scope::{Scope, written};
use crate::quest::expr::{Atom, Change, Condition, Effects, Param, Term, Test};
use crate::quest::parse::{MAX_PARTS, MAX_TEXT};

/// The name of the function that counts costs.
pub(super) const TOTAL_COST: &str = "total-cost";

/// Words of conditions and effects that are outside of the subset, with what to write instead.
/// A predicate may have such a name nevertheless.
const REFUSED: [(&[&str], &str); 7] = [
    (&["or", "imply"], "write one action for each alternative"),
    (&["exists"], "add the variable to `:parameters`"),
    (&["forall"], "write the parts out, or split the action"),
    (&["when"], "write one action for each condition"),
    (&["<", ">", "<=", ">="], "use facts instead of numbers"),
    (
        &["assign", "decrease", "scale-up", "scale-down"],
        "only `(increase (total-cost) …)` changes a number",
    ),
    (
        &[
            "preference",
            "always",
            "sometime",
            "within",
            "at-most-once",
            "sometime-after",
            "sometime-before",
            "always-within",
            "hold-during",
            "hold-after",
            "probabilistic",
            "oneof",
        ],
        "only what holds before a step, after it and at the end can be asked for",
    ),
];

/// How an action adds to `total-cost`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cost {
    Number(f64),
    /// A static function of the parameters.
    Value(Atom),
}

/// What an action changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub effects: Effects,
    pub cost: Option<Cost>,
}

/// Where a formula stands.
pub(super) struct Formula<'a> {
    pub file: PddlFile<'a>,
    pub scope: &'a Scope,
    pub params: &'a [Param],
}

impl Formula<'_> {
    /// A conjunction of literals, sorted; `()` is the empty one.
    pub(super) fn condition(&self, node: &Node) -> Read<Condition> {
        let mut tests = Vec::new();
        self.tests(node, &mut tests)?;
        tests.sort();
        tests.dedup();
        let condition = Condition(tests);
        self.fits(node, condition.0.len(), &condition.to_string())?;
        Ok(condition)
    }

    /// Levels bound their expressions, so that every level that is written can be read again.
    fn fits(&self, node: &Node, parts: usize, text: &str) -> Read<()> {
        if parts <= MAX_PARTS && text.len() <= MAX_TEXT {
            return Ok(());
        }
        let message = format!("{parts} parts, {} bytes as an expression", text.len());
        let help = format!("levels hold at most {MAX_PARTS} parts in {MAX_TEXT} bytes");
        self.file.fail(&node.start(), message, help)
    }

    fn tests(&self, node: &Node, out: &mut Vec<Test>) -> Read<()> {
        if node.list().is_some_and(<[Node]>::is_empty) {
            return Ok(());
        }
        match node.headed() {
            Some(("and", parts)) => parts.iter().try_for_each(|part| self.tests(part, out)),
            Some(("not", parts)) => {
                out.push(self.test(self.negated(node, parts)?, true)?);
                Ok(())
            }
            _ => {
                out.push(self.test(node, false)?);
                Ok(())
            }
        }
    }

    /// The one part of a `(not …)`.
    fn negated<'n>(&self, node: &'n Node, parts: &'n [Node]) -> Read<&'n Node> {
        let [part] = parts else {
            let message = format!("`not` has {} parts here", parts.len());
            return self.file.fail(&node.span, message, "write `(not (fact …))`");
        };
        if matches!(part.headed(), Some(("and" | "not", _))) {
            let help = "negate each fact on its own";
            return self.file.fail(&part.start(), "only a fact can be negated", help);
        }
        Ok(part)
    }

    fn test(&self, node: &Node, negated: bool) -> Read<Test> {
        let Some(("=", parts)) = node.headed() else {
            return Ok(Test::Fact { atom: self.fact(node)?, negated });
        };
        let [left, right] = parts else {
            let message = format!("`=` has {} parts here", parts.len());
            return self.file.fail(&node.span, message, "write `(= ?a ?b)`");
        };
        if left.list().is_some() || right.list().is_some() {
            let help = "`=` compares parameters and objects";
            return self.file.fail(&node.span, "comparing numbers is not supported", help);
        }
        let (left, right) = (self.term(left)?, self.term(right)?);
        let (left, right) = if left <= right { (left, right) } else { (right, left) };
        Ok(Test::Same { left, right, negated })
    }

    fn term(&self, node: &Node) -> Read<Term> {
        Ok(self.scope.term(&self.file, node, self.params)?.0)
    }

    /// A fact; words outside of the subset are refused by name.
    fn fact(&self, node: &Node) -> Read<Atom> {
        if let Some((head, _)) = node.headed()
            && !self.scope.predicates.contains_key(&to_level(head))
            && let Some((_, help)) = REFUSED.iter().find(|(words, _)| words.contains(&head))
        {
            return self.file.fail(&node.start(), format!("`{head}` is not supported"), *help);
        }
        self.scope.atom(&self.file, node, self.params)
    }

    /// The changes of an action. A fact that is both deleted and added is true afterwards, as in
    /// levels: deleting comes first.
    pub(super) fn changes(&self, node: &Node) -> Read<Changes> {
        let mut changes = Changes::default();
        self.change(node, &mut changes)?;
        changes.effects.0.sort();
        changes.effects.0.dedup();
        self.fits(node, changes.effects.0.len(), &changes.effects.to_string())?;
        Ok(changes)
    }

    fn change(&self, node: &Node, out: &mut Changes) -> Read<()> {
        if node.list().is_some_and(<[Node]>::is_empty) {
            return Ok(());
        }
        match node.headed() {
            Some(("and", parts)) => {
                return parts.iter().try_for_each(|part| self.change(part, out));
            }
            Some(("not", parts)) => {
                let fact = self.negated(node, parts)?;
                out.effects.0.push(Change::Delete(self.fact(fact)?));
            }
            Some(("increase", parts)) => self.increase(node, parts, out)?,
            Some(("=", _)) => {
                let help = "effects say which facts become true or false";
                return self.file.fail(&node.span, "`=` cannot be an effect", help);
            }
            _ => out.effects.0.push(Change::Add(self.fact(node)?)),
        }
        Ok(())
    }

    fn increase(&self, node: &Node, parts: &[Node], out: &mut Changes) -> Read<()> {
        let file = &self.file;
        let [target, by] = parts else {
            let help = "write `(increase (total-cost) 2)`";
            return file.fail(&node.span, "`increase` takes two parts", help);
        };
        if !is_total_cost(target) {
            let message =
                format!("numeric fluent `{}` is not supported", written(file, &target.span));
            return file.fail(&target.span, message, "only `(total-cost)` can be increased");
        }
        let cost = match by.word() {
            Some(_) => Cost::Number(number(file, by)?),
            None => self.value(by)?,
        };
        out.cost = match (out.cost.take(), cost) {
            (None, cost) => Some(cost),
            (Some(Cost::Number(a)), Cost::Number(b)) => Some(Cost::Number(a + b)),
            _ => {
                let help = "let one function give the whole cost of the action";
                return file.fail(&node.span, "a sum of costs is not supported", help);
            }
        };
        Ok(())
    }

    fn value(&self, node: &Node) -> Read<Cost> {
        if let Some((head @ ("+" | "-" | "*" | "/"), _)) = node.headed() {
            let help = "write a number, or a function of the parameters";
            return self.file.fail(
                &node.span,
                format!("arithmetic (`{head}`) is not supported"),
                help,
            );
        }
        Ok(Cost::Value(self.scope.value(&self.file, node, self.params)?))
    }
}

pub(super) fn is_total_cost(node: &Node) -> bool {
    matches!(node.headed(), Some((TOTAL_COST, []))) || node.word() == Some(TOTAL_COST)
}

/// A cost: a finite number from 0.
pub(super) fn number(file: &PddlFile<'_>, node: &Node) -> Read<f64> {
    let value = node.word().and_then(|word| word.parse::<f64>().ok());
    match value.filter(|v| v.is_finite()) {
        // A negative zero is zero.
        Some(value) if value >= 0.0 => Ok(value.abs()),
        Some(value) => {
            file.fail(&node.span, format!("cost {value} is negative"), "write 0 or more")
        }
        None => file.fail(
            &node.span,
            "a number is expected here",
            "write it in digits, such as 3 or 0.5",
        ),
    }
}
