//! What a dataset holds for learners: its episodes, lifted and sorted.

use std::collections::BTreeMap;

use fqm_pipe::dataset::{DataSplit, Episode};
use fqm_pipe::pipeline::Reporter;
use fqm_pipe::policy::{
    Example, FinetuneParams, Judged, LearnerParams, Lifted, Pair, RewardReport, SuiteLevels,
    Vocabulary, Way, examples_of_episode, pairs_of, reward_model,
};
use fqm_pipe::quest::Suite;

/// Lifted episodes, sorted by what they are good for.
#[derive(Default)]
pub struct Material {
    /// Choices that should be imitated.
    pub imitated: Vec<Example>,
    /// All choices of which is known what came of them, those to be imitated included.
    pub offline: Vec<Example>,
    /// Pairs of choices of which one is better.
    pub pairs: Vec<Pair>,
    /// Choices to check the training on.
    pub validation: Vec<Example>,
    /// Held-out choices of episodes without a known level.
    pub held_out: Vec<Example>,
    /// Held-out choices of functions that nothing else calls: nobody can foretell them.
    pub unknown: usize,
    /// Examples to imitate that were replayed on known levels.
    pub replayed: u64,
    /// Examples to imitate of episodes without a known level.
    pub from_history: u64,
    /// Episodes that could not be lifted: reason → count.
    pub failed: BTreeMap<String, u64>,
    /// The reward model, where there is enough feedback.
    pub feedback: Option<RewardReport>,
}

impl Material {
    /// Lifts what the learners of these parameters use.
    pub fn of(
        episodes: &[Episode],
        suite: &Suite,
        params: &FinetuneParams,
        reporter: &Reporter,
    ) -> Self {
        let wants_all = params
            .learners
            .iter()
            .any(|learner| matches!(learner, LearnerParams::Awr(_) | LearnerParams::Preference(_)));
        let levels = SuiteLevels::new(suite);
        let vocabulary =
            Vocabulary::of(episodes.iter().filter(|e| e.imitation && e.split != DataSplit::Test));
        let wanted: Vec<&Episode> =
            episodes.iter().filter(|e| e.imitation || (wants_all && e.offline)).collect();
        let mut material = Self { feedback: reward_model(episodes), ..Self::default() };
        let mut judged = Vec::new();
        for (done, episode) in wanted.iter().enumerate() {
            reporter.progress(done as u64, Some(wanted.len() as u64), "episodes lifted");
            match examples_of_episode(episode, &levels, &vocabulary) {
                Ok(lifted) => material.sort(episode, lifted, wants_all, &mut judged),
                Err(error) => *material.failed.entry(error.to_string()).or_default() += 1,
            }
        }
        material.pair(&judged, params);
        material
    }

    fn sort<'a>(
        &mut self,
        episode: &'a Episode,
        mut lifted: Lifted,
        wants_all: bool,
        judged: &mut Vec<(&'a Episode, Lifted)>,
    ) {
        self.foretell(episode, &mut lifted);
        let learned_from = episode.split == DataSplit::Train;
        if wants_all && learned_from {
            self.offline.extend(lifted.examples.iter().cloned());
        }
        if !episode.imitation {
            if learned_from {
                judged.push((episode, lifted));
            }
            return;
        }
        let count = lifted.examples.len() as u64;
        match lifted.way {
            Way::Replay => self.replayed += count,
            Way::History => self.from_history += count,
        }
        match (episode.split, lifted.way) {
            (DataSplit::Train, _) => {
                self.imitated.extend(lifted.examples.iter().cloned());
                judged.push((episode, lifted));
            }
            (DataSplit::Validation, _) => self.validation.extend(lifted.examples),
            (DataSplit::Test, Way::History) => {
                self.unknown += lifted.skipped;
                self.held_out.extend(lifted.examples);
            }
            (DataSplit::Test, Way::Replay) => (),
        }
    }

    /// Where neither a level nor feedback says what an episode was worth, the reward model does.
    fn foretell(&self, episode: &Episode, lifted: &mut Lifted) {
        let unknown = episode.scored_by == fqm_pipe::dataset::ScoredBy::Nothing;
        let model = self.feedback.as_ref().map(|report| &report.model);
        if let Some(model) = model.filter(|_| unknown && lifted.way == Way::History) {
            let worth = model.foretell(episode) as f32;
            lifted.examples.iter_mut().for_each(|example| example.outcome = Some(worth));
        }
    }

    fn pair(&mut self, lifted: &[(&Episode, Lifted)], params: &FinetuneParams) {
        let of = |learner: &LearnerParams| match learner {
            LearnerParams::Preference(params) => Some(params.clone()),
            _ => None,
        };
        let Some(params) = params.learners.iter().find_map(of) else { return };
        let mut judged = Vec::new();
        for (episode, lifted) in lifted {
            for (example, state) in lifted.examples.iter().zip(&lifted.states) {
                judged.push(Judged {
                    state: *state,
                    graph: &example.graph,
                    choice: example.target,
                    score: episode.score,
                    episode: &episode.id,
                    step: example.step,
                });
            }
        }
        self.pairs = pairs_of(&judged, &params);
        for (_, lifted) in lifted {
            let corrected = lifted.corrected.iter();
            let pair = |(at, better): &(usize, usize)| {
                let example = lifted.examples.get(*at)?;
                Some(Pair {
                    graph: example.graph.clone(),
                    better: *better,
                    worse: example.target,
                    episode: example.episode.clone(),
                    step: example.step,
                })
            };
            self.pairs.extend(corrected.filter_map(pair));
        }
    }
}
