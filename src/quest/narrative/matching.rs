//! From clauses to readings: each phrase of the level is compared with the words of a clause, the
//! best one gives the statement, and the objects go into its arguments by order and type.

use std::collections::BTreeSet;

use super::clauses::{Clause, Element, Word, clauses};
use super::lexicon::{Lexicon, Origin, Phrase, Subject, weight};
use super::mentions::{Finder, Thing};
use super::numbers::{self, Counted};
use super::statements::{Role, Sentence, sentences};
use super::synonyms::likeness;
use super::words::{filler, negation, pieces, preposition, stem, tokens};
use super::{Analysis, Basis, Constraint, LEAST_CONFIDENCE, Reading, Span, Unread, fact, number};
use crate::quest::expr::{Atom, Change, Init, Param, Test};
use crate::quest::level::Level;

/// Functions whose words a clause matches less than this are not said to be implied.
const LEAST_FUNCTION: f64 = 0.5;
/// Confidence below which a fact is not taken from a clause that is no wish.
const LEAST_STATED: f64 = 0.5;
/// How well a clause that is no wish must match to tell of what shall be.
const LEAST_ANNOUNCED: f64 = 0.75;
/// How well a clause must match a function to forbid it.
const LEAST_PROHIBITION: f64 = 0.5;
/// How much must be in common for a clause and a phrase to be compared at all.
const LEAST_FOUND: f64 = 0.35;
/// How much of a phrase must be said where no object supports the reading.
const LEAST_COVER: f64 = 0.75;
/// Statements that a clause may make besides the first, and how well each must match.
const MOST_FURTHER: usize = 3;
const LEAST_FURTHER: f64 = 0.7;
/// Mentions of one clause that are tried as arguments.
const MOST_THINGS: usize = 5;

