//! The commands that play, train and ask policies.

use std::fs;

use super::Transcript;
use crate::support::Sandbox;

#[test]
fn days_are_played() {
    let sandbox = Sandbox::empty("w");
    fs::create_dir(sandbox.path("logs")).unwrap();
    let mut told = Transcript::of(&sandbox);
    told.run("simulate --from 2026-11-03 --days 2 --episodes 5");
    told.head("simulate --from 2026-11-05 --episodes 5 --json", 40);
    told.run("simulate --from 2026-11-03 --days 2 --episodes 5");
    told.run("simulate --from yesterday");
    told.run("simulate --days 0");
    told.run("simulate --from 2026-11-03 --days 2 --episodes 6");
    told.run("simulate --days -1");
    told.run("simulate --from 2026-11-03 --policy champion");
    told.run("simulate --from 2026-11-03 --policy registry:fqm@champion");
    sandbox.write("fqm.toml", "schema = 1\nname = \"w\"\nlogs = \"s3://bucket/logs\"\n");
    told.run("simulate --from 2026-11-03");
    insta::assert_snapshot!("simulate", told);
}

#[test]
fn a_policy_is_trained_and_asked() {
    let place = tempfile::tempdir().unwrap();
    let mut told = Transcript::at(place.path());
    let short =
        "--until-mastery --family courier --level 1 --rounds 1 --plays 2 --levels 2 --width 8";
    told.shape(&format!("train {short} -o out"));
    told.shape(&format!("train {short} -o out --json"));
    told.run(&format!("train {short} -o out --seed 2"));
    told.run("train -o out");
    told.run("train --until-mastery");
    told.run("train levels --until-mastery -o other");
    told.run("train levels -o other");
    told.run("train --until-mastery --family courrier -o other");
    told.run("train --until-mastery --base random -o other");
    told.run("train --until-mastery --base checkpoint:gone -o other");
    told.run("train --until-mastery --base registry:fqm@champion -o other");
    told.run("train --until-mastery --success 2 -o other");
    told.run("train --until-mastery --minutes=-1 -o other");
    insta::assert_snapshot!("train", told);

    let mut told = Transcript::at(place.path());
    told.shape("policy act courier/1.1 --agent checkpoint:out");
    told.shape("policy act courier/1.1 --agent checkpoint:out --json");
    told.shape("policy explain courier/1.1 --agent checkpoint:out --most 3");
    told.shape("policy explain courier/1.1 --agent checkpoint:out --most 1 --json");
    for command in ["act", "explain"] {
        told.run(&format!("policy {command} courier/1.1 --agent greedy"));
        told.run(&format!("policy {command} courier/1.1 --agent checkpoint:gone"));
        told.run(&format!("policy {command} courier/1.1 --agent checkpoint:out --after 'fly()'"));
        told.run(&format!("policy {command} courrier/1.1 --agent checkpoint:out"));
        told.run(&format!("policy {command} courier/1.1"));
    }
    fs::write(place.path().join("out/model.safetensors"), "broken").unwrap();
    told.run("policy act courier/1.1 --agent checkpoint:out");
    fs::write(place.path().join("out/config.json"), "{}").unwrap();
    told.run("policy act courier/1.1 --agent checkpoint:out");
    insta::assert_snapshot!("policy", told);
}

/// Two trials of each task, in which what the user wants decides the function.
fn log(tasks: usize) -> serde_json::Value {
    let episode = |nth: usize| {
        let (task, trial) = (nth / 2, nth % 2);
        let (wish, name) = [("cancel", "cancel_order"), ("return", "return_order")][task % 2];
        let arguments = format!("{{\"order\": \"K{task}X{trial}\"}}");
        serde_json::json!({
            "task_id": task, "trial": trial, "reward": 1.0, "domain": "shop",
            "traj": [
                { "role": "user", "content": format!("please {wish} my order K{task}X{trial}") },
                { "role": "assistant", "content": null, "tool_calls":
                    [{ "id": "call", "function": { "name": name, "arguments": arguments } }] },
                { "role": "tool", "tool_call_id": "call", "content": "done" },
                { "role": "assistant", "content": "it is done" },
            ],
        })
    };
    (0..tasks * 2).map(episode).collect()
}

#[test]
fn logs_are_foretold() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("log.json"), log(4).to_string()).unwrap();
    fs::write(place.path().join("one.json"), log(1).to_string()).unwrap();
    fs::write(place.path().join("none.json"), "no log").unwrap();
    let mut told = Transcript::at(place.path());
    let short = "log.json --folds 2 --seeds 1 --epochs 1";
    told.shape(&format!("policy foretell {short}"));
    told.shape(&format!("policy foretell {short} --json"));
    told.run("policy foretell");
    told.run("policy foretell gone.json");
    told.run("policy foretell .");
    told.run("policy foretell none.json");
    told.run("policy foretell one.json");
    told.run("policy foretell log.json");
    told.run("policy foretell log.json --folds 1");
    told.run("policy foretell log.json --domain post");
    insta::assert_snapshot!("foretell", told);
}
