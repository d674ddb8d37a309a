//! Mentions of objects: by name, by type and number, all of a type, pronouns, and (in texts that
//! describe a whole problem) noun phrases that name objects which nobody declared.

use std::collections::{BTreeMap, BTreeSet};

use super::Span;
use super::lexicon::Lexicon;
use super::words::{Token, filler, negation, preposition, stem};

/// Objects that a piece of text speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    /// Their names, each with its type where it is known.
    pub objects: Vec<(String, Option<String>)>,
    /// True for `all parcels`, `the parcels`, `no parcel`.
    pub every: bool,
}

/// An object that a text introduces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Introduced {
    /// Its type, where the noun says it.
    pub kind: Option<String>,
    /// Stem of the noun: `truck` of `truck_0`.
    pub noun: String,
    /// The first mention.
    pub span: Span,
}

/// An element of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A word or a mark: index of its token.
    Word(usize),
    /// A mention: indices of its first token and of the first after it.
    Thing(Thing, usize, usize),
}

/// Words after a pronoun that may tell that it stands for nothing.
const MOST_AHEAD: usize = 40;
/// Mentions that a pronoun may stand for, at most.
const MOST_RECENT: usize = 32;

/// A mention that a pronoun may stand for.
#[derive(Debug)]
struct Recent {
    thing: Thing,
    /// Sentences since.
    ago: u32,
    /// Whether a preposition stands before it: `in the hall`.
    aside: bool,
}

/// Finds mentions.
#[derive(Debug)]
pub(super) struct Finder<'x, 'l> {
    lexicon: &'x Lexicon<'l>,
    /// Whether noun phrases may introduce objects.
    open: bool,
    /// Nouns that say what kind of thing something is, such as `block` in `the red block`.
    classes: BTreeSet<String>,
    /// What `it` and `they` may stand for, in the order of the text.
    recent: Vec<Recent>,
    /// Objects introduced.
    pub introduced: BTreeMap<String, Introduced>,
}

impl<'x, 'l> Finder<'x, 'l> {
    pub(super) fn new(lexicon: &'x Lexicon<'l>, text: &[Token], open: bool) -> Self {
        let classes = if open { classes(lexicon, text) } else { BTreeSet::new() };
        Self { lexicon, open, classes, recent: Vec::new(), introduced: BTreeMap::new() }
    }

    /// Moves on to the next sentence.
    pub(super) fn next_sentence(&mut self) {
        self.recent.iter_mut().for_each(|r| r.ago += 1);
        self.recent.retain(|r| r.ago < 2);
    }

