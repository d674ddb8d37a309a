//! Real files, spoiled at random: whatever they become, [`holds`] holds. The targets under `fuzz/`
//! search deeper with the same properties; this much of it runs in every test.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::holds;
use super::rich::RICH;
use crate::core::rng;
use crate::quest::{Level, Suite};

/// Words that files are made of, and some that are too much.
const WORDS: [&str; 40] = [
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "\\u00e4",
    "\n",
    "\r\n",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "(",
    ")",
    ",",
    "=",
    ".",
    "#",
    "?r",
    "not ",
    " and ",
    " or ",
    "object",
    "takes = 3\n",
    "forbidden = \"\"\n",
    "p = 1",
    "at_start = \"friday\"\n",
    "99999999999999999999",
    "-1",
    "0",
    "1e308",
    "nan",
    "inf",
    "2147483647",
    "max_calls = 1000000",
    "[functions.wait]\n",
    "ä",
    "\u{0}",
    "?ret",
];

const DOMAIN: &str = "(define (domain ferry) (:requirements :strips :typing :action-costs)
 (:types car place - object)
 (:predicates (at-ferry ?p - place) (at ?c - car ?p - place) (on ?c - car) (empty))
 (:functions (total-cost) (sea ?a ?b - place))
 (:action sail :parameters (?a ?b - place) :precondition (and (at-ferry ?a) (not (= ?a ?b)))
  :effect (and (at-ferry ?b) (not (at-ferry ?a)) (increase (total-cost) (sea ?a ?b))))
 (:action board :parameters (?c - car ?p - place)
  :precondition (and (at ?c ?p) (at-ferry ?p) (empty))
  :effect (and (on ?c) (not (at ?c ?p)) (not (empty))))
 (:action debark :parameters (?c - car ?p - place) :precondition (and (on ?c) (at-ferry ?p))
  :effect (and (at ?c ?p) (empty) (not (on ?c)))))";

const PROBLEM: &str = "(define (problem two) (:domain ferry) (:objects a b - place c1 c2 - car)
 (:init (at-ferry a) (at c1 a) (at c2 b) (empty) (= (sea a b) 2) (= (sea b a) 3)
  (= (total-cost) 0))
 (:goal (and (at c1 b) (at c2 a))) (:metric minimize (total-cost)))";

/// Spoils a text: flips and drops characters, cuts, doubles and exchanges pieces, puts words in,
/// makes numbers huge and nests deeply.
fn spoiled(text: &str, dice: &mut ChaCha8Rng) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..dice.random_range(1..4) {
        let n = chars.len().max(1);
        let at = dice.random_range(0..n).min(chars.len());
        let to = (at + dice.random_range(0..40)).min(chars.len());
        match dice.random_range(0..10) {
            0 if at < chars.len() => {
                chars[at] = char::from_u32(chars[at] as u32 ^ (1 << dice.random_range(0..7)))
                    .unwrap_or('?');
            }
            1 => drop(chars.drain(at..to)),
            2 if dice.random_bool(0.2) => chars.truncate(at),
            3 => {
                let piece: Vec<char> = chars[at..to].to_vec();
                chars.splice(at..at, piece);
            }
            4 => {
                let piece: Vec<char> = chars.drain(at..to).collect();
                let there = dice.random_range(0..=chars.len());
                chars.splice(there..there, piece);
            }
            5 => {
                let line: String = chars.iter().collect();
                let mut lines: Vec<&str> = line.split('\n').collect();
                let (a, b) = (dice.random_range(0..lines.len()), dice.random_range(0..lines.len()));
                lines.swap(a, b);
                chars = lines.join("\n").chars().collect();
            }
            6 => {
                if let Some(digit) = (at..chars.len()).find(|i| chars[*i].is_ascii_digit()) {
                    let many = *[1, 4, 9, 18, 400].choose(dice).unwrap();
                    chars.splice(digit..digit, std::iter::repeat_n('9', many));
                }
            }
            7 if dice.random_bool(0.1) => {
                let open = *['(', '[', '{', '!'].choose(dice).unwrap();
                chars.splice(at..at, std::iter::repeat_n(open, 3000));
            }
            _ => {
                let word = WORDS.choose(dice).unwrap();
                chars.splice(at..at, word.chars());
            }
        }
    }
    chars.into_iter().collect()
}

/// Spoils each text `times` times; how many of the results still read.
fn survivors(label: &str, texts: &[String], times: usize, reads: fn(&str) -> bool) -> usize {
    let mut dice = rng(7, label);
    let spoils = texts.iter().flat_map(|text| std::iter::repeat_n(text, times));
    spoils.filter(|text| reads(&spoiled(text, &mut dice))).count()
}

fn levels() -> Vec<String> {
    let hand = Suite::builtin_files().filter(|(name, _)| name.starts_with("hand/"));
    hand.map(|(_, text)| text.to_owned()).chain([RICH.to_owned()]).collect()
}

#[test]
fn spoiled_levels() {
    let texts = levels();
    assert!(texts.iter().all(|text| holds::level(text)));
    let read = survivors("toml", &texts, 700, holds::level);
    assert!(read > 200, "only {read} spoiled levels still read: nothing beyond reading was tried");
}

#[test]
fn spoiled_json_levels() {
    let json = |text: &String| Level::from_toml(text).unwrap().to_json();
    let texts: Vec<String> = levels().iter().map(json).collect();
    assert!(texts.iter().all(|text| holds::level(text)));
    assert!(survivors("json", &texts, 400, holds::level) > 100);
}

#[test]
fn spoiled_expressions() {
    let texts = [
        "has(?p) and not enhanced(?p) and budget >= 1 and ?a != ?b and (x or y)",
        "done(?p), not open(?p), budget -= 1, n = 3, m += -2",
        "road(?from, ?to)",
        "?p: prompt",
        "coins = 4",
    ];
    let texts = texts.map(str::to_owned);
    assert!(survivors("expression", &texts, 4000, holds::expression) > 1000);
}

#[test]
fn spoiled_suites() {
    let files = Suite::builtin_files().filter(|(name, _)| !name.starts_with("hand/"));
    let texts: Vec<String> = files.map(|(_, text)| text.to_owned()).collect();
    assert!(texts.iter().all(|text| holds::suite(text)));
    let read = survivors("suite", &texts, 150, holds::suite);
    assert!(read > 20, "{read}");
}

#[test]
fn spoiled_pddl() {
    assert!(holds::pddl(DOMAIN, PROBLEM));
    let domain = survivors("domain", &[DOMAIN.to_owned()], 1500, |text| holds::pddl(text, PROBLEM));
    let problem =
        survivors("problem", &[PROBLEM.to_owned()], 1500, |text| holds::pddl(DOMAIN, text));
    assert!(domain > 20 && problem > 20, "{domain} {problem}");
}
