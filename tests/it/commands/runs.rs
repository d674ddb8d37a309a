//! The commands that plan, run and look at runs.

use std::process::Child;
use std::time::{Duration, Instant};

use super::{CHAIN, Transcript, command, ran};
use crate::support::{Ran, Sandbox};

const RUN: &str = "run probes --date 2026-11-03";

fn started(sandbox: &Sandbox) -> Child {
    command(&sandbox.root, RUN).spawn().unwrap()
}

fn latest(sandbox: &Sandbox) -> Option<String> {
    let runs = ran(&sandbox.root, "status --json").expect(0).json();
    runs[0]["id"].as_str().map(str::to_owned)
}

/// Waits until a step of the latest run runs, and gives the run's id.
fn until_runs(sandbox: &Sandbox, step: &str) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Some(id) = latest(sandbox) {
            let shown = ran(&sandbox.root, &format!("status {id} --json")).expect(0).json();
            let steps = shown["steps"].as_array().unwrap();
            if steps.iter().any(|s| s["step"] == step && s["status"] == "running") {
                return id;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("`{step}` does not run within a minute");
}

#[test]
fn a_run_is_planned_run_and_looked_at() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    told.run("status");
    told.run("status --json");
    told.run("logs");
    told.run("plan probes --date 2026-11-03");
    told.run(RUN);
    let id = latest(&sandbox).unwrap();
    told.run("status");
    told.run(&format!("status {id}"));
    told.run("logs");
    told.run(&format!("logs {id} b"));
    told.run("plan probes --date 2026-11-03");
    told.run(&format!("{RUN} --force --quiet"));
    told.knows(&latest(&sandbox).unwrap());
    told.run(&format!("{RUN} --until b"));
    told.run("plan probes --date 2026-11-03 --param b.text=other");
    told.run(&format!("{RUN} --param b.text=other --param b.not_enough=true --skip-exit 0"));
    insta::assert_snapshot!("run", told);
}

#[test]
fn a_run_is_planned_run_and_looked_at_in_json() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    told.run("plan probes --date 2026-11-03 --json");
    told.run(&format!("{RUN} --json --events"));
    let id = latest(&sandbox).unwrap();
    told.run("status --json");
    told.run(&format!("status {id} --json"));
    told.run("logs --json");
    told.run("plan probes --date 2026-11-03 --json");
    insta::assert_snapshot!("run_json", told);
}

#[test]
fn what_a_run_takes_is_estimated() {
    let tight = CHAIN.replace("\n[[step]]\nid = \"a\"", BUDGET).replace("rows = 7", MILLIS);
    let sandbox = Sandbox::probes(&tight);
    let mut told = Transcript::of(&sandbox);
    told.run("plan probes --date 2026-11-04 --resources");
    ran(&sandbox.root, RUN).expect(0);
    told.shape("plan probes --date 2026-11-04 --resources");
    told.shape("plan probes --date 2026-11-04 --resources --json");
    insta::assert_snapshot!("resources", told);
}

const BUDGET: &str = "\n[run]\nbudget = { time = \"100ms\" }\n\n[[step]]\nid = \"a\"";
const MILLIS: &str = "rows = 7, millis = 400";

#[test]
fn runs_are_compared() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    told.run(RUN);
    let first = latest(&sandbox).unwrap();
    sandbox.write("pipelines/probes.toml", &CHAIN.replace("text = \"a\"", "text = \"new\""));
    told.run("plan probes --date 2026-11-03");
    told.run("plan probes --date 2026-11-03 --json");
    told.run(RUN);
    let second = latest(&sandbox).unwrap();
    told.run(&format!("diff {first} {second}"));
    told.run(&format!("diff {first} {second} --json"));
    told.run(&format!("diff {second} {second}"));
    insta::assert_snapshot!("diff", told);
}

#[test]
fn a_run_that_fails_is_resumed_and_tried_again() {
    let failing = CHAIN.replace("id = \"b\"", "id = \"b\"\nparams = { fail = \"input\" }");
    let sandbox = Sandbox::probes(&failing);
    let mut told = Transcript::of(&sandbox);
    told.run(RUN);
    let id = latest(&sandbox).unwrap();
    told.run("status");
    told.run(&format!("status {id}"));
    told.run("resume");
    sandbox.write("pipelines/probes.toml", CHAIN);
    told.run(&format!("resume {id} --replan --json"));
    told.run("resume");
    let id = latest(&sandbox).unwrap();
    told.run(&format!("retry {id} --step b"));
    told.run(&format!("retry {id} --step b --json"));
    told.run(&format!("retry {id} --step bb"));
    told.run(&format!("retry {id}"));
    told.run("retry 0000 --step b");
    told.run("resume 0000");
    insta::assert_snapshot!("again", told);
}

#[test]
fn there_is_not_enough_data() {
    let sandbox = Sandbox::probes(&CHAIN.replace("rows = 7", "not_enough = true"));
    let mut told = Transcript::of(&sandbox);
    told.run(RUN);
    told.run(&format!("{RUN} --json"));
    insta::assert_snapshot!("not_enough", told);
}

