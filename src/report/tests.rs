//! Tests of the room: what the page says, that nothing gets out of its text, and the files' forms.

mod arena;
mod checker;
mod sample;

use serde_json::Value;

use super::actions::{Action, actions};
use super::charts::{Layout, LineChart, Mark, Point, Series};
use super::format;
use super::markup::piece;
use super::*;
use checker::{check, text_of};

fn all() -> Vec<RunReport> {
    vec![sample::full(), sample::failed(), sample::first_night(), sample::empty()]
}

#[test]
fn every_page_is_well_formed_and_loads_nothing() {
    for report in all() {
        let page = report.to_html();
        check(&page).unwrap();
        for banned in ["<script", "<link", "<img", "<iframe", "@import", "http://", "https://"] {
            assert!(!page.contains(banned), "{banned} in the page of {}", report.headline);
        }
        // The only url() is the shared hatching inside the page.
        assert_eq!(page.matches("url(").count(), page.matches("url(#hatch)").count());
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    for bad in ["<p><b></p></b>", "<p>", "</p>", "<p a=\"1>x</p>", "<p>a & b</p>", "<p a=1>x</p>"] {
        assert!(check(&format!("<!DOCTYPE html>\n{bad}")).is_err(), "{bad} passed");
    }
    check("<!DOCTYPE html>\n<p a=\"1\">x &amp; y<br/></p>").unwrap();
}

/// Replaces every string, keys of maps included where they are data, by `evil`.
fn poison(value: &mut Value, path: &str, evil: &str) {
    const WORDS: [&str; 2] = ["status", "format"];
    const MAPS: [&str; 7] =
        ["outputs", "rows", "quarantine", "scrubbed", "formats", "counts", "digests"];
    match value {
        Value::String(s) if !WORDS.contains(&path) => *s = evil.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|v| poison(v, path, evil)),
        Value::Object(map) => {
            let entries: Vec<_> = std::mem::take(map).into_iter().collect();
            for (i, (key, mut inner)) in entries.into_iter().enumerate() {
                poison(&mut inner, &key, evil);
                let data = MAPS.contains(&path);
                map.insert(if data { format!("{evil}{i}") } else { key }, inner);
            }
        }
        _ => {}
    }
}

#[test]
fn hostile_text_stays_text_in_every_field() {
    for evil in [
        "<script>alert('x')</script>",
        "\"'><svg onload=alert(1)>",
        "`<b>`&amp;</style></title><!--",
        "javascript:alert(1)",
    ] {
        for report in all() {
            let mut value = serde_json::to_value(&report).unwrap();
            poison(&mut value, "", evil);
            let report: RunReport = serde_json::from_value(value).unwrap();
            let page = report.to_html();
            check(&page).unwrap();
            let index = index_html(&[report.summarise(evil)]);
            check(&index).unwrap();
            for page in [page, index] {
                for banned in ["<script", "<svg onload", "<b>", "<!--", "href=\"javascript"] {
                    assert!(!page.contains(banned), "{banned} got through from {evil}");
                }
                assert_eq!(page.matches("</style>").count(), 1);
                assert_eq!(page.matches("</title>").count(), page.matches("<title>").count());
            }
        }
    }
}

#[test]
fn hidden_characters_do_not_reach_page_or_terminal() {
    let mut report = sample::full();
    report.headline = "a\u{1b}[31mred\u{202e}drow".to_owned();
    report.decision = None;
    for text in [report.to_html(), summary_text(&report, "r\u{7}.html")] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\u{0}']));
        assert!(text.contains("red"));
    }
}

#[test]
fn equal_reports_give_equal_bytes() {
    for report in all() {
        assert_eq!(report.to_html(), report.clone().to_html());
        let again = RunReport::from_json(&report.to_json().unwrap()).unwrap();
        assert_eq!(again.to_html(), report.to_html());
    }
}

#[test]
fn json_round_trips_with_sorted_keys() {
    for report in all() {
        let text = report.to_json().unwrap();
        assert_eq!(RunReport::from_json(&text).unwrap(), report);
        assert!(text.ends_with("}\n"));
        let keys: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with("  \""))
            .filter_map(|l| l.split('"').nth(1))
            .collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert!(keys.len() > 20);
    }
}

#[test]
fn json_of_a_diverged_training_reads_back() {
    let mut report = sample::full();
    report.learning_curve[3].loss = f64::NAN;
    let again = RunReport::from_json(&report.to_json().unwrap()).unwrap();
    assert!(again.learning_curve[3].loss.is_nan());
    let page = again.to_html();
    check(&page).unwrap();
    assert!(page.contains("the training diverged"));
    assert!(!page.contains("NaN"));
}

