//! Sentences as clauses of one statement each. Commas and `and` join either statements or
//! objects of one list; which of the two follows from what stands between them.

use super::Span;
use super::lexicon::Lexicon;
use super::mentions::{Item, Thing};
use super::statements::{Role, cue};
use super::wishes::{MODALS, Wish, head, wish};
use super::words::{Token, filler, negation, preposition};

/// The word by which two lists run side by side.
pub(super) const PAIRWISE: &str = "respectively";

/// A word of a clause.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub stem: String,
    pub text: String,
    pub number: Option<i64>,
}

impl Word {
    /// Whether it carries meaning here: a word of the level's predicates, or no small word.
    pub(super) fn tells(&self, lexicon: &Lexicon<'_>) -> bool {
        if self.number.is_some() {
            return false;
        }
        let spatial = preposition(&self.text);
        let small = filler(&self.text) || spatial || negation(&self.text);
        lexicon.literals.contains(&self.stem) && !spatial
            || !(small || lexicon.kinds.contains_key(&self.stem))
    }
}

/// An element of a clause.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Element {
    Word(Word),
    Thing(Thing),
}

/// A piece of a sentence that states one thing.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub elements: Vec<Element>,
    pub span: Span,
    /// What its own words say that it is for.
    pub cue: Option<Role>,
    /// `or` joins it to the clause before.
    pub either: bool,
    /// It begins with `if`, `whatever`, `because` and the like: said by the way.
    pub aside: bool,
    /// It says that something is not wanted.
    pub unwanted: bool,
    /// It speaks of a kind of thing before it names any: `services are to be deployed`.
    pub general: bool,
    /// A colon follows it.
    heading: bool,
}

impl Clause {
    pub(super) fn things(&self) -> impl Iterator<Item = &Thing> {
        self.elements.iter().filter_map(|e| match e {
            Element::Thing(thing) => Some(thing),
            Element::Word(_) => None,
        })
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &Word> {
        self.elements.iter().filter_map(|e| match e {
            Element::Word(word) => Some(word),
            Element::Thing(_) => None,
        })
    }

    /// Words that carry meaning here.
    pub(super) fn content<'c>(
        &'c self,
        lexicon: &'c Lexicon<'_>,
    ) -> impl Iterator<Item = &'c Word> {
        self.words().filter(|w| w.tells(lexicon))
    }

    /// Whether it says something in words of its own. A particle does where nothing else stands:
    /// `x1 is new and up`.
    pub(super) fn worded(&self, lexicon: &Lexicon<'_>) -> bool {
        let literal = |w: &Word| lexicon.literals.contains(&w.stem);
        let alone = self.things().next().is_none() && self.words().any(literal);
        alone || self.content(lexicon).next().is_some()
    }

    pub(super) fn says(&self, words: &[&str]) -> bool {
        self.words().any(|w| words.contains(&w.text.as_str()))
    }

    /// Whether it tells somebody to do something: it begins with a verb and what it is done to.
    pub(super) fn commands(&self) -> bool {
        const VERBS: [&str; 12] = [
            "get", "make", "put", "bring", "let", "have", "keep", "leave", "take", "do", "never",
            "give",
        ];
        let mut elements = self.elements.iter();
        let Some(Element::Word(first)) = elements.next() else { return false };
        if VERBS.contains(&first.text.as_str()) {
            return true;
        }
        const NO_DEEDS: [&str; 4] = ["outside", "mind", "beware", "remember"];
        let noun = filler(&first.text)
            || preposition(&first.text)
            || first.number.is_some()
            || NO_DEEDS.contains(&first.text.as_str());
        let inflected = ["ing", "ed"].iter().any(|ending| first.text.ends_with(ending))
            || first.text.ends_with('s') && !first.text.ends_with("ss");
        let object = match elements.next() {
            Some(Element::Thing(_)) => true,
            Some(Element::Word(w)) => {
                w.number.is_some() || determiner(&w.text) || preposition(&w.text)
            }
            None => false,
        };
        let somebody = first.text.ends_with("body") || first.text.ends_with("one");
        let main = self.words().take_while(|w| !matches!(w.text.as_str(), "until" | "that"));
        let told = main.into_iter().any(|w| aux(&w.text) && w.text != "be" && w.text != "have");
        object && !(noun || inflected || somebody || told || negation(&first.text))
    }

    /// Whether it has a verb that makes it a statement.
    pub(super) fn finite(&self) -> bool {
        self.words().any(|w| aux(&w.text) && w.text != "be")
    }

    /// Whether it forbids something: `do not`, `never`, `must not`, `without`.
    pub(super) fn forbids(&self) -> bool {
        const AUXILIARIES: [&str; 8] =
            ["do", "must", "should", "may", "can", "shall", "will", "please"];
        let words: Vec<&str> = self.words().map(|w| w.text.as_str()).collect();
        let pair = |w: &[&str]| matches!(w, [a, "not"] if AUXILIARIES.contains(a));
        self.says(&["never", "without", "avoid"]) || words.windows(2).any(pair)
    }

    /// Whether its words turn it round.
    pub(super) fn negated(&self) -> bool {
        self.words().filter(|w| negation(&w.text)).count() % 2 == 1
    }

    fn bare(&self, lexicon: &Lexicon<'_>) -> bool {
        self.things().next().is_some()
            && self.content(lexicon).next().is_none()
            && !self.words().any(|w| preposition(&w.text) || w.number.is_some())
    }

    /// The thing with which it begins, small words aside.
    fn leading(&mut self, lexicon: &Lexicon<'_>) -> Option<&mut Thing> {
        for element in &mut self.elements {
            match element {
                Element::Thing(thing) => return Some(thing),
                Element::Word(w) if w.tells(lexicon) || preposition(&w.text) => return None,
                Element::Word(_) => {}
            }
        }
        None
    }

    /// The thing with which it ends.
    fn trailing(&mut self) -> Option<&mut Thing> {
        match self.elements.last_mut() {
            Some(Element::Thing(thing)) => Some(thing),
            _ => None,
        }
    }
}

