//! Plays one day after another and hands the files to a sink.

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::behaviour::{Behaviour, PolicyAgent, Trace, assign, play_all};
use super::clock;
use super::correct::correction;
use super::error::SimulateError;
use super::fakes::{FakeValue, injections};
use super::lines::{Lines, Part, broken, gzip};
use super::params::{DayPlan, SimulateParams};
use super::record::{
    Frame, Notes, correction_line, episode_line, feedback_line, is_policy, step_line,
};
use super::truth::{
    AgentTruth, BrokenKind, DayTruth, FileTruth, InjectedValue, Place, TRUTH_SCHEMA,
};
use crate::core::{Digest, LogicalDate, canonical_json, derive_seed, rng};
use crate::evaluate::draw_levels;
use crate::quest::{Level, Split, Suite};

/// Takes a path below the log folder, with `/` between its parts, and the bytes of that file.
pub type Sink<'a> = dyn FnMut(&str, &[u8]) -> std::io::Result<()> + 'a;

/// Plays the days and writes them through the sink. Returns what was written, day by day.
///
/// # Errors
/// When a parameter is out of range, the suite cannot give the levels, an agent fails, or the sink
/// refuses a file. Days written before the failure stay.
pub fn simulate(
    params: &SimulateParams,
    suite: &Suite,
    mut policy: Option<PolicyAgent>,
    sink: &mut Sink<'_>,
) -> Result<Vec<DayTruth>, SimulateError> {
    params.validate()?;
    let mut truths = Vec::new();
    for (index, date) in params.dates().enumerate() {
        let plans = &params.curriculum.0;
        let Some(plan) = plans.get(index).or(plans.last()) else { break };
        let day = Day { params, plan, date, seed: day_seed(params.seed, date) };
        truths.push(day.run(suite, policy.as_mut(), sink)?);
    }
    Ok(truths)
}

fn day_seed(seed: u64, date: LogicalDate) -> u64 {
    derive_seed(seed, &format!("simulate/{date}"))
}

struct Day<'a> {
    params: &'a SimulateParams,
    plan: &'a DayPlan,
    date: LogicalDate,
    seed: u64,
}

/// An episode ready to be written.
struct Written<'a> {
    trace: &'a Trace,
    frame: Frame<'a>,
    notes: Notes,
    judged: bool,
}

