//! What holds for any text whatever: nothing panics or runs away, a fault lies within its file,
//! and what reads is written and read again unchanged. The tests mutate real files with it, and
//! the targets under `fuzz/` call it.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use crate::core::PlaceError;
use crate::quest::{
    Atom, Condition, Effects, Init, Level, LevelFile, Param, PddlError, PddlFile, PddlOptions,
    Play, Suite, SuiteError, World, import_pddl,
};

/// Steps that are played in a level that grounds.
const STEPS: usize = 24;

/// A fault whose place lies within its text, between characters.
fn placed(fault: &PlaceError) {
    assert!(fault.text.get(fault.span.clone()).is_some(), "{fault:?}");
    assert!(!fault.to_string().is_empty() && fault.line_and_column().0 >= 1);
}

/// A text that may be a level in TOML or JSON. True where it reads.
pub fn level(text: &str) -> bool {
    let file = LevelFile::new("any", text);
    let level = match file.read() {
        Ok(level) => level,
        Err(fault) => {
            placed(&fault);
            return false;
        }
    };
    read_again(&level);
    match World::ground(&level) {
        Ok(world) => play(Arc::new(world)),
        Err(error) => placed(&file.ground_fault(&error)),
    }
    true
}

fn read_again(level: &Level) {
    let (toml, json) = (level.to_toml(), level.to_json());
    assert_eq!(Level::from_toml(&toml).as_ref().ok(), Some(level), "{toml}");
    assert_eq!(Level::from_json(&json).as_ref().ok(), Some(level), "{json}");
}

/// A few steps and all the way back.
fn play(world: Arc<World>) {
    let mut play = Play::new(world, 1);
    let start = (play.bits().to_vec(), play.fluents().to_vec(), play.applicable().to_vec());
    for step in 0..STEPS {
        let calls = play.applicable();
        let Some(&call) = calls.get(step * 7 % calls.len().max(1)) else { break };
        if play.step(call).is_err() {
            break;
        }
        for (value, fluent) in play.fluents().iter().zip(play.world().fluents()) {
            assert!((fluent.min..=fluent.max).contains(value), "{fluent:?} is {value}");
        }
    }
    while play.undo() {}
    let back = (play.bits().to_vec(), play.fluents().to_vec(), play.applicable().to_vec());
    assert_eq!(back, start);
}

/// A text that may be an expression of any kind: what reads prints what reads as the same.
pub fn expression(text: &str) -> bool {
    fn same<T: FromStr + Display + PartialEq>(text: &str) -> bool {
        let Ok(read) = text.parse::<T>() else { return false };
        assert!(read.to_string().parse::<T>().is_ok_and(|again| again == read), "{text:?}");
        true
    }
    let kinds = [
        same::<Condition>(text),
        same::<Effects>(text),
        same::<Atom>(text),
        same::<Param>(text),
        same::<Init>(text),
    ];
    kinds.contains(&true)
}

/// A text that may declare a suite.
pub fn suite(text: &str) -> bool {
    let files = [("levels/any.toml".to_owned(), text.to_owned())];
    match Suite::from_files(&files.into()) {
        Ok(_) => true,
        Err(SuiteError::Place(fault)) => {
            placed(&fault);
            false
        }
        Err(_) => false,
    }
}

/// Two texts that may be a PDDL domain and a problem of it.
pub fn pddl(domain: &str, problem: &str) -> bool {
    let domain = PddlFile { name: "domain", text: domain };
    let problem = PddlFile { name: "problem", text: problem };
    match import_pddl(domain, problem, &PddlOptions::default()) {
        Ok(level) => {
            read_again(&level);
            if let Ok(world) = World::ground(&level) {
                play(Arc::new(world));
            }
            true
        }
        Err(PddlError::Place(fault)) => {
            placed(&fault);
            false
        }
        Err(PddlError::Level(_)) => false,
    }
}
