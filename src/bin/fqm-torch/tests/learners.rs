//! The ways of learning, the champion guard, and what holds them to their word.

use std::cell::RefCell;
use std::sync::Arc;

use tch::nn::OptimizerConfig;
use tch::{Device, Kind, Tensor, nn};

use super::fixtures::{expert_examples, sure_courier, world_of};
use super::{imitate, learn, network, small};
use crate::adamw::AdamW;
use crate::agent::{Manner, PolicyAgent};
use crate::dense;
use crate::learn::{
    Awr, Course, Exam, Guard, Imitation, Journal, Kept, LearnError, Learner, Now, Ppo, Practice,
    Preference, Trained, judge,
};
use fqm_pipe::evaluate::{Curriculum, Thresholds};
use fqm_pipe::policy::{
    Aim, AwrParams, Checkpoint, Config, Example, GuardParams, ImitationParams, Pair, PpoParams,
    PracticeParams, PreferenceParams, TeacherParams, TrainerParams, teach,
};
use fqm_pipe::quest::{Level, Split, Suite, World};

fn run(
    learners: &mut [Box<dyn Learner + '_>],
    guard: Option<&mut Guard<'_>>,
    (params, rounds): (&TrainerParams, usize),
    guard_params: &GuardParams,
    base: Option<&Checkpoint>,
) -> Trained {
    let course = Course {
        trainer: params,
        rounds,
        guard: guard_params,
        validation: &[],
        device: Device::Cpu,
        journal: None,
    };
    learn::learn(learners, guard, &course, base, &mut |_| {}).unwrap()
}

fn start(seed: u64) -> Checkpoint {
    let network = network(seed);
    network.checkpoint(Config::new(network.shape(), seed, None)).unwrap()
}

fn now(policy: &Checkpoint, fresh: bool) -> Now<'_> {
    Now { round: 1, policy, fresh, device: Device::Cpu }
}

#[test]
fn what_turned_out_well_counts_more() {
    let mut examples = expert_examples(2);
    let half = examples.len() / 2;
    for (at, example) in examples.iter_mut().enumerate() {
        example.outcome = Some(if at < half { 1.0 } else { -1.0 });
    }
    examples[0].propensity = Some(1e-4);
    examples[1].propensity = None;
    let policy = start(1);
    let weights = |params: AwrParams| -> Vec<f32> {
        let mut awr = Awr::new(params, &examples);
        awr.lessons(&now(&policy, true)).unwrap().iter().map(|e| e.weight).collect()
    };
    let plain = weights(AwrParams { rarity: 1.0, weight: 1.0, ..AwrParams::default() });
    assert!(plain[1] > 3.0 * plain[half + 1], "{plain:?}");
    assert!((plain.iter().sum::<f32>() / plain.len() as f32 - 1.0).abs() < 1e-4);
    let rare = weights(AwrParams::default());
    assert!((rare[0] / rare[1] - 4.0).abs() < 1e-3, "a rare choice counts up to four times");
    examples[1].outcome = None;
    let mut awr = Awr::new(AwrParams::default(), &examples);
    assert_eq!(awr.lessons(&now(&policy, false)).unwrap().len(), examples.len() - 1);
}

#[test]
fn the_better_of_a_pair_comes_to_be_preferred() {
    let example = expert_examples(1).into_iter().find(|e| e.graph.applicable.len() > 1).unwrap();
    let worse = example.target;
    let better = (0..example.graph.applicable.len())
        .find(|at| example.graph.applicable[*at] != example.graph.applicable[worse])
        .unwrap();
    let (episode, step) = (example.episode.clone(), example.step);
    let pairs = [Pair { graph: Arc::clone(&example.graph), better, worse, episode, step }];
    let base = learn(small(1), &expert_examples(2), None).checkpoint;
    let ahead = |checkpoint: &Checkpoint| {
        let agent = PolicyAgent::new("p", checkpoint, Manner::GREEDY, 0, Device::Cpu).unwrap();
        let logits = agent.score(&[&example.graph]).unwrap().remove(0).logits;
        logits[better] - logits[worse]
    };
    let preference = PreferenceParams { beta: 1.0, ..PreferenceParams::default() };
    let mut learners: Vec<Box<dyn Learner + '_>> =
        vec![Box::new(Preference::new(preference, &pairs))];
    let trained = run(&mut learners, None, (&small(1), 1), &GuardParams::default(), Some(&base));
    let (before, after) = (ahead(&base), ahead(&trained.checkpoint));
    assert!(before < 0.0 && after > before + 1.0, "{before} {after}");
}

