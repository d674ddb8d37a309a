//! What a state of a known level says of its facts, its calls and itself.

use super::graph::{
    CALL_FEATURES, FACT_FEATURES, GLOBAL_FEATURES, call, fact, global, share, squash,
};
use super::history::{History, known_history};
use super::outlook::{NEVER, Outlook};
use crate::quest::{Call, Compare, NumTest, Play};

/// By how much a test holds (0 or more) or fails (below 0).
fn slack(test: NumTest, value: i64) -> f32 {
    let distance = match test.compare {
        Compare::Ge => value - test.value,
        Compare::Le => test.value - value,
        Compare::Eq => -(value - test.value).abs(),
        Compare::Ne => (value - test.value).abs() - 1,
    };
    distance as f32
}

/// Rows of these nodes: numbers of facts, and beyond them places in the list of fluents.
pub(super) fn fact_features(
    play: &Play,
    nodes: &[u32],
    fluents: &[usize],
    outlook: Option<&Outlook>,
) -> Vec<f32> {
    let world = play.world();
    let facts = world.facts().len();
    let mut out = vec![0.0; nodes.len() * FACT_FEATURES];
    for (id, row) in nodes.iter().zip(out.chunks_exact_mut(FACT_FEATURES)) {
        match (*id as usize).checked_sub(facts) {
            None => plain_fact(play, *id, outlook, row),
            Some(place) => {
                let fluent = fluents.get(place).copied().unwrap_or(usize::MAX);
                fluent_features(play, fluent, outlook, row);
            }
        }
    }
    out
}

fn plain_fact(play: &Play, id: u32, outlook: Option<&Outlook>, row: &mut [f32]) {
    let goal = play.world().told_goal();
    let holds = play.is_true(id);
    row[if holds { fact::TRUE } else { fact::FALSE }] = 1.0;
    let wanted = goal.wanted.binary_search(&id).is_ok();
    let unwanted = goal.unwanted.binary_search(&id).is_ok();
    let column = match (wanted, unwanted, holds) {
        (true, _, true) => fact::GOAL_MET,
        (true, _, false) => fact::GOAL_OPEN,
        (_, true, false) => fact::AVOIDED,
        (_, true, true) => fact::TO_CLEAR,
        _ => fact::NOT_GOAL,
    };
    row[column] = 1.0;
    let Some(outlook) = outlook else { return };
    let [on, off] = outlook.needed(id);
    let (stay, turn) = if holds { (on, off) } else { (off, on) };
    row[fact::TO_KEEP] = f32::from(u8::from(stay));
    row[fact::TO_TURN] = f32::from(u8::from(turn));
    row[fact::FAR] = far(outlook.turning(id, holds));
}

/// A cost of the relaxation as a share of what is out of reach.
fn far(cost: u32) -> f32 {
    if cost == NEVER { 1.0 } else { squash(cost as f32) }
}

fn fluent_features(play: &Play, id: usize, outlook: Option<&Outlook>, row: &mut [f32]) {
    let value = play.fluent(id);
    let (min, max) = play.world().fluents().get(id).map_or((0, 0), |f| (f.min, f.max));
    row[fact::FLUENT] = 1.0;
    row[if value > min { fact::TRUE } else { fact::FALSE }] = 1.0;
    row[fact::SHARE] = (value - min) as f32 / (max - min).max(1) as f32;
    let tests = play.world().told_goal().num.iter().filter(|t| t.fluent == id);
    match tests.map(|t| slack(*t, value)).reduce(f32::min) {
        Some(least) => {
            row[if least >= 0.0 { fact::GOAL_MET } else { fact::GOAL_OPEN }] = 1.0;
            row[fact::SLACK] = squash(least);
        }
        None => row[fact::NOT_GOAL] = 1.0,
    }
    let open = outlook.into_iter().flat_map(Outlook::open_tests).filter(|(t, _)| t.fluent == id);
    if let Some(nearest) = open.map(|(_, cost)| cost).min() {
        row[fact::TO_TURN] = 1.0;
        row[fact::FAR] = far(nearest);
    }
}