/// A statement that a clause may make.
#[derive(Debug, Clone, PartialEq)]
struct Candidate<'l> {
    score: f64,
    basis: Basis,
    /// Predicate, arguments, and whether the words themselves deny it.
    facts: Vec<(&'l str, Vec<Thing>, bool)>,
    /// Stems of the clause that it rests on.
    used: Vec<String>,
    /// The function whose words matched, with what is known of its arguments.
    function: Option<(&'l str, Vec<Option<String>>)>,
}

struct Reader<'x, 'l> {
    lexicon: &'x Lexicon<'l>,
    out: Analysis,
    /// The statement before in the same sentence.
    before: Option<(&'l str, Vec<Thing>, bool)>,
}

/// Reads a text about this level; with `open`, noun phrases introduce objects.
pub(super) fn read(level: &Level, text: &str, open: bool) -> Analysis {
    let words = tokens(text);
    let lexicon = Lexicon::new(level, &words);
    let mut finder = Finder::new(&lexicon, &words, open);
    let mut reader = Reader { lexicon: &lexicon, out: Analysis::default(), before: None };
    for sentence in sentences(&words) {
        reader.sentence(&sentence, &mut finder);
    }
    let mut out = reader.out;
    let nouns = super::compose::facts_of_nouns(level, &finder.introduced, &out);
    out.init.extend(nouns);
    out.objects = super::compose::kinds(level, &finder.introduced, &out);
    out
}

impl<'l> Reader<'_, 'l> {
    fn sentence(&mut self, sentence: &Sentence, finder: &mut Finder<'_, 'l>) {
        self.before = None;
        let skipped = match sentence.role {
            Some(Role::Rule) => Some("a rule of the world; the level's functions say it"),
            Some(Role::Plan) => Some("somebody's plan"),
            Some(Role::Question) => Some("a question or request to the reader"),
            Some(Role::Earlier) => Some("an earlier problem; the last one counts"),
            _ => None,
        };
        if let Some(why) = skipped {
            return self.unread(sentence.span(), why);
        }
        finder.next_sentence();
        let items = finder.items(&sentence.tokens);
        let clauses = clauses(&sentence.tokens, items, self.lexicon);
        // `Up and running: that is what we want`: what has no verb goes with the wish after it.
        let later = clauses.iter().find_map(|c| c.cue).or(sentence.role);
        let mut role = later.filter(|_| clauses.first().is_some_and(|c| !c.finite()));
        let mut conditional = false;
        for clause in clauses {
            let own = clause.cue.filter(|r| matches!(r, Role::Goal | Role::Initial));
            let told = clause.commands().then_some(Role::Goal);
            role = own.or(role).or(told);
            if clause.unwanted {
                self.unread(clause.span, "said not to be wanted");
                continue;
            }
            if clause.general {
                self.unread(clause.span, "speaks of a kind, not of particular objects");
                continue;
            }
            if clause.aside || conditional {
                conditional = clause.aside && clause.says(&["if", "when", "whenever", "unless"]);
                self.unread(clause.span, "said by the way: a condition or a reason");
                continue;
            }
            self.clause(clause, role);
        }
    }

    fn unread(&mut self, span: Span, why: &str) {
        self.out.unread.push(Unread { span, why: why.to_owned() });
    }

    fn clause(&mut self, mut clause: Clause, role: Option<Role>) {
        let role = Some(role.unwrap_or(Role::Initial));
        let whole = clause.span;
        let counted = numbers::take(&mut clause, self.lexicon, role);
        if let Some((counted, confidence)) = counted {
            self.counted(counted, whole, confidence);
        }
        let negated = clause.negated();
        let predicate = self.best(&clause, role, negated);
        let function = self.best_function(&clause);
        if let Some((name, args)) = function.as_ref().and_then(|f| f.function.clone())
            && negated
            && forbids(&clause)
            && function.as_ref().map(|f| f.score) >= predicate.as_ref().map(|p| p.score)
            && function.as_ref().is_some_and(|f| f.score >= LEAST_PROHIBITION)
        {
            let what = Constraint::NeverCall { function: name.to_owned(), args };
            let confidence = function.as_ref().map_or(0.0, |f| f.score);
            let (span, basis) = (whole, Basis::Name);
            return self.out.constraints.push(Reading { what, span, confidence, basis });
        }
        if role != Some(Role::Initial) {
            self.functions(&clause, negated);
        }
        let better = |a: Candidate<'l>, b: Candidate<'l>| if b.score > a.score { b } else { a };
        let best = match (predicate, function.filter(|f| !f.facts.is_empty())) {
            (Some(p), Some(f)) if role != Some(Role::Initial) => Some(better(p, f)),
            (None, f) if role != Some(Role::Initial) => f,
            (p, _) => p,
        };
        let least = if role == Some(Role::Goal) { LEAST_CONFIDENCE } else { LEAST_STATED };
        match best.filter(|b| b.score >= least) {
            Some(_) if clause.either && !negated => {
                self.unread(whole, "a choice: a goal has no `or`");
            }
            Some(best) => {
                let used = best.used.clone();
                self.state(&clause, best, role, negated);
                self.further(clause, &used, role, negated);
            }
            None if counted.is_some() => {}
            None if clause.content(self.lexicon).next().is_none()
                && clause.things().next().is_none() => {}
            None => self.unread(whole, "no predicate, fluent or function of the level fits"),
        }
    }

    /// What else the clause says of the same objects: `running on the new version`.
    fn further(&mut self, mut clause: Clause, used: &[String], role: Option<Role>, negated: bool) {
        let mut used = used.to_vec();
        for _ in 0..MOST_FURTHER {
            let spent = |e: &Element| matches!(e, Element::Word(w) if used.contains(&w.stem));
            clause.elements.retain(|e| !spent(e));
            let literal = |w: &Word| self.lexicon.literals.contains(&w.stem);
            if used.is_empty() || !clause.words().any(literal) {
                return;
            }
            let Some(more) = self.best(&clause, role, negated) else { return };
            let worded = matches!(more.basis, Basis::Says | Basis::Name);
            let telling = more.used.iter().any(|w| !filler(w));
            if !(worded && telling) || more.score < LEAST_FURTHER {
                return;
            }
            used.clone_from(&more.used);
            self.state(&clause, more, role, negated);
        }
    }

    fn counted(&mut self, counted: Counted<'l>, span: Span, confidence: f64) {
        let basis = Basis::Name;
        match counted {
            Counted::Wanted(fluent, compare, value) => {
                let what = number(fluent, compare, value);
                self.out.goal.push(Reading { what, span, confidence, basis });
            }
            Counted::Given(fluent, value) => {
                let what = Init::Number { fluent: fluent.to_owned(), value };
                self.out.init.push(Reading { what, span, confidence, basis });
            }
            Counted::Calls(calls) => {
                let calls = u32::try_from(calls).unwrap_or(0);
                let what = Constraint::MostCalls { calls };
                self.out.constraints.push(Reading { what, span, confidence, basis });
            }
        }
    }

    /// Writes down what the clause states.
    fn state(&mut self, clause: &Clause, best: Candidate<'l>, role: Option<Role>, negated: bool) {
        let (span, confidence, basis) = (clause.span, best.score, best.basis);
        let initial = role != Some(Role::Goal);
        let pairwise = clause.says(&["respectively"]);
        for (predicate, args, denied) in &best.facts {
            let negated = negated != *denied;
            for args in spread(args, pairwise) {
                let atom = fact(predicate, &args);
                let initial = initial && !(self.announces(clause, &best, &atom) && !negated);
                if clause.says(&["never"]) && !initial {
                    let what = Constraint::NeverTrue { fact: atom };
                    self.out.constraints.push(Reading { what, span, confidence, basis });
                } else if !initial {
                    let what = Test::Fact { atom, negated };
                    self.out.goal.push(Reading { what, span, confidence, basis });
                } else if !negated {
                    let what = Init::Fact(atom);
                    self.out.init.push(Reading { what, span, confidence, basis });
                }
            }
        }
        self.before = best.facts.into_iter().next();
    }

    /// Whether a clause that is no wish by its words tells what shall be: the level says that the
    /// fact does not hold, and functions can bring it about.
    fn announces(&self, clause: &Clause, best: &Candidate<'l>, atom: &Atom) -> bool {
        let level = self.lexicon.level;
        let worded = matches!(best.basis, Basis::Says | Basis::Name);
        let told =
            clause.cue == Some(Role::Initial) || clause.says(&["if", "until", "first", "can"]);
        let general = best.facts.iter().any(|(_, args, _)| args.iter().any(|t| t.every));
        let holds = level.init.contains(&Init::Fact(atom.clone()));
        let possible = self.lexicon.added.contains_key(atom.predicate.as_str());
        !level.init.is_empty()
            && worded
            && best.score >= LEAST_ANNOUNCED
            && !(told || holds || general || atom.args.is_empty())
            && possible
    }

    /// Functions that the clause names or paraphrases.
    fn functions(&mut self, clause: &Clause, negated: bool) {
        if negated {
            return;
        }
        for phrase in &self.lexicon.phrases {
            let Subject::Function(name) = phrase.subject else { continue };
            if phrase.origin != Origin::Name {
                continue;
            }
            let Some(fit) = fit(phrase, clause, self.lexicon) else { continue };
            let known = self.out.functions.iter().any(|f| f.what == name && f.span == clause.span);
            if fit.quality() >= LEAST_FUNCTION && !known {
                let (what, span, basis) = (name.to_owned(), clause.span, Basis::Name);
                let confidence = fit.quality();
                self.out.functions.push(Reading { what, span, confidence, basis });
            }
        }
    }

    /// The predicate that the clause states best.
    fn best(&self, clause: &Clause, role: Option<Role>, negated: bool) -> Option<Candidate<'l>> {
        let mut found: Vec<Candidate<'l>> = Vec::new();
        for phrase in &self.lexicon.phrases {
            let Subject::Predicate(name) = phrase.subject else { continue };
            let Some(fit) = fit(phrase, clause, self.lexicon) else { continue };
            if phrase.params.is_empty() && fit.cover < LEAST_COVER {
                continue;
            }
            let Some((args, price)) = self.arguments(phrase, clause) else { continue };
            let (worth, basis) = match phrase.origin {
                Origin::Says => (1.0, Basis::Says),
                Origin::Description => (0.6, Basis::Description),
                _ => (0.9, Basis::Name),
            };
            let score = worth * fit.quality() - price;
            let facts = vec![(name, args, fit.denied)];
            found.push(Candidate { score, basis, facts, used: fit.used, function: None });
        }
        found.extend(self.carried(clause));
        if role != Some(Role::Initial) {
            found.extend(self.by_types(clause));
            found.iter_mut().for_each(|c| self.discount(c, negated));
        }
        // The first of equals: `says` before names, names before descriptions.
        found.into_iter().fold(None, |best: Option<Candidate<'l>>, c| match best {
            Some(b) if b.score >= c.score => Some(b),
            _ => Some(c),
        })
    }

    /// What no function brings about is hardly a goal.
    fn discount(&self, candidate: &mut Candidate<'l>, negated: bool) {
        let possible = candidate.facts.iter().all(|(name, _, denied)| {
            if negated == *denied {
                self.lexicon.added.contains_key(name)
            } else {
                self.lexicon.removed.contains(name)
            }
        });
        if !possible {
            candidate.score *= 0.3;
        }
    }

    /// The function that the clause names best, and what it brings about.
    fn best_function(&self, clause: &Clause) -> Option<Candidate<'l>> {
        let mut best: Option<Candidate<'l>> = None;
        for phrase in &self.lexicon.phrases {
            let Subject::Function(name) = phrase.subject else { continue };
            let Some(fit) = fit(phrase, clause, self.lexicon) else { continue };
            let worth = if phrase.origin == Origin::Name { 0.85 } else { 0.5 };
            let score = worth * fit.with(self.effects_said(name, clause)).quality();
            if best.as_ref().is_none_or(|b| score > b.score) {
                best = self.achieved(name, phrase.params, clause, score);
            }
        }
        best
    }

    /// Share of the clause's telling words that name what the function changes.
    fn effects_said(&self, name: &str, clause: &Clause) -> f64 {
        let Some(def) = self.lexicon.level.functions.get(name) else { return 0.0 };
        let changed: BTreeSet<String> = def
            .effects
            .0
            .iter()
            .filter_map(|c| match c {
                Change::Add(atom) | Change::Delete(atom) => Some(stem(&atom.predicate)),
                Change::Increase { .. } | Change::Assign { .. } => None,
            })
            .collect();
        let (mut said, mut all) = (0.0, 0.0);
        for word in clause.content(self.lexicon) {
            all += 1.0;
            said += f64::from(u8::from(changed.contains(&word.stem)));
        }
        if all > 0.0 { said / all } else { 0.0 }
    }

    fn achieved(
        &self,
        name: &'l str,
        params: &'l [Param],
        clause: &Clause,
        score: f64,
    ) -> Option<Candidate<'l>> {
        let mut given: Vec<Option<Thing>> = vec![None; params.len()];
        for thing in clause.things() {
            let free = params
                .iter()
                .zip(&given)
                .position(|(p, g)| g.is_none() && self.fits(thing, &p.kind))?;
            if let Some(slot) = given.get_mut(free) {
                *slot = Some(thing.clone());
            }
        }
        let args: Vec<Option<String>> = given
            .iter()
            .map(|g| g.as_ref().and_then(|t| t.objects.first()).map(|(name, _)| name.clone()))
            .collect();
        let value = |term: &String| match term.strip_prefix('?') {
            Some(var) => {
                let at = params.iter().position(|p| p.name == var)?;
                given.get(at)?.clone()
            }
            None => Some(Thing { objects: vec![(term.clone(), None)], every: false }),
        };
        let mut facts = Vec::new();
        let said = |predicate: &str| {
            let words = pieces(predicate, &BTreeSet::new());
            words.iter().any(|p| clause.words().any(|w| w.stem == stem(p)))
        };
        let purpose = self.lexicon.purpose(name, &|t| value(t).is_some());
        let named = purpose.iter().any(|(predicate, ..)| said(predicate));
        for (predicate, terms, denied) in purpose {
            // What a function ends, or does to no object, must be named to be meant.
            let of_things = terms.iter().any(|t| t.starts_with('?'));
            let meant = said(predicate) || (of_things && !named && !denied);
            let args: Option<Vec<Thing>> = terms.iter().map(&value).collect();
            facts.extend(args.filter(|_| meant).map(|args| (predicate, args, denied)));
        }
        let function = Some((name, args));
        Some(Candidate { score, basis: Basis::Function, facts, used: Vec::new(), function })
    }

    /// `x1 belongs in r3, x2 in r4`: the predicate of the clause before, where the types agree.
    fn carried(&self, clause: &Clause) -> Option<Candidate<'l>> {
        let (name, _, denied) = self.before.clone()?;
        if clause.content(self.lexicon).next().is_some() {
            return None;
        }
        let params = &self.lexicon.level.predicates.get(name)?.params;
        let things: Vec<&Thing> = clause.things().collect();
        if things.is_empty() {
            return None;
        }
        let (args, price) = self.place(params, &identity(params.len()), &things, &[])?;
        let facts = vec![(name, args, denied)];
        Some(Candidate {
            score: 0.7 - price,
            basis: Basis::Carried,
            facts,
            used: Vec::new(),
            function: None,
        })
    }

    /// `x1 to r3`: the predicate that is wanted of objects of these types: the only one that fits,
    /// or the one that most functions bring about.
    fn by_types(&self, clause: &Clause) -> Option<Candidate<'l>> {
        let things: Vec<&Thing> = clause.things().take(MOST_THINGS).collect();
        let mut found = Vec::new();
        for (name, def) in &self.lexicon.level.predicates {
            let fits = (1..=things.len()).contains(&def.params.len());
            let Some(&ways) = self.lexicon.added.get(name.as_str()).filter(|_| fits) else {
                continue;
            };
            let order = identity(def.params.len());
            if let Some((args, _)) = self.place(&def.params, &order, &things, &[]) {
                found.push(((def.params.len(), ways), name.as_str(), args));
            }
        }
        // Those that use most of the objects come first.
        found.sort_by_key(|(rank, ..)| std::cmp::Reverse(*rank));
        let tied = matches!(found.as_slice(), [a, b, ..] if a.0 == b.0);
        let only = !matches!(found.as_slice(), [a, b, ..] if a.0.0 == b.0.0);
        let (_, name, args) = found.into_iter().next().filter(|_| !tied)?;
        let silent = clause.content(self.lexicon).next().is_none();
        let pairs = if things.len() > 1 { 0.1 } else { 0.0 };
        let score = if only && silent {
            0.45
        } else if only {
            0.35
        } else {
            0.31
        } + pairs;
        // `No work is left on x1` says that x1 is done.
        let done = clause.negated() && clause.says(&["left", "remains", "remain"]);
        let facts = vec![(name, args, done)];
        Some(Candidate { score, basis: Basis::Types, facts, used: Vec::new(), function: None })
    }

    fn fits(&self, thing: &Thing, kind: &str) -> bool {
        thing
            .objects
            .iter()
            .all(|(_, k)| k.as_deref().is_none_or(|k| self.lexicon.is_a(k, kind) || k == "object"))
    }

    /// The arguments of a phrase, in the order of its parameters, and what their order costs.
    fn arguments(&self, phrase: &Phrase<'l>, clause: &Clause) -> Option<(Vec<Thing>, f64)> {
        let mut slots = phrase.slots();
        let passive = clause.says(&["by"]) && !phrase.words().any(|(w, _)| w == "by");
        if passive && slots.len() == 2 {
            slots.reverse();
        }
        let mut things: Vec<&Thing> = clause.things().take(MOST_THINGS).collect();
        let mut price = 0.0;
        if things.len() + 1 == slots.len()
            && let Some(subject) = self.before.as_ref().and_then(|(_, args, _)| args.first())
        {
            things.insert(0, subject);
            price = 0.05;
        }
        let sides = sides(clause);
        let (args, order) = self.place(phrase.params, &slots, &things, &sides)?;
        Some((args, price + order))
    }

    /// Puts things into slots so that the types fit, as near to the order of speech as can be.
    fn place(
        &self,
        params: &[Param],
        slots: &[usize],
        things: &[&Thing],
        sides: &[bool],
    ) -> Option<(Vec<Thing>, f64)> {
        if things.len() < slots.len() || slots.len() != params.len() {
            return None;
        }
        let mut best: Option<(f64, Vec<usize>)> = None;
        for order in selections(things.len(), slots.len()) {
            let typed = order.iter().zip(slots).all(|(&t, &slot)| {
                let (thing, param) = (things.get(t), params.get(slot));
                thing.zip(param).is_some_and(|(thing, param)| self.fits(thing, &param.kind))
            });
            if !typed {
                continue;
            }
            let turned = order.windows(2).filter(|w| w.first() > w.last()).count();
            let aside = order.iter().filter(|&&t| sides.get(t) == Some(&true)).count();
            let over = things.len() - slots.len();
            let price = 0.1 * turned as f64 + if over > 0 { 0.1 * aside as f64 } else { 0.0 };
            if best.as_ref().is_none_or(|(p, _)| price < *p) {
                best = Some((price, order));
            }
        }
        let (price, order) = best?;
        let mut args: Vec<Option<Thing>> = vec![None; params.len()];
        for (&t, &slot) in order.iter().zip(slots) {
            if let (Some(thing), Some(arg)) = (things.get(t), args.get_mut(slot)) {
                *arg = Some((*thing).clone());
            }
        }
        let spare = 0.05 * (things.len() - slots.len()) as f64;
        Some((args.into_iter().collect::<Option<Vec<Thing>>>()?, price + spare))
    }
}

