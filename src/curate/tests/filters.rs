use super::rows::{Rows, context, episode, feedback, level, on_level, step};
use super::{run, with_defaults};
use crate::core::{Digest, EpisodeId};
use crate::curate::{CurateContext, CurateParams, Dropped, Role, explain, narrative_digest};
use crate::dataset::{DataSplit, ScoredBy};
use crate::logs::{Consent, EpisodeRow, FeedbackKind, Status, StepRow, TimeSource};
use crate::quest::Split;

/// Days since 1970-01-01 of the tests' night, 2026-03-31.
const TONIGHT: i32 = 20_543;

#[tokio::test]
async fn consent_and_retention_are_kept() {
    let rows = Rows::default()
        .with(episode("yes"), 2)
        .with(EpisodeRow { consent: Consent::Eval, ..episode("eval") }, 2)
        .with(EpisodeRow { consent: Consent::None, ..episode("none") }, 2)
        .with(EpisodeRow { retention_until: Some(TONIGHT), ..episode("last-day") }, 2)
        .with(EpisodeRow { retention_until: Some(TONIGHT - 1), ..episode("past") }, 2);
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.ids(), ["last-day", "yes"]);
    assert_eq!(
        outcome.rules(),
        [
            ("eval", "no_consent_for_training"),
            ("none", "no_consent_for_training"),
            ("past", "retention_passed"),
        ]
    );
    let past = explain(&outcome.drops, "past")[0];
    assert_eq!((past.measured, past.threshold), (Some(20_542.0), Some(20_543.0)));
    assert!(past.evidence.contains("2026-03-30"), "{}", past.evidence);
    assert_eq!(past.config_sha, CurateParams::default().digest().unwrap());
}

#[tokio::test]
async fn rows_that_do_not_fit_together_are_dropped_one_by_one() {
    let mut rows = Rows::default().with(episode("whole"), 2).with(episode("no-steps"), 0);
    rows.steps.extend([step("no-episode", 0, "x"), step("no-episode", 1, "x")]);
    let rows = rows.judged(feedback("f1", "nobody", FeedbackKind::Human, 1.0));
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.ids(), ["whole"]);
    let found: Vec<_> = outcome
        .drops
        .iter()
        .map(|d| (d.episode_id.as_str(), d.event_id.as_deref(), d.what, d.rule_id.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("no-episode", None, Dropped::Episode, "no_episode_record"),
            ("no-episode", Some("no-episode/0"), Dropped::Step, "no_episode_record"),
            ("no-episode", Some("no-episode/1"), Dropped::Step, "no_episode_record"),
            ("no-steps", None, Dropped::Episode, "no_steps"),
            ("nobody", Some("f1"), Dropped::Feedback, "no_episode_record"),
        ]
    );
    assert_eq!(explain(&outcome.drops, "no-episode/1").len(), 1);
    assert_eq!(outcome.curated.waterfall[0].episodes_in, 3);
}

#[tokio::test]
async fn a_level_that_cannot_be_told_is_not_trusted() {
    let train = level(0, Split::Train);
    let two = on_level(episode("two-digests"), train);
    let rows = Rows::default()
        .with(on_level(episode("fine"), train), 2)
        .with(EpisodeRow { level_digest: Some(Digest::of(b"x").to_string()), ..two }, 2)
        .with(EpisodeRow { level_json: Some("{".into()), ..episode("broken") }, 2)
        .with(EpisodeRow { level_digest: Some("md5:1".into()), ..episode("no-digest") }, 2);
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.ids(), ["fine"]);
    assert!(outcome.rules().iter().all(|(_, rule)| *rule == "unreadable_level"));
    assert_eq!(outcome.rules().len(), 3);
    let level = outcome.episodes[0].level.as_ref().unwrap();
    assert_eq!((level.level, level.challenge, level.seed), (2, 1, u64::MAX));
    assert_eq!((level.family.as_str(), level.digest), ("symphony", train));
}

