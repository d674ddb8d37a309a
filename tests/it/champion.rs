//! Whatever goes wrong in training, the champion goes on serving: a loss that is no number, a damaged
//! checkpoint, a dataset of one row, a domain that is not there.

use std::fs;

use serde_json::Value;

use crate::support::Sandbox;

const FIRST: &str = "2026-11-03";
const SECOND: &str = "2026-11-04";

/// A workspace whose first night has made a champion, with the logs of a second day.
fn with_champion() -> Sandbox {
    let sandbox = Sandbox::with_day("w", FIRST, 60, 3);
    assert_eq!(sandbox.night(FIRST)["decision"]["verdict"], "promoted");
    sandbox.simulate(SECOND, 60, 4);
    sandbox
}

fn champion(sandbox: &Sandbox) -> Value {
    sandbox.run(&["registry", "log", "fqm", "--json"]).expect(0).json()
}

#[test]
fn a_loss_that_is_no_number_fails_the_step_and_names_the_parameter() {
    let sandbox = with_champion();
    let before = champion(&sandbox);
    sandbox.edit(
        "pipelines/nightly.toml",
        &[("epochs = 8", "epochs = 8, learning_rate = 1e30, clip = 1e30")],
    );
    let ran = sandbox.run(&["run", "nightly", "--date", SECOND, "--json"]).expect(1);
    assert_eq!(ran.json()["steps"]["finetune"], "failed");
    assert_eq!(ran.json()["steps"]["promote"], "blocked");
    for word in ["NaN", "pass 1", "lower learning_rate"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert_eq!(champion(&sandbox), before);
    sandbox.edit("pipelines/nightly.toml", &[(", learning_rate = 1e30, clip = 1e30", "")]);
    sandbox.run(&["run", "nightly", "--date", SECOND]).expect(0);
}

#[test]
fn a_damaged_champion_is_named_and_stays_where_it_is() {
    let sandbox = with_champion();
    let before = champion(&sandbox);
    let shown = sandbox.run(&["registry", "show", "registry:fqm@champion", "--json"]);
    let shown = shown.expect(0).json();
    let files = shown["files"].as_array().unwrap();
    let model = files.iter().find(|f| f["path"] == "model.safetensors").unwrap();
    let digest = model["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let blob = sandbox.path(".fqm/registry/blobs/sha256").join(&digest);
    let mut bytes = fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let mut permissions = fs::metadata(&blob).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "the test's own folder")]
    permissions.set_readonly(false);
    fs::set_permissions(&blob, permissions).unwrap();
    fs::write(&blob, bytes).unwrap();
    let ran = sandbox.run(&["run", "nightly", "--date", SECOND, "--json"]).expect(1);
    assert!(ran.stderr.contains(&digest[..12]), "{}", ran.stderr);
    assert_eq!(ran.json()["steps"]["ingest"], "done");
    assert_eq!(champion(&sandbox), before);
    let verify = sandbox.run(&["registry", "verify"]);
    let said = format!("{}{}", verify.stdout, verify.stderr);
    assert!(verify.code != 0 && said.contains(&digest[..12]), "{said}");
}

#[test]
fn a_dataset_of_one_row_is_learned_without_harm() {
    let sandbox = Sandbox::with_day("w", FIRST, 60, 3);
    let path = sandbox.path("logs").join(FIRST);
    let text = fs::read_to_string(path.join("part-000.jsonl")).unwrap();
    let lines: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let single = |line: &&Value| {
        line["type"] == "episode" && line["status"] == "ok" && line["n_steps"].as_u64() <= Some(3)
    };
    let episode = lines.iter().find(single).unwrap();
    let id = &episode["episode_id"];
    let rows = lines.iter().filter(|line| {
        &line["episode_id"] == id && matches!(line["type"].as_str(), Some("episode" | "step"))
    });
    let kept: String = rows.map(|row| format!("{row}\n")).collect();
    fs::remove_dir_all(&path).unwrap();
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("part-000.jsonl"), kept).unwrap();
    // As shipped a night with so little ends with 99, and nothing is trained.
    let ran = sandbox.run(&["run", "nightly", "--date", FIRST]);
    assert_eq!(ran.code, 99, "{}", ran.stderr);
    sandbox.edit(
        "pipelines/nightly.toml",
        &[
            ("min_examples = 50", "min_examples = 1"),
            ("success_reward = 0.5", "success_reward = -9.0"),
        ],
    );
    let night = sandbox.run(&["run", "nightly", "--date", FIRST, "--json"]).expect(0).json();
    assert_eq!(night["steps"]["finetune"], "done", "{night:#}");
    let verdict = night["decision"]["verdict"].as_str().unwrap();
    assert!(["promoted", "kept"].contains(&verdict), "{verdict}");
}

#[test]
fn a_domain_that_is_not_there_is_named_beside_those_that_are() {
    let sandbox = Sandbox::with_day("w", FIRST, 60, 3);
    sandbox.edit("pipelines/nightly.toml", &[("rounds = 1", "rounds = 1\ndomains = [\"sales\"]")]);
    let ran = sandbox.run(&["run", "nightly", "--date", FIRST, "--json"]).expect(1);
    assert!(ran.stderr.contains("find episodes of the domain `sales`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("courier"), "{}", ran.stderr);
    sandbox.edit("pipelines/nightly.toml", &[("\"sales\"", "\"courier\", \"symphony\"")]);
    sandbox.run(&["run", "nightly", "--date", FIRST]).expect(0);
}

#[test]
fn a_search_over_parameters_stands_in_for_the_training() {
    let sandbox = Sandbox::with_day("w", FIRST, 60, 3);
    let path = sandbox.path("pipelines/nightly.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("uses = \"policy.finetune@2\"").unwrap();
    let (ports, rest) = rest.split_once("[step.params]").unwrap();
    let (_, tail) = rest.split_once("]\n\n").unwrap();
    let params = "params = { trials = 3, keep = 3, plays = 12, grades = [1], base = { trainer = { seed = 1, max_states = 900, network = { width = 16, rounds = 3 } } } }\n\n";
    let ports = ports.replace("timeout = \"2h\"\n", "");
    fs::write(&path, format!("{head}uses = \"policy.search@1\"{ports}{params}{tail}")).unwrap();
    let ran = sandbox.run(&["run", "nightly", "--date", FIRST, "--json"]).expect(0);
    let night = ran.json();
    assert_eq!(night["steps"]["finetune"], "done", "{night:#}");
    for trial in ["trial 0 with 300 states", "trial 2 with 300 states", "with 900 states: score"] {
        assert!(ran.stderr.contains(trial), "{trial}: {}", ran.stderr);
    }
}