#[test]
fn json_says_what_it_cannot_read() {
    let newer = RunReport::from_json("{\"format\":\"fqm-report/9\",\"steps\":7}").unwrap_err();
    assert!(newer.to_string().contains("`fqm-report/9`"), "{newer}");
    assert!(newer.to_string().contains("upgrade"));
    assert!(matches!(RunReport::from_json("[]"), Err(ReportError::Read(_))));
    let older = RunReport::from_json("{\"format\":\"fqm-report/1\",\"run_id\":\"a\"}").unwrap();
    assert_eq!((older.run_id.as_str(), older.status), ("a", RunStatus::Running));
}

#[test]
fn the_first_screen_answers_the_four_questions() {
    let page = sample::full().to_html();
    let text = text_of(&page);
    let top = text.split("The numbers that the decision rests on").next().unwrap();
    for part in [
        "Promoted",
        "The challenger is the new champion",
        "Why: The challenger won 83 of 107",
        "What must I do?",
        "fqm-pipe registry rollback fqm --to",
        "33 more episodes",
        "8 ran, 1 from cache",
        "+12.2 points",
    ] {
        assert!(top.contains(part), "{part} is not on the first screen");
    }
}

#[test]
fn a_full_page_shows_every_part() {
    let text = text_of(&sample::full().to_html());
    for part in [
        "412.6",
        "With 24 fewer wins",
        "Level 4",
        "assembly line",
        "53–71\u{a0}%",
        "+19.2",
        "Random calls",
        "9.2\u{a0}%",
        "77.4\u{a0}%",
        "Safety suites: 27 of 30 passed, 3 with a forbidden call.",
        "fqm-pipe quest play courier/4.1@77 --play-seed 5",
        "repeats a failed call",
        "Kept",
        "1 min 36\u{a0}s".replace("1 min", "1\u{a0}min").as_str(),
        "policy.finetune@3",
        "2 attempts",
        "invalid json",
        "2026-11-19/shape.png",
        "4\u{a0}% more than the median of 5 nights",
        "feedback above 0.9",
        "−402",
        "262 episodes had no feedback",
        "Training loss",
        "91.4\u{a0}%",
        "The policy beats every baseline",
        "not on tasks of users",
        "checkpoint",
    ] {
        assert!(text.contains(part), "{part} is missing");
    }
}

#[test]
fn missing_parts_say_why() {
    let text = text_of(&sample::first_night().to_html());
    let why = "No evaluation in this run: step evaluate was skipped because the dataset has no \
               episode with a level.";
    assert!(text.contains(why));
    let text = text_of(&sample::failed().to_html());
    assert!(text.contains(
        "No decision in this run: step promote was blocked because step finetune failed."
    ));
    let text = text_of(&sample::empty().to_html());
    assert!(text.contains("No training in this run: no step has run."));
    assert!(text.contains("Nothing yet: the run is still going."));

    let mut done = sample::full();
    done.learning_curve.clear();
    assert!(text_of(&done.to_html()).contains("step finetune is done but left no figures"));
    done.steps.retain(|s| s.id != "finetune");
    assert!(text_of(&done.to_html()).contains("the pipeline has no step train."));
}

#[test]
fn actions_name_the_commands() {
    let list = actions(&sample::failed());
    let commands: Vec<&str> = list.iter().filter_map(|a| a.command.as_deref()).collect();
    assert_eq!(
        commands,
        ["fqm-pipe logs 01jd3k8w6m finetune", "fqm-pipe run nightly --date 2026-11-19"]
    );
    assert!(list.iter().any(|a| a.text.contains("402 episodes tonight, where 1,233 are usual")));
    assert!(matches!(&actions(&sample::full())[..], [Action { must: false, .. }]));

    let mut dirty = sample::full();
    let ingest = dirty.ingest.as_mut().unwrap();
    ingest.quarantine.insert("invalid_json".to_owned(), 900);
    let list = actions(&dirty);
    assert!(list[0].must && list[0].text.contains("most by the rule invalid_json"), "{list:?}");
}

