//! Function Quest: small worlds in which an agent calls functions to reach a goal.
//!
//! A [`Level`] is text (TOML for people, canonical JSON for digests). [`World::ground`] turns it
//! into numbered facts and calls, [`Play`] is one episode in progress, [`solve`] finds the proven
//! minimum, [`Suite`] draws fresh levels by family, grade and split, and an [`Agent`] plays them.

mod agents;
mod bench;
mod board;
mod captured;
mod check;
mod constraints;
mod expr;
mod generate;
mod ground;
mod index;
mod join;
mod level;
mod locate;
mod moment;
mod narrative;
mod observe;
mod parse;
mod pddl;
mod place;
mod planner;
mod play;
mod print;
mod prune;
mod raw;
mod reach;
mod repeats;
mod state;
mod stress;
mod suite;
#[cfg(test)]
mod tests;
mod validate;
mod world;

pub use agents::{Agent, AgentError, Choice, Expert, Greedy, Noisy, Random, play_out};
pub use bench::{MeasureError, Measured, ROOMS, measure, rooms_level};
pub use expr::{Atom, Change, Compare, Condition, Effects, ExprError, Init, Param, Term, Test};
pub use generate::{FAMILIES, Knob};
pub use level::{
    CostTable, Fault, FluentDef, FunctionDef, LEVEL_SCHEMA, Level, LevelError, Limits,
    Observability, OutcomeDef, PredicateDef, Reference, ReturnsDef, Source, SourceKind, Split,
    StoreKind, schema, split_of,
};
pub use locate::LevelFile;
pub use moment::ReachError;
pub use narrative::{
    Analysis, Basis, Constraint, Deduction, ExecutedCall, Execution, Flaw, NarrativeError, Reading,
    Reasoning, Span, Stopped, Unread, analyze_narrative, analyze_problem, deduce_function_sequence,
    level_from_text, narrated_goal, reasoning, simulate_execution, validate_solution,
};
pub use observe::ToldGoal;
pub use pddl::{
    PddlError, PddlExportError, PddlFile, PddlOptions, PddlText, export_pddl, import_domain,
    import_pddl,
};
pub use place::{Aim, Place, Step};
pub use planner::{
    Plan, Solution, SolveLimits, VerifyError, certify, expected_calls, least_cost, plan_from,
    replay, solve,
};
pub use play::{Finished, Play, Running, StepError, StepOutcome};
pub use state::{CallRecord, Environment, Facts, FunctionQuestState, GoalPart, ReturnValue};
pub use stress::{Stress, UnknownStress};
pub use suite::{Grade, SUITE_SCHEMA, Suite, SuiteDecl, SuiteError, Target};
pub use validate::{PlanFault, Validator, Verdict, validate_plan};
pub use world::{
    Call, CallId, Fact, FactId, Fluent, Function, GroundError, Guard, NumChange, NumEffect,
    NumTest, Outcome, Predicate, World,
};
