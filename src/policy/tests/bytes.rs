//! Checkpoints as bytes: stable, checked, and clear about what is wrong.

use crate::policy::{
    Checkpoint, CheckpointError, Config, DETERMINISM_ENV, NetworkShape, TrainerParams, Weights,
};

fn weights() -> Weights {
    let mut w = Weights::new();
    w.insert("b".into(), (vec![2], vec![0.5, -1.0]));
    w.insert("a".into(), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    w
}

fn packed() -> (Vec<u8>, Vec<u8>) {
    let config = Config::new(NetworkShape::default(), 7, None);
    let checkpoint = Checkpoint::pack(config, &weights()).unwrap();
    (checkpoint.config_bytes().unwrap(), checkpoint.model)
}

#[test]
fn packing_is_stable_and_reversible() {
    let (config, model) = packed();
    assert_eq!((config.clone(), model.clone()), packed());
    let read = Checkpoint::from_files(&config, model).unwrap();
    assert_eq!(read.weights().unwrap(), weights());
    assert_eq!(read.config.seed, 7);
    let mut other = weights();
    other.get_mut("b").unwrap().1[0] = 0.25;
    let other = Checkpoint::pack(read.config.clone(), &other).unwrap();
    assert_ne!(other.digest().unwrap(), read.digest().unwrap());
}

#[test]
fn every_truncation_of_the_weights_is_refused() {
    let (config, model) = packed();
    for length in 0..model.len() {
        let error = Checkpoint::from_files(&config, model[..length].to_vec()).unwrap_err();
        assert!(matches!(error, CheckpointError::Weights(_)), "{length}: {error}");
        assert!(error.to_string().contains("model.safetensors"));
    }
}

#[test]
fn damaged_or_foreign_configurations_are_refused_by_name() {
    let (config, model) = packed();
    let broken = |bytes: &[u8]| Checkpoint::from_files(bytes, model.clone()).unwrap_err();
    assert!(matches!(broken(&config[..config.len() - 3]), CheckpointError::Config(_)));
    let edit = |from: &str, to: &str| {
        let text = String::from_utf8(config.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    let newer = broken(&edit("fqm-policy/3", "fqm-policy/9"));
    assert!(newer.to_string().contains("fqm-policy/9"), "{newer}");
    let encoding = broken(&edit("\"edge_kinds\":4", "\"edge_kinds\":5"));
    assert!(matches!(encoding, CheckpointError::Mismatch { .. }), "{encoding}");
}

#[test]
fn weights_that_are_not_numbers_are_refused() {
    let (config, _) = packed();
    let mut bad = weights();
    bad.get_mut("b").unwrap().1[1] = f32::NAN;
    let bad = Checkpoint::pack(Config::new(NetworkShape::default(), 7, None), &bad).unwrap();
    let error = Checkpoint::from_files(&config, bad.model).unwrap_err();
    assert!(matches!(&error, CheckpointError::Tensor { name, .. } if name == "b"), "{error}");
}

#[test]
fn passes_are_bounded_by_epochs_and_by_states() {
    let p = TrainerParams { epochs: 40, max_states: 10_000, ..TrainerParams::default() };
    assert_eq!((p.passes(100), p.passes(1_000), p.passes(3_000)), (40, 10, 4));
    assert_eq!((p.passes(50_000), p.passes(0)), (1, 40));
}

#[test]
fn parameters_refuse_unknown_keys() {
    let ok = serde_json::from_str::<TrainerParams>(r#"{"epochs": 3}"#).unwrap();
    assert_eq!((ok.epochs, ok.network), (3, NetworkShape::default()));
    assert!(serde_json::from_str::<TrainerParams>(r#"{"epoch": 3}"#).is_err());
}

#[test]
fn the_environment_pins_threads_and_instruction_sets() {
    let of = |name: &str| DETERMINISM_ENV.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    assert_eq!(of("ATEN_CPU_CAPABILITY"), Some("avx2"));
    assert_eq!(of("OMP_NUM_THREADS"), Some("1"));
}