#[test]
fn a_gate_that_is_never_played_is_something_to_do() {
    let mut report = sample::full();
    assert!(!actions(&report)[0].must);
    report.decision.as_mut().unwrap().wants_safety_played = true;
    report.evaluation.as_mut().unwrap().safety = None;
    let list = actions(&report);
    assert!(list[0].must, "{list:?}");
    assert!(list[0].text.contains("`require_safety`") && list[0].text.contains("`safety`"));
    let some = SafetyReport {
        plays: 2,
        passed: 2,
        violations: 0,
        grades: 15,
        played_grades: 2,
        forbidden_probability: None,
        violations_held_back: None,
    };
    report.evaluation.as_mut().unwrap().safety = Some(some);
    assert!(actions(&report)[0].text.contains("15 or more"));
    let text = text_of(&report.to_html());
    assert!(text.contains("2 of 2 passed, 0 with a forbidden call; 13 of 15 grades not played"));
}

#[test]
fn a_champion_that_failed_the_safety_suites_is_said_to_have() {
    let mut report = sample::full();
    assert!(actions(&report)[0].text.contains("failed plays of them"), "{:?}", actions(&report));
    report.evaluation.as_mut().unwrap().safety.as_mut().unwrap().passed = 30;
    assert!(actions(&report)[0].text.contains("rolls it back"), "{:?}", actions(&report));
}

#[test]
fn levels_and_families_stand_there_without_a_champion() {
    let mut report = sample::full();
    let e = report.evaluation.as_mut().unwrap();
    e.champion = None;
    e.by_level.iter_mut().chain(&mut e.by_family).for_each(|row| row.champion = None);
    let page = report.to_html();
    check(&page).unwrap();
    assert!(text_of(&page).contains("Success by levelLevelPlays"), "{}", text_of(&page));
}

#[test]
fn a_low_night_needs_nights_to_compare_with() {
    let mut report = sample::failed();
    report.status = RunStatus::Ok;
    assert!(actions(&report)[0].must);
    report.volumes = report.volumes.split_off(4);
    assert!(!actions(&report)[0].must);
}

#[test]
fn summary_reads_as_expected() {
    let expected = "\
nightly 2026-11-19: failed in 19.3 s (4 ran, 1 from cache, 1 failed, 3 blocked)
Decision: none. Nothing was decided: step finetune failed. The champion of yesterday goes on serving.
Logs: 1,284 episodes, 11,973 steps, 1,022 feedback from 14 objects; 64 duplicates, 22 lines refused, 68 values scrubbed, 2 objects that are no logs
Dataset: 618 imitation episodes, 5,247 imitation steps, 1,151 offline episodes, 10,806 offline steps
Since the night before:
  - Training failed; last night it ended well.
To do: Step finetune failed: the trainer ended with signal 9 (killed). Its log:
  fqm-pipe logs 01jd3k8w6m finetune
To do: Once the cause is mended, start the night again; what is done is not done twice:
  fqm-pipe run nightly --date 2026-11-19
To do: Check the log source: 402 episodes tonight, where 1,233 are usual.
Report: reports/latest/index.html
";
    assert_eq!(summary_text(&sample::failed(), "reports/latest/index.html"), expected);
}

#[test]
fn summary_stays_short_and_keeps_its_commands() {
    let mut report = sample::full();
    report.changes = (0..200).map(|i| format!("change {i} ").repeat(60)).collect();
    report.rollback = Some(format!("fqm-pipe registry rollback {}", "x".repeat(400)));
    let text = summary_text(&report, "out.html");
    assert!(text.lines().count() <= 25);
    assert!(text.contains("and 195 more in the report"));
    assert!(text.contains("success 83.5 % (80–87 %) on 480 pairs; champion 71.3 %, +12.2 points"));
    assert!(text.contains("\nSafety: 27 of 30 passed, 3 with a forbidden call\n"), "{text}");
    assert!(text.ends_with(&format!("Roll back: {}\n", report.rollback.unwrap())));
    assert!(!summary_text(&sample::empty(), "").contains("Report:"));
}

#[test]
fn index_is_newest_first_and_links_stay_at_home() {
    let mut old = sample::full().summarise("a/index.html");
    old.date = "2026-11-01".to_owned();
    let new = sample::failed().summarise("b/index.html");
    let page = index_html(&[old.clone(), new.clone()]);
    check(&page).unwrap();
    assert_eq!(page, index_html(&[new.clone(), old.clone()]));
    assert!(page.find("b/index.html").unwrap() < page.find("a/index.html").unwrap());
    assert!(page.contains("Failed") && page.contains("83.5\u{a0}%"));
    for href in ["//host/x", "javascript:x", "/etc/passwd", "\\\\host", ""] {
        old.href = href.to_owned();
        assert!(!index_html(&[old.clone()]).contains("<a "), "{href} became a link");
    }
    assert!(index_html(&[]).contains("No run has been reported yet"));
}

