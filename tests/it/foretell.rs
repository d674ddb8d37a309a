//! `fqm-pipe policy foretell`: the next function of logs, on tasks that were held out.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{PIPE, Ran, real_logs};

fn foretell(log: &Path, more: &[&str]) -> Ran {
    let mut command = Command::new(PIPE);
    command.args(["policy", "foretell"]).arg(log).args(more);
    Ran::of(command.output().unwrap())
}

/// Two trials of each task. What the user wants decides the function; an n-gram cannot know it.
fn log(tasks: usize) -> Value {
    let call = |name: &str, id: &str| {
        let arguments = json!({ "order": id }).to_string();
        let function = json!({ "name": name, "arguments": arguments });
        json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": id, "function": function }] })
    };
    let episode = |nth: usize| {
        let (task, trial) = (nth / 2, nth % 2);
        let (wish, name) = [("cancel", "cancel_order"), ("return", "return_order")][task % 2];
        let id = format!("K{task}X{trial}");
        let domain = ["shop", "shop", "post"][nth % 3];
        json!({
            "task_id": task, "trial": trial, "reward": 1.0, "domain": domain,
            "traj": [
                { "role": "system", "content": "be kind" },
                { "role": "user", "content": format!("please {wish} my order {id}") },
                call(name, &id),
                { "role": "tool", "tool_call_id": id, "content": "{\"done\": true}" },
                { "role": "assistant", "content": "it is done" },
                { "role": "user", "content": "thanks" },
            ],
        })
    };
    Value::Array((0..tasks * 2).map(episode).collect())
}

#[test]
fn a_policy_that_hears_the_user_foretells_more_than_an_n_gram() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.json");
    fs::write(&path, log(16).to_string()).unwrap();
    let options = ["--folds", "4", "--seeds", "1", "--json"];
    let made = foretell(&path, &options).expect(0);
    let again = foretell(&path, &options).expect(0);
    assert_eq!(made.stdout, again.stdout, "the same log and seed give the same bytes");
    let made = made.json();
    assert_eq!((&made["tasks"], &made["choices"]), (&json!(16), &json!(64)));
    let accuracy = |at: usize| made["standings"][at]["accuracy"].as_f64().unwrap();
    assert_eq!(made["standings"][2]["name"], "back-off n-gram");
    assert!(accuracy(2) < 0.8, "{made:#}");
    assert!(accuracy(3) > 0.95, "{made:#}");
    assert!(made["against_backoff"]["p_value"].as_f64().unwrap() < 0.05);
    for pair in made["episodes"].as_array().unwrap().chunks(2) {
        assert_eq!(pair[0]["task"], pair[1]["task"]);
        assert_eq!(pair[0]["fold"], pair[1]["fold"], "a task is split");
    }

    // A task counts where it has an episode of the domain.
    let shop = foretell(
        &path,
        &["--folds", "2", "--seeds", "1", "--epochs", "1", "--domain", "shop", "--json"],
    );
    let shop = shop.expect(0).json();
    let of = |e: &Value| e["domain"] == "shop";
    assert_eq!(shop["episodes"].as_array().unwrap().len(), 22);
    assert!(shop["episodes"].as_array().unwrap().iter().all(of), "{shop:#}");

    let told = foretell(&path, &options[..4]).expect(0).stdout;
    assert!(told.contains("the policy foretells better than the back-off n-gram"), "{told}");
    assert!(told.contains("64 choices in 32 episodes of 16 tasks"), "{told}");
}

#[test]
fn mistakes_are_named() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.json");
    let wrong = |more: &[&str]| foretell(&path, more).expect(2).stderr;
    assert!(wrong(&[]).contains("log.json"), "{}", wrong(&[]));
    fs::write(&path, "no log").unwrap();
    assert!(wrong(&[]).contains("log.json"), "{}", wrong(&[]));
    fs::write(&path, log(1).to_string()).unwrap();
    assert!(wrong(&[]).contains("one task alone"), "{}", wrong(&[]));
    fs::write(&path, log(3).to_string()).unwrap();
    assert!(wrong(&[]).contains("3 tasks"), "{}", wrong(&[]));
    let domain = wrong(&["--domain", "retail"]);
    assert!(
        domain.contains("no episode of the domain retail") && domain.contains("post, shop"),
        "{domain}"
    );
    fs::write(&path, r#"[{"task_id":1,"reward":0,"traj":[{"role":"user","content":"hello"}]}]"#)
        .unwrap();
    assert!(wrong(&[]).contains("no episode"), "{}", wrong(&[]));
    assert!(foretell(place.path(), &[]).expect(2).stderr.contains("folder"));
    assert!(wrong(&["--folds", "1"]).contains("--folds"));
}

#[test]
fn real_logs_are_foretold_better_than_by_an_n_gram_after_a_short_training() {
    let Some(logs) = real_logs() else { return };
    let path = logs.join("tau-bench-gpt-4o-airline-trials-0-1.json");
    let options = ["--seeds", "1", "--epochs", "3", "--json"];
    let made = foretell(&path, &options).expect(0).json();
    assert_eq!((&made["tasks"], &made["choices"]), (&json!(50), &json!(1271)));
    let loss = |at: usize| made["standings"][at]["log_loss"].as_f64().unwrap();
    assert!(loss(3) < loss(2), "{}", made["standings"]);
}
