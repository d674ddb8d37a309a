use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::behaviour::{Behaviour, assign};
use super::*;
use crate::core::{Digest, LogicalDate, rng};
use crate::logs::{Context, Format, Record, StepRow, parse_bytes};
use crate::quest::{Greedy, Split, Suite, split_of};
use crate::scrub::Scrubber;

type Files = BTreeMap<String, Vec<u8>>;

fn date() -> LogicalDate {
    "2026-11-17".parse().unwrap()
}

/// Two small days over all families.
fn small() -> SimulateParams {
    let mut params = SimulateParams::sample(date(), 2, 5);
    for plan in &mut params.curriculum.0 {
        plan.episodes = 40;
    }
    params.injections.broken_lines = 7;
    params
}

fn run(params: &SimulateParams, policy: Option<PolicyAgent>) -> (Vec<DayTruth>, Files) {
    let mut files = Files::new();
    let mut sink = |path: &str, bytes: &[u8]| {
        assert!(files.insert(path.to_owned(), bytes.to_vec()).is_none(), "{path} came twice");
        Ok(())
    };
    let truths = simulate(params, &Suite::builtin(), policy, &mut sink).unwrap();
    (truths, files)
}

fn plain(path: &str, bytes: &[u8]) -> Vec<u8> {
    if !path.ends_with(".gz") {
        return bytes.to_vec();
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// The day's lines, files in order.
fn lines(files: &Files, day: &DayTruth) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for file in &day.files {
        let bytes = plain(&file.path, &files[&file.path]);
        assert_eq!(Digest::of(&files[&file.path]), file.digest);
        assert_eq!(bytes.len() as u64, file.plain_bytes);
        assert!(bytes.ends_with(b"\n"));
        let own: Vec<Vec<u8>> =
            bytes.trim_ascii_end().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        assert_eq!(own.len() as u64, file.lines);
        lines.extend(own);
    }
    lines
}

fn read(lines: &[Vec<u8>]) -> (Vec<Record>, u64) {
    let (mut good, mut rejects) = (Vec::new(), 0);
    for line in lines {
        match parse_bytes(Format::Native, line, &Context::default()) {
            Ok(records) => good.extend(records),
            Err(_) => rejects += 1,
        }
    }
    (good, rejects)
}

fn steps(records: &[Record]) -> impl Iterator<Item = &StepRow> {
    records.iter().filter_map(|record| match record {
        Record::Step(step) => Some(step),
        _ => None,
    })
}

#[test]
fn the_same_parameters_give_the_same_bytes_and_another_seed_others() {
    let mut params = small();
    params.days = 1;
    let (_, first) = run(&params, None);
    assert_eq!(first, run(&params, None).1);
    assert_eq!(first.len(), 3, "{:?}", first.keys());
    params.seed += 1;
    assert_ne!(first, run(&params, None).1);
}

#[test]
fn the_logs_hold_what_the_truth_says_and_no_more() {
    let params = small();
    let (truths, files) = run(&params, None);
    assert_eq!(truths.len(), 2);
    for truth in &truths {
        let lines = lines(&files, truth);
        let (records, rejects) = read(&lines);
        assert_eq!(rejects, u64::from(params.injections.broken_lines));
        assert_eq!(rejects, truth.broken_lines.values().sum::<u64>());
        let repeated = lines.len() - lines.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(repeated as u64, truth.repeated_lines);
        assert_eq!(truth.repeated_lines, u64::from(params.injections.repeated_lines));
        let ids = |table: &str| {
            let of = records.iter().filter(|record| record.table() == table);
            of.map(Record::id).collect::<BTreeSet<_>>().len() as u64
        };
        assert_eq!(ids("episodes"), truth.episodes);
        assert_eq!(ids("steps"), truth.steps);
        assert_eq!(ids("feedback"), truth.feedback);
        assert!(truth.feedback > 0 && truth.feedback < truth.episodes);
        let played: u64 = truth.agents.values().map(|agent| agent.episodes).sum();
        assert_eq!(played, 40);
        assert_eq!(truth.copied_episodes.len(), 5);
        assert_eq!(truth.episodes, played + 5);
        let stored: DayTruth =
            serde_json::from_slice(&files[&format!("{}/_truth.json", truth.date)]).unwrap();
        assert_eq!(&stored, truth);
    }
}

#[test]
fn every_event_lies_on_its_date() {
    let (truths, files) = run(&small(), None);
    for truth in &truths {
        let day = clock::midnight(truth.date)..clock::midnight(truth.date.plus_days(1));
        let (records, _) = read(&lines(&files, truth));
        for record in &records {
            assert!(day.contains(&record.event_time().unwrap()), "{}", record.id());
        }
    }
}

#[test]
fn propensities_sum_to_one_and_fit_the_chosen_call() {
    let (truths, files) = run(&small(), None);
    let (records, _) = read(&lines(&files, &truths[0]));
    let mut explored = 0;
    for step in steps(&records) {
        let candidates = step.candidate_actions.as_ref().unwrap();
        let sum: f32 = candidates.iter().map(|one| one.propensity.unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{} sums to {sum}", step.event_id);
        let chosen = &candidates[usize::try_from(step.chosen_index.unwrap()).unwrap()];
        assert_eq!(chosen.propensity, step.propensity);
        assert!(step.propensity.unwrap() > 0.0);
        assert!(chosen.id.starts_with(step.tool_name.as_deref().unwrap()), "{}", chosen.id);
        explored += usize::from(step.propensity.unwrap() < 0.99);
    }
    assert!(explored > 50, "{explored}");
}

#[test]
fn every_level_is_of_the_train_split_and_can_be_made_again() {
    let (truths, files) = run(&small(), None);
    let suite = Suite::builtin();
    let (records, _) = read(&lines(&files, &truths[1]));
    let mut seen = 0;
    for record in &records {
        let Record::Episode(episode) = record else { continue };
        let digest: Digest = episode.level_digest.as_ref().unwrap().parse().unwrap();
        assert_eq!(split_of(&digest), Split::Train);
        let level: crate::logs::LevelRef =
            serde_json::from_str(episode.level_json.as_ref().unwrap()).unwrap();
        if seen < 10 {
            let again =
                suite.regenerate(&level.family, level.level, level.challenge, level.seed).unwrap();
            assert_eq!(again.content_digest(), digest);
        }
        seen += 1;
    }
    assert!(seen >= 45, "{seen}");
}

#[test]
fn a_logged_episode_replays_to_its_logged_end() {
    use crate::quest::{Play, World};
    let (truths, files) = run(&small(), None);
    let suite = Suite::builtin();
    let (records, _) = read(&lines(&files, &truths[0]));
    let mut by_episode: BTreeMap<&str, BTreeMap<i32, &StepRow>> = BTreeMap::new();
    for step in steps(&records) {
        by_episode.entry(step.episode_id.as_str()).or_default().insert(step.step_index, step);
    }
    for record in records.iter().take(400) {
        let Record::Episode(episode) = record else { continue };
        let at: crate::logs::LevelRef =
            serde_json::from_str(episode.level_json.as_ref().unwrap()).unwrap();
        let level = suite.regenerate(&at.family, at.level, at.challenge, at.seed).unwrap();
        let mut play = Play::new(std::sync::Arc::new(World::ground(&level).unwrap()), 0);
        let steps = &by_episode[episode.episode_id.as_str()];
        assert_eq!(steps.len(), usize::try_from(episode.n_steps).unwrap());
        // The error of each call; of one that took time it is known when it ends.
        let mut errors: Vec<(u32, Option<String>)> = Vec::new();
        for step in steps.values() {
            let names: Vec<String> = play
                .applicable()
                .iter()
                .map(|id| play.world().calls()[*id as usize].name.clone())
                .collect();
            let logged = step.candidate_actions.as_ref().unwrap();
            assert!(names.iter().eq(logged.iter().map(|one| &one.id)));
            let call = play.applicable()[usize::try_from(step.chosen_index.unwrap()).unwrap()];
            let outcome = usize::try_from(step.outcome_index.unwrap()).unwrap();
            let done = play.apply_logged(call, outcome).unwrap();
            for ended in &done.finished {
                let started = errors.iter_mut().rev().find(|(id, _)| *id == ended.call).unwrap();
                started.1 = ended.failed.then(|| ended.name.clone().unwrap());
            }
            errors.push((call, done.failed.then(|| done.name.unwrap())));
            assert_eq!(step.done, play.done());
        }
        let logged = steps.values().map(|step| step.error_type.clone());
        assert!(logged.eq(errors.into_iter().map(|(_, error)| error)));
        assert_eq!(play.goal_achieved(), episode.status == crate::logs::Status::Ok);
    }
}

#[test]
fn every_fake_value_stands_in_the_log_and_the_scrubber_knows_it() {
    let params = small();
    let (truths, files) = run(&params, None);
    let scrubber = Scrubber::new(b"key");
    for truth in &truths {
        let values = injections(&params.injections, params.seed, truth.date);
        assert_eq!(values.len(), 20);
        assert_eq!(truth.values.len(), 20);
        let text: Vec<u8> = lines(&files, truth).concat();
        let holds = |needle: &str| text.windows(needle.len()).any(|part| part == needle.as_bytes());
        for (value, told) in values.iter().zip(&truth.values) {
            assert!(holds(&value.value), "{value:?}");
            assert_eq!(told.digest, Digest::of(value.value.as_bytes()));
            assert_eq!(told.kind, value.kind);
            let sentence = value.sentence();
            let scrubbed = scrubber.scrub_text(&sentence);
            assert!(!scrubbed.contains(&value.value), "{value:?} stays in {scrubbed}");
        }
        let places: BTreeSet<Place> = truth.values.iter().map(|value| value.place).collect();
        assert_eq!(places.len(), 5, "{places:?}");
    }
}

#[test]
fn fake_values_differ_by_date_and_cards_pass_luhn() {
    let params = InjectionParams { pii: 40, ..InjectionParams::default() };
    let first = injections(&params, 1, date());
    let second = injections(&params, 1, date().plus_days(1));
    let values =
        |all: &[FakeValue]| all.iter().map(|value| value.value.clone()).collect::<BTreeSet<_>>();
    assert!(values(&first).is_disjoint(&values(&second)));
    for card in first.iter().filter(|value| value.kind == FakeKind::Card) {
        let sum: u32 = card
            .value
            .bytes()
            .rev()
            .enumerate()
            .map(|(place, byte)| {
                let digit = u32::from(byte - b'0') * (1 + place as u32 % 2);
                digit / 10 + digit % 10
            })
            .sum();
        assert_eq!(sum % 10, 0, "{}", card.value);
        assert_eq!(card.value.len(), 16);
    }
}

#[test]
fn better_play_gets_better_feedback() {
    let mut random = rng(3, "feedback");
    let mut mean = |success, efficiency| {
        let total: f64 = (0..200).map(|_| feedback::score(success, efficiency, &mut random)).sum();
        total / 200.0
    };
    let (best, sloppy, failed) = (mean(true, Some(1.0)), mean(true, Some(0.4)), mean(false, None));
    assert!(best > 0.94 && best <= 1.0, "{best}");
    assert!(sloppy > 0.65 && sloppy < 0.75, "{sloppy}");
    assert!(failed > 0.15 && failed < 0.25, "{failed}");
}

#[test]
fn shares_are_kept_to_the_episode() {
    let mut random = rng(1, "assign");
    let mix = Mix { expert: 1.0, noisy: 1.0, random: 1.0, policy: 0.0 };
    let mut count = |mix: &Mix, policy, wanted| {
        let chosen = assign(mix, 10, policy, &mut random);
        assert_eq!(chosen.len(), 10);
        chosen.into_iter().filter(|behaviour| *behaviour == wanted).count()
    };
    assert_eq!(count(&mix, false, Behaviour::Expert), 3);
    assert_eq!(count(&mix, false, Behaviour::Policy), 0);
    assert_eq!(count(&mix, true, Behaviour::Policy), 7);
    assert_eq!(count(&mix, true, Behaviour::Random), 0);
    let mostly = Mix { expert: 0.1, noisy: 0.0, random: 0.1, policy: 0.8 };
    assert_eq!(count(&mostly, true, Behaviour::Policy), 8);
    assert_eq!(count(&mostly, false, Behaviour::Random), 5);
}

#[test]
fn a_policy_plays_with_exploration_under_its_own_name() {
    let mut params = small();
    params.days = 1;
    params.policy_epsilon = 0.2;
    let digest = Digest::of(b"checkpoint");
    let policy =
        PolicyAgent { agent: Box::new(Greedy::new(1)), version: "fqm@3".to_owned(), digest };
    let (truths, files) = run(&params, Some(policy));
    assert!(truths[0].agents["fqm"].episodes > 20, "{:?}", truths[0].agents);
    assert!(!truths[0].agents.contains_key("random"));
    let (records, _) = read(&lines(&files, &truths[0]));
    let mut own = BTreeSet::new();
    for record in &records {
        if let Record::Episode(episode) = record {
            let is_policy = episode.agent_name == "fqm";
            assert_eq!(episode.behaviour_policy_sha == digest.to_string(), is_policy);
            assert_eq!(episode.policy_version == "fqm@3", is_policy);
            if is_policy {
                own.insert(episode.episode_id.clone());
            }
        }
    }
    for step in steps(&records).filter(|step| own.contains(&step.episode_id)) {
        let candidates = step.candidate_actions.as_ref().unwrap();
        let least = 0.2 / candidates.len() as f32;
        assert!(candidates.iter().all(|one| one.propensity.unwrap() >= least * 0.99));
    }
}

#[test]
fn parameters_out_of_range_are_refused_with_their_name() {
    let mut params = small();
    params.feedback_rate = 1.5;
    let error = params.validate().unwrap_err().to_string();
    assert!(error.contains("feedback_rate") && error.contains("1.5"), "{error}");
    let mut params = small();
    params.days = 0;
    assert!(params.validate().unwrap_err().to_string().contains("days"));
    let mut params = small();
    params.curriculum.0[0].mix = Mix { expert: 0.0, noisy: 0.0, random: 0.0, policy: 0.0 };
    assert!(params.validate().unwrap_err().to_string().contains("mix"));
    let mut params = small();
    params.curriculum.0[0].families = vec!["no such family".to_owned()];
    let error = simulate(&params, &Suite::builtin(), None, &mut |_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("no such family"), "{error}");
}

#[test]
fn the_sample_fits_any_suite() {
    let suite = Suite::builtin();
    let sample = Curriculum::default();
    assert_eq!(sample.clone().fit(&suite), sample);
    let mut foreign = sample;
    foreign.0[0].families = vec!["elsewhere".to_owned()];
    assert!(foreign.fit(&suite).0[0].families.is_empty());
}

#[test]
fn a_sink_that_refuses_stops_the_simulation_and_names_the_file() {
    let mut params = small();
    params.days = 1;
    let mut full = |_: &str, _: &[u8]| Err(std::io::Error::other("disk full"));
    let error = simulate(&params, &Suite::builtin(), None, &mut full).unwrap_err();
    assert_eq!(error.to_string(), "write 2026-11-17/part-000.jsonl: disk full");
}
