//! The join of static facts finds what trying everything finds, in the same order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::quest::join::{Arg, Check, Join, Statics};

/// All combinations of the slots' objects that pass the checks, the first slot changing slowest.
fn tried(statics: &Statics, slots: &[Vec<usize>], checks: &[Check]) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = vec![Vec::new()];
    for objects in slots {
        let longer = |b: &Vec<usize>, &o: &usize| b.iter().copied().chain([o]).collect();
        found = found.iter().flat_map(|b| objects.iter().map(move |o| longer(b, o))).collect();
    }
    let value = |arg: Arg, b: &[usize]| match arg {
        Arg::Slot(slot) => b[slot],
        Arg::Object(object) => object,
    };
    found.retain(|b| {
        checks.iter().all(|check| match check {
            Check::Fact { predicate, args, negated } => {
                let args: Vec<usize> = args.iter().map(|&arg| value(arg, b)).collect();
                statics.get(predicate).is_some_and(|rows| rows.contains(&args)) != *negated
            }
            Check::Same { left, right, negated } => {
                (value(*left, b) == value(*right, b)) != *negated
            }
        })
    });
    found
}

fn arg() -> impl Strategy<Value = Arg> {
    prop_oneof![4 => (0usize..3).prop_map(Arg::Slot), 1 => (0usize..6).prop_map(Arg::Object)]
}

fn check() -> impl Strategy<Value = Check> {
    let fact = |n: usize| (prop::collection::vec(arg(), n), prop::bool::weighted(0.2));
    prop_oneof![
        3 => fact(2).prop_map(|(args, negated)| Check::Fact { predicate: 2, args, negated }),
        2 => fact(1).prop_map(|(args, negated)| Check::Fact { predicate: 1, args, negated }),
        1 => fact(3).prop_map(|(args, negated)| Check::Fact { predicate: 3, args, negated }),
        1 => (arg(), arg(), any::<bool>())
            .prop_map(|(left, right, negated)| Check::Same { left, right, negated }),
    ]
}

fn rows(width: usize) -> impl Strategy<Value = BTreeSet<Vec<usize>>> {
    prop::collection::btree_set(prop::collection::vec(0usize..6, width), 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_join_finds_what_trying_everything_finds(
        one in rows(1),
        two in rows(2),
        three in rows(3),
        objects in prop::collection::vec(prop::sample::subsequence(vec![4usize, 0, 5, 2, 1, 3], 0..=6), 3),
        checks in prop::collection::vec(check(), 0..4),
    ) {
        let statics = Statics::from([(1, one), (2, two), (3, three)]);
        let join = Join::new(&statics, &objects, checks.clone());
        let found = join.bindings(&mut 10_000, 10_000).unwrap();
        prop_assert_eq!(&found, &tried(&statics, &objects, &checks));
        if let Some(fewer) = found.len().checked_sub(1) {
            prop_assert_eq!(join.bindings(&mut 10_000, fewer), None);
            prop_assert_eq!(join.bindings(&mut found.len().clone(), 10_000), None);
        }
    }
}

#[test]
fn a_chain_of_facts_is_followed_and_not_searched() {
    // A line of 1000 places: a million pairs, of which 999 are roads.
    let roads = (0..999).map(|i| vec![i, i + 1]).collect();
    let statics = Statics::from([(7, roads)]);
    let slots = vec![(0..1000).collect(); 3];
    let road =
        |a, b| Check::Fact { predicate: 7, args: vec![Arg::Slot(a), Arg::Slot(b)], negated: false };
    let mut tries = 5_000;
    let found =
        Join::new(&statics, &slots, vec![road(2, 1), road(0, 2)]).bindings(&mut tries, 5_000);
    assert_eq!(found.unwrap().len(), 998);
    assert!(tries > 2_000, "{tries} left");
}
