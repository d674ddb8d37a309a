//! Learns every fold's policy and asks it for the choices of the episodes that were held out.

use fqm_pipe::dataset::Episode;
use fqm_pipe::pipeline::{Reporter, StepFailure};
use fqm_pipe::policy::{
    Example, Graph, GuardParams, ImitationParams, NoLevels, TrainerParams, Vocabulary,
    examples_of_episode, folds,
};
use fqm_pipe::steps::{ForetellRequest, Guess, SeedGuesses};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::learn::{Course, Imitation, Learner, learn};

/// Least batches of a pass: a short log must be learned too.
const BATCHES: usize = 40;

/// The guesses of every seed.
///
/// # Errors
/// Where an episode gives no examples, or a training diverges.
pub fn foretell(
    request: &ForetellRequest,
    reporter: &Reporter,
) -> Result<Vec<SeedGuesses>, StepFailure> {
    let episodes = &request.episodes;
    let fold = folds(episodes, request.folds, request.seed);
    let mut runs: Vec<SeedGuesses> = (request.seeds.iter())
        .map(|seed| SeedGuesses { seed: *seed, episodes: vec![Vec::new(); episodes.len()] })
        .collect();
    let all = (request.folds * request.seeds.len()) as u64;
    let mut done = 0;
    for held_out in 0..request.folds {
        let part = Part::new(episodes, &fold, held_out)?;
        for run in &mut runs {
            reporter.progress(done, Some(all), "policies trained");
            let params = TrainerParams { seed: run.seed, ..request.learner.clone() };
            for (place, guesses) in part.guesses(params)? {
                if let Some(of) = run.episodes.get_mut(place) {
                    *of = guesses;
                }
            }
            done += 1;
        }
    }
    Ok(runs)
}

/// What one fold's policy learns from and is asked.
struct Part {
    train: Vec<Example>,
    /// Examples of the held-out episodes with the episodes' places.
    held_out: Vec<(usize, Vec<Example>)>,
}

impl Part {
    /// The vocabulary is that of the training episodes alone.
    fn new(episodes: &[Episode], fold: &[usize], held_out: usize) -> Result<Self, StepFailure> {
        let learned = episodes.iter().zip(fold).filter(|(_, fold)| **fold != held_out);
        let vocabulary = Vocabulary::of(learned.map(|(episode, _)| episode));
        let mut part = Self { train: Vec::new(), held_out: Vec::new() };
        for (place, (episode, fold)) in episodes.iter().zip(fold).enumerate() {
            let lifted = examples_of_episode(episode, &NoLevels, &vocabulary);
            let examples = lifted.map_err(StepFailure::input)?.examples;
            if *fold == held_out {
                part.held_out.push((place, examples));
            } else {
                part.train.extend(examples);
            }
        }
        Ok(part)
    }

    fn guesses(&self, params: TrainerParams) -> Result<Vec<(usize, Vec<Guess>)>, StepFailure> {
        let device = choose(Wish::Cpu).device;
        let seed = params.seed;
        let nodes: usize = self.train.iter().map(|e| e.graph.nodes()).sum();
        let batch_nodes = params.batch_nodes.min(nodes / BATCHES);
        let trainer = TrainerParams { batch_nodes, ..params };
        let guard = GuardParams::default();
        let course = Course {
            trainer: &trainer,
            rounds: 1,
            guard: &guard,
            validation: &[],
            device,
            journal: None,
        };
        let all = ImitationParams { most: usize::MAX, ..ImitationParams::default() };
        let mut learners: [Box<dyn Learner + '_>; 1] = [Box::new(Imitation::new(all, &self.train))];
        let trained = learn(&mut learners, None, &course, None, &mut |_| {});
        let checkpoint = trained.map_err(StepFailure::input)?.checkpoint;
        let agent = PolicyAgent::new("policy", &checkpoint, Manner::PLAIN, seed, device);
        let agent = agent.map_err(StepFailure::internal)?;
        let asked = |(place, examples): &(usize, Vec<Example>)| {
            let graphs: Vec<&Graph> = examples.iter().map(|e| &*e.graph).collect();
            let scored = agent.score(&graphs).map_err(StepFailure::internal)?;
            let guess = |(s, e): (&crate::network::Scored, &Example)| {
                let shares = Manner::PLAIN.propensities(&s.logits);
                let shares: Vec<f64> = shares.into_iter().map(f64::from).collect();
                Guess::of(&shares, e.target)
            };
            Ok((*place, scored.iter().zip(examples).map(guess).collect()))
        };
        self.held_out.iter().map(asked).collect()
    }
}
