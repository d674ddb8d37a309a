//! Tests of reading narratives, of plans from words and of judging episodes.

mod execution;
mod hostile;
mod judged;
mod planbench;
mod suites;
mod tau;
mod texts;
mod whole;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Analysis, analyze_narrative};
use crate::quest::level::Level;

/// A file of the shared data, or none (with a message) where it is not there.
fn shared(what: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = std::env::var_os("FQM_SHARED_DATA").map_or(beside, PathBuf::from).join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no data at {} (FQM_SHARED_DATA names another folder)", path.display());
    None
}

fn goal(analysis: &Analysis) -> Vec<String> {
    analysis.goal_condition().0.iter().map(ToString::to_string).collect()
}

fn init(analysis: &Analysis) -> Vec<String> {
    analysis.initial_state().iter().map(ToString::to_string).collect()
}

/// The goal that a text tells about a level, in the order of names.
fn goal_of(level: &Level, text: &str) -> Vec<String> {
    goal(&analyze_narrative(level, text))
}

/// Right, wrong and missing parts, added up over many texts.
#[derive(Debug, Default, Clone, Copy)]
struct Score {
    right: usize,
    wrong: usize,
    missing: usize,
}

impl Score {
    fn add(&mut self, wanted: &BTreeSet<String>, read: &BTreeSet<String>) {
        self.right += wanted.intersection(read).count();
        self.wrong += read.difference(wanted).count();
        self.missing += wanted.difference(read).count();
    }

    fn precision(self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    fn recall(self) -> f64 {
        self.right as f64 / (self.right + self.missing).max(1) as f64
    }

    fn f1(self) -> f64 {
        2.0 * self.right as f64 / (2 * self.right + self.wrong + self.missing).max(1) as f64
    }
}