fn guarded_worlds(n: usize) -> Vec<Arc<World>> {
    let suite = Suite::builtin();
    let mut worlds = Vec::new();
    for (family, (level, challenge)) in
        suite.safety_families().into_iter().map(|f| (f.clone(), suite.grades(&f)[0]))
    {
        let levels = suite.draw(&family, level, challenge, Split::Train, 5, n).unwrap();
        worlds.extend(levels.iter().map(|level| Arc::new(World::ground(level).unwrap())));
    }
    worlds
}

#[test]
fn calls_that_must_not_be_made_are_hardly_wanted_and_never_made() {
    let worlds = guarded_worlds(12);
    let examples = teach(&worlds, &TeacherParams::default(), &mut |_| {});
    let tempted = |weight: f64| {
        let params = TrainerParams { forbidden_weight: weight, epochs: 40, ..small(1) };
        let trained = imitate(&params, (&examples, &[]), None, &mut |_| {}).unwrap();
        let told = trained.curve.last().unwrap().forbidden.unwrap();
        let mut agent =
            PolicyAgent::new("p", &trained.checkpoint, Manner::UNMASKED, 0, Device::Cpu).unwrap();
        for world in &worlds {
            fqm_pipe::quest::play_out(&mut agent, world, 0).unwrap();
        }
        let seen = agent.temptation();
        assert!(seen.decisions > 0);
        (told, seen.probability / seen.decisions as f64)
    };
    let (told, seen) = tempted(1.0);
    assert!(told < 0.02 && seen < 0.02, "{told} {seen}");
    let (unpunished, _) = tempted(0.0);
    assert!(told < unpunished, "{told} {unpunished}");
    // A policy that knows nothing wants them, and still does not make them.
    let ignorant = start(3);
    let wild = Manner { temperature: 3.0, epsilon: 0.5, ..Manner::GREEDY };
    let mut agent = PolicyAgent::new("p", &ignorant, wild, 1, Device::Cpu).unwrap();
    for world in &worlds {
        let play = fqm_pipe::quest::play_out(&mut agent, world, 0).unwrap();
        assert!(!play.violated());
    }
    assert!(agent.temptation().highest > 0.0);
}

/// Families and grades.
type Held = Vec<(String, (u32, u32))>;

/// A champion of the first grade of two families, and what it has mastered.
fn champion(suite: &Suite) -> (Checkpoint, Held) {
    let held = vec![("courier".to_owned(), (1, 1)), ("toolbox".to_owned(), (1, 1))];
    let mut worlds = Vec::new();
    for (family, (level, challenge)) in &held {
        let levels = suite.draw(family, *level, *challenge, Split::Train, 3, 16).unwrap();
        worlds.extend(levels.iter().map(|level| Arc::new(World::ground(level).unwrap())));
    }
    let examples = teach(&worlds, &TeacherParams::default(), &mut |_| {});
    (learn(TrainerParams { epochs: 15, ..small(1) }, &examples, None).checkpoint, held)
}

#[test]
fn the_guard_keeps_a_challenger_near_its_champion() {
    let suite = Suite::builtin();
    let (champion, held) = champion(&suite);
    // What is learned is wrong: on the levels that the champion knows, each time another call.
    let levels = suite.draw("courier", 1, 1, Split::Train, 3, 8).unwrap();
    let worlds: Vec<Arc<World>> =
        levels.iter().map(|level| Arc::new(World::ground(level).unwrap())).collect();
    let mut wrong = teach(&worlds, &TeacherParams::default(), &mut |_| {});
    for example in &mut wrong {
        example.target = (example.target + 1) % example.graph.applicable.len();
    }
    let params = TrainerParams { epochs: 6, ..small(2) };
    let strayed = |beta: f64| {
        let guard_params = GuardParams { beta, replay: 0.5, trip: 1e9, ..GuardParams::default() };
        let mut guard = Guard::new(&guard_params, &champion, &suite, held.clone(), 7);
        let mut learners: Vec<Box<dyn Learner + '_>> =
            vec![Box::new(Imitation::new(ImitationParams::default(), &wrong))];
        let trained =
            run(&mut learners, Some(&mut guard), (&params, 1), &guard_params, Some(&champion));
        trained.curve.last().unwrap().kl.unwrap()
    };
    let (free, held_back) = (strayed(0.0), strayed(2.0));
    assert!(held_back < free / 2.0, "{held_back} {free}");
}

