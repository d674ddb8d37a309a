//! PDDL: reads problems of the classical subset as levels, and writes levels as such problems.
//!
//! The subset is `:strips :typing :negative-preconditions :equality :action-costs`. What is
//! outside of it is refused by name, at its place in the file; `docs/pddl.md` lists both. The
//! grammar is that of PDDL 3.1 (Kovacs 2011), cut down; costs follow `:action-costs` of IPC 2008.

mod domain;
mod export;
mod formula;
mod import;
mod lisp;
mod names;
mod problem;
mod scope;
mod sections;
#[cfg(test)]
mod tests;

pub use export::{PddlExportError, PddlText, export_pddl};
pub use import::{PddlOptions, import_domain, import_pddl};
pub(super) use names::{original, same_name};

use super::level::LevelError;
use crate::core::PlaceError;

/// A PDDL file: its name, which errors mention, and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PddlFile<'a> {
    /// The file as the user knows it.
    pub name: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

/// Why a PDDL problem cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum PddlError {
    /// Something at a place of one of the two files is wrong or not supported.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The files are right, but what they say is no level.
    #[error(transparent)]
    Level(#[from] LevelError),
}
