//! The network: invariances, training, round trips and guards.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};

use fixtures::{courier, courier_text, expert_examples, sure_courier, walk, world_of};
use fqm_pipe::policy::{
    Batch, CALL_FEATURES, Checkpoint, CheckpointError, Config, Edge, EdgeKind, EpochMetrics,
    Example, FACT_FEATURES, GLOBAL_FEATURES, Graph, GuardParams, ImitationParams, NetworkShape,
    Topology, TrainerParams, fold, graph_of_play,
};
use fqm_pipe::quest::{Agent, Play};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose, use_one_thread};
use crate::learn::{self, Course, Imitation, LearnError, Learner, Trained};
use crate::load::LoadError;
use crate::network::Network;
use crate::ops::{max_into, to_vec};
use crate::train::{Progress, TrainParams, Worlds, train};

#[path = "../../policy/tests/fixtures.rs"]
mod fixtures;
mod learners;

fn network(seed: u64) -> Network {
    use_one_thread();
    Network::new(NetworkShape { width: 16, rounds: 3 }, seed, Device::Cpu).unwrap()
}

fn logits(network: &Network, graph: &Graph) -> Vec<f32> {
    network.score(&Batch::new(&[graph])).unwrap().remove(0).logits
}

fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() < 1e-5, "{a:?} {b:?}");
    }
}

fn small(seed: u64) -> TrainerParams {
    TrainerParams {
        network: NetworkShape { width: 16, rounds: 3 },
        seed,
        epochs: 25,
        learning_rate: 5e-3,
        batch_nodes: 600,
        ..TrainerParams::default()
    }
}

fn learn(params: TrainerParams, train: &[Example], base: Option<&Checkpoint>) -> Trained {
    imitate(&params, (train, &[]), base, &mut |_| {}).unwrap()
}