#[tokio::test]
async fn the_first_of_equal_trajectories_is_kept() {
    let same = |id: &str, time| EpisodeRow {
        event_time: Some(time),
        task_id: "same".into(),
        ..episode(id)
    };
    let rows = Rows::default()
        .copy(same("a-late", 9), "x", 2)
        .copy(same("b-tied", 5), "x", 2)
        .copy(same("c-tied", 5), "x", 2)
        .copy(same("d-longer", 9), "x", 3)
        .copy(EpisodeRow { task_id: "other".into(), ..same("e-other-task", 9) }, "x", 2)
        .copy(same("f-other-args", 9), "y", 2);
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.ids(), ["b-tied", "d-longer", "e-other-task", "f-other-args"]);
    assert_eq!(
        outcome.rules(),
        [("a-late", "duplicate_trajectory"), ("c-tied", "duplicate_trajectory")]
    );
    assert!(outcome.drops.iter().all(|d| d.matched_id.as_deref() == Some("b-tied")));
    let off = CurateParams { exact_dedup: false, ..CurateParams::default() };
    assert_eq!(run(&rows, &off, &context()).await.ids().len(), 6);
}

#[tokio::test]
async fn a_borrowed_time_never_makes_an_episode_the_first() {
    let row = |id: &str, time, time_source| EpisodeRow {
        event_time: Some(time),
        time_source,
        task_id: "same".into(),
        ..episode(id)
    };
    let rows = Rows::default().copy(row("a", 1, TimeSource::Object), "x", 2).copy(
        row("b", 9, TimeSource::Log),
        "x",
        2,
    );
    assert_eq!(with_defaults(&rows).await.ids(), ["b"]);
}

