//! What the words of a level may mean: phrases for its predicates, functions and fluents, and the
//! names of its objects and types.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{Token, filler, pieces, preposition, stem, tokens};
use crate::quest::expr::{Change, Param, Term, Test};
use crate::quest::level::Level;

/// Where a phrase comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// A template of the predicate's `says`.
    Says,
    /// A name.
    Name,
    /// A description.
    Description,
}

/// What a phrase speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject<'l> {
    /// A predicate, by name.
    Predicate(&'l str),
    /// A fluent, by name.
    Fluent(&'l str),
    /// A function, by name.
    Function(&'l str),
}

/// One element of a phrase, in the order of speech.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A stem, and how much it tells.
    Word(String, f64),
    /// The argument of this number.
    Slot(usize),
}

/// A way to say something.
#[derive(Debug, Clone)]
pub(super) struct Phrase<'l> {
    pub subject: Subject<'l>,
    pub parts: Vec<Part>,
    pub params: &'l [Param],
    pub origin: Origin,
}

impl Phrase<'_> {
    /// Its words, each with how much it tells.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, f64)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Word(stem, weight) => Some((stem.as_str(), *weight)),
            Part::Slot(_) => None,
        })
    }

    /// Arguments in the order of speech.
    pub(super) fn slots(&self) -> Vec<usize> {
        let slot = |part: &Part| match part {
            Part::Slot(slot) => Some(*slot),
            Part::Word(..) => None,
        };
        self.parts.iter().filter_map(slot).collect()
    }
}

/// The vocabulary of a level, prepared for one text.
#[derive(Debug)]
pub(super) struct Lexicon<'l> {
    pub level: &'l Level,
    pub phrases: Vec<Phrase<'l>>,
    /// Pieces of the names of objects, longest first, with name and type.
    pub objects: Vec<(Vec<String>, &'l str, &'l str)>,
    /// Types by the stem of their name.
    pub kinds: BTreeMap<String, &'l str>,
    /// Stems that name a predicate or stand in its templates.
    pub literals: BTreeSet<String>,
    /// Predicates that functions make true, each with how many are for it, and those that one
    /// makes false.
    pub added: BTreeMap<&'l str, usize>,
    pub removed: BTreeSet<&'l str>,
}

/// How much a preposition tells.
const PREPOSITION: f64 = 0.4;

/// How much a word tells about what is meant.
pub(super) fn weight(word: &str) -> f64 {
    if preposition(word) {
        PREPOSITION
    } else if filler(word) {
        0.3
    } else {
        1.0
    }
}

impl<'l> Lexicon<'l> {
    pub(super) fn new(level: &'l Level, text: &[Token]) -> Self {
        let known: BTreeSet<String> = text.iter().map(|t| t.text.clone()).collect();
        let mut lexicon = Self {
            level,
            phrases: Vec::new(),
            objects: objects(level, &known),
            kinds: BTreeMap::new(),
            literals: BTreeSet::new(),
            added: BTreeMap::new(),
            removed: BTreeSet::new(),
        };
        for kind in level.types.keys().chain(level.objects.keys()) {
            if let [.., last] = pieces(kind, &known).as_slice() {
                lexicon.kinds.insert(stem(last), kind);
            }
        }
        lexicon.predicates(&known);
        lexicon.functions(&known);
        lexicon.fluents(&known);
        lexicon
    }

    fn predicates(&mut self, known: &BTreeSet<String>) {
        for (name, def) in &self.level.predicates {
            let subject = Subject::Predicate(name);
            let mut ways: Vec<(Vec<Part>, Origin)> =
                def.says.iter().map(|t| (template(t), Origin::Says)).collect();
            let words = by_name(&pieces(name, known));
            ways.extend(
                named(&words, def.params.len()).into_iter().map(|parts| (parts, Origin::Name)),
            );
            for (parts, _) in &ways {
                let words = parts.iter().filter_map(|p| match p {
                    Part::Word(stem, _) => Some(stem.clone()),
                    Part::Slot(_) => None,
                });
                self.literals.extend(words);
            }
            if !def.description.is_empty() {
                ways.push((described(&def.description, def.params.len()), Origin::Description));
            }
            for (parts, origin) in ways {
                self.phrases.push(Phrase { subject, parts, params: &def.params, origin });
            }
        }
    }

    fn functions(&mut self, known: &BTreeSet<String>) {
        for (name, def) in &self.level.functions {
            for change in def.effects.0.iter().chain(&def.at_start.0) {
                self.changes(change, 1);
            }
            // What a call may bring besides is possible, but not what it is for.
            for change in def.outcomes.iter().flat_map(|o| &o.effects.0) {
                self.changes(change, 0);
            }
            let subject = Subject::Function(name);
            let slots = |parts: &mut Vec<Part>| parts.extend((0..def.params.len()).map(Part::Slot));
            let mut parts = literals(&pieces(name, known));
            slots(&mut parts);
            self.phrases.push(Phrase { subject, parts, params: &def.params, origin: Origin::Name });
            if !def.description.is_empty() {
                let parts = described(&def.description, def.params.len());
                let origin = Origin::Description;
                self.phrases.push(Phrase { subject, parts, params: &def.params, origin });
            }
        }
    }

    fn changes(&mut self, change: &'l Change, ways: usize) {
        match change {
            Change::Add(atom) => *self.added.entry(&atom.predicate).or_default() += ways,
            Change::Delete(atom) => {
                self.removed.insert(&atom.predicate);
            }
            Change::Increase { .. } | Change::Assign { .. } => {}
        }
    }

