//! No text makes the reader panic, and every place that it names lies in the text.

use std::time::Instant;

use proptest::prelude::*;

use crate::quest::level::Level;
use crate::quest::narrative::{Analysis, Span, analyze_narrative, analyze_problem};
use crate::quest::{PddlFile, PddlOptions, Split, Suite, import_domain};

fn levels() -> Vec<Level> {
    let text = "(define (domain d) (:requirements :strips) (:predicates (on ?x ?y) (handempty))
      (:action stack :parameters (?x ?y) :precondition (handempty) :effect (on ?x ?y)))";
    let domain = import_domain(PddlFile { name: "d", text }, &PddlOptions::default()).unwrap();
    let suite = Suite::try_builtin().unwrap();
    let mut levels = suite.draw("courier", 1, 1, Split::Train, 3, 1).unwrap();
    levels.extend(suite.draw("quota", 1, 3, Split::Train, 3, 1).unwrap());
    levels.push(domain);
    levels
}

fn spans(read: &Analysis) -> Vec<Span> {
    let goal = read.goal.iter().map(|r| r.span);
    let init = read.init.iter().map(|r| r.span);
    let rest = read.constraints.iter().map(|r| r.span).chain(read.functions.iter().map(|r| r.span));
    goal.chain(init).chain(rest).chain(read.unread.iter().map(|u| u.span)).collect()
}

fn survives(levels: &[Level], text: &str) {
    for level in levels {
        for read in [analyze_narrative(level, text), analyze_problem(level, text)] {
            for span in spans(&read) {
                assert!(text.get(span.start..span.end).is_some(), "{span:?} of {text:?}");
            }
            assert!(read.goal.iter().all(|r| (0.0..=1.0).contains(&r.confidence)), "{read:?}");
        }
    }
}

/// Words that the reader knows, marks, and letters of several bytes.
const PIECES: [&str; 44] = [
    "the",
    "book",
    "hall",
    "lies",
    "in",
    "must",
    "be",
    "not",
    "no",
    "and",
    "or",
    ",",
    ".",
    ":",
    ";",
    "?",
    "\n",
    "[STATEMENT]",
    "[PLAN]",
    "goal",
    "my",
    "is",
    "to",
    "it",
    "they",
    "all",
    "3",
    "one",
    "tokens",
    "keep",
    "at",
    "least",
    "never",
    "once",
    "done",
    "don't",
    "a",
    "object",
    "_",
    "-",
    "ß",
    "naïve",
    "“",
    "on",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
        survives(&levels_once(), &text);
    }

    #[test]
    fn any_order_of_known_words_is_read_without_a_panic(
        words in proptest::collection::vec(0..PIECES.len(), 0..60),
    ) {
        let text: Vec<&str> = words.iter().map(|&i| PIECES[i]).collect();
        survives(&levels_once(), &text.join(" "));
        survives(&levels_once(), &text.concat());
    }
}

fn levels_once() -> Vec<Level> {
    static LEVELS: std::sync::OnceLock<Vec<Level>> = std::sync::OnceLock::new();
    LEVELS.get_or_init(levels).clone()
}

#[test]
fn long_and_repetitive_texts_end() {
    let levels = levels();
    survives(&levels, &"the book and ".repeat(3_000));
    survives(&levels, &"all parcels, every room and ".repeat(500));
    survives(&levels, &"x".repeat(150_000));
    survives(&levels, &"[STATEMENT] my goal is it. ".repeat(500));
}

#[test]
fn the_longest_texts_take_bounded_time() {
    let levels: Vec<Level> = levels().into_iter().take(1).collect();
    for piece in [
        "it is ",
        "book, ",
        "the book and the lamp and ",
        "no not never nothing ",
        "3 tokens ",
        "all parcels of every room ",
        "the red x1 on the blue x2. ",
        "[STATEMENT] ",
        "must be that ",
        "a-b_c.d/",
        "((((",
        "\n\n",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let start = Instant::now();
        survives(&levels, &text);
        let seconds = start.elapsed().as_secs_f64() / 2.0;
        eprintln!("{piece:?}: {seconds:.2} s a reading");
        // Far more than it takes: what grows with the square of the length takes minutes.
        assert!(seconds < 20.0, "{piece:?}: {seconds} s");
    }
}
