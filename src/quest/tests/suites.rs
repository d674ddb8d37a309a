//! Suites: every grade draws in every split, deterministically, disjoint and fit.

use std::collections::BTreeSet;
use std::fs;

use crate::core::Digest;
use crate::quest::{FAMILIES, Level, Split, Suite, replay, split_of};

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Evaluation];

fn builtin() -> Suite {
    Suite::try_builtin().unwrap()
}

#[test]
fn every_family_has_five_levels_of_three_challenges() {
    let suite = builtin();
    assert_eq!(suite.families(), FAMILIES);
    for family in suite.families() {
        let grades: Vec<(u32, u32)> = (1..=5).flat_map(|l| (1..=3).map(move |c| (l, c))).collect();
        assert_eq!(suite.grades(&family), grades, "{family}");
    }
}

#[test]
fn every_grade_draws_in_every_split_and_is_fit() {
    let suite = builtin();
    let mut seen: BTreeSet<Digest> = BTreeSet::new();
    for family in suite.families() {
        for (level, challenge) in suite.grades(&family) {
            for split in SPLITS {
                let levels = suite.draw(&family, level, challenge, split, 11, 1).unwrap();
                for drawn in levels {
                    let reference = drawn.reference.as_ref().unwrap();
                    assert!(reference.proven && reference.min_calls >= 1);
                    assert!(drawn.limits.max_calls > reference.min_calls);
                    assert_eq!(split_of(&drawn.content_digest()), split);
                    assert_eq!(drawn.split, Some(split));
                    assert_eq!(drawn.is_stochastic(), reference.expected_calls.is_some());
                    replay(&drawn).unwrap();
                    assert_eq!(Level::from_json(&drawn.to_json()).unwrap(), drawn);
                    seen.insert(drawn.content_digest());
                }
            }
        }
    }
    assert_eq!(seen.len(), FAMILIES.len() * 15 * 3);
}

#[test]
fn minima_rise_with_the_level() {
    let suite = builtin();
    for family in suite.families() {
        let mean = |level: u32| {
            let drawn = suite.draw(&family, level, 1, Split::Train, 2, 6).unwrap();
            let sum: u32 = drawn.iter().map(|l| l.reference.as_ref().unwrap().min_calls).sum();
            sum
        };
        let (first, third, fourth) = (mean(1), mean(3), mean(4));
        assert!(first < third && third < fourth, "{family}: {first} {third} {fourth}");
    }
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
