//! The commands of the registry, after a night that promoted and another that only registered.

use std::fs;

use super::Transcript;
use crate::support::Sandbox;

const DAY: &str = "2026-11-03";

#[test]
fn what_a_night_registered_is_listed_shown_moved_and_checked() {
    let sandbox = Sandbox::with_day("w", DAY, 60, 3);
    let mut told = Transcript::of(&sandbox);
    told.run("registry ls");
    told.run("registry log");
    told.run("registry show registry:fqm@champion");
    told.run("registry verify");
    told.shape(&format!("run nightly --date {DAY} --quiet"));
    told.shape("status");
    told.shape("status --json");
    insta::assert_snapshot!("night", told);

    let mut told = Transcript::of(&sandbox);
    let listed = told.shape("registry ls --json").expect(0).json();
    let first = listed[0]["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    told.shape("registry ls");
    told.shape("registry ls other");
    told.shape("registry show registry:fqm@champion --export weights");
    told.shape("registry show registry:fqm@champion --json");
    told.shape("registry log");
    told.shape("registry log --json");
    told.run("registry show registry:fqm@champio");
    told.run("registry show 0000");
    told.run("registry show champion --model other");
    told.run("registry log other");
    insta::assert_snapshot!("show", told);

    sandbox.simulate("2026-11-04", 60, 4);
    sandbox.run(&["run", "nightly", "--date", "2026-11-04", "--until", "register"]).expect(0);
    let listed = sandbox.run(&["registry", "ls", "--json"]).expect(0).json();
    let digests = listed.as_array().unwrap().iter().map(|v| v["digest"].as_str().unwrap());
    let mut digests = digests.map(|digest| digest.trim_start_matches("sha256:"));
    let second = digests.find(|digest| **digest != *first).unwrap().to_owned();
    let mut told = Transcript::of(&sandbox);
    told.names(&first, 'a');
    told.names(&second, 'b');
    let (first, second) = (&first[..12], &second[..12]);
    let champion = "registry:fqm@champion";
    told.shape(&format!("registry promote {champion} {second} --reason 'it looks better'"));
    told.shape(&format!("registry promote {champion} {second}"));
    told.shape(&format!("registry promote {champion} {second} --reason ' ' --force"));
    told.shape(&format!("registry promote {champion} 0000 --reason 'it looks better'"));
    told.shape(&format!("registry promote champion {second} --reason 'it looks better'"));
    told.shape(&format!("registry promote {champion} {second} --reason 'it is better' --force"));
    told.shape(&format!("registry promote {champion} {first} --reason 'it was better' --json"));
    told.shape(&format!("registry promote {champion} {first} --reason 'once more'"));
    told.shape(&format!("registry rollback {champion} --reason 'it was not'"));
    told.shape(&format!("registry rollback {champion} --reason 'nor was that' --json"));
    told.shape(&format!("registry rollback {champion} --reason 'too far'"));
    told.shape(&format!("registry rollback {champion}"));
    told.run("registry rollback registry:fqm@champio --reason 'a slip'");
    told.run("registry rollback registry:other@champion --reason 'a slip'");
    told.shape("registry log");
    insta::assert_snapshot!("move", told);

    let mut told = Transcript::of(&sandbox);
    told.run("registry fsck");
    told.run("registry fsck --json");
    told.shape("registry verify");
    told.shape("registry verify --json");
    fs::write(sandbox.path(".fqm/registry/index.json"), "{}").unwrap();
    told.shape("registry verify");
    told.run("registry fsck --json");
    told.run("registry fsck");
    told.run("registry fsck --jsn");
    insta::assert_snapshot!("check", told);
}