#[tokio::test]
async fn form_does_not_tell_trajectories_apart_but_results_do() {
    let task = |id: &str| EpisodeRow { task_id: "same".into(), ..episode(id) };
    let change = |id: &str, of: fn(&mut StepRow)| {
        let mut one = step(id, 0, "x");
        of(&mut one);
        one
    };
    let episodes = ["a", "b", "c", "d", "e", "f"].map(task).to_vec();
    let steps = vec![
        change("a", |_| {}),
        change("b", |s| s.tool_args_json = Some(r#"{"a":1,"prompt":"x"}"#.into())),
        change("c", |s| s.tool_result_json = Some(r#"{"plan":"plan2"}"#.into())),
        change("d", |s| s.outcome_index = Some(1)),
        change("e", |s| s.tool_name = Some("generate_code".into())),
        // What was seen before a call, who might have been called and the latency do not matter.
        change("f", |s| {
            s.observation_json = None;
            s.candidate_actions = None;
            s.propensity = None;
        }),
    ];
    let rows = Rows { episodes, steps, ..Rows::default() };
    assert_eq!(with_defaults(&rows).await.ids(), ["a", "c", "d", "e"]);
}

#[tokio::test]
async fn conversations_differ_by_what_is_said() {
    let task = |id: &str| EpisodeRow { task_id: "same".into(), ..episode(id) };
    let say = |id: &str, text: &str| StepRow {
        action_type: "respond".into(),
        tool_name: None,
        tool_args_json: None,
        tool_result_json: None,
        observation_json: Some(format!("\"{text}\"")),
        ..step(id, 0, "x")
    };
    let episodes = ["a", "b", "c"].map(task).to_vec();
    let steps = vec![say("a", "hello"), say("b", "good day"), say("c", "hello")];
    let rows = Rows { episodes, steps, ..Rows::default() };
    assert_eq!(with_defaults(&rows).await.ids(), ["a", "b"]);
}

#[tokio::test]
async fn a_secret_that_got_past_ingest_is_caught_and_not_repeated() {
    let mut rows = Rows::default()
        .with(episode("clean"), 2)
        .with(episode("args"), 2)
        .with(episode("seen"), 2)
        .with(episode("replaced"), 2);
    rows.steps[3].tool_args_json = Some(r#"{"to":"jane.doe@example.com"}"#.into());
    rows.steps[4].observation_json = Some(r#"{"says":"mail jane.doe@example.com"}"#.into());
    rows.steps[6].observation_json = Some(r#"{"says":"mail <EMAIL:3fa9c1d2>"}"#.into());
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.ids(), ["clean", "replaced"]);
    assert_eq!(outcome.rules(), [("args", "unscrubbed"), ("seen", "unscrubbed")]);
    assert_eq!(outcome.drops[0].event_id.as_deref(), Some("args/1"));
    assert!(outcome.drops[0].evidence.contains("`args_json`"), "{}", outcome.drops[0].evidence);
    assert!(
        outcome.drops.iter().all(|d| !d.evidence.contains("jane") && d.evidence.contains("EMAIL"))
    );
}

#[tokio::test]
async fn length_is_bounded() {
    let params = CurateParams { max_steps: 3, ..CurateParams::default() };
    let rows = Rows::default().with(episode("three"), 3).with(episode("four"), 4);
    let outcome = run(&rows, &params, &context()).await;
    assert_eq!(outcome.ids(), ["three"]);
    assert_eq!(outcome.rules(), [("four", "too_many_steps")]);
    assert_eq!((outcome.drops[0].measured, outcome.drops[0].threshold), (Some(4.0), Some(3.0)));
}

#[tokio::test]
async fn failures_stay_for_offline_learning() {
    let rows = Rows::default()
        .with(episode("good"), 2)
        .with(EpisodeRow { total_reward: Some(1.0 - 1e-12), ..episode("rounded") }, 2)
        .with(EpisodeRow { total_reward: Some(0.5), ..episode("half") }, 2)
        .with(EpisodeRow { status: Status::Error, ..episode("error") }, 2)
        .with(EpisodeRow { total_reward: None, ..episode("unknown") }, 2)
        .with(EpisodeRow { total_reward: Some(f64::NAN), ..episode("not-a-number") }, 2);
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.ids().len(), 6);
    assert!(outcome.episodes.iter().all(|e| e.offline));
    assert_eq!(outcome.imitated(), ["good", "rounded"]);
    assert_eq!(
        outcome.rules(),
        [
            ("error", "status_not_ok"),
            ("half", "reward_too_low"),
            ("not-a-number", "reward_too_low"),
            ("unknown", "no_outcome"),
        ]
    );
    assert!(outcome.drops.iter().all(|d| d.role == Role::Imitation));
    assert_eq!(outcome.episode("half").score, 0.5);
    assert_eq!(outcome.episode("unknown").scored_by, ScoredBy::Nothing);
}

#[tokio::test]
async fn feedback_must_exceed_the_threshold() {
    let rows = Rows::default()
        .with(episode("at"), 2)
        .judged(feedback("1", "at", FeedbackKind::Human, 0.9))
        .with(episode("above"), 2)
        .judged(feedback("2", "above", FeedbackKind::Human, 1.0))
        .judged(feedback("3", "above", FeedbackKind::Evaluator, 0.81))
        .with(episode("mixed"), 2)
        .judged(feedback("4", "mixed", FeedbackKind::Human, 1.0))
        .judged(feedback("5", "mixed", FeedbackKind::Approval, 0.0))
        .with(EpisodeRow { total_reward: Some(0.0), ..episode("liked-failure") }, 2)
        .judged(feedback("6", "liked-failure", FeedbackKind::Human, 1.0));
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.imitated(), ["above"]);
    assert_eq!(outcome.episode("above").score, 0.905);
    assert_eq!(outcome.episode("above").scored_by, ScoredBy::Feedback);
    assert_eq!(
        outcome.rules(),
        [
            ("at", "feedback_too_low"),
            ("liked-failure", "reward_too_low"),
            ("mixed", "feedback_too_low"),
        ]
    );
    assert_eq!((outcome.drops[2].measured, outcome.drops[2].threshold), (Some(0.5), Some(0.9)));
}

#[tokio::test]
async fn without_feedback_the_outcome_stands_in_and_the_card_says_so() {
    let rows = Rows::default()
        .with(episode("alone"), 2)
        .with(EpisodeRow { total_reward: None, ..episode("told") }, 2)
        .judged(feedback("1", "told", FeedbackKind::Outcome, 1.0))
        .with(episode("corrected"), 2)
        .judged(feedback("2", "corrected", FeedbackKind::Correction, 0.0));
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.imitated(), ["alone", "corrected", "told"]);
    assert!(outcome.episodes.iter().all(|e| e.scored_by == ScoredBy::Outcome && e.score == 1.0));
    assert_eq!(outcome.episode("told").total_reward, Some(1.0));
    let card = outcome.curated.manifest.card();
    assert!(
        card.contains("3 episodes (100.0 %) had no such feedback: the outcome reward stood in")
    );
}

#[tokio::test]
async fn feedback_on_another_scale_is_left_out_and_said() {
    let rows = Rows::default()
        .with(episode("stars"), 2)
        .judged(feedback("five", "stars", FeedbackKind::Human, 5.0))
        .judged(feedback("minus", "stars", FeedbackKind::Human, -1.0));
    let outcome = with_defaults(&rows).await;
    assert_eq!(outcome.imitated(), ["stars"]);
    assert_eq!(outcome.episode("stars").scored_by, ScoredBy::Outcome);
    let left_out: Vec<_> = outcome.drops.iter().map(|d| (d.event_id.as_deref(), d.what)).collect();
    assert_eq!(left_out, [(Some("five"), Dropped::Feedback), (Some("minus"), Dropped::Feedback)]);
}

#[tokio::test]
async fn feedback_proves_success_only_when_told_to() {
    let rows = Rows::default()
        .with(EpisodeRow { total_reward: None, ..episode("liked") }, 2)
        .judged(feedback("1", "liked", FeedbackKind::Human, 1.0));
    assert!(with_defaults(&rows).await.imitated().is_empty());
    let params = CurateParams { feedback_proves_success: true, ..CurateParams::default() };
    assert_eq!(run(&rows, &params, &context()).await.imitated(), ["liked"]);
}

#[tokio::test]
async fn evaluation_levels_are_learned_from_in_no_role() {
    let (train, eval) = (level(0, Split::Train), level(0, Split::Evaluation));
    let listed = level(1, Split::Train);
    let failed = |row: EpisodeRow| EpisodeRow { total_reward: Some(0.0), ..row };
    let rows = Rows::default()
        .with(on_level(episode("train"), train), 2)
        .with(on_level(episode("listed"), listed), 2)
        .with(failed(on_level(episode("listed-failure"), listed)), 2)
        .with(on_level(episode("split"), eval), 2)
        .with(on_level(episode("validation"), level(0, Split::Validation)), 2);
    let context = CurateContext { eval_levels: [listed].into(), ..context() };
    let outcome = run(&rows, &CurateParams::default(), &context).await;
    assert_eq!(outcome.ids(), ["train", "validation"]);
    let all: Vec<_> = outcome.drops.iter().filter(|d| d.role == Role::All).collect();
    let found: Vec<_> = all.iter().map(|d| (d.episode_id.as_str(), d.rule_id.as_str())).collect();
    assert_eq!(
        found,
        [
            ("listed", "evaluation_level"),
            ("listed-failure", "evaluation_level"),
            ("split", "evaluation_split"),
        ]
    );
    assert_eq!(all[0].matched_id, Some(listed.to_string()));
    let off = CurateParams { decontaminate: false, ..CurateParams::default() };
    assert_eq!(run(&rows, &off, &context).await.ids().len(), 5);
}

#[tokio::test]
async fn an_evaluation_task_is_known_by_its_words() {
    let ask = |id: &str, text: &str| StepRow {
        observation_json: Some(format!(r#"[{{"role":"user","content":"{text}"}}]"#)),
        ..step(id, 0, id)
    };
    let episodes = vec![
        episode("eval"),
        episode("other"),
        on_level(episode("on-level"), level(0, Split::Train)),
    ];
    let steps = vec![
        ask("eval", "Draw  a cat "),
        ask("other", "Draw a dog"),
        ask("on-level", "Draw a cat"),
    ];
    let rows = Rows { episodes, steps, ..Rows::default() };
    let eval_narratives = [narrative_digest("Draw a cat")].into();
    let context = CurateContext { eval_narratives, ..context() };
    let outcome = run(&rows, &CurateParams::default(), &context).await;
    assert_eq!(outcome.ids(), ["on-level", "other"]);
    assert_eq!(outcome.rules(), [("eval", "evaluation_narrative")]);
    assert_eq!(with_defaults(&rows).await.ids().len(), 3);
}

#[tokio::test]
async fn a_split_is_decided_by_its_key_and_a_cluster_stays_whole() {
    let params =
        CurateParams { exact_dedup: false, split: [34, 33, 33], ..CurateParams::default() };
    let mut rows = Rows::default();
    for n in 0..60u64 {
        let id = format!("e{n:02}");
        let row = EpisodeRow { split_key: n / 2, ..episode(&id) };
        // Of every pair with one key, the second has a twin with another key.
        let twin = EpisodeRow { split_key: 1000 + n, event_time: Some(2_000_000), ..row.clone() };
        let twin = EpisodeRow { episode_id: EpisodeId::new(format!("t{n:02}")), ..twin };
        rows = rows.with(row, 1);
        if n % 2 == 1 {
            rows = rows.copy(twin, &id, 1);
        }
    }
    let outcome = run(&rows, &params, &context()).await;
    let split = |id: String| outcome.episode(&id).split;
    for n in (0..60).step_by(2) {
        assert_eq!(split(format!("e{n:02}")), split(format!("e{:02}", n + 1)));
        assert_eq!(split(format!("e{:02}", n + 1)), split(format!("t{:02}", n + 1)));
        let key = n / 2;
        assert_eq!(split(format!("e{n:02}")), DataSplit::of(key, [34, 33, 33], 0));
    }
    assert_eq!(outcome.curated.counts.by_split.len(), 3);
}
