//! All help texts, and that no command lacks snapshots.

use std::fs;
use std::path::Path;

use super::{Transcript, ran};

/// Commands that help keeps to itself: people have no need of them.
const HIDDEN: [&str; 1] = ["step"];

/// A child of the runner tells its failures in its output, and ends well.
const NEVER_FAILS: [&str; 1] = ["step child"];

/// A command and its help.
struct Page {
    command: String,
    text: String,
    is_leaf: bool,
}

/// The pages of a command and of all below it, found by reading what help says.
fn pages(folder: &Path, command: &str) -> Vec<Page> {
    let text = ran(folder, &format!("{command} --help")).expect(0).stdout;
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // A description that is too long for its line goes on far from the margin.
    let names = listed.filter_map(|line| {
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
        name.split_whitespace().next().map(str::to_owned)
    });
    let mut below: Vec<String> = names.filter(|name| name != "help").collect();
    let is_leaf = below.is_empty();
    if command.is_empty() {
        below.extend(HIDDEN.map(str::to_owned));
    }
    let mut all = vec![Page { command: command.to_owned(), text, is_leaf }];
    for name in below {
        all.extend(pages(folder, format!("{command} {name}").trim()));
    }
    all
}

#[test]
fn every_command_helps() {
    let place = tempfile::tempdir().unwrap();
    let pages = pages(place.path(), "");
    let texts = pages.iter().map(|page| {
        let line = format!("fqm-pipe {}", page.command);
        format!("$ {} --help\n{}", line.trim_end(), page.text.trim_end())
    });
    insta::assert_snapshot!("help", texts.collect::<Vec<_>>().join("\n\n"));
    for page in pages {
        let long = page.text.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{} is wider than a terminal", page.command);
        assert!(page.text.contains("Usage: fqm-pipe"), "{}", page.text);
    }
}

#[test]
fn what_is_no_command_is_told_so() {
    let place = tempfile::tempdir().unwrap();
    let mut told = Transcript::at(place.path());
    told.run("--version");
    told.run("rum nightly");
    told.run("registry");
    told.run("registry promot registry:fqm@champion");
    told.run("run");
    told.run("run nightly --dat 2026-11-03");
    told.run("run nightly");
    told.run("--workspace gone run nightly");
    insta::assert_snapshot!("no_command", told);
}

/// The commands of all transcripts with their exit codes, as they are checked in: a run that writes them
/// anew may still see those before.
fn taken_down() -> Vec<(String, i32)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/commands/snapshots");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            let line = pair[0].strip_prefix("$ fqm-pipe ");
            let code = pair[1].strip_prefix("exit code ").and_then(|code| code.parse().ok());
            found.extend(line.zip(code).map(|(line, code)| (line.to_owned(), code)));
        }
    }
    found
}

#[test]
fn every_command_has_snapshots_of_its_outputs_and_of_a_mistake() {
    let place = tempfile::tempdir().unwrap();
    let taken = taken_down();
    for page in pages(place.path(), "").into_iter().filter(|page| page.is_leaf) {
        let name = &page.command;
        let own =
            || taken.iter().filter(|(line, _)| format!("{line} ").starts_with(&format!("{name} ")));
        assert!(own().any(|(_, code)| *code == 0), "no snapshot of what `{name}` prints");
        let mistake = own().any(|(_, code)| *code != 0) || NEVER_FAILS.contains(&name.as_str());
        assert!(mistake, "no snapshot of a mistake with `{name}`");
        let of_json = |(line, code): &(String, i32)| line.contains("--json") && *code == 0;
        let json = !page.text.contains("--json") || own().any(of_json);
        assert!(json, "no snapshot of what `{name} --json` prints");
    }
}
