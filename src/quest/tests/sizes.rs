//! Files that are well formed and too large, or that could not be read back as they were written.

use std::time::Instant;

use crate::quest::{
    Condition, Effects, Level, LevelFile, PddlFile, PddlOptions, Suite, SuiteError, World,
    export_pddl, import_pddl,
};

const SMALL: &str = r#"
schema = "fq-level/1"
id = "small"
family = "hand"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "done"
limits = { max_calls = 4 }
[predicates.done]
[fluents.b]
min = -5
max = 5
[functions.go]
effects = "done"
"#;

/// What reading says of the small level with a line behind it.
fn fault(line: &str) -> String {
    LevelFile::new("small.toml", &format!("{SMALL}{line}\n")).read().unwrap_err().to_string()
}

#[test]
fn what_each_call_would_hold_is_bounded() {
    let long = "x".repeat(2_000);
    let text = fault(&format!("returns = {{ value = \"{long}\" }}"));
    assert!(text.contains("a result of 2000 bytes"), "{text}");
    let outcome = |i: usize| format!("{{ name = \"o{i}\", p = 0.01 }}");
    let outcomes: Vec<String> = (0..100).map(outcome).collect();
    let text = fault(&format!("outcomes = [{}]", outcomes.join(", ")));
    assert!(text.contains("100 outcomes"), "{text}");
    let text = fault("cost = 1.7e308");
    assert!(text.contains("write a number from 0 to 1000000000"), "{text}");
}

#[test]
fn texts_of_results_count_where_a_level_is_grounded() {
    let objects: Vec<String> = (0..140).map(|i| format!("\"o{i:0>100}\"")).collect();
    let value = "{a}".repeat(341);
    let text = SMALL.replace("[functions.go]", "[functions.stay]").replace(
        "[predicates.done]",
        &format!(
            "[types]\nt = \"object\"\n[objects]\nt = [{}]\n[predicates.done]",
            objects.join(", ")
        ),
    );
    let go = format!(
        "[functions.go]\nparams = [\"?a: t\", \"?b: t\", \"?c: t\"]\neffects = \"done\"\n\
         returns = {{ value = \"{value}\" }}\n"
    );
    let level = Level::from_toml(&format!("{text}{go}")).unwrap();
    let error = World::ground(&level).unwrap_err().to_string();
    assert!(error.contains("go"), "{error}");
}

#[test]
fn names_have_one_length_wherever_they_stand() {
    let long = "n".repeat(129);
    let text = fault(&format!("params = [\"?{long}: object\"]"));
    assert!(text.contains("129 bytes"), "{text}");
    let text = fault(&format!("[predicates.{long}]"));
    assert!(text.contains("a name of 129 bytes"), "{text}");
}

#[test]
fn what_is_read_can_be_written_and_read_again() {
    for text in ["b -= -2147483648", "b += -2147483648"] {
        let error = text.parse::<Effects>().unwrap_err();
        assert!(error.problem.contains("too large"), "{error}");
    }
    assert_eq!("b -= -2147483647".parse::<Effects>().unwrap().to_string(), "b += 2147483647");
    // Each `!p` is written `not p` in full.
    let name = |i: usize| format!("!p{i:0>24}");
    let many: Vec<String> = (0..512).map(name).collect();
    let error = many.join(",").parse::<Condition>().unwrap_err();
    assert!(error.problem.contains("written in full"), "{error}");
}

#[test]
fn a_key_that_stands_twice_is_shown_and_not_overwritten() {
    let json = Level::from_toml(SMALL).unwrap().to_json();
    let twice = json.replacen("\"functions\":{", "\"functions\":{\"go\":{},", 1);
    let fault = Level::read("small.json", &twice).unwrap_err();
    assert!(fault.message.contains("the key `go` stands twice"), "{fault}");
    assert!(fault.span.start > 0 && fault.span.start < twice.len(), "{fault}");
    Level::read("small.json", &format!("\u{feff}{json}")).unwrap();
}

#[test]
fn long_words_are_not_compared_with_each_other() {
    let (a, b) = ("a".repeat(100_000), "a".repeat(100_001));
    let begun = Instant::now();
    let text = fault(&format!("[types]\n{a} = \"{b}\""));
    assert!(text.len() < 1_000_000);
    assert!(begun.elapsed().as_secs() < 20, "seconds, not minutes");
}

const DOMAIN: &str = "(define (domain d) (:requirements :strips :typing)\n\
    (:types TYPES)\n(:predicates (done) (q PARAMS))\n\
    (:action go :parameters () :precondition (and) :effect (done)))";
const PROBLEM: &str = "(define (problem p) (:domain d) (:init) (:goal (and (done))))";

fn import(types: &str, params: &str) -> Result<Level, String> {
    let domain = DOMAIN.replace("TYPES", types).replace("PARAMS", params);
    let file = |name, text| PddlFile { name, text };
    let (domain, problem) = (file("d.pddl", &domain), file("p.pddl", PROBLEM));
    import_pddl(domain, problem, &PddlOptions::default()).map_err(|e| e.to_string())
}

#[test]
fn pddl_that_is_too_large_is_refused_where_it_is() {
    import("t", "?x ?y").unwrap();
    let error = import("t", &"?x ".repeat(4_000)).unwrap_err();
    assert!(error.contains("d.pddl:3:") && error.contains("use at most 12"), "{error}");
    let chain: Vec<String> = (0..10_000).map(|i| format!("t{i} - t{}", i + 1)).collect();
    let error = import(&chain.join(" "), "?x").unwrap_err();
    assert!(error.contains("d.pddl:2:") && error.contains("32 deep"), "{error}");
}

#[test]
fn any_id_is_one_word_in_pddl() {
    for id in ["really?", ":id", "a (b)", "ä"] {
        let level =
            Level::from_toml(&SMALL.replace("[fluents.b]\nmin = -5\nmax = 5\n", "")).unwrap();
        let level = Level { id: id.to_owned(), family: id.to_owned(), ..level };
        let made = export_pddl(&level).unwrap();
        let file = |name, text| PddlFile { name, text };
        let (domain, problem) = (file("d.pddl", &made.domain), file("p.pddl", &made.problem));
        import_pddl(domain, problem, &PddlOptions::default())
            .unwrap_or_else(|e| panic!("{id}: {e}"));
    }
}

/// A folder with these files as a suite.
fn suite(files: &[(&str, &str)]) -> Result<Suite, SuiteError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("hand")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Suite::load(folder.path())
}

#[test]
fn families_and_ids_are_names_of_their_own() {
    let family = |name: &str, grades: &str| {
        format!("schema = \"fq-suite/1\"\nfamily = \"{name}\"\ngenerator = \"courier\"\n{grades}")
    };
    let grade = "[[grade]]\nlevel = 1\nchallenge = 1\ncalls = [2, 9]\nslack = 4\n";
    suite(&[("a.toml", &family("mine", grade))]).unwrap();
    for name in ["", "../evil", "a/b", "a b"] {
        let error = suite(&[("a.toml", &family(name, grade))]).unwrap_err().to_string();
        assert!(error.contains("a.toml:2:") && error.contains("unusable"), "{error}");
    }
    let error = suite(&[("a.toml", &family("mine", "grade = []"))]).unwrap_err().to_string();
    assert!(error.contains("at least one [[grade]]"), "{error}");
    let error = suite(&[("hand/a.toml", SMALL), ("hand/b.toml", SMALL)]).unwrap_err().to_string();
    assert!(error.contains("b.toml:3:") && error.contains("has the id `small`"), "{error}");
}
