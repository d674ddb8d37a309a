//! The logs that none of us wrote, as the only input of a night. Skipped where they are not there.

use serde_json::Value;

use crate::support::{Sandbox, real_logs};

const DAY: &str = "2026-11-03";

#[test]
fn a_night_on_real_logs_alone_runs_to_a_decision_and_says_what_they_cannot_show() {
    let Some(logs) = real_logs() else { return };
    let sandbox = Sandbox::new("real");
    sandbox.edit("registry/fqm/promotion.toml", &[("success = 0.01", "success = 0.8")]);
    let run = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("FQM_LOGS", &logs);
        crate::support::Ran::of(command.output().unwrap())
    };
    let night = run(&["run", "nightly", "--date", DAY, "--json"]).expect(0).json();
    assert!(
        ["kept", "inconclusive"].contains(&night["decision"]["verdict"].as_str().unwrap()),
        "{night:#}"
    );

    let report = std::fs::read_to_string(sandbox.path("reports/latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let rows = &report["ingest"]["rows"];
    // 100 episodes of tau-bench and six traces.
    assert_eq!(rows["episodes"], 106);
    assert_eq!(report["ingest"]["formats"]["messages"], 1);
    assert_eq!(report["ingest"]["formats"]["langfuse"], 6);
    assert_eq!(report["ingest"]["not_logs"].as_array().unwrap().len(), 6);
    assert_eq!(report["ingest"]["quarantine"].as_object().unwrap().len(), 0, "{report:#}");
    assert_eq!(report["dataset"]["counts"]["imitation episodes"], 43);
    let honesty = report["honesty"].to_string();
    for words in ["no known level", "outcome reward", "next function", "n-gram", "how probable"] {
        assert!(honesty.contains(words), "`{words}` is not in {honesty}");
    }
    assert!(report["next_function"]["n"].as_u64().unwrap() > 0);

    let again = run(&["run", "nightly", "--date", DAY, "--json", "--force"]).expect(0).json();
    assert_eq!(night["digests"], again["digests"], "running it twice adds nothing");
}
