//! Random worlds that the planner is tried on, and what the engine itself makes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::random::{self, Choices};
use crate::quest::{Atom, CallId, Condition, Init, Level, Play, Term, Test, World};

/// A random level in which most objects begin alike.
pub fn alike(bytes: &[u8]) -> Level {
    let mut level = random::level(bytes);
    let c = &mut Choices::new(bytes);
    let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    level.objects.insert("thing".to_owned(), names(&["a", "b", "c", "n1", "n2"]));
    level.objects.insert("tool".to_owned(), names(&["t", "u", "v"]));
    level.init.retain(|i| matches!(i, Init::Number { .. }) || c.below(4) == 0);
    let things = ["a", "b", "c", "t", "u", "v"];
    let mut add = |predicate: &str, args: &[&str]| {
        let args = args.iter().map(|&a| Term::Object(a.to_owned())).collect();
        level.init.push(Init::Fact(Atom { predicate: predicate.to_owned(), args }));
    };
    let all = [c.below(2), c.below(2), c.below(2)];
    for (i, x) in things.iter().enumerate() {
        if all[0] == 1 {
            add("seen", &[x]);
        }
        for y in &things[3..] {
            if all[1] == 1 {
                add("near", &[x, y]);
            }
        }
        for y in &things[i..] {
            if all[2] == 1 {
                add("road", &[x, y]);
                add("road", &[y, x]);
            }
        }
    }
    let known: BTreeSet<String> = level.init.iter().map(ToString::to_string).collect();
    level.init = known.iter().map(|text| text.parse().unwrap()).collect();
    level
}

/// The level with what a walk in it comes to as its goal, so that there is a plan, or with its own
/// goal in one of three.
pub fn aimed(level: Level, bytes: &[u8]) -> Option<Arc<World>> {
    let mut level = level.normalised().ok()?;
    let c = &mut Choices::new(bytes.get(bytes.len() / 2..).unwrap_or(&[]));
    if c.below(3) != 0 {
        let mut free = level.clone();
        free.goal = Condition::default();
        let world = Arc::new(World::ground(&free).ok()?);
        level.goal = Condition(walked_to(&world, c));
        level = level.normalised().ok()?;
    }
    World::ground(&level).ok().map(Arc::new)
}

/// Some of what a walk without forbidden calls has changed.
fn walked_to(world: &Arc<World>, c: &mut Choices<'_>) -> Vec<Test> {
    let start = Play::new(Arc::clone(world), 0);
    let mut play = start.clone();
    for _ in 0..4 + c.below(12) {
        let open: Vec<u32> = play.allowed().collect();
        if open.is_empty() {
            break;
        }
        let call = open[c.below(open.len())];
        let outcomes = world.calls()[call as usize].outcomes.len();
        play.apply_logged(call, c.below(outcomes)).unwrap();
    }
    let shown = |f: &crate::quest::Fact| !world.predicates()[f.predicate].name.contains('(');
    let facts = (0u32..).zip(world.facts()).filter(|(_, f)| shown(f));
    let changed = facts.filter(|(id, _)| play.is_true(*id) != start.is_true(*id));
    let mut tests: Vec<String> = changed
        .map(|(id, f)| format!("{}{}", if play.is_true(id) { "" } else { "not " }, f.name))
        .collect();
    for (i, fluent) in world.fluents().iter().enumerate().filter(|(_, f)| !f.name.contains('(')) {
        if play.fluent(i) != fluent.init && c.below(3) == 0 {
            let sign = if play.fluent(i) > fluent.init { ">=" } else { "<=" };
            tests.push(format!("{} {sign} {}", fluent.name, play.fluent(i)));
        }
    }
    while tests.len() > 3 {
        tests.swap_remove(c.below(tests.len()));
    }
    tests.iter().flat_map(|t| t.parse::<Condition>().unwrap().0).collect()
}

/// Everything that the rest of an episode depends on.
pub type State = (Vec<u64>, Vec<i64>);

pub fn state(play: &Play) -> State {
    (play.bits().to_vec(), play.fluents().to_vec())
}

/// An episode that is not cut off.
pub fn endless(world: &Arc<World>) -> Play {
    let mut level = world.level().clone();
    level.limits.max_calls = 1_000_000;
    Play::new(Arc::new(World::ground(&level).unwrap()), 0)
}

/// The episodes after every call that is not forbidden, with every outcome: the call and the
/// outcome's probability.
pub fn after(play: &Play) -> Vec<(CallId, f64, Play)> {
    let mut found = Vec::new();
    for &call in play.applicable().iter().filter(|&&c| !play.is_forbidden(c)) {
        let outcomes = &play.world().calls()[call as usize].outcomes;
        for (i, outcome) in outcomes.iter().enumerate().filter(|(_, o)| o.p > 0.0) {
            let mut next = play.clone();
            next.apply_logged(call, i).unwrap();
            found.push((call, outcome.p, next));
        }
    }
    found
}
