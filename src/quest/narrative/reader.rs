//! The reader: sentence by sentence, clause by clause, from what a clause may state to what is
//! written down, and what is not.

use super::arguments::spread;
use super::candidates::{Candidate, Context};
use super::clauses::{Clause, Element, PAIRWISE, Word, clauses};
use super::implied::implied;
use super::lexicon::Lexicon;
use super::mentions::Finder;
use super::numbers::{self, Counted};
use super::statements::{Role, Sentence, sentences};
use super::words::{filler, tokens};
use super::{Analysis, Basis, Constraint, LEAST_CONFIDENCE, Reading, Span, Unread, fact, number};
use crate::quest::expr::{Atom, Init, Test};
use crate::quest::level::Level;

/// Bytes of a text that are read; longer ones are cut.
const MOST_BYTES: usize = 100_000;
/// Confidence below which a fact is not taken from a clause that is no wish.
const LEAST_STATED: f64 = 0.5;
/// How well a clause that is no wish must match to tell of what shall be.
const LEAST_ANNOUNCED: f64 = 0.75;
/// How well a clause must match a function to forbid it.
const LEAST_PROHIBITION: f64 = 0.6;
/// Statements that a clause may make besides the first, and how well each must match.
const MOST_FURTHER: usize = 3;
const LEAST_FURTHER: f64 = 0.75;
/// Words by which a clause tells under what conditions something is so.
const CONDITIONS: [&str; 14] = [
    "if", "until", "first", "can", "may", "only", "once", "unless", "before", "after", "without",
    "that", "which", "while",
];

struct Reader<'x, 'l> {
    context: Context<'x, 'l>,
    out: Analysis,
}

/// Reads a text about this level; with `open`, noun phrases introduce objects.
pub(super) fn read(level: &Level, text: &str, open: bool) -> Analysis {
    let end = text.floor_char_boundary(MOST_BYTES);
    let words = tokens(text.get(..end).unwrap_or(text));
    let lexicon = Lexicon::new(level, &words);
    let mut finder = Finder::new(&lexicon, &words, open);
    let context = Context { lexicon: &lexicon, before: None };
    let mut reader = Reader { context, out: Analysis::default() };
    for sentence in sentences(&words) {
        reader.sentence(&sentence, &mut finder);
    }
    if end < text.len() {
        reader.unread(Span { start: end, end: text.len() }, "the text is too long");
    }
    let mut out = reader.out;
    let nouns = super::compose::facts_of_nouns(level, &finder.introduced, &out);
    out.init.extend(nouns);
    out.objects = super::compose::kinds(level, &finder.introduced, &out);
    out
}

