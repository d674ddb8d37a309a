//! What a player sees of a level and of the state of play, as text. A level whose goal stands in the
//! narrative only, or whose effects are not told, keeps them to itself here too.

use super::words::{counted, number, wrap};
use crate::quest::{
    Call, CallId, Condition, Effects, Fact, NumTest, Play, StepOutcome, StoreKind, World,
};

/// Calls of the past that the state repeats.
const PAST: usize = 5;

/// The level before the first call: its story, what never changes, and the goal.
pub(super) fn opening(world: &World) -> String {
    let level = world.level();
    let mut text =
        format!("{}  ({} {}.{})\n", level.id, level.family, level.level, level.challenge);
    if !level.narrative.is_empty() {
        text.push_str(&format!("\n{}\n", wrap(&level.narrative, "", 96)));
    }
    if !world.constants().is_empty() {
        text.push_str(&format!("\nalways so:\n{}\n", wrap(&always(world).join(", "), "  ", 96)));
    }
    if !world.tells_goal() {
        text.push_str("\nThe goal stands in the text above only.\n");
    }
    if !world.tells_effects() {
        text.push_str("\nWhat the functions change is not told; try them.\n");
    }
    text
}

/// The state: what is held, what is so around, numbers, running calls, the latest calls, the goal.
pub(super) fn state(play: &Play) -> String {
    let world = play.world();
    let max = world.level().limits.max_calls;
    let mut rows = vec![
        ("you hold", facts(play, StoreKind::Inventory)),
        ("around you", facts(play, StoreKind::Env)),
    ];
    rows.extend([
        ("numbers", numbers(play)),
        ("running", running(play)),
        ("so far", past(play)),
        ("goal", goal(play)),
    ]);
    let mut text =
        format!("{} of at most {max} made", counted(play.calls_used() as usize, "call", "calls"));
    for (name, parts) in
        rows.iter().filter(|(name, parts)| !parts.is_empty() || *name == "you hold")
    {
        let words = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
        let lines = wrap(&words, "              ", 96);
        text.push_str(&format!("\n  {name:<10}  {}", lines.trim_start()));
    }
    text
}

/// The calls that can be made now, numbered from 1.
pub(super) fn choices(play: &Play) -> String {
    let numbered = play.applicable().iter().enumerate().map(|(i, id)| {
        let call = play.world().calls().get(*id as usize);
        let (name, cost) = call.map_or(("", 1.0), |c| (c.name.as_str(), c.cost));
        let cost = match cost {
            plain if (plain - 1.0).abs() < f64::EPSILON => String::new(),
            other => format!("  costs {}", number(other)),
        };
        format!("  {:>3}  {name}{cost}", i + 1)
    });
    numbered.collect::<Vec<_>>().join("\n")
}

/// What a call that was just made has brought, and how the calls went that ended with it.
pub(super) fn outcome(play: &Play, call: CallId, came: &StepOutcome) -> String {
    let takes = play.world().calls().get(call as usize).is_some_and(|c| c.takes > 0);
    let how = Came {
        name: came.name.as_deref().filter(|_| came.outcome > 0 || came.failed),
        failed: came.failed,
        returned: came.returned.as_deref(),
        quality: came.quality,
    };
    let first = if takes { "begun".to_owned() } else { how.told() };
    let mut lines = vec![format!("{}: {first}", name(play, call))];
    lines.extend(came.finished.iter().map(|ended| {
        let how = Came {
            name: ended.name.as_deref().filter(|_| ended.outcome > 0 || ended.failed),
            failed: ended.failed,
            returned: ended.returned.as_deref(),
            quality: ended.quality,
        };
        format!("{} has ended: {}", name(play, ended.call), how.told())
    }));
    lines.join("\n     ")
}

/// How a call went.
struct Came<'a> {
    name: Option<&'a str>,
    failed: bool,
    returned: Option<&'a str>,
    quality: f64,
}

impl Came<'_> {
    fn told(&self) -> String {
        let how = match (self.name, self.failed) {
            (Some(name), true) => format!("failed, {name}"),
            (None, true) => "failed".to_owned(),
            (Some(name), false) => name.to_owned(),
            (None, false) => "done".to_owned(),
        };
        let returned = self.returned.map_or_else(String::new, |r| format!(", returns {r}"));
        let poor = self.quality < 1.0 && !self.failed;
        let poor = if poor { format!(", quality {}", number(self.quality)) } else { String::new() };
        format!("{how}{returned}{poor}")
    }
}

fn name(play: &Play, call: CallId) -> &str {
    play.world().calls().get(call as usize).map_or("", |c| c.name.as_str())
}

/// Everything about one call that a player may know.
pub(super) fn look(play: &Play, id: CallId) -> String {
    let world = play.world();
    let Some(call) = world.calls().get(id as usize) else { return String::new() };
    let function = world.functions().get(call.function);
    let declared = function.and_then(|f| world.level().functions.get(&f.name));
    let mut lines = vec![call.name.clone()];
    lines.extend(function.map(|f| f.description.clone()).filter(|d| !d.is_empty()).map(indent));
    let needs = needs(world, call);
    if !needs.is_empty() {
        lines.push(indent(format!("needs {}", needs.join(" and "))));
    }
    if let Some(declared) = declared {
        if world.tells_effects() && !declared.effects.is_empty() {
            lines.push(indent(format!("brings {}", brought(world, call, &declared.effects))));
        }
        if let Some(forbidden) = &declared.forbidden {
            let place = filled(world, call, &where_of(forbidden));
            lines.push(indent(format!("forbidden {place}")));
        }
    }
    if call.takes > 0 {
        lines.push(indent(format!(
            "ends after {}",
            counted(call.takes as usize, "further call", "further calls")
        )));
    }
    lines.join("\n")
}