    /// The sentence with its mentions.
    pub(super) fn items(&mut self, tokens: &[Token]) -> Vec<Item> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let found = self.mention(tokens, at);
            match found {
                Some((thing, end)) => {
                    // The article and the noun of the type before a name belong to the mention.
                    let mut start = at;
                    while let Some(Item::Word(w)) = out.last()
                        && tokens.get(*w).is_some_and(|t| self.belongs(t, &thing))
                    {
                        start = *w;
                        out.pop();
                    }
                    let before = start.checked_sub(1).and_then(|i| tokens.get(i));
                    let aside = before.is_some_and(|t| preposition(&t.text));
                    if self.recent.len() == MOST_RECENT {
                        self.recent.remove(0);
                    }
                    self.recent.push(Recent { thing: thing.clone(), ago: 0, aside });
                    out.push(Item::Thing(thing, start, end));
                    at = end;
                }
                None => {
                    out.push(Item::Word(at));
                    at += 1;
                }
            }
        }
        out
    }

    fn belongs(&self, token: &Token, thing: &Thing) -> bool {
        let noun = self.lexicon.kinds.get(&token.stem).is_some_and(|kind| {
            let fits = |k: &Option<String>| k.as_deref().is_none_or(|k| self.lexicon.is_a(k, kind));
            thing.objects.iter().all(|(_, k)| fits(k))
        });
        noun && !self.lexicon.literals.contains(&token.stem)
            || matches!(token.text.as_str(), "the" | "a" | "an")
    }

    fn mention(&mut self, tokens: &[Token], at: usize) -> Option<(Thing, usize)> {
        self.by_name(tokens, at)
            .or_else(|| self.by_kind(tokens, at))
            .or_else(|| self.pronoun(tokens, at))
            .or_else(|| if self.open { self.noun_phrase(tokens, at) } else { None })
    }

    fn by_name(&self, tokens: &[Token], at: usize) -> Option<(Thing, usize)> {
        let fits = |pieces: &[String]| {
            pieces.iter().enumerate().all(|(i, p)| tokens.get(at + i).is_some_and(|t| t.text == *p))
        };
        let found = self.lexicon.objects.iter().find(|(pieces, ..)| {
            let end = at + pieces.len();
            let whole = tokens.get(end).is_none_or(|t| !t.glued) || pieces.len() > 1;
            let none = pieces.iter().all(|p| negation(p) || p == "nobody");
            let word =
                none || pieces.len() == 1 && (self.is_article(tokens, at) || is_verb(tokens, at));
            fits(pieces) && whole && !word
        })?;
        let (pieces, name, kind) = found;
        let objects = vec![((*name).to_owned(), Some((*kind).to_owned()))];
        Some((Thing { objects, every: false }, at + pieces.len()))
    }

    /// Whether an `a` here is the article and not a name.
    fn is_article(&self, tokens: &[Token], at: usize) -> bool {
        let (Some(token), next) = (tokens.get(at), tokens.get(at + 1)) else { return false };
        let after_class = at.checked_sub(1).and_then(|i| tokens.get(i));
        if !matches!(token.text.as_str(), "a" | "i")
            || after_class.is_some_and(|t| self.is_class(t))
        {
            return false;
        }
        next.is_some_and(|n| n.is_word() && !small(n) && !self.lexicon.literals.contains(&n.stem))
    }

    fn is_class(&self, token: &Token) -> bool {
        token.stem == "object"
            || self.classes.contains(&token.stem)
            || self.lexicon.kinds.contains_key(&token.stem)
    }

    /// `all parcels`, `the parcels`, `three parcels`, `parcel 3`, and `the parcel` where there is
    /// one.
    fn by_kind(&self, tokens: &[Token], at: usize) -> Option<(Thing, usize)> {
        let mut noun = at;
        let before = at.checked_sub(1).and_then(|i| tokens.get(i));
        let mut quantified = before.is_some_and(|t| t.text == "no");
        let mut definite = false;
        let mut count = None;
        while let Some(token) = tokens.get(noun) {
            match token.text.as_str() {
                "all" | "every" | "each" | "any" | "both" => quantified = true,
                "the" | "these" | "those" | "our" | "my" | "your" | "its" | "their" => {
                    definite = true;
                }
                "of" if quantified => {}
                _ if token.number.is_some() && token.stem != "one" => count = token.number,
                _ => break,
            }
            noun += 1;
        }
        let token = tokens.get(noun)?;
        let kind = self.lexicon.kinds.get(&token.stem)?;
        if self.lexicon.literals.contains(&token.stem) && !quantified {
            return None;
        }
        let all = self.lexicon.of_kind(kind);
        let number = tokens.get(noun + 1).filter(|t| !t.glued).and_then(|t| t.number);
        let ends = |name: &str, n: i64| {
            name.strip_suffix(&n.to_string())
                .is_some_and(|r| !r.ends_with(|c: char| c.is_ascii_digit()))
        };
        let numbered: Vec<_> =
            number.map_or_else(Vec::new, |n| all.iter().filter(|(o, _)| ends(o, n)).collect());
        if let [one] = numbered.as_slice() {
            return Some((thing(vec![(*one).clone()], false), noun + 2));
        }
        let plural = token.text != token.stem && token.text.ends_with('s');
        // `job(s)`: the brackets belong to the noun.
        let bracket = tokens.get(noun + 1).is_some_and(|t| t.is('('))
            && tokens.get(noun + 2).is_some_and(|t| t.text == "s");
        let end = if bracket { noun + 4 } else { noun + 1 };
        let counted = count.is_some_and(|n| usize::try_from(n) == Ok(all.len()));
        let every = quantified && count.is_none() || counted || (definite && plural);
        match all.len() {
            0 => None,
            1 if every || definite => Some((thing(all, every), end)),
            _ if every => Some((thing(all, true), end)),
            _ => None,
        }
    }

    fn pronoun(&self, tokens: &[Token], at: usize) -> Option<(Thing, usize)> {
        let token = tokens.get(at)?;
        let many = match token.text.as_str() {
            "it" => false,
            "they" | "them" | "both" => true,
            _ => return None,
        };
        // `it must be so that`, `and it is you`: no thing is meant.
        let rest: &[Token] = tokens.get(at + 1..)?;
        let rest = rest.get(..MOST_AHEAD).unwrap_or(rest);
        let verb = rest.first().is_some_and(|t| matches!(t.text.as_str(), "is" | "must" | "was"));
        if verb && rest.iter().any(|t| matches!(t.text.as_str(), "that" | "ensure" | "you")) {
            return None;
        }
        // The latest of which something is said, rather than where or with what it is so.
        let fits = self.recent.iter().rev().filter(|r| (r.thing.objects.len() > 1) == many);
        let meant = fits.min_by_key(|r| (r.aside, r.ago))?;
        Some((meant.thing.clone(), at + 1))
    }

    /// Words that are no words of the level's predicates: `the red block`, `object b`, `crate0`.
    fn noun_phrase(&mut self, tokens: &[Token], at: usize) -> Option<(Thing, usize)> {
        let mut start = at;
        while tokens.get(start).is_some_and(|t| matches!(t.text.as_str(), "the" | "a" | "an"))
            && !self.is_name(tokens, start)
        {
            start += 1;
        }
        let mut end = start;
        while let Some(token) = tokens.get(end) {
            let follows = end > start && token.glued;
            let begins = Self::compound(tokens, end) && end == start;
            if !(follows || begins || self.is_name(tokens, end) || self.nominal(token)) {
                break;
            }
            end += 1;
            // A name such as `object_0` ends its phrase.
            if follows && tokens.get(end).is_none_or(|t| !t.glued) {
                break;
            }
        }
        let words = tokens.get(start..end).filter(|w| !w.is_empty())?;
        let (name, noun) = self.named(words)?;
        let (start, stop) = (words.first()?.span.start, words.last()?.span.end);
        let kind = self.lexicon.kinds.get(&noun).map(|&k| k.to_owned());
        let span = Span { start, end: stop };
        let known =
            self.introduced.entry(name.clone()).or_insert(Introduced { kind: None, noun, span });
        known.kind = known.kind.take().or(kind);
        let kind = known.kind.clone();
        Some((Thing { objects: vec![(name, kind)], every: false }, end))
    }

    /// Whether a name such as `object_0` begins here, whatever its first piece means by itself.
    fn compound(tokens: &[Token], at: usize) -> bool {
        let glued = tokens.get(at + 1..).unwrap_or(&[]).iter().take_while(|t| t.glued);
        glued.into_iter().any(|t| t.number.is_some())
    }

    fn nominal(&self, token: &Token) -> bool {
        token.is_word()
            && !small(token)
            && token.number.is_none()
            && !self.lexicon.literals.contains(&token.stem)
    }

    /// Whether a single letter or number here is a name: it follows the noun of a class.
    fn is_name(&self, tokens: &[Token], at: usize) -> bool {
        let (Some(token), Some(before)) =
            (tokens.get(at), at.checked_sub(1).and_then(|i| tokens.get(i)))
        else {
            return false;
        };
        let short = token.text.chars().count() == 1 || token.number.is_some();
        token.is_word() && short && self.is_class(before)
    }

    /// The name that a noun phrase gives to an object, and the stem of its noun. None where it
    /// speaks of no particular one (`the block`).
    fn named(&self, words: &[Token]) -> Option<(String, String)> {
        let mut names: Vec<String> = Vec::new();
        for token in words {
            match names.last_mut() {
                Some(last) if token.glued => *last = format!("{last}_{}", token.text),
                _ => names.push(token.text.clone()),
            }
        }
        let head = |word: &String| {
            let head = word.split('_').next().unwrap_or(word);
            stem(head.trim_end_matches(|c: char| c.is_ascii_digit()))
        };
        let class = |word: &String| {
            let stem = stem(word);
            stem == "object" || self.classes.contains(&stem)
        };
        let typed = names.iter().map(head).find(|h| self.lexicon.kinds.contains_key(h));
        let noun = typed.or_else(|| names.last().map(head)).unwrap_or_default();
        if names.len() > 1 {
            names.retain(|word| !class(word));
        } else if names.iter().all(class) {
            return None;
        }
        (!names.is_empty()).then(|| (names.join("_"), noun))
    }
}

