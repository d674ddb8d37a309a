//! A state's rows by the names of its facts and calls, before alike ones are folded.

use std::sync::Arc;

use crate::policy::lift_world::{Nodes, unfolded};
use crate::policy::{CALL_FEATURES, FACT_FEATURES, Graph};
use crate::quest::{Play, World};

/// A state as the unfolded graph.
pub struct State {
    /// Its level.
    pub world: Arc<World>,
    /// Which facts and calls its nodes are.
    pub nodes: Nodes,
    /// The graph.
    pub graph: Graph,
}

impl State {
    /// The present state.
    pub fn of(play: &Play) -> Self {
        let (nodes, graph) = unfolded(play);
        Self { world: Arc::clone(play.world()), nodes, graph }
    }

    /// The row of a fact, by its name without spaces.
    pub fn fact(&self, name: &str) -> &[f32] {
        let plain = |name: &str| name.replace(' ', "");
        let id = self.world.facts().iter().position(|f| plain(&f.name) == plain(name)).unwrap();
        self.row_of_fact(id)
    }

    /// The row of a fluent that is no clock.
    pub fn fluent(&self, name: &str) -> &[f32] {
        let id = self.world.fluents().iter().position(|f| f.name == name).unwrap();
        self.row_of_fact(self.world.facts().len() + id)
    }

    fn row_of_fact(&self, id: usize) -> &[f32] {
        let node = self.nodes.facts.binary_search(&(id as u32)).unwrap();
        &self.graph.fact_features[node * FACT_FEATURES..][..FACT_FEATURES]
    }

    /// The row of a call, by its name without spaces.
    pub fn call(&self, name: &str) -> &[f32] {
        let plain = |name: &str| name.replace(' ', "");
        let id = self.world.calls().iter().position(|c| plain(&c.name) == plain(name)).unwrap();
        let node = self.nodes.calls.binary_search(&(id as u32)).unwrap();
        &self.graph.call_features[node * CALL_FEATURES..][..CALL_FEATURES]
    }
}