/// Verbs that make a statement of what stands before them.
fn aux(word: &str) -> bool {
    const VERBS: [&str; 15] = [
        "is", "are", "was", "were", "be", "has", "have", "had", "will", "would", "can", "may",
        "does", "did", "starts",
    ];
    VERBS.contains(&word)
}

/// Words that begin what a verb is done to.
fn determiner(word: &str) -> bool {
    const WORDS: [&str; 23] = [
        "the",
        "a",
        "an",
        "this",
        "that",
        "these",
        "those",
        "its",
        "his",
        "her",
        "their",
        "my",
        "your",
        "our",
        "all",
        "every",
        "each",
        "both",
        "any",
        "no",
        "it",
        "them",
        "everything",
    ];
    WORDS.contains(&word)
}

/// Cuts a sentence into clauses.
pub(super) fn clauses(tokens: &[Token], items: Vec<Item>, lexicon: &Lexicon<'_>) -> Vec<Clause> {
    let mut parts: Vec<Clause> = Vec::new();
    let mut current: Vec<Item> = Vec::new();
    let mut either = false;
    for item in items {
        let mark = match &item {
            Item::Word(at) => tokens.get(*at).and_then(joint),
            Item::Thing(..) => None,
        };
        let Some(or) = mark else {
            current.push(item);
            continue;
        };
        let mut part = clause(tokens, std::mem::take(&mut current), either, lexicon);
        let colon = matches!(&item, Item::Word(at) if tokens.get(*at).is_some_and(|t| t.is(':')));
        if let Some(part) = part.as_mut().filter(|_| colon) {
            part.heading = true;
        }
        parts.extend(part);
        either = or;
    }
    parts.extend(clause(tokens, current, either, lexicon));
    lists(&mut parts, lexicon);
    complete(&mut parts, lexicon);
    headings(&mut parts, lexicon);
    parts
}