/// Rows of these calls.
pub(super) fn call_features(play: &Play, nodes: &[u32], outlook: Option<&Outlook>) -> Vec<f32> {
    let world = play.world();
    let history = History::of(play);
    let mut out = vec![0.0; nodes.len() * CALL_FEATURES];
    for (id, row) in nodes.iter().zip(out.chunks_exact_mut(CALL_FEATURES)) {
        let Some(one) = world.calls().get(*id as usize) else { continue };
        history.mark(*id, one, row);
        plain_call(play, one, row);
        row[call::FORBIDDEN] = f32::from(u8::from(play.is_forbidden(*id)));
        row[call::APPLICABLE] = f32::from(u8::from(play.is_applicable(*id)));
        if let Some(outlook) = outlook {
            let at = *id as usize;
            row[call::FAR] = far(outlook.calls.get(at).copied().unwrap_or(NEVER));
            let rivals = outlook.rivals.get(at).copied().unwrap_or(0);
            row[call::HELPS] = f32::from(u8::from(rivals > 0));
            row[call::SOLE] = if rivals == 0 { 0.0 } else { 1.0 / rivals as f32 };
        }
    }
    for running in play.running() {
        let takes = world.calls().get(running.call as usize).map_or(1, |c| c.takes);
        let Ok(node) = nodes.binary_search(&running.call) else { continue };
        if let Some(cell) = out.get_mut(node * CALL_FEATURES + call::RUNNING) {
            *cell = share(running.left as usize, takes as usize);
        }
    }
    out
}

fn plain_call(play: &Play, one: &Call, row: &mut [f32]) {
    row[call::COST] = squash(one.cost as f32).max(0.0);
    row[call::CHANCE] = 1.0;
    row[call::QUALITY] = 1.0;
    let outcomes = play.world().told_outcomes(one);
    if let Some(intended) = outcomes.first() {
        row[call::CHANCE] = intended.p as f32;
        row[call::QUALITY] = intended.quality as f32;
    }
    let risk: f64 = outcomes.iter().filter(|o| o.failed).map(|o| o.p).sum();
    row[call::RISK] = risk as f32;
    row[call::TAKES] = squash(one.takes as f32).max(0.0);
    row[call::WAIT] = f32::from(u8::from(one.wait));
    conditions(play, one, row);
}

/// Share of conditions that hold, and the tightest numeric one.
fn conditions(play: &Play, one: &Call, row: &mut [f32]) {
    let all = one.pre_true.len() + one.pre_false.len() + one.pre_num.len();
    let mut met = one.pre_true.iter().filter(|f| play.is_true(**f)).count();
    met += one.pre_false.iter().filter(|f| !play.is_true(**f)).count();
    let mut tightest: Option<f32> = None;
    for test in &one.pre_num {
        let slack = slack(*test, play.fluent(test.fluent));
        met += usize::from(slack >= 0.0);
        tightest = Some(tightest.map_or(slack, |t| t.min(slack)));
    }
    row[call::READY] = if all == 0 { 1.0 } else { share(met, all) };
    row[call::SLACK] = tightest.map_or(1.0, squash);
}

/// The state as a whole.
pub(super) fn globals(play: &Play, outlook: Option<&Outlook>) -> Vec<f32> {
    let limit = play.world().level().limits.max_calls as usize;
    let used = play.calls_used() as usize;
    let left = limit.saturating_sub(used);
    let mut out = vec![0.0; GLOBAL_FEATURES];
    out[global::BUDGET_SHARE] = share(left, limit);
    out[global::BUDGET] = share(left, 32);
    if play.world().tells_goal() {
        out[global::PROGRESS] = play.goal_progress() as f32;
    }
    out[global::CALLS_MADE] = share(used, 32);
    let last_failed = known_history(play).last().is_some_and(|(_, outcome)| *outcome != 0);
    out[global::LAST_FAILED] = f32::from(u8::from(last_failed));
    if let Some(outlook) = outlook {
        out[global::GOALS] = squash(outlook.goals as f32);
        out[global::OPEN] = squash(outlook.open as f32 / 4.0);
        out[global::SHORT] = squash(outlook.demand as f32 - outlook.supply as f32);
        out[global::DEAD] = f32::from(u8::from(outlook.dead));
    }
    out
}
