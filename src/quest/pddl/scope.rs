//! What a PDDL file has declared so far: types, objects, predicates, cost functions.

use std::collections::BTreeMap;
use std::ops::Range;

use super::PddlFile;
use super::lisp::{Kind, Node, Read};
use super::names::to_level;
use crate::core::nearest;
use crate::quest::check::{MAX_DEPTH, MAX_PARAMS, ROOT};
use crate::quest::expr::{Atom, Param, Term};

/// Declared names, as the level writes them.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Type → parent; the root is not in it.
    pub types: BTreeMap<String, String>,
    /// Object → type; constants of the domain included.
    pub objects: BTreeMap<String, String>,
    pub predicates: BTreeMap<String, Vec<Param>>,
    /// Numeric functions, `total-cost` not included.
    pub functions: BTreeMap<String, Vec<Param>>,
}

/// A name that a typed list declares.
pub(super) struct Declared {
    pub name: String,
    pub kind: String,
    pub span: Range<usize>,
    pub kind_span: Range<usize>,
}

impl Scope {
    /// Whether `kind` is `above` or one of its descendants.
    pub(super) fn is_a(&self, kind: &str, above: &str) -> bool {
        let mut kind = kind;
        for _ in 0..=MAX_DEPTH {
            if kind == above {
                return true;
            }
            match self.types.get(kind) {
                Some(parent) => kind = parent,
                None => break,
            }
        }
        above == ROOT
    }

    pub(super) fn known_type(&self, file: &PddlFile<'_>, declared: &Declared) -> Read<()> {
        if declared.kind == ROOT || self.types.contains_key(&declared.kind) {
            return Ok(());
        }
        let known = self.types.keys().map(String::as_str).chain([ROOT]);
        let help = guess(&declared.kind, known, "declare it in `(:types …)`");
        let message = format!("type `{}` is not declared", written(file, &declared.kind_span));
        file.fail(&declared.kind_span, message, help)
    }

    /// Parameters: a typed list of variables, each name once.
    pub(super) fn params(&self, file: &PddlFile<'_>, nodes: &[Node]) -> Read<Vec<Param>> {
        let mut params: Vec<Param> = Vec::new();
        for declared in few(file, typed_list(file, nodes, true)?)? {
            self.known_type(file, &declared)?;
            if params.iter().any(|p| p.name == declared.name) {
                let word = written(file, &declared.span);
                let message = format!("parameter `{word}` stands twice");
                return file.fail(&declared.span, message, "rename one of them");
            }
            params.push(Param { name: declared.name, kind: declared.kind });
        }
        Ok(params)
    }

    /// Parameters of a predicate or function. Their names mean nothing, and some files repeat one.
    pub(super) fn places(&self, file: &PddlFile<'_>, nodes: &[Node]) -> Read<Vec<Param>> {
        let mut params: Vec<Param> = Vec::new();
        for declared in few(file, typed_list(file, nodes, true)?)? {
            self.known_type(file, &declared)?;
            let mut name = declared.name;
            while params.iter().any(|p| p.name == name) {
                name.push('_');
            }
            params.push(Param { name, kind: declared.kind });
        }
        Ok(params)
    }

    /// `(on ?a ?b)`: a declared predicate with terms of fitting types.
    pub(super) fn atom(&self, file: &PddlFile<'_>, node: &Node, params: &[Param]) -> Read<Atom> {
        let known = "declare it in `(:predicates …)`";
        self.applied(file, node, params, "predicate", &self.predicates, known)
    }

    /// `(road-length ?a ?b)`: a declared numeric function with terms of fitting types.
    pub(super) fn value(&self, file: &PddlFile<'_>, node: &Node, params: &[Param]) -> Read<Atom> {
        let known = "declare it in `(:functions …)`";
        self.applied(file, node, params, "function", &self.functions, known)
    }

    fn applied(
        &self,
        file: &PddlFile<'_>,
        node: &Node,
        params: &[Param],
        what: &str,
        known: &BTreeMap<String, Vec<Param>>,
        otherwise: &str,
    ) -> Read<Atom> {
        let Some((head, args)) = node.headed() else {
            let message = format!("a {what} is expected here");
            return file.fail(&node.span, message, "write `(name argument …)`");
        };
        let name = to_level(head);
        let Some(wanted) = known.get(&name) else {
            let help = guess(&name, known.keys().map(String::as_str), otherwise);
            return file.fail(&node.start(), format!("{what} `{head}` is not declared"), help);
        };
        if wanted.len() != args.len() {
            let message = format!("arguments of `{head}` given here: {}", args.len());
            let help = format!("its declaration has {}", wanted.len());
            return file.fail(&node.span, message, help);
        }
        let mut terms = Vec::with_capacity(args.len());
        for (arg, wanted) in args.iter().zip(wanted) {
            let (term, kind) = self.term(file, arg, params)?;
            if !self.is_a(&kind, &wanted.kind) {
                let word = written(file, &arg.span);
                let message = format!("`{word}` is of type `{kind}`");
                let help = format!("`{head}` takes a `{}` there", wanted.kind);
                return file.fail(&arg.span, message, help);
            }
            terms.push(term);
        }
        Ok(Atom { predicate: name, args: terms })
    }