/// `to be switched off: mail and search`: what stands before the colon is said of the objects that
/// stand alone after it.
fn headings(parts: &mut Vec<Clause>, lexicon: &Lexicon<'_>) {
    let Some(colon) = parts.iter().position(|p| p.heading) else { return };
    let (before, after) = parts.split_at_mut(colon + 1);
    let open = |p: &Clause| p.things().next().is_none() && p.content(lexicon).next().is_some();
    let [named] = after else { return };
    let bare = named.content(lexicon).next().is_none() && named.things().count() == 1;
    if !bare || !before.iter().any(open) {
        return;
    }
    let thing = named.elements.iter().find(|e| matches!(e, Element::Thing(_))).cloned();
    let (end, cue) = (named.span.end, named.cue);
    for part in before.iter_mut().filter(|p| p.things().next().is_none()) {
        part.elements.extend(thing.clone());
        part.span.end = end;
        part.cue = part.cue.or(cue);
    }
    parts.pop();
}

/// Whether the token joins clauses; true within for `or`.
fn joint(token: &Token) -> Option<bool> {
    if !token.is_word() {
        return Some(false);
    }
    match token.text.as_str() {
        "or" => Some(true),
        "and" | "but" | "then" | "whereas" | "plus" | "nor" => Some(false),
        _ => None,
    }
}

fn clause(
    tokens: &[Token],
    items: Vec<Item>,
    either: bool,
    lexicon: &Lexicon<'_>,
) -> Option<Clause> {
    let bounds = |item: &Item| match item {
        Item::Word(at) => (*at, at + 1),
        Item::Thing(_, from, to) => (*from, *to),
    };
    let (from, to) = (bounds(items.first()?).0, bounds(items.last()?).1);
    let own = tokens.get(from..to)?;
    let span = Span { start: own.first()?.span.start, end: own.last()?.span.end };
    let elements = items.into_iter().filter_map(|item| match item {
        Item::Thing(thing, ..) => Some(Element::Thing(thing)),
        Item::Word(at) => tokens.get(at).map(|t| {
            let (stem, text) = (t.stem.clone(), t.text.clone());
            Element::Word(Word { stem, text, number: t.number })
        }),
    });
    const ASIDES: [&str; 10] = [
        "while", "if", "whatever", "because", "since", "although", "though", "unless", "when",
        "whenever",
    ];
    let relative = |t: Option<&Token>| {
        t.is_some_and(|t| matches!(t.text.as_str(), "which" | "who" | "whose" | "whom"))
    };
    let aside = own.first().is_some_and(|t| ASIDES.contains(&t.text.as_str()))
        || relative(own.first())
        || (own.first().is_some_and(|t| preposition(&t.text)) && relative(own.get(1)));
    let elements: Vec<Element> = elements.collect();
    let (elements, wished) = without_wish(elements);
    let general = general(&elements, lexicon) || own.iter().any(|t| t.text == "another");
    let cue = if wished { Some(Role::Goal) } else { cue(own) };
    let words: Vec<&str> = own.iter().filter(|t| t.is_word()).map(|t| t.text.as_str()).collect();
    let unwanted = wish(&words) == Some(Wish::Unwanted);
    Some(Clause { elements, span, cue, either, aside, unwanted, general, heading: false })
}

fn general(elements: &[Element], lexicon: &Lexicon<'_>) -> bool {
    let kind =
        |w: &Word| lexicon.kinds.contains_key(&w.stem) && !lexicon.literals.contains(&w.stem);
    let before: Vec<&Word> = elements
        .iter()
        .map_while(|e| match e {
            Element::Word(word) => Some(word),
            Element::Thing(_) => None,
        })
        .collect();
    let some = before.first().is_some_and(|w| matches!(w.text.as_str(), "some" | "many" | "most"));
    some || before.into_iter().any(kind)
}

/// Drops the words before what is wanted, but for a negation; whether there were such.
fn without_wish(elements: Vec<Element>) -> (Vec<Element>, bool) {
    let words = elements.iter().map_while(|e| match e {
        Element::Word(word) => Some(word.text.as_str()),
        Element::Thing(_) => None,
    });
    let words: Vec<&str> = words.collect();
    let wished = matches!(wish(&words), Some(Wish::Wanted(_)));
    let cut = head(&words);
    // A verb such as `must` has a subject that may matter: `the readers must have it`.
    let modal = words.get(..cut).unwrap_or(&[]).iter().position(|w| MODALS.contains(w));
    let keeps = |at: usize, word: &Word| {
        let small = filler(&word.text) || preposition(&word.text);
        negation(&word.text) || (modal.is_some_and(|m| at < m) && !small)
    };
    let kept = elements
        .into_iter()
        .enumerate()
        .filter(|(at, e)| *at >= cut || matches!(e, Element::Word(w) if keeps(*at, w)));
    (kept.map(|(_, e)| e).collect(), wished)
}

