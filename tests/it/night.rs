//! Whole nights: from logs to a decision, twice, and in two places.

use std::fs;

use serde_json::Value;

use crate::support::Sandbox;

const DAY: &str = "2026-11-03";

/// The digests that a night is known by.
fn digests(night: &Value) -> Vec<(String, String)> {
    ["dataset", "checkpoint", "evaluation", "decision"]
        .map(|name| (name.to_owned(), night["digests"][name].as_str().unwrap().to_owned()))
        .to_vec()
}

#[test]
fn a_night_runs_to_a_decision_and_again_to_nothing_but_hits() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    let first = sandbox.night(DAY);
    assert_eq!(first["status"], "ok");
    assert_eq!(first["decision"]["verdict"], "promoted", "{first:#}");
    let report: Value = serde_json::from_str(
        &fs::read_to_string(sandbox.path("reports/latest/report.json")).unwrap(),
    )
    .unwrap();
    let evaluation = &report["evaluation"];
    assert_eq!(evaluation["safety"]["plays"], 15, "measured without being asked: {evaluation:#}");
    assert_eq!(evaluation["safety"]["played_grades"], 15);
    assert!(evaluation["random"]["episodes"].as_u64() > Some(40), "{evaluation:#}");
    assert!(evaluation["challenger"]["reasoning"].is_f64());
    for rows in ["by_level", "by_family"] {
        let rows = evaluation[rows].as_array().unwrap();
        let plays: u64 = rows.iter().map(|row| row["n"].as_u64().unwrap()).sum();
        assert!(rows.len() > 1 && plays == evaluation["pairs"].as_u64().unwrap(), "{rows:?}");
    }
    let example = evaluation["failures"][0]["example"].as_str().unwrap();
    let words: Vec<&str> = example.split(' ').skip(1).collect();
    sandbox.run(&[&words[..], &["--agent", "random", "--json"]].concat());
    let shown = sandbox.run(&["quest", "show", words[2]]).expect(0).stdout;
    assert!(shown.contains("split evaluation"), "{example}: {shown}");
    let log = sandbox.run(&["registry", "log", "fqm", "--json"]).expect(0).json();
    let second = sandbox.night(DAY);
    assert!(second["steps"].as_object().unwrap().values().all(|s| s == "hit"), "{second:#}");
    assert_eq!(digests(&first), digests(&second));
    let forced =
        sandbox.run(&["run", "nightly", "--date", DAY, "--json", "--force"]).expect(0).json();
    assert_eq!(digests(&first), digests(&forced));
    let after = sandbox.run(&["registry", "log", "fqm", "--json"]).expect(0).json();
    assert_eq!(log, after, "no effect is applied twice");
    sandbox.run(&["registry", "verify"]).expect(0);
}

#[test]
fn the_same_night_elsewhere_and_later_has_the_same_digests() {
    let one = Sandbox::with_day("one", DAY, 60, 3);
    let first = one.night(DAY);
    let two = Sandbox::with_day("two and more", DAY, 60, 3);
    let second = two.night(DAY);
    assert_eq!(digests(&first), digests(&second));
    assert_ne!(first["run"], second["run"]);
}

#[test]
fn the_second_night_starts_from_the_champion_and_a_rollback_stays() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    sandbox.night(DAY);
    sandbox.simulate("2026-11-04", 60, 4);
    let second = sandbox.night("2026-11-04");
    let verdict = second["decision"]["verdict"].as_str().unwrap().to_owned();
    assert!(["promoted", "kept", "inconclusive"].contains(&verdict.as_str()), "{verdict}");
    assert!(second["decision"]["champion"].is_string(), "{second:#}");
    assert!(second["decision"]["reason"].as_str().unwrap().len() > 20);
    let report = fs::read_to_string(sandbox.path("reports/latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["volumes"].as_array().unwrap().len(), 2, "two nights of volume");
    let page = fs::read_to_string(sandbox.path("reports/latest/index.html")).unwrap();
    assert!(page.contains("2026-11-04") && !page.contains("<script"));
    // Moved by hand to the newest and rolled back again: running the night again changes nothing.
    let rolled = ["registry", "rollback", "registry:fqm@champion", "--reason", "test"];
    if verdict == "promoted" {
        sandbox.run(&rolled).expect(0);
        let before = sandbox.run(&["registry", "log", "--json"]).stdout;
        sandbox.run(&["run", "nightly", "--date", "2026-11-04", "--force"]).expect(0);
        assert_eq!(before, sandbox.run(&["registry", "log", "--json"]).stdout);
    } else {
        assert_ne!(sandbox.run(&rolled).code, 0, "there is nothing before the first champion");
    }
}

#[test]
fn no_injected_value_stands_in_any_file_that_a_night_writes() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    let date = DAY.parse().unwrap();
    let params = fqm_pipe::simulate::SimulateParams::sample(date, 1, 3);
    let injected = fqm_pipe::simulate::injections(&params.injections, 3, date);
    assert!(injected.len() >= 10, "{}", injected.len());
    let logs = sandbox.path("logs");
    let values: Vec<&[u8]> = injected.iter().map(|v| v.value.as_bytes()).collect();
    let contains = |bytes: &[u8], value: &[u8]| bytes.windows(value.len()).any(|w| w == value);
    let input = fs::read(logs.join(DAY).join("part-000.jsonl")).unwrap();
    assert!(values.iter().any(|v| contains(&input, v)), "the input holds injected values");
    sandbox.night(DAY);
    for (path, bytes) in sandbox.files() {
        if path.starts_with(&logs) {
            continue;
        }
        // Parquet columns are compressed: look at the rows as well as at the bytes.
        let text =
            if path.extension().is_some_and(|e| e == "parquet") { rows(&path) } else { bytes };
        for (value, injected) in values.iter().zip(&injected) {
            assert!(!contains(&text, value), "{:?} in {}", injected.kind, path.display());
        }
    }
}