impl Day<'_> {
    fn run(
        &self,
        suite: &Suite,
        mut policy: Option<&mut PolicyAgent>,
        sink: &mut Sink<'_>,
    ) -> Result<DayTruth, SimulateError> {
        let traces = self.play(suite, policy.as_deref_mut())?;
        let label = policy.as_deref().map(|policy| (policy.version.as_str(), policy.digest));
        let mut episodes = self.frame(&traces, label);
        let mut truth = self.empty_truth(&traces);
        let hidden = self.hide(&mut episodes, &mut truth);
        let copies = self.copy(&episodes, &mut truth);
        let lines = self.write(&episodes, &copies, &hidden, &mut truth)?;
        self.deliver(lines, &mut truth, sink)?;
        Ok(truth)
    }

    /// An id such as `ep-20261117-e0042`: letters between the digits, lest it look like a number
    /// of a card or a telephone.
    fn id(&self, what: &str, index: usize) -> String {
        format!("ep-{}-{what}{index:04}", self.date.naive().format("%Y%m%d"))
    }

    fn rng(&self, label: &str) -> ChaCha8Rng {
        rng(self.seed, label)
    }

    /// Plays all episodes of the day; traces come in the order of the levels drawn.
    fn play(
        &self,
        suite: &Suite,
        mut policy: Option<&mut PolicyAgent>,
    ) -> Result<Vec<Trace>, SimulateError> {
        let DayPlan { families, levels, mix, epsilon, .. } = self.plan;
        let n = self.plan.episodes as usize;
        let levels = draw_levels(suite, Split::Train, families, levels, self.seed, n)
            .map_err(|source| SimulateError::Levels { date: self.date, source })?;
        let who = assign(mix, levels.len(), policy.is_some(), &mut self.rng("behaviour"));
        let mut groups: BTreeMap<Behaviour, Vec<(usize, Level)>> = BTreeMap::new();
        for ((index, level), behaviour) in levels.into_iter().enumerate().zip(who) {
            groups.entry(behaviour).or_default().push((index, level));
        }
        let mut traces = BTreeMap::new();
        for (behaviour, group) in groups {
            let (order, levels): (Vec<usize>, Vec<Level>) = group.into_iter().unzip();
            let lent = policy.as_deref_mut().map(|policy| (policy, self.params.policy_epsilon));
            let played = play_all(behaviour, levels, *epsilon, self.seed, lent)?;
            traces.extend(order.into_iter().zip(played));
        }
        Ok(traces.into_values().collect())
    }

    /// Names the episodes, gives them their times, and says which of them a person judges.
    fn frame<'a>(
        &self,
        traces: &'a [Trace],
        policy: Option<(&'a str, Digest)>,
    ) -> Vec<Written<'a>> {
        let mut random = self.rng("clock");
        let starts = clock::starts(self.date, traces.len(), &mut random);
        let framed = traces.iter().zip(starts).enumerate().map(|(index, (trace, start))| Written {
            trace,
            frame: Frame {
                id: self.id("e", index),
                date: self.date,
                start,
                latencies: trace.steps.iter().map(|_| clock::latency(&mut random)).collect(),
                policy: policy.filter(|_| is_policy(trace)),
            },
            notes: Notes::default(),
            judged: random.random_bool(self.params.feedback_rate),
        });
        framed.collect()
    }

    fn empty_truth(&self, traces: &[Trace]) -> DayTruth {
        let mut agents: BTreeMap<String, AgentTruth> = BTreeMap::new();
        for trace in traces {
            let agent = agents.entry(trace.behaviour.name().to_owned()).or_default();
            agent.episodes += 1;
            agent.successes += u64::from(trace.success);
        }
        DayTruth {
            schema: TRUTH_SCHEMA.to_owned(),
            date: self.date,
            seed: self.params.seed,
            episodes: 0,
            steps: 0,
            feedback: 0,
            copied_episodes: BTreeMap::new(),
            repeated_lines: 0,
            broken_lines: BTreeMap::new(),
            values: Vec::new(),
            agents,
            files: Vec::new(),
        }
    }

    /// Hides the fake values: in turn in each kind of place. Returns those for broken lines.
    fn hide(&self, episodes: &mut [Written<'_>], truth: &mut DayTruth) -> Vec<FakeValue> {
        let mut random = self.rng("hide");
        let mut order: Vec<usize> = (0..episodes.len()).collect();
        order.shuffle(&mut random);
        let mut order = order.into_iter().cycle();
        let places = [
            Place::EpisodeAttrs,
            Place::StepAttrs,
            Place::ToolResult,
            Place::Feedback,
            Place::BrokenLine,
        ];
        let mut for_broken = Vec::new();
        let values = injections(&self.params.injections, self.params.seed, self.date);
        for (value, wished) in values.into_iter().zip(places.into_iter().cycle()) {
            let target = order.next().and_then(|index| episodes.get_mut(index));
            let sentence = value.sentence();
            let digest = Digest::of(value.value.as_bytes());
            let kind = value.kind;
            let room = for_broken.len() < self.params.injections.broken_lines as usize;
            let place = match target {
                _ if wished == Place::BrokenLine && room => {
                    for_broken.push(value);
                    Place::BrokenLine
                }
                Some(episode) => put(episode, wished, sentence, &mut random),
                None => continue,
            };
            truth.values.push(InjectedValue { kind, digest, place });
        }
        for_broken
    }

    /// Chooses the episodes to write again under other names; those with hidden texts stay single.
    fn copy<'a>(&self, episodes: &[Written<'a>], truth: &mut DayTruth) -> Vec<Written<'a>> {
        let mut random = self.rng("copy");
        let mut plain: Vec<&Written<'a>> =
            episodes.iter().filter(|episode| episode.notes.is_empty()).collect();
        plain.shuffle(&mut random);
        plain.truncate(self.params.injections.copied_episodes as usize);
        let copies = plain.into_iter().enumerate().map(|(index, original)| {
            let id = self.id("copy", index);
            truth.copied_episodes.insert(id.clone(), original.frame.id.clone());
            let later = random.random_range(1_000_000..600_000_000);
            let frame = Frame {
                id,
                date: self.date,
                start: clock::within(self.date, original.frame.start + later),
                latencies: original.frame.latencies.clone(),
                policy: original.frame.policy,
            };
            Written { trace: original.trace, frame, notes: Notes::default(), judged: false }
        });
        copies.collect()
    }

    fn write(
        &self,
        episodes: &[Written<'_>],
        copies: &[Written<'_>],
        hidden: &[FakeValue],
        truth: &mut DayTruth,
    ) -> Result<Lines, SimulateError> {
        let mut lines = Lines::default();
        let mut random = self.rng("feedback");
        let mut corrector = self.rng("corrections");
        let half = episodes.len().div_ceil(2);
        for (index, episode) in episodes.iter().chain(copies).enumerate() {
            if index == half {
                lines.split_here();
            }
            let Written { trace, frame, notes, judged } = episode;
            for (number, step) in trace.steps.iter().enumerate() {
                lines.push(step_line(step, number, frame, notes)?);
            }
            lines.push(episode_line(trace, frame, notes)?);
            truth.steps += trace.steps.len() as u64;
            truth.episodes += 1;
            if *judged {
                lines.push(feedback_line(trace, frame, notes, &mut random)?);
                truth.feedback += 1;
                if let Some(correction) = correction(trace, &mut corrector) {
                    lines.push(correction_line(correction, frame)?);
                    truth.feedback += 1;
                }
            }
        }
        let mut random = self.rng("extra lines");
        let wanted = &self.params.injections;
        truth.repeated_lines = lines.repeat(wanted.repeated_lines, &mut random);
        let kinds = BrokenKind::ALL.into_iter().cycle();
        for (index, kind) in (0..wanted.broken_lines).zip(kinds) {
            let id = self.id("broken", index as usize);
            let sentence = hidden.get(index as usize).map(FakeValue::sentence);
            lines.insert(broken(kind, &id, sentence.as_deref()), &mut random);
            *truth.broken_lines.entry(kind).or_insert(0) += 1;
        }
        Ok(lines)
    }

    fn deliver(
        &self,
        lines: Lines,
        truth: &mut DayTruth,
        sink: &mut Sink<'_>,
    ) -> Result<(), SimulateError> {
        let [plain, packed] = lines.parts();
        let mut put = |name: &str, bytes: &[u8]| -> Result<String, SimulateError> {
            let path = format!("{}/{name}", self.date);
            sink(&path, bytes)
                .map_err(|source| SimulateError::Sink { path: path.clone(), source })?;
            Ok(path)
        };
        let path = put("part-000.jsonl", &plain.bytes)?;
        truth.files.push(file_truth(path, &plain, &plain.bytes));
        // A day of a single episode fills one file only.
        if packed.lines > 0 {
            let bytes = gzip(&packed.bytes).map_err(|source| SimulateError::Sink {
                path: format!("{}/part-001.jsonl.gz", self.date),
                source,
            })?;
            let path = put("part-001.jsonl.gz", &bytes)?;
            truth.files.push(file_truth(path, &packed, &bytes));
        }
        put("_truth.json", &canonical_json(truth)?)?;
        Ok(())
    }
}

fn file_truth(path: String, part: &Part, written: &[u8]) -> FileTruth {
    FileTruth {
        path,
        lines: part.lines,
        plain_bytes: part.bytes.len() as u64,
        digest: Digest::of(written),
    }
}

/// Hides a sentence in the episode, at the wished place where the episode has such a place that is
/// still free, else among the episode's notes.
fn put(
    episode: &mut Written<'_>,
    wished: Place,
    sentence: String,
    random: &mut ChaCha8Rng,
) -> Place {
    let steps = episode.trace.steps.len();
    let step = if steps > 0 { random.random_range(0..steps) } else { 0 };
    let notes = &mut episode.notes;
    match wished {
        Place::StepAttrs if steps > 0 && !notes.step_attrs.contains_key(&step) => {
            notes.step_attrs.insert(step, sentence);
            Place::StepAttrs
        }
        Place::ToolResult if steps > 0 && !notes.results.contains_key(&step) => {
            notes.results.insert(step, sentence);
            Place::ToolResult
        }
        Place::Feedback if notes.feedback.is_none() => {
            // What is hidden must be written, so this episode is judged.
            episode.judged = true;
            notes.feedback = Some(sentence);
            Place::Feedback
        }
        _ => {
            notes.episode.push(sentence);
            Place::EpisodeAttrs
        }
    }
}
