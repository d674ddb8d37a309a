//! Making a sequence of calls, step by step, with what each brings and why it stops.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quest::level::Level;
use crate::quest::play::Play;
use crate::quest::state::FunctionQuestState;
use crate::quest::validate::{Validator, Verdict};
use crate::quest::world::{CallId, GroundError, World};

/// One call that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutedCall {
    /// Its name.
    pub call: String,
    /// Name of its outcome, where the level gives one.
    pub outcome: Option<String>,
    /// What it gave back.
    pub returned: Option<String>,
    /// Quality of the result, 0 to 1.
    pub quality: f64,
    /// True for an error or a timeout.
    pub failed: bool,
    /// True where it must not be made.
    pub forbidden: bool,
    /// Calls that take time and ended in this step.
    pub ended: Vec<String>,
    /// Reward, as [`StepOutcome::reward`](crate::quest::StepOutcome::reward).
    pub reward: f64,
    /// Fraction of the goal's parts that hold afterwards, 0 to 1.
    pub goal: f64,
    /// The state afterwards.
    pub state: FunctionQuestState,
}

/// Where and why a sequence stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// Number of the call that was not made, from 1.
    pub step: usize,
    /// What it says.
    pub call: String,
    /// Why it was not made.
    pub why: String,
}

/// A sequence of calls as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Execution {
    /// The calls that were made.
    pub steps: Vec<ExecutedCall>,
    /// Where it stopped; none where all calls were made.
    pub stopped: Option<Stopped>,
    /// Whether the goal holds after the last call made, and nothing forbidden was done.
    pub goal_achieved: bool,
    /// Sum of the rewards.
    pub reward: f64,
}

/// Makes these calls (`name(arg, arg)`) in a new episode; outcomes are drawn from the seed. It
/// stops at the first call that cannot be made, and where the episode is over.
///
/// # Errors
/// Where the level cannot be grounded.
pub fn simulate_execution(
    level: &Level,
    calls: &[String],
    seed: u64,
) -> Result<Execution, GroundError> {
    let world = Arc::new(World::ground(level)?);
    let mut play = Play::new(Arc::clone(&world), seed);
    let mut steps: Vec<ExecutedCall> = Vec::new();
    let mut stopped = None;
    for (number, text) in (1..).zip(calls) {
        match execute(&mut play, text) {
            Ok(step) => steps.push(step),
            Err(why) => {
                stopped = Some(Stopped { step: number, call: text.clone(), why });
                break;
            }
        }
    }
    let reward = steps.iter().map(|s| s.reward).sum();
    Ok(Execution { steps, stopped, goal_achieved: play.goal_achieved(), reward })
}

fn execute(play: &mut Play, text: &str) -> Result<ExecutedCall, String> {
    if play.violated() {
        return Err("a forbidden call ended the episode".to_owned());
    }
    let world = Arc::clone(play.world());
    let id = named(play, text).ok_or_else(|| "the level has no such call".to_owned())?;
    let forbidden = play.is_forbidden(id);
    let out = play.step(id).map_err(|e| match unmet(play, id) {
        conditions if conditions.is_empty() => e.to_string(),
        conditions => format!("not applicable: {} not met", conditions.join(", ")),
    })?;
    let name = |id: CallId| world.calls().get(id as usize).map_or("", |c| c.name.as_str());
    Ok(ExecutedCall {
        call: name(id).to_owned(),
        outcome: out.name,
        returned: out.returned,
        quality: out.quality,
        failed: out.failed,
        forbidden,
        ended: out.finished.iter().map(|f| name(f.call).to_owned()).collect(),
        reward: out.reward,
        goal: play.goal_progress(),
        state: play.state(),
    })
}

/// The call of this name; where it makes new objects, the one that can be made now.
fn named(play: &Play, text: &str) -> Option<CallId> {
    let wanted = tidy(text);
    let world = play.world();
    if let Some(id) = world.call_by_name(&wanted) {
        return Some(id);
    }
    let makes = |name: &str| name.split_once("->").is_some_and(|(asked, _)| asked == wanted);
    let fitting: Vec<CallId> =
        (0u32..).zip(world.calls()).filter(|(_, c)| makes(&c.name)).map(|(id, _)| id).collect();
    let open = fitting.iter().copied().find(|&id| play.is_applicable(id));
    open.or_else(|| fitting.first().copied())
}

/// `stack( a ,b )` and `(stack a b)` as `stack(a, b)`.
fn tidy(text: &str) -> String {
    let separators = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',');
    let mut words = text.split(separators).filter(|w| !w.is_empty());
    let name = words.next().unwrap_or_default();
    let (made, args): (Vec<&str>, Vec<&str>) = words.partition(|w| w.starts_with("->"));
    format!("{name}({}){}", args.join(", "), made.join(""))
}

/// The conditions of a call that do not hold now.
fn unmet(play: &Play, id: CallId) -> Vec<String> {
    let world = play.world();
    let Some(call) = world.calls().get(id as usize) else { return Vec::new() };
    let fact = |f: u32| world.facts().get(f as usize).map_or("", |f| f.name.as_str());
    let on = call.pre_true.iter().filter(|&&f| !play.is_true(f)).map(|&f| fact(f).to_owned());
    let off = call.pre_false.iter().filter(|&&f| play.is_true(f));
    let off = off.map(|&f| format!("not {}", fact(f)));
    let num = call.pre_num.iter().filter(|t| !t.holds(play.fluents())).map(|t| {
        let fluent = world.fluents().get(t.fluent).map_or("", |f| f.name.as_str());
        format!("{fluent} {} {}", t.compare, t.value)
    });
    on.chain(off).chain(num).collect()
}

/// Judges a sequence of calls: whether each can be made where it stands, none is forbidden, and
/// the goal holds at the end. Where a call has several outcomes and none is named
/// (`build(p)#timeout`), the intended one is taken.
///
/// # Errors
/// Where the level cannot be grounded.
pub fn validate_solution(level: &Level, calls: &[String]) -> Result<Verdict, GroundError> {
    Ok(Validator::new(level)?.judge(&calls.join("\n")))
}
