//! Suites: every grade draws in every split, deterministically, disjoint and fit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use super::sample::{Drawn, sample};
use crate::core::Digest;
use crate::quest::{
    Expert, FAMILIES, Level, Split, Suite, Target, World, play_out, replay, split_of,
};

fn builtin() -> Suite {
    Suite::try_builtin().unwrap()
}

#[test]
fn every_family_has_five_levels_of_at_least_three_challenges() {
    let suite = builtin();
    assert_eq!(suite.families(), FAMILIES);
    for family in suite.families() {
        let grades = suite.grades(&family);
        for level in 1..=5 {
            let of_level: Vec<u32> = grades.iter().filter(|g| g.0 == level).map(|g| g.1).collect();
            let wanted: Vec<u32> = (1..=of_level.len().max(3) as u32).collect();
            assert_eq!(of_level, wanted, "{family} {level}");
        }
        assert!(grades.iter().all(|g| g.0 <= 5), "{family}");
    }
}

#[test]
fn every_grade_draws_in_every_split_and_is_fit() {
    let mut seen: BTreeMap<Digest, (&str, Split)> = BTreeMap::new();
    for Drawn { family, split, level: drawn, .. } in sample() {
        let reference = drawn.reference.as_ref().unwrap();
        assert!(reference.proven && reference.min_calls >= 1);
        assert!(drawn.limits.max_calls > reference.min_calls);
        assert_eq!(split_of(&drawn.content_digest()), *split);
        assert_eq!(drawn.split, Some(*split));
        assert_eq!(drawn.is_stochastic(), reference.expected_calls.is_some());
        replay(drawn).unwrap();
        assert_eq!(Level::from_json(&drawn.to_json()).unwrap(), *drawn);
        let world = World::ground(drawn).unwrap();
        assert!(world.facts().len() <= 120 && world.calls().len() <= 120, "{}", drawn.id);
        // Grades of one family may share a level, splits never.
        let before = seen.insert(drawn.content_digest(), (family, *split));
        assert!(before.is_none_or(|b| b == (family, *split)), "{}", drawn.id);
    }
}

#[test]
fn targets_are_stated_or_the_highest_and_checked() {
    let suite = builtin();
    let targets = suite.targets();
    assert_eq!(targets.keys().cloned().collect::<Vec<_>>(), suite.all_families());
    assert!(suite.families().iter().all(|f| targets[f] == Target::default()), "{targets:?}");
    let (file, vault) = Suite::builtin_files().find(|(file, _)| *file == "vault.toml").unwrap();
    let read = |target: &str| {
        let text = vault.replacen("[[grade]]", &format!("{target}\n[[grade]]"), 1);
        Suite::from_files(&BTreeMap::from([(file.to_owned(), text)]))
    };
    let suite = read("[target]\nlevel = 3\nsuccess = 0.9").unwrap();
    let wanted = Target { level: 3, success: 0.9, ..Target::default() };
    assert_eq!(suite.targets()["vault"], wanted);
    for (target, problem) in [
        ("[target]\nlevel = 6", "no grade has level 6 (known are 1, 2, 3, 4, 5)"),
        ("[target]\nsuccess = 95", "success 95 is not a share (write 0 to 1)"),
        ("[target]\nefficiency = nan", "efficiency NaN is not a share"),
        ("[target]\nin_a_row = 0", "in_a_row is 0 (write 1 to 10000)"),
        ("[target]\nsucess = 1", "unknown field `sucess`"),
    ] {
        let found = read(target).unwrap_err().to_string();
        assert!(found.contains("vault.toml:") && found.contains(problem), "{found}");
    }
}

#[test]
fn hand_written_levels_are_found_by_id_and_can_be_played() {
    let suite = builtin();
    for level in suite.hand() {
        assert_eq!(suite.hand_level(&level.id).unwrap(), level);
        replay(level).unwrap();
        let world = Arc::new(World::ground(level).unwrap());
        let play = play_out(&mut Expert::default(), &world, 7).unwrap();
        assert!(
            !play.violated() && (play.goal_achieved() || world.is_stochastic()),
            "{}",
            level.id
        );
    }
    let text = suite.hand_level("first-step").unwrap_err().to_string();
    assert!(text.contains("no hand-written level `first-step`; known are"), "{text}");
}

#[test]
fn draws_are_deterministic_distinct_and_regenerate() {
    let suite = builtin();
    for family in suite.families() {
        let draw = |seed| suite.draw(&family, 2, 2, Split::Evaluation, seed, 12).unwrap();
        let first = draw(1);
        assert_eq!(first, draw(1), "{family}");
        let digests: BTreeSet<_> = first.iter().map(Level::content_digest).collect();
        assert_eq!(digests.len(), 12, "{family}");
        assert_ne!(first, draw(2), "{family}");
        let seed = first[3].source.seed.unwrap();
        assert_eq!(suite.regenerate(&family, 2, 2, seed).unwrap(), first[3]);
    }
}

#[test]
fn unknown_names_list_the_known_ones() {
    let suite = builtin();
    let text = suite.draw("nothing", 1, 1, Split::Train, 0, 1).unwrap_err().to_string();
    assert!(text.contains("no family `nothing`; known are courier, "), "{text}");
    let text = suite.draw("vault", 9, 1, Split::Train, 0, 1).unwrap_err().to_string();
    assert!(text.contains("no grade 9.1 of `vault`; known are 1.1, 1.2"), "{text}");
}

#[test]
fn a_folder_loads_as_the_builtin_does_and_names_what_is_wrong() {
    let dir = std::env::temp_dir().join(format!("fq-suite-{}", std::process::id()));
    fs::create_dir_all(dir.join("hand")).unwrap();
    for (file, text) in Suite::builtin_files() {
        fs::write(dir.join(file), text).unwrap();
    }
    let loaded = Suite::load(&dir).unwrap();
    assert_eq!(loaded.families(), builtin().families());
    assert_eq!(loaded.hand(), builtin().hand());
    let text = fs::read_to_string(dir.join("vault.toml")).unwrap();
    for (from, to, wanted) in [
        ("rooms = ", "roms = ", "knob `roms` is not known to `vault` (known are rooms"),
        ("decoys = [0, 2]", "decoys = [2, 0]", "knob `decoys` is 2..0"),
        ("fq-suite/1", "fq-suite/7", "this program reads `fq-suite/1`"),
        ("slack = 4", "slak = 4", "unknown field `slak`"),
        ("challenge = 2", "challenge = 1", "declared twice"),
    ] {
        fs::write(dir.join("vault.toml"), text.replace(from, to)).unwrap();
        let found = Suite::load(&dir).unwrap_err().to_string();
        assert!(found.contains("vault.toml") && found.contains(wanted), "{found}");
    }
    fs::remove_dir_all(&dir).unwrap();
    assert!(Suite::load(&dir).unwrap_err().to_string().contains("read suite"));
}

#[test]
fn an_exhausted_grade_says_so() {
    let tiny = r#"
schema = "fq-suite/1"
family = "tiny"
generator = "courier"
[[grade]]
level = 1
challenge = 1
calls = [3, 3]
slack = 1
knobs = { rooms = 2, parcels = 1 }
"#;
    let dir = std::env::temp_dir().join(format!("fq-tiny-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("tiny.toml"), tiny).unwrap();
    let suite = Suite::load(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    let text = suite.draw("tiny", 1, 1, Split::Train, 0, 50).unwrap_err().to_string();
    assert!(
        text.contains("of 50 distinct Train levels") && text.contains("ask for fewer"),
        "{text}"
    );
}
