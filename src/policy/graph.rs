//! The one encoding of a decision: facts and calls as a bipartite graph, in plain arrays.
//!
//! Nodes, edges and texts make a [`Topology`], which states may share; a [`Graph`] adds the features
//! of one state. Equal inputs give bit-equal arrays, so a state that is rolled out, logged and
//! lifted again compares equal with `==`.

use std::sync::Arc;

/// Features of a fact node, see [`fact`].
pub const FACT_FEATURES: usize = 15;
/// Features of a call node, see [`call`].
pub const CALL_FEATURES: usize = 22;
/// Features of the whole state, see [`global`].
pub const GLOBAL_FEATURES: usize = 10;
/// Kinds of edges, see [`EdgeKind`].
pub const EDGE_KINDS: usize = 4;

/// Columns of [`Graph::fact_features`].
pub mod fact {
    /// The fact holds now.
    pub const TRUE: usize = 0;
    /// The fact does not hold now.
    pub const FALSE: usize = 1;
    /// A goal wants it true and it is.
    pub const GOAL_MET: usize = 2;
    /// A goal wants it true and it is not.
    pub const GOAL_OPEN: usize = 3;
    /// A goal wants it false and it is.
    pub const AVOIDED: usize = 4;
    /// A goal wants it false and it is true.
    pub const TO_CLEAR: usize = 5;
    /// No goal speaks of it.
    pub const NOT_GOAL: usize = 6;
    /// The node is an integer fluent (or a hidden counter of a usage limit), not a fact; true then
    /// means above its minimum.
    pub const FLUENT: usize = 7;
    /// Where the fluent stands between its bounds, 0 to 1.
    pub const SHARE: usize = 8;
    /// Distance of the fluent to the tightest goal condition on it, squashed to -1..1.
    pub const SLACK: usize = 9;
    /// The node remembers a function (done, failed, last); logs without a known level.
    pub const HISTORY: usize = 10;
    /// The node belongs to the dialogue (asked, answered); logs without a known level.
    pub const DIALOGUE: usize = 11;
    /// It is as the goal, or a call on a cheapest way to the goal, needs it. This and the two
    /// that follow are 0 where goal or effects are not told.
    pub const TO_KEEP: usize = 12;
    /// The goal, or a call on a cheapest way to the goal, needs it otherwise.
    pub const TO_TURN: usize = 13;
    /// Cost of having it otherwise when nothing is ever lost, squashed to 0..1; 1 is out of reach.
    pub const FAR: usize = 14;
}

/// Columns of [`Graph::call_features`].
pub mod call {
    /// The call may be chosen now.
    pub const APPLICABLE: usize = 0;
    /// How often it was called in this episode, four or more is 1.
    pub const CALLED: usize = 1;
    /// How often its function was called, eight or more is 1.
    pub const FUNCTION_CALLED: usize = 2;
    /// It was the last call.
    pub const LAST: usize = 3;
    /// It was the last call and did not come out as intended.
    pub const LAST_FAILED: usize = 4;
    /// How often it did not come out as intended, four or more is 1.
    pub const FAILED: usize = 5;
    /// Probability of the intended outcome.
    pub const CHANCE: usize = 6;
    /// Cost, squashed to 0..1.
    pub const COST: usize = 7;
    /// Smallest slack among its numeric conditions, squashed to -1..1 (1 where it has none).
    pub const SLACK: usize = 8;
    /// Probability of an error or timeout.
    pub const RISK: usize = 9;
    /// Share of its preconditions that hold, numeric ones included.
    pub const READY: usize = 10;
    /// From a state like this one it was called before, came out as intended, and yet play came
    /// back to this state: a detour.
    pub const CIRCLED: usize = 11;
    /// Quality of what the intended outcome returns, 0 to 1.
    pub const QUALITY: usize = 12;
    /// Answering the user is a function too; this is it.
    pub const RESPOND: usize = 13;
    /// 1 for the last call, 1/2 for the one before, and so on; 0 where it was never made.
    pub const RECENT: usize = 14;
    /// Further calls after which it ends, squashed to 0..1; 0 where it ends at once.
    pub const TAKES: usize = 15;
    /// Share of that time that is still to pass; 0 where it does not run.
    pub const RUNNING: usize = 16;
    /// The built-in call that waits for what runs.
    pub const WAIT: usize = 17;
    /// It can be made now and must not be.
    pub const FORBIDDEN: usize = 18;
    /// Cost of making it possible when nothing is ever lost, squashed to 0..1; 1 is out of reach.
    /// This and the two that follow are 0 where goal or effects are not told.
    pub const FAR: usize = 19;
    /// It stands on a cheapest way to the goal when nothing is ever lost.
    pub const HELPS: usize = 20;
    /// Its share in that: 1 where no other call is as cheap for the same end, 1/2 where one is.
    pub const SOLE: usize = 21;
}