/// Whether two mentions can stand in one list.
fn alike(a: &Thing, b: &Thing, lexicon: &Lexicon<'_>) -> bool {
    let kind = |t: &Thing| t.objects.first().and_then(|(_, k)| k.clone());
    match (kind(a), kind(b)) {
        (Some(a), Some(b)) => lexicon.is_a(&a, &b) || lexicon.is_a(&b, &a),
        _ => true,
    }
}

/// `the red, the blue and the yellow block are clear`: a piece that is objects only joins the list
/// with which the next piece begins, or else the one with which the piece before ends.
fn lists(parts: &mut Vec<Clause>, lexicon: &Lexicon<'_>) {
    for at in (0..parts.len()).rev() {
        let bare = |p: &&Clause| p.bare(lexicon) && !p.heading;
        let Some(part) = parts.get(at).filter(bare).cloned() else { continue };
        let Some(thing) = part.things().next().cloned() else { continue };
        let merged = parts.get_mut(at + 1).is_some_and(|next| {
            let joined = next.leading(lexicon).is_some_and(|lead| {
                let fits = alike(lead, &thing, lexicon);
                if fits {
                    let mut objects = thing.objects.clone();
                    objects.append(&mut lead.objects);
                    lead.objects = objects;
                }
                fits
            });
            if joined {
                next.span.start = part.span.start;
                next.cue = part.cue.or(next.cue);
            }
            joined
        });
        if merged {
            parts.remove(at);
        }
    }
    let mut at = 1;
    while at < parts.len() {
        let Some(part) = parts.get(at).filter(|p| p.bare(lexicon)).cloned() else {
            at += 1;
            continue;
        };
        let joined = parts.get_mut(at - 1).is_some_and(|before| {
            let fits = part.things().next().is_some_and(|thing| {
                before.trailing().is_some_and(|last| {
                    let fits = alike(last, thing, lexicon);
                    if fits {
                        last.objects.extend(thing.objects.iter().cloned());
                    }
                    fits
                })
            });
            if fits {
                before.span.end = part.span.end;
                let pairs = |e: &&Element| matches!(e, Element::Word(w) if w.text == PAIRWISE);
                before.elements.extend(part.elements.iter().filter(pairs).cloned());
            }
            fits
        });
        if joined {
            parts.remove(at);
        } else {
            at += 1;
        }
    }
}

/// `deliver x1 and x2 to r3`: a piece that ends with its only object goes on in the next one,
/// where that begins with another of the kind and has more to say but no verb of its own. So does
/// one that has no verb itself: `the new version of x1 and x2 must run`.
fn complete(parts: &mut Vec<Clause>, lexicon: &Lexicon<'_>) {
    let mut at = 0;
    while at + 1 < parts.len() {
        let joined = match parts.split_at_mut(at + 1) {
            ([.., first], [second, ..]) => join(first, second, lexicon),
            _ => false,
        };
        if joined {
            parts.remove(at + 1);
        } else {
            at += 1;
        }
    }
}

fn join(first: &mut Clause, second: &mut Clause, lexicon: &Lexicon<'_>) -> bool {
    let phrase = !first.commands() && !first.words().any(|w| aux(&w.text));
    let goes_on = phrase && second.words().any(|w| aux(&w.text) || w.text == "must");
    let verbless = second.content(lexicon).next().is_none() && second.things().count() >= 2;
    if !(verbless || goes_on)
        || first.things().count() != 1
        || first.content(lexicon).next().is_none()
    {
        return false;
    }
    let (Some(lead), Some(last)) = (second.leading(lexicon).cloned(), first.trailing()) else {
        return false;
    };
    if !alike(last, &lead, lexicon) {
        return false;
    }
    last.objects.extend(lead.objects.iter().cloned());
    let skip = second.elements.iter().position(|e| matches!(e, Element::Thing(_)));
    first.elements.extend(second.elements.drain(..).skip(skip.map_or(0, |i| i + 1)));
    first.span.end = second.span.end;
    true
}