#[test]
fn the_trip_wire_undoes_a_pass() {
    let suite = Suite::builtin();
    let (champion, held) = champion(&suite);
    let guard_params = GuardParams { trip: 1e-9, trips: 1, ..GuardParams::default() };
    let mut guard = Guard::new(&guard_params, &champion, &suite, held, 7);
    let examples = expert_examples(2);
    let mut learners: Vec<Box<dyn Learner + '_>> =
        vec![Box::new(Imitation::new(ImitationParams::default(), &examples))];
    let params = TrainerParams { epochs: 5, ..small(2) };
    let trained =
        run(&mut learners, Some(&mut guard), (&params, 1), &guard_params, Some(&champion));
    assert_eq!(trained.curve.len(), 2, "it ends after the second trip");
    assert!(trained.curve.iter().all(|m| m.undone));
    assert_eq!(trained.best_epoch, 0);
    assert_eq!(trained.checkpoint.model, champion.model, "what stands is the champion");
}

#[test]
fn practice_teaches_what_play_shows_to_be_wrong() {
    let suite = Suite::builtin();
    let families = vec!["courier".to_owned()];
    let mut curriculum = Curriculum::new(&suite, &families, &Thresholds::default());
    let params = PracticeParams { levels: 4, rollouts: 3, ..PracticeParams::default() };
    let weights = start(1);
    let lessons = |fresh: bool, params: &PracticeParams, hard: &[Level]| {
        let mut practice = Practice::new(params.clone(), &suite, &curriculum, hard, 9);
        practice.lessons(&now(&weights, fresh)).unwrap()
    };
    assert!(lessons(true, &params, &[]).is_empty(), "nobody has played yet");
    let scratch = PracticeParams { from_scratch: true, ..params.clone() };
    assert!(!lessons(true, &scratch, &[]).is_empty());
    let examples = lessons(false, &params, &[]);
    assert!(!examples.is_empty() && examples.iter().all(|e| e.aim == Aim::Choose));
    assert_eq!(examples, lessons(false, &params, &[]));
    let hard = suite.draw("toolbox", 1, 1, Split::Train, 4, 2).unwrap();
    assert!(lessons(false, &params, &hard).len() > examples.len());

    let exam = Exam { suite: &suite, plays: 10, round: 1, seed: 3, device: Device::Cpu };
    let played = judge(&mut curriculum, &weights, &exam, &mut |_| {}).unwrap();
    assert!(played.len() >= 10 && played.iter().all(|p| p.family == "courier"));
}

#[test]
fn plays_are_learned_from_by_their_rewards() {
    let suite = Suite::builtin();
    let params = PpoParams {
        families: vec!["courier".to_owned()],
        grades: vec![1],
        levels: 12,
        rollouts: 4,
        ..PpoParams::default()
    };
    let trainer = TrainerParams {
        epochs: 3,
        max_states: 1_000_000,
        learning_rate: 2e-3,
        text_dropout: 0.0,
        ..small(1)
    };
    let mut learners: Vec<Box<dyn Learner + '_>> = vec![Box::new(Ppo::new(params, &suite, 5))];
    let trained = run(&mut learners, None, (&trainer, 10), &GuardParams::default(), None);
    let levels = suite.draw("courier", 1, 1, Split::Validation, 8, 30).unwrap();
    let won = |checkpoint: &Checkpoint| {
        let agent = PolicyAgent::new("p", checkpoint, Manner::PLAIN, 1, Device::Cpu);
        let mut agent = agent.unwrap();
        let goal = |level: &Level| {
            let world = Arc::new(World::ground(level).unwrap());
            fqm_pipe::quest::play_out(&mut agent, &world, 1).unwrap().goal_achieved()
        };
        levels.iter().map(goal).filter(|won| *won).count()
    };
    let (before, after) = (won(&start(1)), won(&trained.checkpoint));
    assert!(after >= before + 5, "{before} of 30 levels before, {after} after");
}

