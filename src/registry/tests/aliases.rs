use std::collections::BTreeSet;

use super::*;

async fn champion(registry: &Registry) -> Option<Digest> {
    registry.find(&alias("champion")).await.unwrap()
}

#[tokio::test]
async fn a_move_happens_only_from_where_it_is_expected() {
    let registry = memory();
    let (a, b) = (add(&registry, 1).await, add(&registry, 2).await);
    assert_eq!(champion(&registry).await, None);
    promote(&registry, a, 2).await;

    let stale = Move::new(Action::Promote, note(3)).alias("champion", None, Some(b)).alias(
        "shadow",
        None,
        Some(b),
    );
    let error = registry.move_aliases("fqm", stale).await.unwrap_err();
    let RegistryError::Conflict { expected: None, found, .. } = error else { panic!("{error}") };
    assert_eq!(found, Some(a));
    assert_eq!(registry.find(&alias("shadow")).await.unwrap(), None, "all or nothing");

    let both = Move::new(Action::Promote, note(3))
        .alias("champion", Some(a), Some(b))
        .force("previous", Some(a))
        .alias("challenger/wide", None, Some(b));
    let moved = registry.move_aliases("fqm", both).await.unwrap();
    assert!(moved.applied);
    assert_eq!(moved.entry.seq, 4);
    assert_eq!(moved.entry.aliases.len(), 3);
    let removed = Move::new(Action::Move, note(4)).alias("previous", Some(a), None);
    let moved = registry.move_aliases("fqm", removed).await.unwrap();
    assert_eq!(moved.entry.aliases.keys().collect::<Vec<_>>(), ["challenger/wide", "champion"]);
}

#[tokio::test]
async fn an_alias_names_only_whole_variants_of_its_model() {
    let registry = memory();
    let a = add(&registry, 1).await;
    let mut other = variant(2);
    other.model = "other".to_owned();
    let foreign = registry.register(&other, note(1)).await.unwrap().0;
    for digest in [foreign, Digest::of(b"nowhere"), Digest::of(&[1; 300])] {
        let change = Move::new(Action::Promote, note(2)).force("champion", Some(digest));
        assert!(registry.move_aliases("fqm", change).await.is_err(), "{digest}");
    }
    for name in ["", "a//b", "../x", "a b", "deadbeefdeadbeef", "a:b"] {
        let change = Move::new(Action::Promote, note(2)).force(name, Some(a));
        assert!(registry.move_aliases("fqm", change).await.is_err(), "`{name}`");
    }
    assert_eq!(registry.history("fqm").await.unwrap().len(), 1);
}