fn identity(n: usize) -> Vec<usize> {
    (0..n).collect()
}

/// How well a phrase and a clause match.
struct Fit {
    /// Share of the phrase's words that the clause has.
    cover: f64,
    /// Share of the clause's telling words that the phrase has.
    explained: f64,
    /// Whether the words and arguments come in the order of the phrase.
    ordered: bool,
    /// Whether an opposite was said.
    denied: bool,
    described: bool,
    /// Stems of the clause that matched.
    used: Vec<String>,
}

impl Fit {
    /// With this share of the clause explained besides.
    fn with(mut self, besides: f64) -> Self {
        self.explained = f64::min(1.0, self.explained + besides);
        self
    }

    fn quality(&self) -> f64 {
        let cover = if self.described { f64::max(self.cover, self.explained) } else { self.cover };
        let order = if self.ordered { 0.05 } else { 0.0 };
        f64::min(1.0, 0.6 * cover + 0.35 * self.explained + order)
    }
}

fn fit(phrase: &Phrase<'_>, clause: &Clause, lexicon: &Lexicon<'_>) -> Option<Fit> {
    let said: Vec<(&str, &str)> =
        clause.words().map(|w| (w.stem.as_str(), w.text.as_str())).collect();
    let (mut found, mut all, mut denied) = (0.0, 0.0, false);
    let mut used = vec![0.0f64; said.len()];
    for (word, weight) in phrase.words() {
        all += weight;
        let likes = said.iter().enumerate().filter_map(|(i, (s, _))| Some((i, likeness(s, word)?)));
        let best = likes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        if let Some((i, like)) = best {
            found += weight * like.abs();
            denied ^= like < 0.0;
            if let Some(slot) = used.get_mut(i) {
                *slot = slot.max(like.abs());
            }
        }
    }
    if found < LEAST_FOUND || contrary(phrase, clause) {
        return None;
    }
    let (mut explained, mut telling) = (0.0, 0.0);
    for ((word, used), _) in clause.words().zip(&used).zip(&said) {
        let tells = clause.content(lexicon).any(|w| std::ptr::eq(w, word));
        if tells || preposition(&word.text) && !negation(&word.text) {
            telling += weight(&word.text);
            explained += used * weight(&word.text);
        }
    }
    Some(Fit {
        cover: found / all,
        explained: if telling > 0.0 { explained / telling } else { 1.0 },
        ordered: ordered(phrase, clause),
        denied,
        described: phrase.origin == Origin::Description,
        used: said
            .iter()
            .zip(&used)
            .filter(|(_, u)| **u > 0.0)
            .map(|((s, _), _)| (*s).to_owned())
            .collect(),
    })
}

