//! Reasoning quality: an optimal plan is faultless, wandering is not, circling least of all.

use std::sync::Arc;

use crate::quest::level::Level;
use crate::quest::narrative::{Flaw, Reasoning, reasoning};
use crate::quest::{CallId, Play, Random, Split, Suite, World, play_out};

fn reference(world: &World) -> Vec<(CallId, usize)> {
    let plan = &world.level().reference.as_ref().unwrap().plan;
    let step = |text: &String| {
        let (call, outcome) =
            text.split_once('#').map_or((text.as_str(), None), |(c, o)| (c, Some(o)));
        let id = world.call_by_name(call).unwrap();
        let outcomes = &world.calls()[id as usize].outcomes;
        let at =
            |name: &str| outcomes.iter().position(|o| o.name.as_deref() == Some(name)).unwrap();
        (id, outcome.map_or(0, at))
    };
    plan.iter().map(step).collect()
}

#[test]
fn optimal_plans_are_faultless_and_random_ones_are_not() {
    let suite = Suite::try_builtin().unwrap();
    let (mut wandering, mut plays) = (0.0, 0.0);
    for family in suite.all_families() {
        for (level, challenge) in [(1, 1), (2, 3)] {
            let Ok(levels) = suite.draw(&family, level, challenge, Split::Train, 5, 1) else {
                continue;
            };
            for level in levels {
                let world = Arc::new(World::ground(&level).unwrap());
                let best = reasoning(&world, &reference(&world));
                assert!(best.score == 1.0, "{}: {best:?}", level.id);
                for seed in 0..4 {
                    let play = play_out(&mut Random::new(seed), &world, seed).unwrap();
                    wandering += reasoning(&world, play.history()).score;
                    plays += 1.0;
                }
            }
        }
    }
    assert!(plays >= 80.0 && wandering / plays < 0.5, "{}", wandering / plays);
}

const CORRIDOR: &str = r#"
schema = "fq-level/1"
id = "corridor"
family = "hand"
level = 1
challenge = 1
source = { kind = "hand" }
init = ["at(r1)", "link(r1, r2)", "link(r2, r1)", "link(r2, r3)", "link(r3, r2)", "lit"]
goal = "at(r3) and lit"
limits = { max_calls = 40 }
types = { room = "object", key = "object" }
objects = { room = ["r1", "r2", "r3"], key = ["k1", "k2"] }

[predicates]
at = { params = ["?r: room"] }
link = { params = ["?a: room", "?b: room"], static = true }
lit = {}
shown = { params = ["?k: key"] }

[functions.go]
params = ["?a: room", "?b: room"]
pre = "at(?a) and link(?a, ?b)"
effects = "at(?b), not at(?a)"

[functions.shout]

[functions.darken]
effects = "not lit"
forbidden = "at(r1)"

[functions.light]
effects = "lit"

[functions.cut_key]
effects = "shown(?ret)"
returns = { pool = ["k1", "k2"] }

[functions.show]
params = ["?k: key"]
effects = "shown(?k)"
"#;

fn judged(calls: &[&str]) -> Reasoning {
    let world = Arc::new(World::ground(&Level::from_toml(CORRIDOR).unwrap()).unwrap());
    let history: Vec<(CallId, usize)> =
        calls.iter().map(|c| (world.call_by_name(c).unwrap_or(CallId::MAX), 0)).collect();
    reasoning(&world, &history)
}

#[test]
fn each_flaw_is_named() {
    assert_eq!(judged(&["go(r1, r2)", "go(r2, r3)"]).score, 1.0);
    let there_and_back = judged(&["go(r1, r2)", "go(r2, r1)", "go(r1, r2)", "go(r2, r3)"]);
    assert!(there_and_back.flaws[1].contains(&Flaw::Repeated), "{there_and_back:?}");
    assert!(there_and_back.flaws[3].is_empty() && there_and_back.score < 1.0);
    let idle = judged(&["shout()", "go(r1, r2)", "go(r2, r3)"]);
    assert_eq!(idle.flaws[0], [Flaw::Repeated, Flaw::Useless]);
    assert!((idle.score - 2.0 / 3.0).abs() < 1e-9);
    let dark = judged(&["go(r1, r2)", "darken()", "light()", "go(r2, r3)"]);
    assert!(dark.flaws[1].contains(&Flaw::Undoing), "{dark:?}");
    assert!((dark.careful - 0.75).abs() < 1e-9);
    let forbidden = judged(&["darken()"]);
    assert!(forbidden.flaws[0].contains(&Flaw::Forbidden) && forbidden.allowed == 0.0);
    let early = judged(&["show(k1)"]);
    assert!(early.flaws[0].contains(&Flaw::Uninformed) && early.informed == 0.0, "{early:?}");
    let impossible = judged(&["go(r1, r2)", "go(r1, r2)", "go(r2, r3)"]);
    assert_eq!(impossible.flaws[1..], [[Flaw::Impossible], [Flaw::Impossible]]);
    assert_eq!((judged(&[]).score, judged(&["no-such-call"]).score), (0.0, 0.0));
}

#[test]
fn loops_score_lowest() {
    let around: Vec<&str> =
        (0..20).map(|i| if i % 2 == 0 { "go(r1, r2)" } else { "go(r2, r1)" }).collect();
    let looping = judged(&around);
    assert!(looping.score < 0.1, "{looping:?}");
    assert!((looping.fresh - 0.05).abs() < 1e-9);
    let world = Arc::new(World::ground(&Level::from_toml(CORRIDOR).unwrap()).unwrap());
    let mean = |seeds: u64| {
        let score = |seed| {
            let play: Play = play_out(&mut Random::new(seed), &world, seed).unwrap();
            reasoning(&world, play.history()).score
        };
        (0..seeds).map(score).sum::<f64>() / seeds as f64
    };
    let random = mean(20);
    assert!(looping.score < random && random < 0.6, "{random}");
}