/// Whether a word that is also a name is a verb here: `to study the map`.
fn is_verb(tokens: &[Token], at: usize) -> bool {
    let begins = at.checked_sub(1).and_then(|i| tokens.get(i)).is_none_or(|t| {
        !t.is_word() || matches!(t.text.as_str(), "to" | "please" | "and" | "must")
    });
    begins && tokens.get(at + 1).is_some_and(|t| matches!(t.text.as_str(), "the" | "a" | "an"))
}

fn thing(objects: Vec<(String, String)>, every: bool) -> Thing {
    Thing { objects: objects.into_iter().map(|(name, kind)| (name, Some(kind))).collect(), every }
}

/// Words that no name is made of.
fn small(token: &Token) -> bool {
    filler(&token.text) || preposition(&token.text) || negation(&token.text)
}

/// Nouns that the text uses for kinds: types, and nouns said of no particular one (`a block`,
/// `another block`, `blocks`).
fn classes(lexicon: &Lexicon<'_>, text: &[Token]) -> BTreeSet<String> {
    let mut out: BTreeSet<String> = lexicon.kinds.keys().cloned().collect();
    for pair in text.windows(2) {
        let [article, noun] = pair else { continue };
        let general = matches!(
            article.text.as_str(),
            "a" | "an" | "another" | "each" | "every" | "any" | "other"
        );
        if general && noun.is_word() && noun.text.len() > 1 && !small(noun) {
            out.insert(noun.stem.clone());
        }
    }
    out.extend(distinguished(text));
    out.retain(|stem| !lexicon.literals.contains(stem));
    out
}

/// Nouns of several things that are told apart by one word each: `the red block`, `the blue
/// block`. Where a word goes with two nouns (`the red box`) it does not tell them apart alone.
fn distinguished(text: &[Token]) -> BTreeSet<String> {
    let mut words: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut nouns: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for triple in text.windows(3) {
        let [article, word, noun] = triple else { continue };
        let named = |t: &Token| t.is_word() && !small(t) && t.number.is_none() && !t.glued;
        if article.text == "the" && named(word) && named(noun) && noun.text.len() > 1 {
            words.entry(noun.stem.as_str()).or_default().insert(&word.text);
            nouns.entry(word.text.as_str()).or_default().insert(&noun.stem);
        }
    }
    let alone = |word: &&str| nouns.get(*word).is_some_and(|n| n.len() == 1);
    let several = words.into_iter().filter(|(_, words)| words.len() > 1 && words.iter().all(alone));
    several.map(|(noun, _)| noun.to_owned()).collect()
}