/// Whether one speaks of all and the other of some: `runs for a few users`, `runs for everybody`.
fn contrary(phrase: &Phrase<'_>, clause: &Clause) -> bool {
    let all = ["all", "every", "everybody", "everyon", "each"];
    let some = ["few", "some", "sever", "several"];
    let means = |set: &[&str]| phrase.words().any(|(w, _)| set.contains(&w));
    let says = |set: &[&str]| clause.words().any(|w| set.contains(&w.stem.as_str()));
    means(&all) && says(&some) || means(&some) && says(&all)
}

/// Whether the clause says the parts of the phrase in the phrase's order.
fn ordered(phrase: &Phrase<'_>, clause: &Clause) -> bool {
    use super::lexicon::Part;
    let mut rest = clause.elements.iter();
    phrase.parts.iter().all(|part| match part {
        Part::Word(stem, _) => {
            rest.any(|e| matches!(e, Element::Word(w) if likeness(&w.stem, stem).is_some()))
        }
        Part::Slot(_) => rest.any(|e| matches!(e, Element::Thing(_))),
    })
}

/// Per thing of the clause: whether `from`, `with` or `by` sets it aside.
fn sides(clause: &Clause) -> Vec<bool> {
    let mut before = "";
    let mut out = Vec::new();
    for element in &clause.elements {
        match element {
            Element::Word(word) => before = word.text.as_str(),
            Element::Thing(_) => {
                out.push(matches!(before, "from" | "with" | "by" | "using" | "via" | "through"));
                before = "";
            }
        }
    }
    out
}