/// Imitation of some examples, checked on others.
fn imitate(
    params: &TrainerParams,
    (train, validation): (&[Example], &[Example]),
    base: Option<&Checkpoint>,
    on: &mut dyn FnMut(learn::Progress<'_>),
) -> Result<Trained, LearnError> {
    let guard = GuardParams::default();
    let course = Course {
        trainer: params,
        rounds: 1,
        guard: &guard,
        validation,
        device: Device::Cpu,
        journal: None,
    };
    let shown: Box<dyn Learner> = Box::new(Imitation::new(ImitationParams::default(), train));
    learn::learn(&mut [shown], None, &course, base, on)
}

fn without_texts(graph: &Graph) -> Graph {
    let mut topology = (*graph.topology).clone();
    Arc::make_mut(&mut topology.texts).fill(0.0);
    Graph { topology: Arc::new(topology), ..graph.clone() }
}

/// The same graph with its facts and calls in reverse order.
fn reversed(graph: &Graph) -> Graph {
    let t = &graph.topology;
    let (facts, calls) = (t.facts as u32, t.calls as u32);
    let edges =
        t.edges.iter().map(|e| Edge { fact: facts - 1 - e.fact, call: calls - 1 - e.call, ..*e });
    let flip = |rows: &[f32], width: usize| rows.chunks(width).rev().flatten().copied().collect();
    let call_text = t.call_text.iter().rev().copied().collect();
    let new = Topology::new(t.facts, t.calls, edges.collect(), call_text, t.texts.clone());
    let turn = |sizes: &[u32]| sizes.iter().rev().copied().collect();
    let topology =
        Topology { fact_sizes: turn(&t.fact_sizes), call_sizes: turn(&t.call_sizes), ..new };
    Graph {
        topology: Arc::new(topology),
        fact_features: flip(&graph.fact_features, FACT_FEATURES),
        call_features: flip(&graph.call_features, CALL_FEATURES),
        globals: graph.globals.clone(),
        applicable: graph.applicable.iter().rev().map(|c| calls as i32 - 1 - c).collect(),
    }
}

#[test]
fn the_order_of_facts_and_calls_does_not_matter() {
    let network = network(1);
    for graph in walk(4, 6) {
        let mut flipped = logits(&network, &reversed(&graph));
        flipped.reverse();
        close(&logits(&network, &graph), &flipped);
    }
}

#[test]
fn names_do_not_matter_without_texts() {
    let network = network(2);
    let names =
        [("north", "aa"), ("south", "zz"), ("p1", "q9"), ("drive", "xmove"), ("van", "here")];
    let rename =
        |text: &str| names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let (world, renamed) = (courier(), world_of(&rename(courier_text())));
    let (play, other) = (Play::new(world.clone(), 0), Play::new(renamed.clone(), 0));
    let scores = logits(&network, &without_texts(&graph_of_play(&play)));
    let others = logits(&network, &without_texts(&graph_of_play(&other)));
    assert_eq!(scores.len(), others.len());
    for (id, score) in play.applicable().iter().zip(&scores) {
        let name = rename(&world.calls()[*id as usize].name);
        let twin = |c: &&u32| renamed.calls()[**c as usize].name == name;
        let place = other.applicable().iter().position(|c| twin(&c)).unwrap();
        close(&[*score], &[others[place]]);
    }
    let with_texts = logits(&network, &graph_of_play(&play));
    assert!(scores.iter().zip(&with_texts).any(|(a, b)| (a - b).abs() > 1e-4));
}

/// Every loaf can go on every plate, and one of the loaves is special.
fn loaves_and_plates(loaves: u32, plates: u32) -> Graph {
    let mut edges = Vec::new();
    let calls = loaves * plates;
    for call in 0..calls {
        let (loaf, plate) = (call / plates, loaves + call % plates);
        edges.extend([EdgeKind::Needs, EdgeKind::Deletes].map(|k| Edge::new(loaf, k, call)));
        edges.push(Edge::new(plate, EdgeKind::Needs, call));
        edges.push(Edge::new(loaves + plates, EdgeKind::Adds, call));
    }
    let facts = (loaves + plates + 1) as usize;
    let texts = vec![0.1; fqm_pipe::policy::TEXT_FEATURES];
    let topology = Topology::new(facts, calls as usize, edges, vec![0; calls as usize], texts);
    let mut fact_features = vec![0.0; facts * FACT_FEATURES];
    fact_features[0] = 1.0;
    let last = fact_features.len() - 1;
    fact_features[last] = 0.5;
    Graph {
        topology: Arc::new(topology),
        fact_features,
        call_features: vec![0.25; calls as usize * CALL_FEATURES],
        globals: vec![0.5; GLOBAL_FEATURES],
        applicable: (0..calls as i32).collect(),
    }
}

#[test]
fn a_folded_graph_scores_as_the_whole() {
    let network = network(11);
    let whole = loaves_and_plates(5, 4);
    let folded = fold(whole.clone());
    assert_eq!((folded.topology.facts, folded.topology.calls), (4, 2));
    assert_eq!(folded.topology.fact_sizes, vec![1, 4, 4, 1]);
    assert_eq!(folded.topology.call_sizes, vec![4, 16]);
    let score = |graph: &Graph| network.score(&Batch::new(&[graph])).unwrap().remove(0);
    let (one, other) = (score(&whole), score(&folded));
    close(&one.logits, &other.logits);
    close(&[one.calls_needed], &[other.calls_needed]);
    assert!((one.logits[0] - one.logits[19]).abs() > 1e-4, "the special loaf is told apart");
    assert_eq!(fold(folded.clone()).topology.calls, 2);
}

#[test]
fn any_right_choice_will_do() {
    let mut examples = expert_examples(2);
    let all = |e: &Example| (0..e.graph.applicable.len()).collect();
    examples.iter_mut().for_each(|e| e.also = all(e));
    let trained =
        learn(TrainerParams { epochs: 2, value_weight: 0.0, ..small(1) }, &examples, None);
    assert!(trained.curve.iter().all(|m| m.accuracy == 1.0 && m.loss.abs() < 1e-5));
    examples[0].also.push(99);
    assert!(matches!(fails(small(1), &examples), LearnError::Example { step: 0, .. }));
}

#[test]
fn a_batch_scores_as_its_graphs_do_alone() {
    let network = network(3);
    let graphs: Vec<Graph> = walk(5, 7).into_iter().chain(walk(6, 7)).collect();
    let together = network.score(&Batch::new(&graphs.iter().collect::<Vec<_>>())).unwrap();
    for (graph, scored) in graphs.iter().zip(&together) {
        assert_eq!(scored.logits.len(), graph.applicable.len());
        close(&scored.logits, &logits(&network, graph));
    }
}

#[test]
fn the_maximum_has_the_right_values_and_gradients() {
    let rows = Tensor::from_slice(&[1.0f32, -5.0, 3.0, -7.0, 3.0, -6.0]).reshape([3, 2]);
    let rows = rows.set_requires_grad(true);
    let top = max_into(&rows, &Tensor::from_slice(&[0i64, 0, 0]), 2).unwrap();
    assert_eq!(to_vec(&top).unwrap(), vec![3.0, -5.0, 0.0, 0.0]);
    top.sum(Kind::Float).backward();
    assert_eq!(to_vec(&rows.grad()).unwrap(), vec![0.0, 1.0, 0.5, 0.0, 0.5, 0.0]);
}

#[test]
fn a_tiny_set_is_learned_by_heart() {
    let examples = expert_examples(3);
    let trained = learn(TrainerParams { epochs: 60, ..small(1) }, &examples, None);
    let (first, last) = (trained.curve[0], trained.curve[trained.curve.len() - 1]);
    assert!(last.loss < first.loss / 3.0, "{} {}", first.loss, last.loss);
    assert!(last.accuracy > 0.9, "{}", last.accuracy);
    let mut agent =
        PolicyAgent::new("policy", &trained.checkpoint, Manner::GREEDY, 0, Device::Cpu).unwrap();
    let right = agent.agreement(&examples).unwrap() as f64 / examples.len() as f64;
    assert!(right > 0.9, "{right}");
    let play = crate::quest::play_out(&mut agent, &courier(), 9).unwrap();
    assert!(play.goal_achieved());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let examples = expert_examples(2);
    let params = |seed| TrainerParams { epochs: 3, ..small(seed) };
    let once = learn(params(5), &examples, None).checkpoint;
    let again = learn(params(5), &examples, None).checkpoint;
    assert_eq!(once.model, again.model);
    assert_eq!(once.config_bytes().unwrap(), again.config_bytes().unwrap());
    assert_ne!(once.model, learn(params(6), &examples, None).checkpoint.model);
}

#[test]
fn a_checkpoint_comes_back_as_it_was() {
    let network = network(4);
    let checkpoint = network.checkpoint(Config::new(network.shape(), 4, None)).unwrap();
    let config = checkpoint.config_bytes().unwrap();
    let read = Checkpoint::from_files(&config, checkpoint.model.clone()).unwrap();
    let loaded = Network::load(&read, Device::Cpu).unwrap();
    let graph = walk(7, 1).remove(0);
    assert_eq!(logits(&network, &graph), logits(&loaded, &graph));
    assert_eq!(loaded.export().unwrap(), network.export().unwrap());
}

#[test]
fn a_checkpoint_of_another_shape_is_refused() {
    let network = network(4);
    let mut checkpoint = network.checkpoint(Config::new(network.shape(), 4, None)).unwrap();
    checkpoint.config.network.width = 8;
    let error = Network::load(&checkpoint, Device::Cpu).err().unwrap();
    let tensor = matches!(&error, LoadError::Checkpoint(CheckpointError::Tensor { .. }));
    assert!(tensor, "{error}");
    let mut weights = network.export().unwrap();
    let gone = weights.pop_first().unwrap().0;
    let error = network.import(&weights).unwrap_err().to_string();
    assert!(error.contains(&gone) && error.contains("missing"), "{error}");
}

#[test]
fn a_base_checkpoint_gives_a_head_start() {
    let examples = expert_examples(3);
    let base = learn(TrainerParams { epochs: 60, ..small(1) }, &examples, None);
    let once = TrainerParams { epochs: 1, learning_rate: 1e-5, ..small(2) };
    let fresh = learn(once.clone(), &examples, None);
    let warm = learn(once.clone(), &examples, Some(&base.checkpoint));
    let (warm_loss, fresh_loss) = (warm.curve[0].loss, fresh.curve[0].loss);
    assert!(warm_loss < fresh_loss / 2.0, "{warm_loss} {fresh_loss}");
    let digest = base.checkpoint.digest().unwrap();
    assert_eq!(warm.checkpoint.config.training.unwrap().base, Some(digest));

    let other = TrainerParams { network: NetworkShape { width: 8, rounds: 3 }, ..once };
    let error = imitate(&other, (&examples, &[]), Some(&base.checkpoint), &mut |_| {}).unwrap_err();
    assert!(matches!(error, LearnError::Base(_)), "{error}");
}

fn fails(params: TrainerParams, train: &[Example]) -> LearnError {
    imitate(&params, (train, &[]), None, &mut |_| {}).unwrap_err()
}

#[test]
fn numbers_that_are_not_finite_end_the_training() {
    let mut examples = expert_examples(1);
    examples[0].value = Some(f32::INFINITY);
    let error = fails(small(1), &examples);
    assert!(matches!(error, LearnError::NotFinite { what: "loss", epoch: 1, .. }), "{error}");
    let wild = TrainerParams { learning_rate: 1e30, clip: 1e30, ..small(1) };
    let error = fails(wild, &expert_examples(1));
    assert!(matches!(error, LearnError::NotFinite { .. }), "{error}");
}

#[test]
fn nonsense_is_refused_before_training() {
    assert!(matches!(fails(small(1), &[]), LearnError::NoExamples));
    let mut examples = expert_examples(1);
    let p = TrainerParams { text_dropout: 2.0, ..small(1) };
    assert!(matches!(fails(p, &examples), LearnError::Parameter { name: "text_dropout", .. }));
    examples[1].target = 99;
    assert!(matches!(fails(small(1), &examples), LearnError::Example { step: 1, .. }));
}

#[test]
fn levels_are_taught_and_learned() {
    let world = world_of(&sure_courier());
    let worlds = [Arc::clone(&world)];
    let params = TrainParams { trainer: small(1), ..TrainParams::default() };
    let mut told = Vec::new();
    let mut learn = |validation| {
        let worlds = Worlds { train: &worlds, validation };
        let mut on = |progress: Progress<'_>| match progress {
            Progress::Taught { done, of } => told.push((done, of)),
            Progress::Epoch(metrics) => told.push((metrics.epoch, metrics.epochs)),
        };
        train(worlds, &params, None, Device::Cpu, None, &mut on).unwrap()
    };
    let trained = learn(&[]);
    let again = learn(&[]);
    assert_eq!(trained.checkpoint.model, again.checkpoint.model);
    assert_eq!(told[..2], [(1, 1), (1, 25)]);
    assert_eq!(told.len(), 2 * 26);
    let mut agent =
        PolicyAgent::new("policy", &trained.checkpoint, Manner::GREEDY, 0, Device::Cpu).unwrap();
    let play = crate::quest::play_out(&mut agent, &world, 0).unwrap();
    assert!(play.goal_achieved());
    let none = Worlds { train: &[], validation: &[] };
    let error = train(none, &params, None, Device::Cpu, None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, LearnError::NoExamples), "{error}");
}