impl<'l> Reader<'_, 'l> {
    fn sentence(&mut self, sentence: &Sentence, finder: &mut Finder<'_, 'l>) {
        self.context.before = None;
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
        let clauses = clauses(&sentence.tokens, items, self.context.lexicon);
        // `Up and running: that is what we want`: what has no verb goes with the wish after it.
        let later = clauses.iter().filter(|c| !c.aside).find_map(|c| c.cue).or(sentence.role);
        let mut role = later.filter(|_| clauses.first().is_some_and(|c| !c.finite()));
        let mut conditional = false;
        for clause in clauses {
            let own = clause.cue.filter(|r| matches!(r, Role::Goal | Role::Initial));
            let told = clause.commands().then_some(Role::Goal);
            role = own.or(role).or(told);
            let by_the_way = clause.aside || conditional;
            conditional = clause.aside && clause.says(&["if", "when", "whenever", "unless"]);
            match passed_over(&clause, by_the_way) {
                Some(why) => {
                    if by_the_way {
                        self.functions(&clause, BY_THE_WAY);
                    }
                    self.unread(clause.span, why);
                }
                None => self.clause(clause, role.unwrap_or(Role::Initial)),
            }
        }
    }

    fn unread(&mut self, span: Span, why: &str) {
        self.out.unread.push(Unread { span, why: why.to_owned() });
    }

    fn clause(&mut self, mut clause: Clause, role: Role) {
        let span = clause.span;
        let counted = numbers::take(&mut clause, self.context.lexicon, role);
        if let Some((counted, confidence)) = counted {
            self.counted(counted, span, confidence);
        }
        let negated = clause.negated();
        let predicate = self.context.predicate(&clause, role, negated);
        let function = self.context.function(&clause);
        if negated && self.forbidden(&clause, predicate.as_ref(), function.as_ref()) {
            return;
        }
        if role == Role::Goal && !negated {
            self.functions(&clause, 1.0);
        }
        let wanted = function.filter(|f| role == Role::Goal && !f.facts.is_empty());
        let best = match (predicate, wanted) {
            (Some(p), Some(f)) if f.score > p.score => Some(f),
            (None, f) => f,
            (p, _) => p,
        };
        let least = if role == Role::Goal { LEAST_CONFIDENCE } else { LEAST_STATED };
        let empty = clause.content(self.context.lexicon).next().is_none()
            && clause.things().next().is_none();
        match best.filter(|b| b.score >= least) {
            Some(_) if clause.either && !negated => {
                self.unread(span, "a choice: a goal has no `or`");
            }
            Some(best) => {
                let used = best.used.clone();
                self.state(&clause, best, role, negated);
                self.further(clause, used, role, negated);
            }
            None if counted.is_some() || empty => {}
            None => self.unread(span, "no predicate, fluent or function of the level fits"),
        }
    }

    /// Writes down that a function must not be called, where the clause says so.
    fn forbidden(
        &mut self,
        clause: &Clause,
        predicate: Option<&Candidate<'l>>,
        function: Option<&Candidate<'l>>,
    ) -> bool {
        let Some((found, (name, args))) = function.and_then(|f| Some((f, f.function.clone()?)))
        else {
            return false;
        };
        let better = predicate.is_none_or(|p| found.score >= p.score);
        if !(clause.forbids() && better) || found.score < LEAST_PROHIBITION {
            return false;
        }
        if clause.says(&CONDITIONS) {
            self.unread(clause.span, "forbidden under conditions; the level's functions say it");
        } else {
            let what = Constraint::NeverCall { function: name.to_owned(), args };
            let (span, confidence, basis) = (clause.span, found.score, Basis::Name);
            self.out.constraints.push(Reading { what, span, confidence, basis });
        }
        true
    }

    /// What else the clause says of the same objects: `running on the new version`.
    fn further(&mut self, mut clause: Clause, mut used: Vec<String>, role: Role, negated: bool) {
        // The verb of a command is no state: `hand x1 over`.
        if clause.commands() {
            clause.elements.remove(0);
        }
        for _ in 0..MOST_FURTHER {
            let spent = |e: &Element| matches!(e, Element::Word(w) if used.contains(&w.stem));
            clause.elements.retain(|e| !spent(e));
            let literal = |w: &Word| self.context.lexicon.literals.contains(&w.stem);
            if used.is_empty() || !clause.words().any(literal) {
                return;
            }
            let Some(more) = self.context.predicate(&clause, role, negated) else { return };
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
                let what = Constraint::MostCalls { calls };
                self.out.constraints.push(Reading { what, span, confidence, basis });
            }
        }
    }

    /// Writes down what the clause states.
    fn state(&mut self, clause: &Clause, best: Candidate<'l>, role: Role, negated: bool) {
        let (span, confidence, basis) = (clause.span, best.score, best.basis);
        let pairwise = clause.says(&[PAIRWISE]);
        for said in &best.facts {
            let negated = negated != said.denied;
            let Some(all) = spread(&said.args, pairwise) else {
                self.unread(span, "it would stand for too many facts");
                continue;
            };
            for args in all {
                let atom = fact(said.predicate, &args);
                let goal = role == Role::Goal || (!negated && self.announces(clause, &best, &atom));
                if goal && clause.says(&["never"]) {
                    let what = Constraint::NeverTrue { fact: atom };
                    self.out.constraints.push(Reading { what, span, confidence, basis });
                } else if goal {
                    let what = Test::Fact { atom, negated };
                    self.out.goal.push(Reading { what, span, confidence, basis });
                } else if !negated {
                    let what = Init::Fact(atom);
                    self.out.init.push(Reading { what, span, confidence, basis });
                }
            }
        }
        self.context.before = best.facts.into_iter().next();
    }

    /// Whether a clause that is no wish by its words tells what shall be: the level says that the
    /// fact does not hold, and functions can bring it about.
    fn announces(&self, clause: &Clause, best: &Candidate<'l>, atom: &Atom) -> bool {
        let lexicon = self.context.lexicon;
        let worded = matches!(best.basis, Basis::Says | Basis::Name);
        let told = clause.cue == Some(Role::Initial) || clause.says(&CONDITIONS);
        let general = best.facts.iter().any(|said| said.args.iter().any(|t| t.every));
        let holds = lexicon.level.init.contains(&Init::Fact(atom.clone()));
        let possible = lexicon.added.contains_key(atom.predicate.as_str());
        let particular = !(told || holds || general || atom.args.is_empty());
        let stated = worded && best.score >= LEAST_ANNOUNCED && !lexicon.level.init.is_empty();
        stated && particular && possible
    }

    /// Functions that the clause names or paraphrases.
    fn functions(&mut self, clause: &Clause, sure: f64) {
        for (name, share) in implied(clause, self.context.lexicon) {
            let (what, span, basis) = (name.to_owned(), clause.span, Basis::Name);
            self.out.functions.push(Reading { what, span, confidence: sure * share, basis });
        }
    }
}

/// How sure a function is implied that is named by the way.
const BY_THE_WAY: f64 = 0.7;

/// Why a clause is not read for facts, where it is not.
fn passed_over(clause: &Clause, by_the_way: bool) -> Option<&'static str> {
    if clause.unwanted {
        Some("said not to be wanted")
    } else if clause.general {
        Some("speaks of a kind, not of particular objects")
    } else if by_the_way {
        Some("said by the way: a condition or a reason")
    } else {
        None
    }
}