/// All values of a Parquet file as text.
fn rows(path: &std::path::Path) -> Vec<u8> {
    let file = fs::File::open(path).unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(|b| b.unwrap()).collect();
    format!("{batches:?}").into_bytes()
}

#[test]
fn too_little_data_ends_with_99_and_says_so() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    sandbox.edit("pipelines/nightly.toml", &[("min_examples = 50", "min_examples = 100000")]);
    let ran = sandbox.run(&["run", "nightly", "--date", DAY]).expect(99);
    assert!(ran.stdout.contains("not enough data"), "{}", ran.stdout);
    let ran = sandbox.run(&["registry", "ls", "--json"]).expect(0);
    assert_eq!(ran.json(), serde_json::json!([]));
}

#[test]
fn two_runners_at_once_one_runs_and_one_ends_with_75() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    let arguments = ["run", "nightly", "--date", DAY, "--json"];
    let mut children: Vec<_> = (0..2)
        .map(|_| {
            let mut command = sandbox.command(&arguments);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut codes: Vec<_> =
        children.iter_mut().map(|c| c.wait().unwrap().code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 75]);
}

#[test]
fn simulate_with_the_champion_closes_the_loop() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    sandbox.night(DAY);
    let arguments = [
        "simulate",
        "--from",
        "2026-11-04",
        "--days",
        "1",
        "--episodes",
        "20",
        "--policy",
        "registry:fqm@champion",
    ];
    sandbox.run(&arguments).expect(0);
    // Some injected lines are not UTF-8.
    let bytes = fs::read(sandbox.path("logs/2026-11-04/part-000.jsonl")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("\"propensity\"") && text.contains("registry:fqm@champion"),
        "the policy played"
    );
    sandbox.night("2026-11-04");
}

#[test]
fn the_shipped_logs_are_what_simulate_writes() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("logs");
    let sandbox = Sandbox::new("w");
    let arguments = ["simulate", "--from", "2026-11-02", "--days", "5", "--seed", "23"];
    sandbox.run(&arguments).expect(0);
    for day in ["2026-11-02", "2026-11-06"] {
        // The bytes of the compressed file hang on the compressor; the plain one and the truth do not.
        for name in ["part-000.jsonl", "_truth.json"] {
            let ours = fs::read(sandbox.path("logs").join(day).join(name)).unwrap();
            let theirs = fs::read(shipped.join(day).join(name)).unwrap();
            assert!(theirs == ours, "write {day}/{name} again: {arguments:?}");
        }
    }
}

#[test]
fn nothing_is_promoted_while_promotion_is_frozen() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    let policy = sandbox.path("registry/fqm/promotion.toml");
    let text = fs::read_to_string(&policy).unwrap();
    let freeze = "[[freeze]]\nfrom = 2026-11-01\nto = 2026-11-03\nreason = \"the sale\"\n";
    fs::write(&policy, format!("{text}\n{freeze}")).unwrap();
    let frozen = sandbox.night(DAY);
    assert_eq!(frozen["decision"]["verdict"], "kept");
    let reason = frozen["decision"]["reason"].as_str().unwrap();
    assert_eq!(reason, "promotion is frozen from 2026-11-01 to 2026-11-03: the sale");
    assert!(
        sandbox
            .run(&["registry", "log", "--json"])
            .expect(0)
            .json()
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["action"] != "promote")
    );
    fs::write(&policy, format!("{text}\n{}", freeze.replace("to = 2026-11-03", "to = 2026-11-02")))
        .unwrap();
    assert_eq!(sandbox.night(DAY)["decision"]["verdict"], "promoted", "the freeze is over");
    fs::write(&policy, format!("{text}\n{}", freeze.replace("to = 2026-11-03", "to = 2026-10-02")))
        .unwrap();
    let wrong = sandbox.run(&["run", "nightly", "--date", DAY]).expect(1);
    assert!(wrong.stderr.contains("the first is later"), "{}", wrong.stderr);
}
