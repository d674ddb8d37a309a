//! The page of `quest run`.

use super::checker::{check, text_of};
use crate::report::*;

fn rate(name: &str, success: f64) -> ArenaRate {
    let mastered = success >= 1.0;
    let (name, efficiency) = (name.to_owned(), Some(0.75));
    ArenaRate { name, plays: 10, success, efficiency, mastered, too_few: None }
}

fn agent(name: &str, success: f64) -> ArenaAgent {
    let interval = Interval { low: success - 0.1, mean: success, high: success + 0.1 };
    ArenaAgent {
        name: name.to_owned(),
        plays: 20,
        success: interval,
        efficiency: Some(0.75),
        goal: Some(0.9),
        calls: Some(7.5),
        reward: Some(0.512),
        reasoning: Some(0.625),
        violations: 3,
        by_level: vec![rate("level 1", success), rate("level 2", 0.0)],
        grades: vec![rate("courier 1.1", success), rate("courier 2.1", 0.0)],
        spread: vec![("1".to_owned(), 12), ("not proven".to_owned(), 0), ("failed".to_owned(), 8)],
        against_first: (name != "greedy").then_some(ArenaPairs {
            pairs: 20,
            both: 11,
            only_it: 6,
            only_first: 1,
            neither: 2,
        }),
        patterns: "loop 8, stuck 4".to_owned(),
        failures: vec![ArenaFailure {
            pattern: "loop".to_owned(),
            about: "go".to_owned(),
            plays: 8,
            grades: "courier/2.1 (8)".to_owned(),
            command: format!("fqm-pipe quest play courier/2.1@7 --agent {name}"),
            calls: vec!["go(a, b)".to_owned(), "go(b, a)".to_owned()],
        }],
        targets: vec![ArenaTarget {
            family: "courier".to_owned(),
            reached: false,
            says: "1 grade mastered up to level 5".to_owned(),
        }],
    }
}

fn report(agents: Vec<ArenaAgent>) -> ArenaReport {
    ArenaReport {
        title: "2 agents on Function Quest".to_owned(),
        asked: "20 plays for each agent".to_owned(),
        digest: "sha256:00".to_owned(),
        agents,
    }
}

#[test]
fn the_page_of_a_run_says_what_the_numbers_say() {
    let page = report(vec![agent("greedy", 0.6), agent("planner", 1.0)]).to_html();
    check(&page).unwrap();
    let text = text_of(&page);
    for said in [
        "60.0\u{a0}%",
        "0.512",
        "62.5\u{a0}%",
        "mastered 100.0\u{a0}%",
        "8 plays that failed",
        "courier/2.1 (8)",
        "fqm-pipe quest play courier/2.1@7 --agent greedy",
        "go(a, b), go(b, a)",
        "Not reached",
        "By pattern: loop 8, stuck 4.",
        "Against greedy, pair by pair",
        "planner2011612",
        "sha256:00",
    ] {
        assert!(text.contains(said), "{said} is missing");
    }
    // Two charts, each with a line for every agent, and as many pieces of line in their legends.
    assert_eq!(page.matches("<polyline").count(), 8);
    // The bars of calls: what failed is hatched.
    assert_eq!(page.matches("class=\"seg-a\"").count(), 2);
    assert_eq!(page.matches("class=\"dropped\"").count(), 2);
}

#[test]
fn a_grade_that_is_played_too_little_says_so() {
    let mut one = agent("greedy", 1.0);
    one.grades[0].mastered = false;
    one.grades[0].too_few = Some((6, 10));
    let text = text_of(&report(vec![one]).to_html());
    assert!(text.contains("75.0\u{a0}%, too few plays (6 of 10)"), "{text}");
}

#[test]
fn names_of_agents_stay_as_they_are_asked_for() {
    let page = report(vec![agent("registry:fqm@champion", 0.5)]).to_html();
    assert!(!page.contains("Registry:fqm") && page.contains("<h3>registry:fqm@champion</h3>"));
}

#[test]
fn many_agents_leave_the_bars_of_the_grades_out() {
    let names = ["a", "b", "c", "d"];
    let grades = |n: usize| {
        let agents = names.iter().take(n).map(|name| agent(name, 0.5)).collect();
        let page = report(agents).to_html();
        check(&page).unwrap();
        page.split_once("id=\"grades\"").unwrap().1.matches("<svg").count()
    };
    assert_eq!((grades(3), grades(4)), (6, 0));
}

#[test]
fn commands_break_between_words_only() {
    let page = report(vec![agent("greedy", 0.6)]).to_html();
    assert!(page.contains("<span class=\"nowrap\">--agent</span>"));
    let targets = page.split_once("id=\"targets\"").unwrap().1;
    assert!(targets.contains("class=\"table stack\""), "words become cards on a telephone");
}

#[test]
fn a_run_without_agents_or_failures_still_makes_a_page() {
    check(&report(Vec::new()).to_html()).unwrap();
    let mut best = agent("planner", 1.0);
    (best.failures, best.targets, best.reasoning) = (Vec::new(), Vec::new(), None);
    let page = report(vec![best]).to_html();
    check(&page).unwrap();
    let text = text_of(&page);
    assert!(
        text.contains("No play failed.") && text.contains("No family with a target was played.")
    );
    assert!(!text.contains("Reasoning"));
}

#[test]
fn names_of_agents_and_calls_stay_text() {
    for evil in ["<script>alert(1)</script>", "\"'><svg onload=alert(1)>", "</style><b>&amp;"] {
        let mut hostile = agent(evil, 0.5);
        hostile
            .by_level
            .iter_mut()
            .chain(&mut hostile.grades)
            .for_each(|r| r.name = evil.to_owned());
        hostile.failures.iter_mut().for_each(|f| {
            (f.pattern, f.about, f.grades) = (evil.to_owned(), evil.to_owned(), evil.to_owned());
            (f.command, f.calls) = (evil.to_owned(), vec![evil.to_owned()]);
        });
        hostile.spread.iter_mut().for_each(|(class, _)| *class = evil.to_owned());
        let mut page = report(vec![hostile]);
        (page.title, page.asked, page.digest) = (evil.to_owned(), evil.to_owned(), evil.to_owned());
        let page = page.to_html();
        check(&page).unwrap();
        for banned in ["<script", "<svg onload", "<b>"] {
            assert!(!page.contains(banned), "{banned} got through");
        }
        assert_eq!(page.matches("</style>").count(), 1);
    }
}