#[test]
fn a_run_that_goes_on_keeps_others_off_until_it_is_ended() {
    let slow = CHAIN.replace("id = \"b\"", "id = \"b\"\nparams = { millis = 120000 }");
    let sandbox = Sandbox::probes(&slow);
    let child = started(&sandbox);
    let id = until_runs(&sandbox, "b");
    let mut told = Transcript::of(&sandbox);
    told.run(&format!("status {id} --json"));
    told.run("status");
    told.run(RUN);
    told.run("backfill probes --from 2026-11-01 --to 2026-11-02");
    told.run("gc");
    told.run("cancel 0000");
    told.run("cancel");
    told.run(&format!("cancel {id}"));
    told.note(RUN, &Ran::of(child.wait_with_output().unwrap()));
    told.run(&format!("cancel {id}"));
    told.run("status");
    let child = started(&sandbox);
    let id = until_runs(&sandbox, "b");
    told.run(&format!("cancel {id} --now --json"));
    told.note(RUN, &Ran::of(child.wait_with_output().unwrap()));
    told.run(&format!("status {id}"));
    insta::assert_snapshot!("cancel", told);
}

#[test]
fn a_step_waits_for_a_person() {
    let gate = "approve = { question = \"is it Tuesday?\", timeout = \"100ms\" }";
    let sandbox = Sandbox::probes(&CHAIN.replace("id = \"b\"", &format!("id = \"b\"\n{gate}")));
    let mut told = Transcript::of(&sandbox);
    told.run(RUN);
    let id = latest(&sandbox).unwrap();
    told.run(&format!("approve {id} a --reason 'why not'"));
    told.run(&format!("approve {id} bb --reason 'why not'"));
    told.run(&format!("approve {id} b"));
    told.run(&format!("approve {id} b --reason ' '"));
    told.run("approve 0000 b --reason 'why not'");
    told.run(&format!("approve {id} b --reason 'it is'"));
    told.run(&format!("approve {id} b --reason 'it is' --by bob --json"));
    told.run(&format!("approve {id} b --reject --reason 'it is not' --by bob"));
    told.run(&format!("resume {id}"));
    insta::assert_snapshot!("approve", told);
}

#[test]
fn many_dates_are_run() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    let range = "backfill probes --from 2026-11-01 --to 2026-11-03";
    told.run(&format!("{range} --dry-run"));
    told.run(range);
    told.run(&format!("{range} --dry-run --json"));
    told.run(&format!("{range} --reprocess failed --reverse"));
    told.run("backfill probes --from 2026-11-03 --to 2026-11-03 --json");
    told.run("backfill probes");
    told.run("backfill probes --from 2026-11-03 --to 2026-11-01");
    told.run("backfill probes --from 2026-11-03T04 --to 2026-11-04");
    told.run(&format!("{range} --max-active 0"));
    told.run(&format!("{range} --reprocess some"));
    told.run("backfill prob");
    insta::assert_snapshot!("backfill", told);
}

#[test]
fn a_pipeline_is_drawn() {
    let sandbox = Sandbox::probes(
        &CHAIN.replace("first = \"b.probe\"", "first = \"a.probe\", second = \"b.probe\""),
    );
    let mut told = Transcript::of(&sandbox);
    told.run("graph probes");
    told.run("graph probes --format dot");
    told.run("graph probes --format mermaid");
    told.run("graph probes --json");
    told.run("graph probes --format json");
    told.run("graph probes --format svg");
    told.run("graph probes --format dot --json");
    told.run("graph prob");
    insta::assert_snapshot!("graph", told);
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let sandbox = Sandbox::probes(CHAIN);
    ran(&sandbox.root, RUN).expect(0);
    ran(&sandbox.root, RUN).expect(0);
    let id = latest(&sandbox).unwrap();
    let mut told = Transcript::of(&sandbox);
    told.knows(&id);
    told.run("run prob");
    told.run("run something");
    told.run("plan ../probes");
    told.run("plan");
    told.run(&format!("{RUN} --from bb"));
    told.run(&format!("{RUN} --until zzz"));
    told.run(&format!("{RUN} --from c --until a"));
    told.run("status 0000");
    told.run("status ''");
    told.run("status -n many");
    told.run("status --json -n 1");
    told.run(&format!("logs {id} bb"));
    told.run("logs 0000");
    told.run(&format!("diff {id}"));
    told.run(&format!("diff {id} 0000"));
    insta::assert_snapshot!("not_there", told);
}

#[test]
fn dates_and_choices_that_make_no_sense_are_refused() {
    let start = CHAIN.replace("\n\n[[step]]\nid = \"a\"", STARTED);
    let sandbox = Sandbox::probes(&start);
    let mut told = Transcript::of(&sandbox);
    for date in ["yesterday", "2026-02-30", "2026-11-3", "2026-11-03T05", "2026-10-31"] {
        told.run(&format!("run probes --date {date}"));
    }
    told.run("plan probes --date 2026-10-31");
    told.run("plan probes --date 03.11.2026");
    told.run("backfill probes --from 2026-10-30 --to 2026-11-01");
    told.run(&format!("{RUN} -j 0"));
    told.run(&format!("{RUN} --quiet --events"));
    told.run(&format!("{RUN} --engine condor"));
    told.run(&format!("{RUN} --engine airflow"));
    for param in ["b", "bb.text=x", "b.tex=x", "b.rows=many", "b.text.deep=x"] {
        told.run(&format!("{RUN} --param {param}"));
    }
    insta::assert_snapshot!("no_sense", told);
}

const STARTED: &str = "\n\n[partition]\nby = \"day\"\nstart = 2026-11-01\n\n[[step]]\nid = \"a\"";