#[test]
fn layers_follow_needs_and_drop_implied_arrows() {
    let steps = sample::full().steps;
    let layout = Layout::of(&steps);
    assert_eq!(layout.layers.len(), 7);
    // curate → register is implied by the way over finetune and evaluate, and so are others.
    let ends: Vec<(usize, usize)> =
        layout.arrows.iter().map(|a| (a[0].0, a.last().unwrap().0)).collect();
    assert_eq!(ends.len(), 9, "{ends:?}");
    assert!(ends.iter().all(|(a, b)| a < b));
    let long = layout.arrows.iter().find(|a| a.len() > 2).unwrap();
    assert_eq!(long.len(), 5, "baselines → report passes three layers");
}

#[test]
fn a_cycle_or_an_unknown_need_still_draws() {
    let mut report = sample::full();
    report.steps[0].needs = vec!["report".to_owned(), "nowhere".to_owned(), "suites".to_owned()];
    check(&report.to_html()).unwrap();
    report.steps.truncate(1);
    check(&report.to_html()).unwrap();
    let many: Vec<StepReport> =
        (0..300).map(|i| StepReport { id: format!("s{i}"), ..StepReport::default() }).collect();
    report.steps = many;
    let page = report.to_html();
    assert!(page.contains("too many steps") && page.contains("s299"));
}

#[test]
fn extreme_numbers_do_not_break_the_charts() {
    let mut report = sample::full();
    for (i, p) in report.learning_curve.iter_mut().enumerate() {
        p.loss = [f64::INFINITY, -1e300, 1e300, 0.0][i % 4];
        p.epoch = 7;
    }
    let e = report.evaluation.as_mut().unwrap();
    e.challenger.success = Interval { low: f64::NAN, mean: 7.0, high: -3.0 };
    e.history.iter_mut().for_each(|n| n.success = None);
    report.volumes.iter_mut().for_each(|v| v.episodes = 0);
    report.waterfall.iter_mut().for_each(|w| w.episodes_in = 0);
    report.steps[1].start_ms = Some(u64::MAX);
    let page = report.to_html();
    check(&page).unwrap();
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

#[test]
fn a_line_breaks_at_a_missing_value() {
    let point = |x: f64, y: f64| Point { x, y, mark: Mark::Dot };
    let points = vec![
        point(1.0, 1.0),
        point(2.0, 2.0),
        point(3.0, f64::NAN),
        point(4.0, 1.0),
        point(5.0, 2.0),
    ];
    let chart = LineChart {
        describe: "d",
        x_label: "x",
        names: None,
        rate: false,
        series: vec![Series { name: "s".to_owned(), class: "series-a", points }],
    };
    assert_eq!(chart.draw().as_str().matches("<polyline").count(), 2);
}

#[test]
fn backticks_become_code_only_in_pairs() {
    assert_eq!(piece(|m| m.prose("a `b<` c")).as_str(), "a <code>b&lt;</code> c");
    assert_eq!(piece(|m| m.prose("a `b c 5 %")).as_str(), "a `b c 5\u{a0}%");
}

#[test]
fn numbers_read_well() {
    assert_eq!(format::count(1_234_567), "1,234,567");
    assert_eq!(format::count(999), "999");
    assert_eq!(format::number(0.025), "0.025");
    assert_eq!(format::number(412.613), "412.6");
    assert_eq!(format::number(-1234.5678), "−1,235");
    assert_eq!(format::number(3.1e-9), "3.10e-9");
    assert_eq!(format::number(f64::NAN), "not a number");
    assert_eq!(format::points(-0.0001), "±0.0");
    assert_eq!(format::points(-0.123), "−12.3");
    assert_eq!(format::duration(24), "24\u{a0}ms");
    assert_eq!(format::duration(59_970), "1\u{a0}min 00\u{a0}s");
    assert_eq!(format::duration(3_840_000), "1\u{a0}h 04\u{a0}min");
    assert_eq!(format::moment("2026-11-20T02:30:00-05:00"), "2026-11-20 02:30:00 -05:00");
    assert_eq!(format::shell_word("it's"), "'it'\\''s'");
    assert_eq!(format::month_day("2026-11-19"), "11-19");
    assert_eq!(format::cut("añejo\nb", 3), "añ…");
}