/// Whether the clause forbids: `do not`, `never`, `must not`, `without`.
fn forbids(clause: &Clause) -> bool {
    let words: Vec<&str> = clause.words().map(|w| w.text.as_str()).collect();
    let auxiliary = ["do", "must", "should", "may", "can", "shall", "will", "please"];
    let pair = |w: &[&str]| matches!(w, [a, "not"] if auxiliary.contains(a));
    words.iter().any(|w| matches!(*w, "never" | "without" | "avoid")) || words.windows(2).any(pair)
}

/// All ways to choose `k` of `n` in some order, those nearest to the given order first.
fn selections(n: usize, k: usize) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new()];
    for _ in 0..k {
        let mut next = Vec::new();
        for prefix in &out {
            for i in (0..n).filter(|i| !prefix.contains(i)) {
                let mut longer = prefix.clone();
                longer.push(i);
                next.push(longer);
            }
        }
        out = next;
    }
    out
}

/// Each way to take one object for every argument; with `pairwise` the lists run side by side.
fn spread(args: &[Thing], pairwise: bool) -> Vec<Vec<String>> {
    let longest = args.iter().map(|t| t.objects.len()).max().unwrap_or(0);
    let even = args.iter().all(|t| matches!(t.objects.len(), 1) || t.objects.len() == longest);
    if pairwise && even && longest > 1 {
        let pick = |t: &Thing, i: usize| {
            let (name, _) = t.objects.get(i).or_else(|| t.objects.first())?;
            Some(name.clone())
        };
        return (0..longest).map(|i| args.iter().filter_map(|t| pick(t, i)).collect()).collect();
    }
    let mut out = vec![Vec::new()];
    for thing in args {
        let longer = |prefix: &Vec<String>| {
            let prefix = prefix.clone();
            thing.objects.iter().map(move |(name, _)| {
                let mut next = prefix.clone();
                next.push(name.clone());
                next
            })
        };
        out = out.iter().flat_map(longer).collect::<Vec<_>>();
    }
    out
}
