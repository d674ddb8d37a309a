//! Common mistakes in level and suite files, and what their authors are shown.

use proptest::prelude::*;

use super::rich::RICH;
use crate::core::PlaceError;
use crate::quest::locate::raw_offset;
use crate::quest::{Level, LevelFile, SolveLimits, Suite, SuiteError, certify};

/// The fault as a person sees it: place, message, the line, marks under the words, the fix.
fn shown(fault: &PlaceError) -> String {
    let (line, column) = fault.line_and_column();
    let source = fault.text.lines().nth(line - 1).unwrap_or_default();
    let marked = fault.text.get(fault.span.clone()).unwrap_or_default().lines().next();
    let marks = "^".repeat(marked.map_or(1, |m| m.chars().count().max(1)));
    let help = fault.help.as_ref().map(|h| format!("help: {h}\n")).unwrap_or_default();
    format!(
        "{}:{line}:{column}: {}\n| {source}\n| {}{marks}\n{help}",
        fault.file,
        fault.message,
        " ".repeat(column - 1),
    )
}

fn fault(from: &str, to: &str) -> PlaceError {
    assert_eq!(RICH.matches(from).count(), 1, "`{from}` stands once in the level");
    let text = RICH.replace(from, to);
    let file = LevelFile::new("rich.toml", text.trim_start());
    match file.read() {
        Err(fault) => fault,
        Ok(level) => match certify(level, &SolveLimits::default()) {
            Err(error) => file.verify_fault(&error),
            Ok(_) => panic!("`{to}` is no mistake"),
        },
    }
}

