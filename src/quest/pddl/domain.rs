//! The domain file: types, constants, predicates, cost functions and actions.

use std::collections::BTreeMap;

use super::PddlFile;
use super::formula::{Cost, Formula, TOTAL_COST};
use super::lisp::{Node, Read};
use super::names::to_level;
use super::scope::{Scope, guess, typed_list, written};
use super::sections::{FORMULA_WORDS, Sections, requirements};
use crate::quest::check::{MAX_DEPTH, ROOT};
use crate::quest::expr::{Condition, Effects, Param};

const SECTIONS: [&str; 6] =
    [":requirements", ":types", ":constants", ":predicates", ":functions", ":action"];

/// A domain as read.
#[derive(Debug)]
pub(super) struct Domain {
    pub name: String,
    pub scope: Scope,
    pub actions: BTreeMap<String, Action>,
}

/// An action as read.
#[derive(Debug, Default)]
pub(super) struct Action {
    pub params: Vec<Param>,
    pub pre: Condition,
    pub effects: Effects,
    pub cost: Option<Cost>,
}

impl Domain {
    pub(super) fn read(file: &PddlFile<'_>) -> Read<Self> {
        let sections = Sections::read(file, "domain", &SECTIONS)?;
        requirements(file, &sections)?;
        let mut domain = Self {
            name: sections.name().to_owned(),
            scope: Scope::default(),
            actions: BTreeMap::new(),
        };
        domain.types(file, sections.get(":types"))?;
        objects(file, sections.get(":constants"), &mut domain.scope)?;
        domain.predicates(file, sections.get(":predicates"))?;
        domain.functions(file, sections.get(":functions"))?;
        for node in sections.nodes() {
            if let Some((":action", parts)) = node.headed() {
                domain.action(file, node, parts)?;
            }
        }
        if domain.actions.is_empty() {
            return file.fail(&(0..0), "the domain has no action", "write `(:action …)`");
        }
        Ok(domain)
    }

    /// Types with their parents. A parent that is not declared itself is one below `object`. A type
    /// that is declared below `object` and again below another type is the latter: all are objects.
    fn types(&mut self, file: &PddlFile<'_>, nodes: &[Node]) -> Read<()> {
        let list = typed_list(file, nodes, false)?;
        for declared in &list {
            if declared.name == ROOT {
                continue;
            }
            let parent = self.scope.types.entry(declared.name.clone()).or_insert(ROOT.to_owned());
            if parent == ROOT {
                parent.clone_from(&declared.kind);
            } else if declared.kind != ROOT && *parent != declared.kind {
                let message = format!("type `{}` has two parents", written(file, &declared.span));
                return file.fail(&declared.span, message, "give it one");
            }
        }
        for declared in &list {
            if declared.kind != ROOT {
                let entry = self.scope.types.entry(declared.kind.clone());
                entry.or_insert_with(|| ROOT.to_owned());
            }
        }
        for declared in list.iter().filter(|d| d.name != ROOT) {
            let above = |kind: &String| self.scope.types.get(kind);
            let chain = std::iter::successors(Some(&declared.name), |kind| above(kind));
            if chain.take(MAX_DEPTH + 2).count() > MAX_DEPTH + 1 {
                let name = written(file, &declared.span);
                let message = format!("type `{name}` does not lead up to `object`");
                let help = format!("break the circle, or nest at most {MAX_DEPTH} deep");
                return file.fail(&declared.span, message, help);
            }
        }
        Ok(())
    }

    fn predicates(&mut self, file: &PddlFile<'_>, nodes: &[Node]) -> Read<()> {
        for node in nodes {
            let Some((head, params)) = node.headed() else {
                return file.fail(
                    &node.span,
                    "a predicate is expected",
                    "write `(name ?x - type)`",
                );
            };
            // Some files declare the built-in equality.
            if head == "=" {
                continue;
            }
            if FORMULA_WORDS.contains(&head) {
                let message = format!("no predicate can be called `{head}`");
                return file.fail(&node.start(), message, "rename it");
            }
            let params = self.scope.places(file, params)?;
            if self.scope.predicates.insert(to_level(head), params).is_some() {
                let message = format!("predicate `{head}` is declared twice");
                return file.fail(&node.span, message, "rename one of them");
            }
        }
        Ok(())
    }

