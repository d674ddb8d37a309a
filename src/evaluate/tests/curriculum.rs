use crate::core::Digest;
use crate::evaluate::{Curriculum, EpisodeResult, Move, Thresholds};
use crate::quest::Suite;

fn play(grade: (u32, u32), nth: u64, success: bool) -> EpisodeResult {
    EpisodeResult {
        digest: Digest::of(&nth.to_le_bytes()),
        family: "courier".to_owned(),
        level: grade.0,
        challenge: grade.1,
        level_seed: nth,
        play_seed: nth,
        success,
        calls: 4,
        min_calls: Some(4),
        expected_calls: None,
        efficiency: success.then_some(1.0),
        goal_progress: f64::from(u8::from(success)),
        reward: 0.0,
        violated: false,
        reasoning: None,
        failure: None,
    }
}

fn plays(grade: (u32, u32), won: u64, lost: u64) -> Vec<EpisodeResult> {
    (0..won + lost).map(|i| play(grade, i, i >= lost)).collect()
}

fn courier(thresholds: Thresholds) -> Curriculum {
    Curriculum::new(&Suite::builtin(), &["courier".to_owned()], &thresholds)
}

#[test]
fn grades_are_mastered_in_order_and_lost_only_on_evidence() {
    let mut curriculum = courier(Thresholds { level: Some(1), ..Thresholds::default() });
    assert_eq!(curriculum.frontiers(), [("courier".to_owned(), (1, 1))]);
    curriculum.take(1, &plays((1, 1), 18, 2));
    assert_eq!(curriculum.count(), (0, 3), "18 of 20 are too few");
    curriculum.take(2, &plays((1, 1), 19, 1));
    assert_eq!(curriculum.frontiers(), [("courier".to_owned(), (1, 2))]);
    curriculum.take(3, &[plays((1, 2), 20, 0), plays((1, 3), 20, 0)].concat());
    assert!(curriculum.done());
    // Three plays that fail are bad luck; ten are not.
    curriculum.take(4, &plays((1, 2), 17, 3));
    assert!(curriculum.done());
    curriculum.take(5, &plays((1, 2), 10, 10));
    assert_eq!(curriculum.frontiers(), [("courier".to_owned(), (1, 2))]);
    let steps: Vec<(u32, Move)> = curriculum.record.iter().map(|a| (a.round, a.step)).collect();
    let mastered = Move::Mastered;
    assert_eq!(steps, [(2, mastered), (3, mastered), (3, mastered), (5, Move::Lost)]);
}

#[test]
fn thresholds_take_the_place_of_the_suites_own() {
    let lax =
        Thresholds { success: Some(0.5), in_a_row: Some(2), level: Some(1), efficiency: None };
    let mut curriculum = courier(lax);
    curriculum.take(1, &plays((1, 1), 3, 3));
    assert_eq!(curriculum.count(), (1, 3));
    let strict = Thresholds { in_a_row: Some(30), level: Some(1), ..Thresholds::default() };
    let mut curriculum = courier(strict);
    curriculum.take(1, &plays((1, 1), 29, 0));
    assert_eq!(curriculum.count(), (0, 3));
}

#[test]
fn plays_of_other_families_and_grades_change_nothing() {
    let mut curriculum = courier(Thresholds { level: Some(1), ..Thresholds::default() });
    let mut other = plays((1, 1), 20, 0);
    other.iter_mut().for_each(|p| p.family = "vault".to_owned());
    other.extend(plays((4, 1), 20, 0));
    curriculum.take(1, &other);
    assert_eq!(curriculum.count(), (0, 3));
    assert!(curriculum.record.is_empty());
}
