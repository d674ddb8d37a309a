//! What is wrong in the files of a workspace is shown in its place.

use super::{CHAIN, Transcript};
use crate::support::Sandbox;

#[test]
fn a_folder_that_is_no_workspace_is_told_so() {
    let place = tempfile::tempdir().unwrap();
    let mut told = Transcript::at(place.path());
    told.run("status");
    told.run("--workspace gone status");
    told.run("doctor");
    told.run("registry ls");
    told.run("simulate");
    insta::assert_snapshot!("no_workspace", told);
}

#[test]
fn what_is_wrong_in_fqm_toml_is_shown() {
    let sandbox = Sandbox::empty("w");
    let mut told = Transcript::of(&sandbox);
    for text in [
        "schema = 1\nname = \"w\nlogs = \"logs\"\n",
        "schema = 1\nname = \"w\"\nstor = \".fqm/store\"\n",
        "schema = 2\nname = \"w\"\n",
        "name = \"w\"\n",
        "schema = 1\nname = \"w\"\nlogs = 7\n",
        "schema = 1\nname = \"w\"\nstore = \"ftp://somewhere/else\"\n",
        "schema = 1\nname = \"w\"\nstate = \"s3://bucket/state\"\n",
    ] {
        sandbox.write("fqm.toml", text);
        told.run("status");
    }
    insta::assert_snapshot!("fqm_toml", told);
}

#[test]
fn what_is_wrong_in_a_pipeline_is_shown() {
    let sandbox = Sandbox::probes(CHAIN);
    let mut told = Transcript::of(&sandbox);
    for (right, wrong) in [
        ("name = \"probes\"", "name = \"probes"),
        ("name = \"probes\"", "name = \"other\""),
        ("schema = 1", "schema = 9"),
        ("schema = 1", "schem = 1"),
        ("uses = \"probe.run@1\"\nparams", "use = \"probe.run@1\"\nparams"),
        ("probe.run@1\"\nparams", "probe.rum@1\"\nparams"),
        ("probe.run@1\"\nparams", "probe.run@7\"\nparams"),
        ("rows = 7", "row = 7"),
        ("rows = 7", "rows = \"many\""),
        ("first = \"a.probe\"", "frist = \"a.probe\""),
        ("first = \"a.probe\"", "first = \"a.prob\""),
        ("first = \"a.probe\"", "first = \"z.probe\""),
        ("params = { text = \"a\", rows = 7 }", "in = { first = \"c.probe\" }"),
        ("id = \"b\"", "id = \"a\""),
        ("id = \"b\"", "id = \"b\"\ntimeout = \"soon\""),
        ("id = \"b\"", "id = \"b\"\nwhen = { expr = \"a.probe.rows >\" }"),
        ("name = \"probes\"", "name = \"probes\"\nschedule = { cron = \"every day\" }"),
    ] {
        assert!(CHAIN.contains(right), "{right}");
        sandbox.write("pipelines/probes.toml", &CHAIN.replacen(right, wrong, 1));
        told.run("plan probes --date 2026-11-03");
    }
    insta::assert_snapshot!("pipeline_toml", told);
}
