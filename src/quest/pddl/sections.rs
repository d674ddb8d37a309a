//! The outline of a PDDL file: `(define (domain name) (:section …) …)`.

use super::PddlFile;
use super::lisp::{Node, Read, read};
use super::scope::{guess, written};

/// Requirements that name supported things.
const SUPPORTED: [&str; 5] =
    [":strips", ":typing", ":negative-preconditions", ":equality", ":action-costs"];
/// Requirements of PDDL that name more. Declaring one is harmless; what is not supported is
/// refused where it is used.
const KNOWN: [&str; 19] = [
    ":adl",
    ":conditional-effects",
    ":constraints",
    ":continuous-effects",
    ":derived-predicates",
    ":disjunctive-preconditions",
    ":domain-axioms",
    ":duration-inequalities",
    ":durative-actions",
    ":existential-preconditions",
    ":fluents",
    ":goal-utilities",
    ":numeric-fluents",
    ":object-fluents",
    ":preferences",
    ":quantified-preconditions",
    ":time",
    ":timed-initial-literals",
    ":universal-preconditions",
];
/// Sections of domains and problems that are outside of the subset.
const REFUSED: [(&str, &str); 9] = [
    (":derived", "derived predicates"),
    (":axiom", "axioms"),
    (":durative-action", "durative actions"),
    (":constraints", "constraints"),
    (":process", "processes"),
    (":event", "events"),
    (":safety", "safety constraints"),
    (":method", "methods of hierarchical planning"),
    (":task", "tasks of hierarchical planning"),
];
/// Words of formulas, which predicates cannot be called.
pub(super) const FORMULA_WORDS: [&str; 9] =
    ["and", "or", "not", "imply", "exists", "forall", "when", "increase", "="];

/// The sections of a file, in their order; those that may stand once only stand once.
pub(super) struct Sections {
    root: Node,
}

impl Sections {
    /// Reads a file that says `(define (WHAT name) …)` and has no section but the known ones.
    pub(super) fn read(file: &PddlFile<'_>, what: &str, known: &[&str]) -> Read<Self> {
        let root = read(file)?;
        let wanted = format!("begin the file with `(define ({what} name)`");
        let Some(("define", rest)) = root.headed() else {
            return file.fail(&root.start(), "this is no PDDL file", wanted);
        };
        let Some((head, nodes)) = rest.split_first() else {
            return file.fail(&root.span, format!("no name of the {what}"), wanted);
        };
        match head.headed() {
            Some((found, [name])) if found == what && name.word().is_some() => {}
            Some((found @ ("domain" | "problem"), _)) if found != what => {
                let help = format!("the {what} file is expected here; are the two swapped?");
                return file.fail(&head.span, format!("this is a {found}"), help);
            }
            _ => return file.fail(&head.span, format!("no name of the {what}"), wanted),
        }
        check(file, nodes, known)?;
        Ok(Self { root })
    }

    /// Name of the domain or problem, as written.
    pub(super) fn name(&self) -> &str {
        let head = self.root.list().and_then(|nodes| nodes.get(1)).and_then(Node::list);
        head.and_then(|nodes| nodes.get(1)).and_then(Node::word).unwrap_or_default()
    }

    pub(super) fn nodes(&self) -> &[Node] {
        self.root.list().and_then(|nodes| nodes.get(2..)).unwrap_or_default()
    }

    /// Contents of a section; empty where the file has none.
    pub(super) fn get(&self, section: &str) -> &[Node] {
        self.find(section).map_or(&[], |(_, contents)| contents)
    }

    /// A section and its contents.
    pub(super) fn find(&self, section: &str) -> Option<(&Node, &[Node])> {
        self.nodes().iter().find_map(|node| match node.headed() {
            Some((head, rest)) if head == section => Some((node, rest)),
            _ => None,
        })
    }
}

fn check(file: &PddlFile<'_>, nodes: &[Node], known: &[&str]) -> Read<()> {
    let mut seen: Vec<&str> = Vec::new();
    for node in nodes {
        let Some((head, _)) = node.headed() else {
            return file.fail(&node.span, "a section is expected here", "write `(:name …)`");
        };
        if let Some((_, what)) = REFUSED.iter().find(|(section, _)| *section == head) {
            let help = "write the problem without them";
            return file.fail(&node.start(), format!("{what} are not supported"), help);
        }
        if !known.contains(&head) {
            let otherwise = format!("known here: {}", known.join(" "));
            let help = guess(head, known.iter().copied(), &otherwise);
            return file.fail(&node.start(), format!("section `{head}` is not known"), help);
        }
        if head != ":action" && seen.contains(&head) {
            let message = format!("section `{head}` stands twice");
            return file.fail(&node.start(), message, "join the two");
        }
        seen.push(head);
    }
    Ok(())
}

/// Refuses requirements that PDDL does not know; see [`KNOWN`] for those it does.
pub(super) fn requirements(file: &PddlFile<'_>, sections: &Sections) -> Read<()> {
    for node in sections.get(":requirements") {
        let word = node.word().unwrap_or_default();
        if !SUPPORTED.contains(&word) && !KNOWN.contains(&word) {
            let message = format!("requirement `{}` is not known", written(file, &node.span));
            let otherwise = format!("supported are {}", SUPPORTED.join(" "));
            let known = SUPPORTED.iter().chain(&KNOWN).copied();
            return file.fail(&node.span, message, guess(word, known, &otherwise));
        }
    }
    Ok(())
}