/// What is shown for each change of the rich level.
fn album(changes: &[(&str, &str)]) -> String {
    let pages = changes.iter().map(|(from, to)| shown(&fault(from, to)));
    pages.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_level_itself_is_in_order() {
    Level::read("rich.toml", RICH).unwrap();
}

#[test]
fn mistakes_of_spelling() {
    let shown = album(&[
        ("narrative =", "narative ="),
        ("cooldown = 1", "cooldwon = 1"),
        ("kind = \"hand\"", "kind = \"hnd\""),
        ("level = 2", "level = \"2\""),
        ("challenge = 3", "challenge = "),
        ("pre = \"built(?r) and", "pre = \"biult(?r) and"),
        ("\"at(north)\"", "\"at(nrth)\""),
        ("goal = \"shipped(alpha)", "goal = \"shipped(alfa)"),
        ("?r: release\"], static", "?r: relaese\"], static"),
        ("effort += 1", "efort += 1"),
        ("cost_by = \"road", "cost_by = \"raod"),
        ("[\"push_fix\"]", "[\"push_fx\"]"),
        ("pre = \"at(?a) and ?a", "pre = \"at(?x) and ?a"),
        ("hotfix = \"release\"", "hotfix = \"releases\""),
        ("fq-level/1", "fq-level/2"),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn mistakes_in_expressions() {
    let shown = album(&[
        ("at(?a) and ?a != ?b", "at(?a) or ?a != ?b"),
        ("pre = \"built(?r) and at(south)\"", "pre = \"\"\"\n  built(?r)\n  and at(south\"\"\""),
        ("pre = \"friday and", "pre = \"fri\\u0064ay and && "),
        ("at(?b), not at(?a)", "at(?b, ?a), not at(?a)"),
        ("at(?b), not at(?a)", "at(?b), not built(?a)"),
        ("shipped(?r)\"", "drafted(?r)\""),
        ("built(?r), coins -= 1\"", "built(?r), coins -= 1, effort -= 1\""),
        ("effects = \"not friday\"", "effects = \"coins = 10\""),
        ("and coins >= 1 and", "and coins and"),
        ("coins >= 2\"", "coins > 99999999999\""),
        ("not failed(?ret)", "made(?ret)"),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn mistakes_of_numbers_and_limits() {
    let shown = album(&[
        ("p = 0.25", "p = 0.2"),
        ("p = 0.25", "p = 1.25"),
        (
            "{ name = \"ok\", p = 0.75 },",
            "{ name = \"ok\", p = 0.75 }, { name = \"no\", p = 0.0 },",
        ),
        ("quality = 0.9", "quality = 9"),
        ("cost = 0.5", "cost = -0.5"),
        ("takes = 3", "takes = 0"),
        ("takes = 3", ""),
        ("coins = 4", "coins = 40"),
        ("max_calls = 20", "max_calls = 0"),
        ("max_calls = 2\n", "max_calls = 0\n"),
        ("min = 0", "min = 10"),
        ("\"south, north\" = 1", "\"south,north\" = -1"),
        ("\"south, north\" = 1", "\"south\" = 1"),
        ("\"south, north\" = 1", "\"north,south\" = 1"),
        ("level = 2", "level = 0"),
    ]);
    insta::assert_snapshot!(shown);
}

const NARRATIVE: &str = "narrative = \"Build alpha and ship it from the south, but never on a \
                         friday.\"\nobservability = \"full\"";

#[test]
fn mistakes_of_meaning() {
    let shown = album(&[
        ("place = \"object\"", "place = \"spot\"\nspot = \"place\""),
        ("hotfix = [\"fix1\"", "hotfix = [\"beta\", \"fix1\""),
        ("\"north\", \"south\"]", "\"north\", \"far south\"]"),
        ("pool = [\"fix1\"", "pool = [\"alpha\""),
        ("pool = [\"fix1\", ", "value = \"fix\", pool = [\"fix1\", "),
        ("build-{r}.zip", "build-{x}.zip"),
        ("returns = { value = \"build-{r}.zip\" }", "returns = { pool = [\"beta\"] }"),
        ("the team is at {0}", "the team is at {1}"),
        ("[functions.rest]", "[functions.wait]"),
        ("friday = {}", "friday = {}\nrunning = {}"),
        (NARRATIVE, "observability = \"goal_in_narrative\""),
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn levels_that_read_but_are_not_fit() {
    let shown = album(&[
        ("\"drafted(alpha)\", ", ""),
        ("goal = \"shipped(alpha) and coins >= 1", "goal = \"friday and coins >= 1"),
        ("max_calls = 20", "max_calls = 2"),
        ("coins >= 1 and", "coins >= 4 and"),
    ]);
    insta::assert_snapshot!(shown);
}

const FAMILY: &str = r#"schema = "fq-suite/1"
family = "small"
generator = "vault"

[[grade]]
level = 1
challenge = 1
calls = [2, 4]
slack = 4
knobs = { rooms = 3, papers = 1 }

[[grade]]
level = 1
challenge = 2
calls = [2, 4]
slack = 4
knobs = { rooms = [3, 4], papers = 1 }
"#;

#[test]
fn suites_point_at_the_grade() {
    let changes = [
        ("rooms = 3,", "roms = 3,"),
        ("rooms = [3, 4]", "rooms = [4, 3]"),
        ("fq-suite/1", "fq-suite/7"),
        ("slack = 4", "slak = 4"),
        ("challenge = 2", "challenge = 1"),
        ("calls = [2, 4]", "calls = [4, 2]"),
        ("generator = \"vault\"", "generator = \"volt\""),
    ];
    let faults = changes.map(|(from, to)| {
        let text = FAMILY.replacen(from, to, 1);
        let files = [("levels/small.toml".to_owned(), text)];
        match Suite::from_files(&files.into()).unwrap_err() {
            // The list of what there is grows with the program.
            SuiteError::Place(fault) => {
                let shown = shown(&fault);
                shown
                    .split_once("known are")
                    .map_or(shown.clone(), |(head, _)| format!("{head}…\n"))
            }
            other => panic!("{other}"),
        }
    });
    let shown = faults.join("\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn json_faults_name_line_or_place() {
    let json = Level::read("rich.toml", RICH).unwrap().to_json();
    let json = json.replace(",\"", ",\n\"");
    let changes = [
        ("\"level\":2", "\"level\":two"),
        ("\"narrative\"", "\"narative\""),
        ("not built(?r)", "not biult(?r)"),
        ("not failed(?ret)", "not failed(?ret"),
        ("\"takes\":3", "\"takes\":0"),
    ];
    let faults = changes.map(|(from, to)| {
        assert!(json.contains(from), "{from}");
        shown(&Level::read("rich.json", &json.replace(from, to)).unwrap_err())
    });
    let shown = faults.join("\n");
    insta::assert_snapshot!(shown);
}

/// One way to write a text as a TOML string.
fn written(text: &str, kind: usize) -> String {
    let escaped: String = text
        .chars()
        .enumerate()
        .map(|(i, c)| match c {
            '"' | '\\' => format!("\\{c}"),
            '\n' if kind == 0 => "\\n".to_owned(),
            'e' if i % 2 == 0 => "\\u0065".to_owned(),
            'ä' if i % 3 == 0 => "\\U000000e4".to_owned(),
            'x' if kind == 1 && i % 2 == 1 => "\\\n   x".to_owned(),
            c => c.to_string(),
        })
        .collect();
    match kind {
        0 => format!("\"{escaped}\""),
        1 => format!("\"\"\"\n{escaped}\"\"\""),
        2 => format!("'{}'", text.replace(['\n', '\''], "_")),
        _ => format!("'''\n{}'''", text.replace('\'', "_")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bytes_of_a_string_are_found_in_its_literal(
        text in "[a-fxä(), \"\\\\\n']{0,24}", kind in 0usize..4,
    ) {
        let raw = written(&text, kind);
        let table: toml::Table = format!("k = {raw}").parse().unwrap();
        let meant = table["k"].as_str().unwrap();
        for (at, c) in meant.char_indices() {
            let found = &raw[raw_offset(&raw, at)..];
            let escaped = found.starts_with('\\') && "eä\n\"\\".contains(c);
            prop_assert!(found.starts_with(c) || escaped, "{c:?} of {raw:?} at {found:?}");
        }
    }
}