    fn functions(&mut self, file: &PddlFile<'_>, nodes: &[Node]) -> Read<()> {
        let mut nodes = nodes.iter();
        while let Some(node) = nodes.next() {
            if node.word() == Some("-") {
                let kind = nodes.next();
                if kind.and_then(Node::word) != Some("number") {
                    let span = kind.map_or(&node.span, |kind| &kind.span);
                    return file.fail(
                        span,
                        "only functions to numbers are supported",
                        "write `- number`",
                    );
                }
                continue;
            }
            let Some((head, params)) = node.headed() else {
                return file.fail(&node.span, "a function is expected", "write `(name ?x - type)`");
            };
            let params = self.scope.places(file, params)?;
            if head == TOTAL_COST && params.is_empty() {
                continue;
            }
            if self.scope.functions.insert(to_level(head), params).is_some() {
                let message = format!("function `{head}` is declared twice");
                return file.fail(&node.span, message, "rename one of them");
            }
        }
        Ok(())
    }

    fn action(&mut self, file: &PddlFile<'_>, node: &Node, parts: &[Node]) -> Read<()> {
        let Some((name, mut parts)) =
            parts.split_first().and_then(|(n, rest)| Some((n.word()?, rest)))
        else {
            return file.fail(&node.start(), "the action has no name", "write `(:action name …)`");
        };
        let mut fields: BTreeMap<&str, &Node> = BTreeMap::new();
        while let Some((key, rest)) = parts.split_first() {
            let known = [":parameters", ":precondition", ":effect"];
            let word = key.word().unwrap_or_default();
            if !known.contains(&word) {
                let message =
                    format!("`{}` is not expected in an action", written(file, &key.span));
                let help =
                    guess(word, known.into_iter(), &format!("known here: {}", known.join(", ")));
                return file.fail(&key.start(), message, help);
            }
            let Some((value, rest)) = rest.split_first() else {
                return file.fail(&key.span, format!("nothing follows `{word}`"), "write `(…)`");
            };
            if fields.insert(word, value).is_some() {
                return file.fail(&key.span, format!("`{word}` stands twice"), "join the two");
            }
            parts = rest;
        }
        let action = self.fields(file, &fields)?;
        if self.actions.insert(to_level(name), action).is_some() {
            let message = format!("action `{name}` is declared twice");
            return file.fail(&node.start(), message, "rename one of them");
        }
        Ok(())
    }

    fn fields(&self, file: &PddlFile<'_>, fields: &BTreeMap<&str, &Node>) -> Read<Action> {
        let params = match fields.get(":parameters") {
            None => Vec::new(),
            Some(node) => match node.list() {
                Some(nodes) => self.scope.params(file, nodes)?,
                None => {
                    return file.fail(&node.span, "parameters are a list", "write `(?x - type)`");
                }
            },
        };
        let formula = Formula { file: *file, scope: &self.scope, params: &params };
        let pre = fields.get(":precondition").map(|node| formula.condition(node)).transpose()?;
        let changes = fields.get(":effect").map(|node| formula.changes(node)).transpose()?;
        let changes = changes.unwrap_or_default();
        let (effects, cost) = (changes.effects, changes.cost);
        Ok(Action { params, pre: pre.unwrap_or_default(), effects, cost })
    }
}

/// Declares objects, each once.
pub(super) fn objects(file: &PddlFile<'_>, nodes: &[Node], scope: &mut Scope) -> Read<()> {
    for declared in typed_list(file, nodes, false)? {
        scope.known_type(file, &declared)?;
        if scope.objects.insert(declared.name.clone(), declared.kind).is_some() {
            let message = format!("object `{}` is declared twice", written(file, &declared.span));
            return file.fail(&declared.span, message, "declare it once, with one type");
        }
    }
    Ok(())
}