    /// An object or a parameter, and its type.
    pub(super) fn term(
        &self,
        file: &PddlFile<'_>,
        node: &Node,
        params: &[Param],
    ) -> Read<(Term, String)> {
        let Some(word) = node.word() else {
            let help = "write a ?parameter or the name of an object";
            return file.fail(&node.span, "an argument cannot be a list", help);
        };
        if let Some(variable) = word.strip_prefix('?') {
            let name = to_level(variable);
            return match params.iter().find(|p| p.name == name) {
                Some(param) => Ok((Term::Var(name), param.kind.clone())),
                None => {
                    let known: Vec<String> =
                        params.iter().map(|p| format!("?{}", p.name)).collect();
                    let known = known.iter().map(String::as_str);
                    let help = guess(word, known, "add it to `:parameters`");
                    file.fail(&node.span, format!("`{word}` is not a parameter here"), help)
                }
            };
        }
        let name = to_level(word);
        match self.objects.get(&name) {
            Some(kind) => Ok((Term::Object(name), kind.clone())),
            None => {
                let known = self.objects.keys().map(String::as_str);
                let help = guess(&name, known, "declare it in `(:objects …)` or `(:constants …)`");
                file.fail(&node.span, format!("object `{word}` is not declared"), help)
            }
        }
    }
}

/// The words of a file at a place, as they are written there.
pub(super) fn written<'a>(file: &PddlFile<'a>, span: &Range<usize>) -> &'a str {
    file.text.get(span.clone()).unwrap_or_default()
}

/// Names that were probably meant, or what to do otherwise.
pub(super) fn guess<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => otherwise.to_owned(),
    }
}

/// Refuses more parameters than a function of a level may have, at the first that is too many.
fn few(file: &PddlFile<'_>, declared: Vec<Declared>) -> Read<Vec<Declared>> {
    match declared.get(MAX_PARAMS) {
        Some(next) => {
            let message = format!("{} parameters", declared.len());
            file.fail(&next.span, message, format!("use at most {MAX_PARAMS}"))
        }
        None => Ok(declared),
    }
}

/// `a b - t c`: names with their types, `object` where none is given.
pub(super) fn typed_list(
    file: &PddlFile<'_>,
    nodes: &[Node],
    variables: bool,
) -> Read<Vec<Declared>> {
    let mut found: Vec<Declared> = Vec::new();
    let mut typed = 0;
    let mut nodes = nodes.iter();
    while let Some(node) = nodes.next() {
        if node.word() != Some("-") {
            found.push(declared(file, node, variables)?);
            continue;
        }
        let (kind, span) = match nodes.next() {
            Some(node) => (type_name(file, node)?, node.span.clone()),
            None => return file.fail(&node.span, "no type follows `-`", "write one, or drop it"),
        };
        if found.len() == typed {
            return file.fail(&node.span, "no name stands before `-`", "write `name - type`");
        }
        for entry in found.iter_mut().skip(typed) {
            entry.kind.clone_from(&kind);
            entry.kind_span.clone_from(&span);
        }
        typed = found.len();
    }
    Ok(found)
}

fn declared(file: &PddlFile<'_>, node: &Node, variables: bool) -> Read<Declared> {
    let wanted = if variables { "a parameter such as `?x`" } else { "a name" };
    let word = match &node.kind {
        Kind::Word(word) => word,
        Kind::List(_) => {
            return file.fail(
                &node.span,
                format!("{wanted} is expected here"),
                "write `name - type`",
            );
        }
    };
    let name = match (word.strip_prefix('?'), variables) {
        (Some(name), true) if !name.is_empty() => name,
        (None, false) if !word.starts_with(':') => word,
        _ => {
            return file.fail(
                &node.span,
                format!("`{word}` stands where {wanted} is expected"),
                "check the parentheses before it",
            );
        }
    };
    let (span, kind_span) = (node.span.clone(), node.span.clone());
    Ok(Declared { name: to_level(name), kind: ROOT.to_owned(), span, kind_span })
}

fn type_name(file: &PddlFile<'_>, node: &Node) -> Read<String> {
    match node.word() {
        Some(word) => Ok(to_level(word)),
        None if node.headed().is_some_and(|(head, _)| head == "either") => {
            let help = "declare a type above the alternatives and name that";
            file.fail(&node.span, "`either` types are not supported", help)
        }
        None => file.fail(&node.span, "a type is expected after `-`", "write its name"),
    }
}