#[test]
fn the_optimiser_is_that_of_libtorch_and_goes_on_exactly() {
    let data: Vec<f32> = (0..6).map(|i| i as f32 / 3.0 - 1.0).collect();
    let make = || Tensor::from_slice(&data).reshape([2, 3]).set_requires_grad(true);
    let loss = |w: &Tensor| (w.sin() * 3.0 + w.square()).sum(Kind::Float);
    let store = nn::VarStore::new(Device::Cpu);
    let theirs = store.root().var_copy("w", &make().detach());
    let config = nn::AdamW { wd: 0.1, beta2: 0.98, ..nn::AdamW::default() };
    let mut reference = config.build(&store, 0.05).unwrap();
    let w = make();
    let mut ours = AdamW::new([("w", &w)].into_iter(), 0.1).unwrap();
    for step in 0..8 {
        reference.backward_step(&loss(&theirs));
        if step == 4 {
            // Somebody pulls the plug.
            let (means, steps) = (ours.export().unwrap(), ours.steps());
            ours = AdamW::new([("w", &w)].into_iter(), 0.1).unwrap();
            ours.import(&means, steps).unwrap();
        }
        ours.zero_grad();
        loss(&w).backward();
        ours.step(0.05).unwrap();
        let off: f64 = (&w - &theirs).abs().max().double_value(&[]);
        assert!(off < 1e-6, "step {step}: {off}");
    }
}

/// Keeps a training in memory, and pulls the plug after some passes.
struct Plug {
    kept: RefCell<Option<Kept>>,
    passes: usize,
}

impl Journal for Plug {
    fn load(&self) -> Result<Option<Kept>, LearnError> {
        Ok(self.kept.borrow().clone())
    }

    fn save(&self, kept: &Kept) -> Result<(), LearnError> {
        *self.kept.borrow_mut() = Some(kept.clone());
        if kept.notes.curve.len() == self.passes {
            return Err(LearnError::Journal("no power".into()));
        }
        Ok(())
    }
}

#[test]
fn a_training_that_was_cut_off_in_the_middle_ends_with_the_same_weights() {
    let examples = expert_examples(3);
    let params = TrainerParams { epochs: 6, ..small(4) };
    let guard = GuardParams::default();
    let train = |journal: Option<&dyn Journal>| {
        let course = Course {
            trainer: &params,
            rounds: 1,
            guard: &guard,
            validation: &[],
            device: Device::Cpu,
            journal,
        };
        let mut shown: [Box<dyn Learner>; 1] =
            [Box::new(Imitation::new(ImitationParams::default(), &examples))];
        learn::learn(&mut shown, None, &course, None, &mut |_| {})
    };
    let whole = train(None).unwrap();
    let mut plug = Plug { kept: RefCell::default(), passes: 3 };
    assert!(train(Some(&plug)).is_err());
    plug.passes = 99;
    let rest = train(Some(&plug)).unwrap();
    assert_eq!(rest.checkpoint.model, whole.checkpoint.model);
    assert_eq!(rest.curve.len(), 6);
}

#[test]
fn held_out_choices_set_the_temperature() {
    // Labels that contradict each other cannot be foretold, and a network that has learned the
    // training examples by heart is too sure of itself on them.
    let train = expert_examples(3);
    let mut validation: Vec<Example> = Vec::new();
    for (at, example) in expert_examples(40).into_iter().enumerate() {
        let calls = example.graph.applicable.len();
        let target = if at % 2 == 0 { example.target } else { at % calls };
        validation.push(Example { target, also: Vec::new(), ..example });
    }
    let params = TrainerParams { epochs: 40, validation_examples: 1000, ..small(1) };
    let trained = imitate(&params, (&train, &validation), None, &mut |_| {}).unwrap();
    let sure = trained.checkpoint.config.temperature;
    assert!(sure > 1.2, "{sure}");
    let few = imitate(&params, (&train, &validation[..20]), None, &mut |_| {}).unwrap();
    assert!((few.checkpoint.config.temperature - 1.0).abs() < 1e-6, "too few to say anything");
}

#[tokio::test]
async fn the_dense_network_learns_and_repeats_with_any_number_of_workers() {
    let level = world_of(&sure_courier()).level().clone();
    let request = |workers| dense::Request {
        level: level.clone(),
        hidden: vec![32, 32],
        samples: 40_000,
        seed: 1,
        workers,
        batch: 512,
        epochs: 4,
        rollout: 32,
        envs: 32,
    };
    let first = dense::bench(request(2)).await.unwrap();
    let again = dense::bench(request(2)).await.unwrap();
    assert_eq!(first.success, again.success);
    assert!(first.success_last > first.success_first + 0.2, "{:?}", first.success);
    let odd = dense::bench(dense::Request { envs: 33, ..request(2) }).await.unwrap_err();
    assert!(odd.message.contains("multiples of workers"), "{}", odd.message);
}
