use std::collections::BTreeMap;
use std::sync::Arc;

use super::Stress;
use crate::quest::{Level, Split, Suite, World, replay};

/// A few levels of every family, of grades that are not large.
fn levels() -> Vec<Level> {
    let suite = Suite::try_builtin().unwrap();
    let draw = |family: &String| suite.draw(family, 2, 2, Split::Train, 77, 2).unwrap();
    suite.families().iter().flat_map(draw).collect()
}

#[test]
fn every_stress_can_be_brought_and_leaves_a_certified_level() {
    let levels = levels();
    let mut brought: BTreeMap<Stress, usize> = BTreeMap::new();
    for level in &levels {
        for stress in Stress::ALL {
            let Some(made) = stress.on(level) else { continue };
            replay(&made).unwrap_or_else(|e| panic!("{stress} on {}: {e}", level.id));
            assert_ne!(made.content_digest(), level.content_digest(), "{stress}");
            assert_eq!(stress.on(level).unwrap().digest(), made.digest(), "{stress}");
            *brought.entry(stress).or_default() += 1;
        }
    }
    for stress in [Stress::Renamed, Stress::Distractors, Stress::Failing, Stress::Unseen] {
        let share = brought[&stress] as f64 / levels.len() as f64;
        assert!(share > 0.8, "{stress} on {share} of the levels");
    }
    for stress in Stress::ALL {
        assert!(brought.get(&stress) >= Some(&3), "{stress}: {:?}", brought.get(&stress));
    }
}

#[test]
fn a_renamed_level_is_the_same_world_in_other_words() {
    for level in levels() {
        let made = Stress::Renamed.on(&level).unwrap();
        let (was, is) = (World::ground(&level).unwrap(), World::ground(&made).unwrap());
        assert_eq!(was.facts().len(), is.facts().len(), "{}", level.id);
        assert_eq!(was.calls().len(), is.calls().len(), "{}", level.id);
        let min = |l: &Level| l.reference.as_ref().unwrap().min_calls;
        assert_eq!(min(&level), min(&made), "{}", level.id);
        let text = made.to_json();
        for name in level.functions.keys().chain(level.objects.values().flatten()) {
            assert!(!text.contains(&format!("\"{name}\"")), "{name} is left in {}", level.id);
        }
    }
}

#[test]
fn what_is_harder_takes_no_fewer_calls() {
    let (mut asked, mut longer) = (0, 0);
    for level in levels() {
        let least = |l: &Level| {
            let r = l.reference.as_ref().unwrap();
            r.expected_calls.unwrap_or(f64::from(r.min_calls))
        };
        let plain = level.reference.as_ref().unwrap().min_calls;
        for stress in [Stress::Distractors, Stress::Failing, Stress::Delayed, Stress::Missing] {
            let Some(made) = stress.on(&level) else { continue };
            let min = made.reference.as_ref().unwrap().min_calls;
            assert!(min >= plain, "{stress} on {}: {min} after {plain}", level.id);
            assert!(least(&made) >= f64::from(min) - 1e-9, "{stress} on {}", level.id);
        }
        if let Some(made) = Stress::Unseen.on(&level) {
            let min = made.reference.unwrap().min_calls;
            assert!(min >= plain, "unseen on {}", level.id);
            (asked, longer) = (asked + 1, longer + usize::from(min > plain));
        }
    }
    // Now and then there is a way around the function.
    assert!(longer * 10 >= asked * 8, "longer on {longer} of {asked}");
}

#[test]
fn distractors_can_always_be_called() {
    let level = &levels()[0];
    let made = Stress::Distractors.on(level).unwrap();
    let world = Arc::new(World::ground(&made).unwrap());
    let play = crate::quest::Play::new(Arc::clone(&world), 0);
    let names: Vec<&str> =
        play.applicable().iter().map(|c| world.calls()[*c as usize].name.as_str()).collect();
    assert_eq!(names.iter().filter(|n| n.starts_with("look_")).count(), 8, "{names:?}");
}

#[test]
fn a_stress_is_read_by_its_name() {
    for stress in Stress::ALL {
        assert_eq!(stress.to_string().parse(), Ok(stress));
    }
    let error = "noise".parse::<Stress>().unwrap_err().to_string();
    assert!(error.ends_with("failing, delayed, missing, unseen, noisy"), "{error}");
}