#[tokio::test]
async fn history_resolves_at_a_number_and_at_a_date() {
    let registry = memory();
    let (a, b) = (add(&registry, 1).await, add(&registry, 2).await);
    promote(&registry, a, 3).await;
    promote(&registry, b, 6).await;
    let at = async |at| registry.resolve_at(&alias("champion"), at).await.map(|r| r.digest);
    assert_eq!(at(At::Now).await.unwrap(), b);
    assert_eq!(at(At::Seq(3)).await.unwrap(), a);
    assert_eq!(at(At::Date(day(5))).await.unwrap(), a);
    assert_eq!(at(At::Date(day(6))).await.unwrap(), b);
    assert!(matches!(at(At::Date(day(2))).await, Err(RegistryError::NoAlias { .. })));
    assert!(matches!(at(At::Seq(0)).await, Err(RegistryError::NoModel { .. })));
    assert!(matches!(at(At::Seq(99)).await, Err(RegistryError::NoModel { .. })));
    let history = registry.history("fqm").await.unwrap();
    assert_eq!(history.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(history[3].prev_digest, Some(history[2].digest));
    let error = registry.resolve(&alias("shadow")).await.unwrap_err().to_string();
    assert!(error.contains("`champion`"), "{error}");
    let error = registry.history("nobody").await.unwrap_err();
    assert!(matches!(error, RegistryError::NoModel { .. }), "{error}");
}

#[tokio::test]
async fn a_key_applies_once_even_after_a_rollback() {
    let registry = memory();
    let (a, b) = (add(&registry, 1).await, add(&registry, 2).await);
    promote(&registry, a, 2).await;
    let night = || {
        let note = note(3).keyed("sha256:plan/promote");
        Move::new(Action::Promote, note).alias("champion", Some(a), Some(b))
    };
    let first = registry.move_aliases("fqm", night()).await.unwrap();
    assert!(first.applied);
    let again = registry.move_aliases("fqm", night()).await.unwrap();
    assert_eq!(again, Moved { applied: false, ..first.clone() });

    let rolled = registry.rollback(&alias("champion"), note(4).keyed("undo")).await.unwrap();
    assert!(rolled.applied);
    assert_eq!(champion(&registry).await, Some(a));
    // The expectation of the night holds again, and yet it must not promote a second time.
    let after = registry.move_aliases("fqm", night()).await.unwrap();
    assert_eq!(after, Moved { applied: false, ..first });
    assert_eq!(champion(&registry).await, Some(a));
    // A repeated rollback by key does not roll back further.
    let again = registry.rollback(&alias("champion"), note(5).keyed("undo")).await.unwrap();
    assert_eq!(again, Moved { applied: false, ..rolled });
    assert_eq!(registry.register(&variant(1), note(9)).await.unwrap().1.entry.seq, 1);
    assert_eq!(registry.history("fqm").await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_reserved_key_without_an_entry_is_still_free() {
    // As a crash between the reservation and the log entry leaves it.
    let registry = memory();
    let a = add(&registry, 1).await;
    let refused =
        Move::new(Action::Promote, note(2).keyed("k")).alias("champion", Some(a), Some(a));
    assert!(registry.move_aliases("fqm", refused).await.is_err());
    let change = Move::new(Action::Promote, note(2).keyed("k")).alias("champion", None, Some(a));
    assert!(registry.move_aliases("fqm", change).await.unwrap().applied);
}

#[tokio::test]
async fn rolling_back_walks_back_through_the_promotions() {
    let registry = memory();
    let back = async || registry.rollback(&alias("champion"), note(9)).await;
    assert!(matches!(back().await, Err(RegistryError::NoModel { .. })));
    let (a, b, c) = (add(&registry, 1).await, add(&registry, 2).await, add(&registry, 3).await);
    let error = back().await.unwrap_err();
    assert!(matches!(error, RegistryError::NothingBefore { .. }), "{error}");
    for (digest, n) in [(a, 2), (b, 3), (c, 4)] {
        promote(&registry, digest, n).await;
    }
    assert_eq!(back().await.unwrap().entry.aliases["champion"], b);
    assert_eq!(back().await.unwrap().entry.aliases["champion"], a);
    let error = back().await.unwrap_err().to_string();
    assert!(error.contains(&a.short()) && error.contains("champion"), "{error}");
    // A new promotion begins a new way back; entries of other aliases do not disturb it.
    promote(&registry, c, 5).await;
    let other = Move::new(Action::Move, note(6)).force("shadow", Some(b));
    registry.move_aliases("fqm", other).await.unwrap();
    promote(&registry, c, 7).await;
    let entry = back().await.unwrap().entry;
    assert_eq!((entry.aliases["champion"], entry.aliases["shadow"]), (a, b));
    assert_eq!(entry.action, Action::Rollback);
}

#[tokio::test]
async fn a_removed_alias_comes_back_by_rollback() {
    let registry = memory();
    let a = add(&registry, 1).await;
    promote(&registry, a, 2).await;
    let gone = Move::new(Action::Move, note(3)).alias("champion", Some(a), None);
    registry.move_aliases("fqm", gone).await.unwrap();
    let entry = registry.rollback(&alias("champion"), note(4)).await.unwrap().entry;
    assert_eq!(entry.aliases["champion"], a);
}

/// Twelve writers all expect the champion at the same place, round after round.
async fn race(registry: Registry) {
    let mut expected = None;
    let mut variants = Vec::new();
    for seed in 0..12 {
        variants.push(add(&registry, seed).await);
    }
    let rounds = 3;
    for round in 0..rounds {
        let movers = variants.iter().enumerate().map(|(i, to)| {
            let (registry, to) = (registry.clone(), *to);
            tokio::spawn(async move {
                let note = note(2).keyed(format!("{round}/{i}"));
                let champion =
                    Move::new(Action::Promote, note.clone()).alias("champion", expected, Some(to));
                let won = registry.move_aliases("fqm", champion).await;
                // Unconditional moves of a writer's own alias must never be lost.
                let own = Move::new(Action::Move, Note { key: None, ..note })
                    .force(&format!("challenger/{i}"), Some(to));
                registry.move_aliases("fqm", own).await.unwrap();
                match won {
                    Ok(moved) => Some(moved.entry.aliases["champion"]),
                    Err(RegistryError::Conflict { .. }) => None,
                    Err(other) => panic!("{other}"),
                }
            })
        });
        let results = futures::future::join_all(movers).await;
        let winners: Vec<_> = results.into_iter().filter_map(|r| r.unwrap()).collect();
        // Where the winner is the champion that was expected, later writers may succeed as well.
        assert_eq!(winners.len(), 1, "round {round}");
        expected = champion(&registry).await;
        assert_eq!(expected, Some(winners[0]));
        variants.rotate_left(1);
        variants.retain(|digest| Some(*digest) != expected);
    }
    let history = registry.history("fqm").await.unwrap();
    let own = history.iter().filter(|e| e.action == Action::Move).count();
    assert_eq!(own, 12 + 11 + 10, "no entry is lost");
    assert_eq!(history.iter().filter(|e| e.action == Action::Promote).count(), rounds);
    assert_eq!(history.iter().map(|e| e.digest).collect::<BTreeSet<_>>().len(), history.len());
    let tip = history.last().unwrap();
    assert_eq!(tip.aliases.len(), 13);
    let report = registry.verify().await.unwrap();
    let index_only = report.problems.iter().all(|p| p.place.ends_with("index.json"));
    assert!(index_only, "{:?}", report.problems);
    registry.fsck().await.unwrap();
    assert_eq!(registry.verify().await.unwrap().problems, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twelve_movers_have_one_winner_in_memory() {
    race(memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twelve_movers_have_one_winner_on_disk() {
    let (_folder, registry) = disk();
    race(registry).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twelve_calls_with_one_key_apply_once() {
    let (_folder, registry) = disk();
    let a = add(&registry, 1).await;
    let calls = (0..12).map(|_| {
        let registry = registry.clone();
        tokio::spawn(async move {
            let change =
                Move::new(Action::Promote, note(2).keyed("plan")).force("champion", Some(a));
            registry.move_aliases("fqm", change).await.unwrap()
        })
    });
    let results = futures::future::join_all(calls).await;
    let results: Vec<_> = results.into_iter().map(|r| r.unwrap()).collect();
    assert_eq!(results.iter().filter(|r| r.applied).count(), 1);
    assert!(results.iter().all(|r| r.entry.seq == 2));
}

#[tokio::test]
async fn the_newest_entry_is_found_in_logs_of_every_length() {
    let registry = memory();
    let a = add(&registry, 1).await;
    for seq in 2..20 {
        let change = Move::new(Action::Keep, note(2)).force("champion", Some(a));
        assert_eq!(registry.move_aliases("fqm", change).await.unwrap().entry.seq, seq);
        assert_eq!(registry.resolve(&alias("champion")).await.unwrap().seq, seq);
    }
}
