//! What an agent may see of an episode, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::StoreKind;
use super::play::Play;
use super::world::{Call, CallId, Fact, World};

/// Facts that hold: by predicate, the arguments of each, sorted.
pub type Facts = BTreeMap<String, Vec<Vec<String>>>;

/// One state of an episode as an agent may see it. Engine-made predicates and counters are left
/// out; what is not listed as a fact is false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionQuestState {
    /// What the agent holds.
    pub inventory: Facts,
    /// What is so in the environment.
    pub environment_state: Environment,
    /// Calls made so far, in order.
    pub function_call_history: Vec<CallRecord>,
    /// What calls gave back, by function and arguments: `create_plan(p1)`. A later value takes the
    /// place of an earlier one; a failed call leaves it.
    pub current_return_values: BTreeMap<String, ReturnValue>,
    /// Parts of the goal that can change; none where the goal stands in the narrative only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Vec<GoalPart>>,
    /// Whether the goal holds, and no forbidden call was made on the way.
    pub goal_achieved: bool,
    /// Fraction of the goal's parts that hold, 0 to 1; none where the goal stands in the narrative
    /// only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_progress: Option<f64>,
    /// Calls left before the limit.
    pub calls_left: u32,
}

/// The environment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Facts that hold, those that no call changes included.
    pub facts: Facts,
    /// Values of the level's fluents by name.
    pub fluents: BTreeMap<String, i64>,
    /// Calls under way: further calls after which each ends, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub running: BTreeMap<String, u32>,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRecord {
    /// Its name, such as `create_plan(p1)`; ends in `->r2` where it makes the new object `r2`.
    pub call: String,
    /// Name of the function.
    pub function: String,
    /// Arguments by parameter.
    pub arguments: BTreeMap<String, String>,
    /// Name of the outcome, where the level gives one and the call has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// True for an error or a timeout; false while it runs.
    pub failed: bool,
    /// True while it runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub running: bool,
    /// True where the call was forbidden when it was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbidden: bool,
}

/// What a call gave back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnValue {
    /// A name such as `plan.json`, or the new object.
    pub value: String,
    /// Quality of the result, 0 to 1.
    pub quality: f64,
}

/// One part of the goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalPart {
    /// The fact or comparison that must hold: `at(b)`, `not open(door)`, `coins >= 1`.
    pub part: String,
    /// Whether it holds now.
    pub met: bool,
}

impl Play {
    /// The state as an agent may see it. It allocates much; rollouts read [`Play::bits`] instead.
    pub fn state(&self) -> FunctionQuestState {
        let (inventory, facts) = seen_facts(self);
        let (function_call_history, current_return_values) = seen_calls(self);
        let shown = self.world().tells_goal();
        FunctionQuestState {
            inventory,
            environment_state: Environment {
                facts,
                fluents: seen_fluents(self),
                running: self.running().map(|r| (name(self.world(), r.call), r.left)).collect(),
            },
            function_call_history,
            current_return_values,
            goal: shown.then(|| goal_parts(self)),
            goal_achieved: self.goal_achieved(),
            goal_progress: shown.then(|| self.goal_progress()),
            calls_left: self.calls_left(),
        }
    }
}

fn name(world: &World, call: CallId) -> String {
    world.calls().get(call as usize).map_or_else(String::new, |c| c.name.clone())
}

/// Facts of the inventory and of the environment that hold.
fn seen_facts(play: &Play) -> (Facts, Facts) {
    let world = play.world();
    let (mut inventory, mut environment) = (Facts::new(), Facts::new());
    let holding = (0u32..).zip(world.facts()).filter(|(id, _)| play.is_true(*id));
    let all: BTreeSet<&Fact> = holding.map(|(_, fact)| fact).chain(world.constants()).collect();
    for fact in all {
        let Some(predicate) = world.predicates().get(fact.predicate) else { continue };
        if !world.level().predicates.contains_key(&predicate.name) {
            continue;
        }
        let side = match predicate.store {
            StoreKind::Inventory => &mut inventory,
            StoreKind::Env => &mut environment,
        };
        let args = fact.args.iter().map(|&object| world.object(object).to_owned()).collect();
        side.entry(predicate.name.clone()).or_default().push(args);
    }
    (inventory, environment)
}

fn seen_fluents(play: &Play) -> BTreeMap<String, i64> {
    let world = play.world();
    let all = world.fluents().iter().zip(play.fluents());
    let own = all.filter(|(fluent, _)| world.level().fluents.contains_key(&fluent.name));
    own.map(|(fluent, &value)| (fluent.name.clone(), value)).collect()
}

/// The history, and what the calls of it that have ended gave back.
fn seen_calls(play: &Play) -> (Vec<CallRecord>, BTreeMap<String, ReturnValue>) {
    let world = play.world();
    let mut returned = BTreeMap::new();
    let runs = still_running(play);
    let mut records = Vec::with_capacity(play.history().len());
    for (step, &(id, outcome)) in play.history().iter().enumerate() {
        let Some(call) = world.calls().get(id as usize) else { continue };
        let function = world.functions().get(call.function);
        let running = runs.contains(&step);
        let ended = call.outcomes.get(outcome).filter(|_| !running);
        if let Some((value, quality)) = ended.and_then(|o| Some((o.returned.clone()?, o.quality))) {
            returned.insert(asked(call).to_owned(), ReturnValue { value, quality });
        }
        records.push(CallRecord {
            call: call.name.clone(),
            function: function.map_or_else(String::new, |f| f.name.clone()),
            arguments: arguments(world, call),
            outcome: ended.and_then(|o| o.name.clone()),
            failed: ended.is_some_and(|o| o.failed),
            running,
            forbidden: play.was_forbidden(step),
        });
    }
    (records, returned)
}

/// Steps of the history whose call still runs: the last of each call that does.
fn still_running(play: &Play) -> BTreeSet<usize> {
    let mut running: BTreeSet<CallId> = play.running().map(|r| r.call).collect();
    let backwards = play.history().iter().enumerate().rev();
    let mut steps = BTreeSet::new();
    for (step, (call, _)) in backwards {
        if running.is_empty() {
            break;
        }
        if running.remove(call) {
            steps.insert(step);
        }
    }
    steps
}

/// The name of a call without the object that it makes.
fn asked(call: &Call) -> &str {
    call.name.split("->").next().unwrap_or(&call.name)
}

fn arguments(world: &World, call: &Call) -> BTreeMap<String, String> {
    let params = world.functions().get(call.function).map_or(&[][..], |f| &f.params);
    let pairs = params.iter().zip(&call.args);
    pairs.map(|(param, &object)| (param.name.clone(), world.object(object).to_owned())).collect()
}

fn goal_parts(play: &Play) -> Vec<GoalPart> {
    let world = play.world();
    let name = |id: &u32| world.facts().get(*id as usize).map_or("", |f| f.name.as_str());
    let on = world.goal_true().iter().map(|f| (name(f).to_owned(), play.is_true(*f)));
    let off = world.goal_false().iter().map(|f| (format!("not {}", name(f)), !play.is_true(*f)));
    let num = world.goal_num().iter().map(|t| {
        let fluent = world.fluents().get(t.fluent).map_or("", |f| f.name.as_str());
        (format!("{fluent} {} {}", t.compare, t.value), t.holds(play.fluents()))
    });
    on.chain(off).chain(num).map(|(part, met)| GoalPart { part, met }).collect()
}