/// The effects of a call. A fact that is both taken away and given holds afterwards, so that only the
/// latter is told: with the same object twice a function may say both.
fn brought(world: &World, call: &Call, effects: &Effects) -> String {
    let all: Vec<String> =
        effects.0.iter().map(|change| filled(world, call, &change.to_string())).collect();
    let given = |text: &String| {
        text.strip_prefix("not ").is_some_and(|fact| all.iter().any(|other| other == fact))
    };
    all.iter().filter(|text| !given(text)).cloned().collect::<Vec<_>>().join(", ")
}

/// Where a condition holds, in words; the empty one holds always.
pub(super) fn where_of(condition: &Condition) -> String {
    if condition.0.is_empty() { "always".to_owned() } else { format!("where {condition}") }
}

/// An expression of a function with the arguments of a call in the places of its parameters.
fn filled(world: &World, call: &Call, text: &str) -> String {
    let function = world.functions().get(call.function);
    let mut args: Vec<(&str, &str)> = function.map_or_else(Vec::new, |f| {
        let names = f.params.iter().map(|p| p.name.as_str());
        names.zip(call.args.iter().map(|object| world.object(*object))).collect()
    });
    args.extend(call.returns.map(|object| ("ret", world.object(object))));
    // A name that begins with another one must be looked for first.
    args.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let put =
        |text: String, (name, object): (&str, &str)| text.replace(&format!("?{name}"), object);
    args.into_iter().fold(text.to_owned(), put)
}

/// Why a call cannot be made now; empty where it can.
pub(super) fn hindrances(play: &Play, id: CallId) -> Vec<String> {
    let world = play.world();
    let Some(call) = world.calls().get(id as usize) else { return Vec::new() };
    if call.wait {
        return vec!["no call is running".to_owned()];
    }
    let missing = call.pre_true.iter().filter(|f| !play.is_true(**f));
    let missing = missing.map(|f| format!("{} does not hold", fact(world, *f)));
    let wrong = call.pre_false.iter().filter(|f| play.is_true(**f));
    let wrong = wrong.map(|f| format!("{} holds", fact(world, *f)));
    let short = call.pre_num.iter().filter(|t| !t.holds(play.fluents()));
    let short = short.map(|t| format!("{} is {}", test(world, t), play.fluent(t.fluent)));
    missing.chain(wrong).chain(short).collect()
}

/// What a call needs, without the bookkeeping of the engine.
fn needs(world: &World, call: &Call) -> Vec<String> {
    let own = |id: &&u32| world.facts().get(**id as usize).is_some_and(|f| declared(world, f));
    let on = call.pre_true.iter().filter(own).map(|f| fact(world, *f).to_owned());
    let off = call.pre_false.iter().filter(own).map(|f| format!("not {}", fact(world, *f)));
    let fluents = &world.level().fluents;
    let named =
        |t: &&NumTest| world.fluents().get(t.fluent).is_some_and(|f| fluents.contains_key(&f.name));
    on.chain(off).chain(call.pre_num.iter().filter(named).map(|t| test(world, t))).collect()
}

fn indent(text: impl AsRef<str>) -> String {
    format!("    {}", text.as_ref())
}

fn fact(world: &World, id: u32) -> &str {
    world.facts().get(id as usize).map_or("", |f| f.name.as_str())
}

fn test(world: &World, test: &NumTest) -> String {
    let name = world.fluents().get(test.fluent).map_or("", |f| f.name.as_str());
    format!("{name} {} {}", test.compare, test.value)
}

/// Whether the level itself speaks of the fact, or the engine for its own bookkeeping.
fn declared(world: &World, fact: &Fact) -> bool {
    let predicate = world.predicates().get(fact.predicate);
    predicate.is_some_and(|p| world.level().predicates.contains_key(&p.name))
}

fn facts(play: &Play, store: StoreKind) -> Vec<String> {
    let world = play.world();
    let here = (0u32..).zip(world.facts()).filter(|(id, f)| {
        let kind = world.predicates().get(f.predicate).map(|p| p.store);
        play.is_true(*id) && kind == Some(store) && declared(world, f)
    });
    here.map(|(_, f)| f.name.clone()).collect()
}

/// Facts that hold from the start and never change.
fn always(world: &World) -> Vec<String> {
    world.constants().iter().map(|fact| fact.name.clone()).collect()
}

/// The level's own fluents; counters of the engine have a parenthesis in their name.
fn numbers(play: &Play) -> Vec<String> {
    let fluents = play.world().fluents().iter().zip(play.fluents());
    let own = fluents.filter(|(f, _)| play.world().level().fluents.contains_key(&f.name));
    own.map(|(f, value)| format!("{} = {value}", f.name)).collect()
}

/// Calls that have begun and not ended, with the calls that they still take.
fn running(play: &Play) -> Vec<String> {
    let name = |id: CallId| play.world().calls().get(id as usize).map_or("", |c| c.name.as_str());
    play.running().map(|r| format!("{} (ends in {})", name(r.call), r.left)).collect()
}

fn past(play: &Play) -> Vec<String> {
    let calls = crate::evaluate::calls_of(play);
    let skipped = calls.len().saturating_sub(PAST);
    let more = (skipped > 0).then(|| format!("({skipped} more)"));
    more.into_iter().chain(calls.into_iter().skip(skipped)).collect()
}

/// The parts of the goal with their marks; none where the goal stands in the narrative only.
fn goal(play: &Play) -> Vec<String> {
    let parts = play.state().goal.unwrap_or_default();
    let mark = |met: bool| if met { 'x' } else { ' ' };
    parts.iter().map(|p| format!("[{}] {}", mark(p.met), p.part)).collect()
}