/// Columns of [`Graph::globals`].
pub mod global {
    /// Calls left, as a share of the level's limit (1 where the limit is unknown).
    pub const BUDGET_SHARE: usize = 0;
    /// Calls left, 32 or more is 1.
    pub const BUDGET: usize = 1;
    /// Share of the goal that is met; 0 where the goal is not told.
    pub const PROGRESS: usize = 2;
    /// The last call did not come out as intended.
    pub const LAST_FAILED: usize = 3;
    /// Calls made, 32 or more is 1.
    pub const CALLS_MADE: usize = 4;
    /// Built from a log's history alone: the level is not known.
    pub const FOREIGN: usize = 5;
    /// Parts of the goal that do not hold, squashed to 0..1. This and the three that follow are
    /// 0 where goal or effects are not told.
    pub const GOALS: usize = 6;
    /// Conditions on the cheapest ways to the goal that do not hold, squashed to 0..1.
    pub const OPEN: usize = 7;
    /// The goal is out of reach even when nothing is ever lost.
    pub const DEAD: usize = 8;
    /// What must be brought about by using up things that no call brings back, less the things of
    /// this kind at hand, squashed to -1..1.
    pub const SHORT: usize = 9;
}

/// What a call has to do with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EdgeKind {
    /// The call needs the fact (or a bound on the fluent).
    Needs = 0,
    /// The call needs the fact to be false.
    NeedsNot = 1,
    /// The call makes the fact true (or raises the fluent).
    Adds = 2,
    /// The call makes the fact false (or lowers the fluent).
    Deletes = 3,
}

/// One edge between a fact node and a call node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Index of the fact node.
    pub fact: u32,
    /// What the call has to do with it.
    pub kind: EdgeKind,
    /// Index of the call node.
    pub call: u32,
    /// How many facts like this one the call has such an edge to.
    pub per_call: u32,
    /// How many calls like this one the fact has such an edge to.
    pub per_fact: u32,
}

impl Edge {
    /// An edge between one fact and one call.
    pub fn new(fact: u32, kind: EdgeKind, call: u32) -> Self {
        Self { fact, kind, call, per_call: 1, per_fact: 1 }
    }
}

/// Nodes, edges and texts of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// Number of fact nodes.
    pub facts: usize,
    /// Number of call nodes.
    pub calls: usize,
    /// Sorted by fact, kind, call; without duplicates.
    pub edges: Vec<Edge>,
    /// For every call the row of [`Topology::texts`] that describes its function.
    pub call_text: Vec<i32>,
    /// Hashed texts, rows of [`super::text::TEXT_FEATURES`] values.
    pub texts: Arc<Vec<f32>>,
    /// For every fact node how many facts it stands for; all alike, see `fold`.
    pub fact_sizes: Vec<u32>,
    /// For every call node how many calls it stands for.
    pub call_sizes: Vec<u32>,
}

impl Topology {
    /// Every node stands for itself. Sorts the edges and drops duplicates, so that equal graphs
    /// are equal arrays.
    pub fn new(
        facts: usize,
        calls: usize,
        mut edges: Vec<Edge>,
        call_text: Vec<i32>,
        texts: impl Into<Arc<Vec<f32>>>,
    ) -> Self {
        edges.sort_unstable();
        edges.dedup();
        let (fact_sizes, call_sizes) = (vec![1; facts], vec![1; calls]);
        Self { facts, calls, edges, call_text, texts: texts.into(), fact_sizes, call_sizes }
    }
}

/// One decision: the state, and which calls may be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Nodes, edges and texts.
    pub topology: Arc<Topology>,
    /// `facts × FACT_FEATURES` values, row by row.
    pub fact_features: Vec<f32>,
    /// `calls × CALL_FEATURES` values, row by row.
    pub call_features: Vec<f32>,
    /// [`GLOBAL_FEATURES`] values.
    pub globals: Vec<f32>,
    /// The node of every call that may be chosen, calls ascending; calls that are alike share one.
    /// A target indexes into this list.
    pub applicable: Vec<i32>,
}

impl Graph {
    /// Fact and call nodes together: what a batch budget counts.
    pub fn nodes(&self) -> usize {
        self.topology.facts + self.topology.calls
    }
}

/// `n` of `full` as a share between 0 and 1.
pub(crate) fn share(n: usize, full: usize) -> f32 {
    if full == 0 { 0.0 } else { (n.min(full)) as f32 / full as f32 }
}

/// Squashes a distance of any size to -1..1; 4 gives 0.5.
pub(crate) fn squash(x: f32) -> f32 {
    x / (x.abs() + 4.0)
}
