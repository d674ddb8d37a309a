//! A small level with a fluent, failures and ways to go round in circles, and a log of it.
#![allow(dead_code, reason = "the library's tests and those of fqm-torch each use a part")]

use std::sync::Arc;

use crate::core::{Digest, EpisodeId};
use crate::dataset::{
    ACTION_CALL, ACTION_RESPOND, Candidate, DataSplit, Episode, LevelRef, ScoredBy, Step,
};
use crate::policy::{Example, Graph, LevelSource, Lifter, graph_of_play};
use crate::quest::{Agent, Expert, Level, Play, Random, World};

const COURIER: &str = r#"
schema = "fq-level/1"
id = "courier"
family = "courier"
level = 1
challenge = 1
limits = { max_calls = 30 }
source = { kind = "generated", seed = 7 }
init = ["van(north)", "free", "fuel = 12", "at(p1, south)", "at(p2, north)"]
goal = "at(p1, west) and at(p2, south)"
[types]
parcel = "object"
place = "object"
[objects]
parcel = ["p1", "p2"]
place = ["north", "south", "west"]
[fluents.fuel]
max = 20
[predicates]
at = { params = ["?p: parcel", "?l: place"] }
van = { params = ["?l: place"] }
inside = { params = ["?p: parcel"] }
free = {}
[functions.drive]
description = "drive the van to another place"
params = ["?a: place", "?b: place"]
pre = "van(?a) and ?a != ?b and fuel >= 1"
effects = "not van(?a), van(?b), fuel -= 1"
[functions.load_parcel]
description = "put a parcel into the van"
params = ["?p: parcel", "?l: place"]
pre = "van(?l) and at(?p, ?l) and free"
effects = "not at(?p, ?l), inside(?p), not free"
outcomes = [{ name = "ok", p = 0.75 }, { name = "slip", p = 0.25, failed = true }]
[functions.unload_parcel]
description = "take a parcel out of the van"
params = ["?p: parcel", "?l: place"]
pre = "van(?l) and inside(?p)"
effects = "at(?p, ?l), not inside(?p), free"
"#;

/// The level's text.
pub fn courier_text() -> &'static str {
    COURIER
}

/// The level's text when every call comes out as intended.
pub fn sure_courier() -> String {
    let drawn = |line: &&str| !line.starts_with("outcomes");
    COURIER.lines().filter(drawn).map(|line| format!("{line}\n")).collect()
}

/// The level as TOML says, grounded.
pub fn world_of(text: &str) -> Arc<World> {
    Arc::new(World::ground(&Level::from_toml(text).unwrap()).unwrap())
}

/// The level, grounded.
pub fn courier() -> Arc<World> {
    world_of(COURIER)
}

/// Knows one level.
pub struct OneLevel(pub Arc<World>);

impl LevelSource for OneLevel {
    fn world(&self, level: &LevelRef) -> Option<Arc<World>> {
        (level.digest == self.0.level().content_digest()).then(|| Arc::clone(&self.0))
    }
}

/// An episode without steps.
pub fn episode(id: &str, workflow: &str) -> Episode {
    Episode {
        id: EpisodeId::new(id),
        task_id: "task".into(),
        workflow: workflow.into(),
        format: "native".into(),
        agent: "test".into(),
        domain: workflow.into(),
        level: None,
        status: "ok".into(),
        total_reward: None,
        score: 0.5,
        scored_by: ScoredBy::Outcome,
        imitation: true,
        offline: true,
        split: DataSplit::Train,
        steps: Vec::new(),
    }
}

/// A step that does nothing yet.
pub fn step(index: i32, action: &str) -> Step {
    Step {
        index,
        action: action.into(),
        tool: None,
        args_json: None,
        result_json: None,
        observation_json: None,
        candidates: Vec::new(),
        chosen: None,
        propensity: None,
        outcome: None,
        reward: None,
        done: false,
        error: None,
        tool_defs: None,
        correction: None,
    }
}

/// A step that calls a function in a log without levels.
pub fn tool(index: i32, name: &str, args: &str, result: &str) -> Step {
    Step {
        tool: Some(name.into()),
        args_json: Some(args.into()),
        result_json: Some(result.into()),
        ..step(index, ACTION_CALL)
    }
}

/// A step that answers what was said.
pub fn respond(index: i32, said: &str) -> Step {
    Step { observation_json: Some(said.into()), ..step(index, ACTION_RESPOND) }
}

/// Plays to the end and writes the log; also gives the graph before each call.
pub fn logged(agent: &mut dyn Agent, world: &Arc<World>, seed: u64) -> (Episode, Vec<Graph>, Play) {
    let mut episode = episode(&format!("episode-{seed}"), "courier");
    episode.level = Some(LevelRef {
        family: "courier".into(),
        level: 1,
        challenge: 1,
        seed: 7,
        digest: world.level().content_digest(),
    });
    let mut play = Play::new(Arc::clone(world), seed);
    let mut graphs = Vec::new();
    while !play.done() {
        graphs.push(graph_of_play(&play));
        let choice = agent.act(&[&play]).unwrap().remove(0);
        let at = play.applicable().binary_search(&choice.call).unwrap();
        let name = |id: &u32| world.calls()[*id as usize].name.clone();
        let candidates = play.applicable().iter().zip(&choice.propensities);
        let candidates = candidates
            .map(|(c, p)| Candidate { id: name(c), score: None, propensity: Some(*p) })
            .collect();
        let outcome = play.advance(choice.call).unwrap();
        let call = &world.calls()[choice.call as usize];
        episode.steps.push(Step {
            tool: Some(world.functions()[call.function].name.clone()),
            candidates,
            chosen: Some(at as i32),
            propensity: Some(choice.propensities[at]),
            outcome: Some(outcome as i32),
            ..step(episode.steps.len() as i32, ACTION_CALL)
        });
    }
    (episode, graphs, play)
}

/// Examples of expert plays.
pub fn expert_examples(plays: u64) -> Vec<Example> {
    let world = courier();
    let mut expert = Expert::default();
    let levels = OneLevel(Arc::clone(&world));
    let nothing = crate::policy::Vocabulary::default();
    (0..plays)
        .flat_map(|seed| {
            let (episode, _, _) = logged(&mut expert, &world, seed);
            crate::policy::examples_of_episode(&episode, &levels, &nothing).unwrap().examples
        })
        .collect()
}

/// Graphs of a random walk.
pub fn walk(seed: u64, most: usize) -> Vec<Graph> {
    let world = courier();
    let mut lifter = Lifter::default();
    let mut agent = Random::new(seed);
    let mut play = Play::new(world, seed);
    let mut graphs = Vec::new();
    while !play.done() && graphs.len() < most {
        graphs.push(lifter.graph(&play));
        let call = agent.act(&[&play]).unwrap().remove(0).call;
        play.advance(call).unwrap();
    }
    graphs
}

/// A digest of a text.
pub fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}