    fn fluents(&mut self, known: &BTreeSet<String>) {
        for (name, def) in &self.level.fluents {
            let subject = Subject::Fluent(name);
            let parts = literals(&pieces(name, known));
            self.phrases.push(Phrase { subject, parts, params: &[], origin: Origin::Name });
            if !def.description.is_empty() {
                let parts = described(&def.description, 0);
                let origin = Origin::Description;
                self.phrases.push(Phrase { subject, parts, params: &[], origin });
            }
        }
    }

    /// Whether `kind` is `wanted` or a descendant of it.
    pub(super) fn is_a(&self, kind: &str, wanted: &str) -> bool {
        let mut at = kind;
        // A level is checked for cycles, but a bound costs nothing.
        for _ in 0..=self.level.types.len() {
            if at == wanted || wanted == "object" {
                return true;
            }
            match self.level.types.get(at) {
                Some(parent) => at = parent,
                None => return false,
            }
        }
        false
    }

    /// Objects of this type or of its descendants, by name.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<(String, String)> {
        let own = self.level.objects.iter().filter(|(k, _)| self.is_a(k, kind));
        own.flat_map(|(k, names)| names.iter().map(|n| (n.clone(), k.clone()))).collect()
    }

    /// What a function is for: of the facts that it brings about and whose arguments are known,
    /// those with the most arguments; where it brings none about, those that it ends (denied).
    pub(super) fn purpose(
        &self,
        function: &str,
        known: &dyn Fn(&String) -> bool,
    ) -> Vec<(&'l str, Vec<String>, bool)> {
        let Some(def) = self.level.functions.get(function) else { return Vec::new() };
        let intended = def.outcomes.first().into_iter().flat_map(|o| &o.effects.0);
        let mut facts: Vec<(&str, Vec<String>, bool)> = Vec::new();
        for change in def.effects.0.iter().chain(intended) {
            let (atom, denied) = match change {
                Change::Add(atom) => (atom, false),
                Change::Delete(atom) => (atom, true),
                Change::Increase { .. } | Change::Assign { .. } => continue,
            };
            let terms = atom.args.iter().map(|term| match term {
                Term::Var(name) => format!("?{name}"),
                Term::Object(name) => name.clone(),
            });
            facts.push((&atom.predicate, terms.collect(), denied));
        }
        facts.retain(|(_, args, _)| args.iter().all(known));
        let brings = facts.iter().any(|(.., denied)| !denied);
        facts.retain(|(.., denied)| !(brings && *denied));
        // What it needs and ends is its purpose; what else ends is by the way.
        let needed = |predicate: &str| {
            let fact = |t: &Test| matches!(t, Test::Fact { atom, negated: false } if atom.predicate == predicate);
            def.pre.0.iter().any(fact)
        };
        if !brings && facts.iter().any(|(predicate, ..)| needed(predicate)) {
            facts.retain(|(predicate, ..)| needed(predicate));
        }
        let most = facts.iter().map(|(_, args, _)| args.len()).max().unwrap_or(0);
        facts.retain(|(_, args, _)| args.len() == most);
        facts
    }
}

fn objects<'l>(level: &'l Level, known: &BTreeSet<String>) -> Vec<(Vec<String>, &'l str, &'l str)> {
    let mut out = Vec::new();
    for (kind, names) in &level.objects {
        for name in names {
            out.push((pieces(name, known), name.as_str(), kind.as_str()));
        }
    }
    out.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.1.cmp(b.1)));
    out
}

fn literals(words: &[String]) -> Vec<Part> {
    words.iter().map(|w| Part::Word(stem(w), weight(w))).collect()
}

/// The words of a predicate's name; a small one such as `holds` tells what a preposition tells.
fn by_name(words: &[String]) -> Vec<Part> {
    words.iter().map(|w| Part::Word(stem(w), f64::max(weight(w), PREPOSITION))).collect()
}

/// The orders in which a name and its arguments are said: `lamp on`, `on lamp`, `a on b`.
fn named(words: &[Part], arity: usize) -> Vec<Vec<Part>> {
    let slots = |from: usize| (from..arity).map(Part::Slot).collect::<Vec<_>>();
    let after = [words, &slots(0)].concat();
    match arity {
        0 => vec![after],
        _ => vec![[&[Part::Slot(0)], words, &slots(1)].concat(), after],
    }
}

/// A template such as `{0} is on top of {1}`.
fn template(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut open = false;
    for token in tokens(text) {
        if token.is('{') || token.is('}') {
            open = token.is('{');
        } else if let (true, Some(slot)) = (open, token.number) {
            out.push(Part::Slot(usize::try_from(slot).unwrap_or(0)));
        } else if token.is_word() && !bare(&token.text) {
            out.push(Part::Word(token.stem, weight(&token.text)));
        }
    }
    if !out.iter().any(|p| matches!(p, Part::Word(..))) {
        // Only small words: then these are what there is to go by.
        let small = tokens(text).into_iter().filter(|t| t.is_word() && t.number.is_none());
        out.extend(small.map(|t| Part::Word(t.stem, 0.3)));
    }
    out
}

/// The telling words of a description, in no order, and the arguments.
fn described(text: &str, arity: usize) -> Vec<Part> {
    let telling = tokens(text)
        .into_iter()
        .filter(|t| t.is_word() && t.number.is_none() && !filler(&t.text) && !preposition(&t.text));
    let words = telling.map(|t| Part::Word(t.stem, 1.0));
    words.chain((0..arity).map(Part::Slot)).collect()
}

/// Words that a template can do without.
fn bare(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "an"
            | "be"
            | "is"
            | "are"
            | "was"
            | "were"
            | "been"
            | "being"
            | "has"
            | "have"
            | "had"
            | "its"
            | "it"
    )
}
