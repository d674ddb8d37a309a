//! Grounding: joins find what trying everything finds, and no level grounds without a limit.

use std::collections::BTreeSet;
use std::time::Instant;

use proptest::prelude::*;

use crate::quest::join::{Arg, Fixed, Join, Table, TooMany};
use crate::quest::{GroundError, Level, World};

/// A condition of a random join: which table (none: sameness), arguments, negated.
type Case = (Option<usize>, [Arg; 2], bool);

fn arg() -> impl Strategy<Value = Arg> {
    prop_oneof![4 => (0usize..4).prop_map(Arg::Slot), 1 => (0usize..5).prop_map(Arg::Object)]
}

fn value(arg: Arg, binding: &[usize]) -> usize {
    match arg {
        Arg::Slot(slot) => binding[slot],
        Arg::Object(object) => object,
    }
}

fn holds(case: &Case, rows: &[BTreeSet<Vec<usize>>], binding: &[usize]) -> bool {
    let (table, args, negated) = case;
    let args = args.map(|arg| value(arg, binding));
    match table {
        Some(table) => rows[*table].contains(args.as_slice()) != *negated,
        None => (args[0] == args[1]) != *negated,
    }
}

/// Every choice of one object for each of four parameters.
fn choices(domains: &[Vec<usize>]) -> Vec<Vec<usize>> {
    domains.iter().fold(vec![Vec::new()], |all, domain| {
        let grown = all.iter().flat_map(|b| domain.iter().map(|o| [&b[..], &[*o]].concat()));
        grown.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn joins_find_what_trying_everything_finds(
        rows in proptest::collection::vec(
            proptest::collection::btree_set(proptest::collection::vec(0usize..5, 2), 0..9), 3),
        cases in proptest::collection::vec(
            (proptest::option::weighted(0.8, 0usize..3), [arg(), arg()], proptest::bool::weighted(0.2)),
            0..6),
        domains in proptest::collection::vec(proptest::collection::btree_set(0usize..5, 0..5), 4),
    ) {
        let tables: Vec<Table> = rows.iter().cloned().map(Table::new).collect();
        let domains: Vec<Vec<usize>> = domains.into_iter().map(|d| d.into_iter().collect()).collect();
        let fixed = cases.iter().map(|(table, [left, right], negated)| match table {
            Some(table) => {
                Fixed::Fact { table: &tables[*table], args: vec![*left, *right], negated: *negated }
            }
            None => Fixed::Same { left: *left, right: *right, negated: *negated },
        });
        let found = Join::new(fixed.collect(), domains.clone(), 10_000).run(&mut 1_000_000).unwrap();
        let all = choices(&domains);
        let wanted = all.into_iter().filter(|b| cases.iter().all(|case| holds(case, &rows, b)));
        prop_assert_eq!(found, wanted.collect::<Vec<_>>());
    }
}

#[test]
fn joins_stop_at_their_limits() {
    let domains = vec![(0..100).collect::<Vec<_>>(); 12];
    let run = |most, mut steps| Join::new(Vec::new(), domains.clone(), most).run(&mut steps);
    assert_eq!(run(1_000, 1_000_000), Err(TooMany::Bindings));
    assert_eq!(run(1_000_000, 1_000), Err(TooMany::Steps));
}

/// A level of one function over objects `o0`, `o1`, …, with the static facts of `init`.
fn level(objects: usize, params: usize, pre: &str, init: &[String], goal: &str) -> Level {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let names = list((0..objects).map(|i| format!("\"o{i}\"")).collect());
    let params = list((0..params).map(|i| format!("\"?p{i}: object\"")).collect());
    let init = list(init.iter().map(|fact| format!("\"{fact}\"")).collect());
    let text = format!(
        "schema = \"fq-level/1\"\nid = \"wide\"\nfamily = \"test\"\nlevel = 1\nchallenge = 1\n\
         source = {{ kind = \"hand\" }}\ninit = {init}\ngoal = \"{goal}\"\n\
         limits = {{ max_calls = 9 }}\n[objects]\nobject = {names}\n[predicates]\n\
         link = {{ params = [\"?a: object\", \"?b: object\"], static = true }}\n\
         end = {{ params = [\"?a: object\"], static = true }}\n\
         near = {{ params = [\"?a: object\", \"?b: object\"] }}\n\
         done = {{ params = [\"?a: object\"] }}\n\
         [functions.act]\nparams = {params}\npre = \"{pre}\"\neffects = \"done(?p0), near(?p0, ?p0)\"\n"
    );
    Level::from_toml(&text).unwrap_or_else(|e| panic!("{e}"))
}

fn chain(params: usize) -> String {
    let links: Vec<String> = (1..params).map(|i| format!("link(?p{}, ?p{i})", i - 1)).collect();
    links.join(" and ")
}

/// Every object of a layer linked to every one of the next.
fn layers(width: usize, deep: usize) -> Vec<String> {
    let links = (0..deep - 1).flat_map(|d| (0..width).map(move |a| (d, a)));
    let links = links.flat_map(|(d, a)| {
        (0..width).map(move |b| format!("link(o{}, o{})", d * width + a, (d + 1) * width + b))
    });
    links.collect()
}

/// Grounds and says how long it took; far above what is aimed at, for slow machines.
fn quick(level: &Level) -> Result<World, GroundError> {
    let started = Instant::now();
    let result = World::ground(level);
    assert!(started.elapsed().as_secs() < 60, "grounding took {:?}", started.elapsed());
    result
}

#[test]
fn twelve_parameters_in_a_chain_ground_by_their_links() {
    let line: Vec<String> = (1..100).map(|i| format!("link(o{}, o{i})", i - 1)).collect();
    let world = quick(&level(100, 12, &chain(12), &line, "done(o3)")).unwrap();
    assert_eq!(world.calls().len(), 89);
    // The chain written backwards, and its end known: the last parameter comes first.
    let ends = [line, vec!["end(o50)".to_owned()]].concat();
    let pre = format!("end(?p11) and {}", chain(12));
    let world = quick(&level(100, 12, &pre, &ends, "done(o39)")).unwrap();
    assert_eq!(world.calls().len(), 1);
}

#[test]
fn dead_ends_of_a_tree_are_not_walked() {
    // 8^12 ways lead through the layers, and none ends at the only end.
    let facts = [layers(8, 12), vec!["end(o0)".to_owned()]].concat();
    let pre = format!("{} and end(?p11)", chain(12));
    let error = quick(&level(100, 12, &pre, &facts, "done(o3)")).unwrap_err();
    assert!(matches!(error, GroundError::GoalUnreachable { .. }), "{error}");
}

#[test]
fn what_is_too_large_fails_with_the_function_and_the_fix() {
    let wide = quick(&level(100, 12, "", &[], "done(o3)")).unwrap_err();
    assert!(matches!(wide, GroundError::TooManyCalls { .. }), "{wide}");
    let many = quick(&level(96, 12, &chain(12), &layers(8, 12), "done(o3)")).unwrap_err();
    assert!(matches!(many, GroundError::TooManyCalls { .. }), "{many}");
    // Twelve different ones of eleven: no table helps, every way is a dead end.
    let different = (0..12).flat_map(|a| (0..a).map(move |b| format!("?p{a} != ?p{b}")));
    let different = different.collect::<Vec<_>>().join(" and ");
    let error = quick(&level(11, 12, &different, &[], "done(o3)")).unwrap_err();
    assert!(matches!(error, GroundError::TooMuchWork { .. }), "{error}");
    assert!(error.to_string().contains("function `act` takes too much work"), "{error}");
}

#[test]
fn many_functions_that_nothing_fits_count_too() {
    let mut text = level(20_000, 1, "", &[], "done(o3)").to_toml();
    for i in 0..20_000 {
        text += &format!("[functions.f{i}]\nparams = [\"?x: object\"]\npre = \"end(?x)\"\n");
    }
    let error = quick(&Level::from_toml(&text).unwrap()).unwrap_err();
    assert!(matches!(error, GroundError::TooMuchWork { .. }), "{error}");
}

#[test]
fn many_effects_count_too() {
    let level = level(400, 2, "?p0 != ?p1", &[], "done(o3)");
    let mut text = level.to_toml();
    let effects: Vec<String> = (0..400).map(|i| format!("near(?p0, o{i})")).collect();
    text = text.replace("near(?p0, ?p0)", &effects.join(", "));
    let error = quick(&Level::from_toml(&text).unwrap()).unwrap_err();
    assert!(matches!(error, GroundError::TooMuchWork { .. }), "{error}");
}

#[test]
fn a_long_chain_of_numbers_is_reached_in_time() {
    let step = |i: usize| {
        let how = match i % 3 {
            0 => format!("n == {i}"),
            1 => format!("n >= {i}"),
            _ => format!("n > {}", i - 1),
        };
        format!("[functions.f{:05}]\npre = \"{how}\"\neffects = \"n = {}\"\n", 9_999 - i, i + 1)
    };
    let steps: String = (0..9_999).map(step).collect();
    let text = level(1, 1, "", &[], "done(o0)").to_toml();
    let text = text.replace("goal = \"done(o0)\"", "goal = \"done(o0) and n >= 9999\"");
    let text = text.replace("[functions.act]", "[fluents.n]\nmax = 10000\n[functions.act]");
    let world = quick(&Level::from_toml(&format!("{text}\n{steps}")).unwrap()).unwrap();
    assert_eq!(world.calls().len(), 10_000);
}

#[test]
fn a_long_chain_of_calls_is_reached_in_time() {
    // Named so that every round over all calls in their order would reach only one of them.
    let n = 30_000;
    let links: Vec<String> = (1..n).map(|i| format!("link(o{i}, o{})", i - 1)).collect();
    let mut text = level(n, 2, "done(?p0) and link(?p0, ?p1)", &links, "done(o0)").to_toml();
    text = text.replace("done(?p0), near(?p0, ?p0)", "done(?p1)");
    text = text.replace("init = [", &format!("init = [\"done(o{})\",", n - 1));
    let world = quick(&Level::from_toml(&text).unwrap()).unwrap();
    assert_eq!(world.calls().len(), n - 1);
}