#[test]
fn validation_chooses_the_pass_and_is_reported() {
    let examples = expert_examples(4);
    let (train, validation) = examples.split_at(examples.len() / 2);
    let params = TrainerParams { epochs: 4, ..small(3) };
    let mut seen: Vec<EpochMetrics> = Vec::new();
    let mut on = |told: learn::Progress<'_>| {
        if let learn::Progress::Pass(metrics) = told {
            seen.push(*metrics);
        }
    };
    let trained = imitate(&params, (train, validation), None, &mut on).unwrap();
    assert_eq!(seen, trained.curve);
    let accuracy = |m: &EpochMetrics| m.validation_accuracy.unwrap();
    let top = seen.iter().map(accuracy).fold(0.0, f64::max);
    let kept = accuracy(&seen[trained.best_epoch - 1]);
    let error = (top * (1.0 - top) / validation.len() as f64).sqrt();
    assert!(kept >= top - error);
    assert!(seen[trained.best_epoch..].iter().all(|m| accuracy(m) < top - error));
    assert!(seen.iter().all(|m| m.gradient_norm > 0.0 && m.validation_loss.is_some()));
}

#[test]
fn propensities_are_probabilities() {
    let logits = [1.0, 3.0, 2.0];
    let greedy = Manner::GREEDY.propensities(&logits);
    assert_eq!(greedy, vec![0.0, 1.0, 0.0]);
    let mixed = Manner::exploring(0.0, 0.3).propensities(&logits);
    assert!((mixed[1] - 0.8).abs() < 1e-6 && (mixed[0] - 0.1).abs() < 1e-6);
    let soft = Manner::exploring(1.0, 0.0).propensities(&logits);
    assert!((soft.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert!((soft[1] / soft[2] - 1f32.exp()).abs() < 1e-4);
}

#[test]
fn an_agent_answers_each_play_and_repeats_for_its_seed() {
    let network = network(8);
    let checkpoint = network.checkpoint(Config::new(network.shape(), 8, None)).unwrap();
    let act = |seed: u64| {
        let manner = Manner::exploring(1.0, 0.1);
        let mut agent = PolicyAgent::new("p", &checkpoint, manner, seed, Device::Cpu).unwrap();
        let world = courier();
        let mut plays: Vec<Play> = (0..20).map(|s| Play::new(world.clone(), s)).collect();
        for play in plays.iter_mut().skip(10) {
            let first = play.applicable()[0];
            play.advance(first).unwrap();
        }
        let refs: Vec<&Play> = plays.iter().collect();
        let choices = agent.act(&refs).unwrap();
        for (play, choice) in plays.iter().zip(&choices) {
            let at = play.applicable().binary_search(&choice.call).unwrap();
            assert!(choice.propensities[at] > 0.0);
            assert_eq!(choice.propensities.len(), play.applicable().len());
            assert!((choice.propensities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        choices.iter().map(|c| c.call).collect::<Vec<_>>()
    };
    assert_eq!(act(1), act(1));
    assert_ne!(act(1), act(2));
}

#[test]
fn a_greedy_agent_leaves_circles() {
    let network = network(9);
    let checkpoint = network.checkpoint(Config::new(network.shape(), 9, None)).unwrap();
    let world = courier();
    let load = world.calls().iter().position(|c| c.name.starts_with("load_parcel(p2")).unwrap();
    let name = world.calls()[load].name.replace("load_", "unload_");
    let unload = world.calls().iter().position(|c| c.name == name).unwrap();
    let mut play = Play::new(world.clone(), 0);
    play.apply_logged(load as u32, 0).unwrap();
    play.apply_logged(unload as u32, 0).unwrap();
    let mut agent = PolicyAgent::new("p", &checkpoint, Manner::GREEDY, 0, Device::Cpu).unwrap();
    let choice = agent.act(&[&play]).unwrap().remove(0);
    assert_ne!(choice.call, load as u32);
    let soft = Manner { temperature: 1.0, ..Manner::GREEDY };
    let mut agent = PolicyAgent::new("p", &checkpoint, soft, 0, Device::Cpu).unwrap();
    let choice = agent.act(&[&play]).unwrap().remove(0);
    let at = play.applicable().binary_search(&(load as u32)).unwrap();
    assert!(choice.propensities[at] < 1e-3);
    let graph = graph_of_play(&play);
    assert_eq!(agent.choose(&[&graph]).unwrap()[0].propensities.len(), graph.applicable.len());
}

#[test]
fn asking_for_the_cpu_gives_the_cpu() {
    let report = choose(Wish::Cpu);
    assert_eq!((report.device, report.class, report.cuda_missing), (Device::Cpu, "cpu", None));
    let auto = choose(Wish::Auto);
    assert_eq!(auto.class == "cpu", auto.cuda_missing.is_some());
}
