//! The examples of `docs/levels.md` are what it says they are.

use crate::quest::{Level, LevelFile, SolveLimits, Suite, certify};

fn guide() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/levels.md");
    // The scratch crates of experiments have no documents beside them.
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The code blocks of one language.
fn blocks<'a>(guide: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    guide.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// The head that the short examples leave out.
const HEAD: &str = "schema = \"fq-level/1\"\nid = \"example\"\nfamily = \"hand\"\nlevel = 1\n\
                    challenge = 1\nsource = { kind = \"hand\" }\nlimits = { max_calls = 8 }\n";

fn fewest_calls(text: &str) -> u32 {
    let file = LevelFile::new("example", text);
    let level = file.read().unwrap_or_else(|e| panic!("{e}\n{text}"));
    let certified = certify(level, &SolveLimits::default());
    let level = certified.unwrap_or_else(|e| panic!("{}\n{text}", file.verify_fault(&e)));
    level.reference.unwrap().min_calls
}

#[test]
fn the_examples_read_and_take_the_calls_that_they_say() {
    let guide = guide();
    let mut short = 0;
    for block in blocks(&guide, "toml").iter().filter(|b| !b.contains("schema = ")) {
        let said = block.strip_prefix("# fewest calls: ").and_then(|b| b.lines().next());
        let said: u32 = said.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{block}"));
        assert_eq!(fewest_calls(&format!("{HEAD}{block}")), said, "{block}");
        short += 1;
    }
    assert!(short >= 7, "only {short} short examples");
}

#[test]
fn the_first_level_reads_and_its_mistake_is_shown_as_said() {
    let guide = guide();
    let blocks = blocks(&guide, "toml");
    let first = blocks.iter().find(|b| b.contains("id = \"ship-release\"")).unwrap();
    assert_eq!(fewest_calls(first), 2);
    let spoiled = first.replace("pre = \"tested(?r)\"", "pre = \"testd(?r)\"");
    let fault = Level::read("levels/hand/ship-release.toml", &spoiled).unwrap_err();
    let (line, column) = fault.line_and_column();
    for part in [
        format!("failed to read {}:{line}:{column}\n", fault.file),
        fault.message,
        format!("help: {}", fault.help.unwrap()),
    ] {
        assert!(guide.contains(&part), "the guide does not show `{part}`");
    }
}

#[test]
fn the_family_reads() {
    let guide = guide();
    let blocks = blocks(&guide, "toml");
    let family = blocks.iter().find(|b| b.contains("fq-suite/1")).unwrap();
    let files = [("levels/small.toml".to_owned(), (*family).to_owned())];
    let suite = Suite::from_files(&files.into()).unwrap();
    assert_eq!(suite.grades("small-courier"), [(1, 1)]);
}

#[test]
fn every_key_of_a_function_is_explained() {
    let guide = guide();
    let schema = crate::quest::schema().to_value();
    for definition in ["FunctionDef", "PredicateDef", "FluentDef", "OutcomeDef", "CostTable"] {
        let keys = schema["$defs"][definition]["properties"].as_object().unwrap();
        for key in keys.keys() {
            assert!(
                guide.contains(&format!("`{key}`")) || guide.contains(&format!("\n{key} = ")),
                "{definition}.{key} is not in docs/levels.md"
            );
        }
    }
    for key in schema["properties"].as_object().unwrap().keys() {
        let known = [format!("`{key}`"), format!("\n[{key}"), format!("\n{key} = ")];
        assert!(known.iter().any(|k| guide.contains(k)), "{key} is not in docs/levels.md");
    }
}
