//! A month of nights: the policy gets better, forgets nothing, and the same month is the same month.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::Sandbox;

/// Nights of the month.
const NIGHTS: u32 = 30;
/// By how many points success must rise from the first night to the last.
const GAIN: f64 = 0.15;
/// By how many points a family that was mastered may fall.
const FALL: f64 = 0.03;
/// Success from which on a family counts as mastered.
const MASTERED: f64 = 0.95;
/// Most CPU time of a night, in seconds.
const BUDGET: f64 = 90.0;
/// Plays of each grade by which nights are compared, always of the same levels.
const PLAYS: &str = "12";

/// CPU time of all child processes so far, in seconds.
fn children_cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let after = text.rsplit_once(") ").unwrap().1;
    let ticks: Vec<f64> = after.split(' ').skip(13).take(2).map(|t| t.parse().unwrap()).collect();
    (ticks[0] + ticks[1]) / 100.0
}

/// Success of the champion by family and play, on levels that no night uses.
fn held_out(sandbox: &Sandbox) -> BTreeMap<String, Vec<bool>> {
    let played = sandbox
        .run(&[
            "quest",
            "run",
            "--agent",
            "registry:fqm@champion",
            "-n",
            PLAYS,
            "--seed",
            "909",
            "--split",
            "evaluation",
            "--json",
        ])
        .expect(0)
        .json();
    let mut families: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for play in played["run"]["agents"][0]["episodes"].as_array().unwrap() {
        let family = play["family"].as_str().unwrap().to_owned();
        families.entry(family).or_default().push(play["success"].as_bool().unwrap());
    }
    families
}

/// The date of a night, from 1: the first one is the first day of the shipped logs.
fn date(night: u32) -> String {
    match night {
        1..=29 => format!("2026-11-{:02}", night + 1),
        _ => format!("2026-12-{:02}", night - 29),
    }
}

fn rate(plays: &[bool]) -> f64 {
    plays.iter().filter(|won| **won).count() as f64 / plays.len() as f64
}

/// Mean difference of paired plays, and half the width of its 95 % interval.
fn gain(before: &[bool], after: &[bool]) -> (f64, f64) {
    let apart: Vec<f64> =
        before.iter().zip(after).map(|(b, a)| f64::from(*a) - f64::from(*b)).collect();
    let n = apart.len() as f64;
    let mean = apart.iter().sum::<f64>() / n;
    let square = apart.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, 1.96 * (square / n).sqrt())
}

/// Plays and nights, day by day: the champion of a night acts on the next day. Gives the digests of
/// each night.
fn nights(sandbox: &Sandbox, count: u32, mut on_night: impl FnMut(u32, f64)) -> Vec<Value> {
    let mut digests = Vec::new();
    for night in 1..=count {
        let date = date(night);
        let mut day = vec!["simulate", "--from", &date, "--days", "1", "--seed", "23"];
        if night > 1 {
            day.extend(["--policy", "registry:fqm@champion"]);
        }
        sandbox.run(&day).expect(0);
        let before = children_cpu();
        let made = sandbox.night(&date);
        let cpu = children_cpu() - before;
        eprintln!(
            "night {night}: {} in {cpu:.1} CPU seconds: {}",
            made["decision"]["verdict"], made["decision"]["reason"]
        );
        digests.push(made["digests"].clone());
        on_night(night, cpu);
    }
    digests
}

#[test]
#[ignore = "thirty nights, about half an hour: make test-long"]
fn a_month_of_nights_learns_and_forgets_nothing() {
    let sandbox = Sandbox::shipped("month");
    let mut seen: Vec<(u32, BTreeMap<String, Vec<bool>>)> = Vec::new();
    let mut slowest = 0.0f64;
    nights(&sandbox, NIGHTS, |night, cpu| {
        slowest = slowest.max(cpu);
        if night == 1 || night % 10 == 0 {
            seen.push((night, held_out(&sandbox)));
        }
    });
    assert!(slowest <= BUDGET, "a night took {slowest:.1} CPU seconds");

    let all = |families: &BTreeMap<String, Vec<bool>>| -> Vec<bool> {
        families.values().flatten().copied().collect()
    };
    let (first, last) = (&seen.first().unwrap().1, &seen.last().unwrap().1);
    let (mean, half) = gain(&all(first), &all(last));
    eprintln!("held-out success {:.3} to {:.3}", rate(&all(first)), rate(&all(last)));
    eprintln!("gain {mean:.3} ± {half:.3}");
    assert!(mean >= GAIN && mean - half > 0.0, "{mean} ± {half}");
    for (family, plays) in last {
        let best = seen.iter().map(|(_, families)| rate(&families[family])).fold(0.0, f64::max);
        eprintln!("{family}: best {best:.3}, at last {:.3}", rate(plays));
        assert!(best < MASTERED || best - rate(plays) <= FALL, "{family} fell from {best}");
    }

    let page = fs::read_to_string(sandbox.path("reports/latest/index.html")).unwrap();
    for night in 1..=NIGHTS {
        assert!(page.contains(&date(night)), "the page plots every night");
    }
    sandbox.run(&["registry", "verify"]).expect(0);
}

#[test]
#[ignore = "the same nights twice, some minutes: make test-long"]
fn the_same_nights_twice_have_the_same_digests() {
    let count = std::env::var("MONTH_NIGHTS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let once = nights(&Sandbox::shipped("once"), count, |_, _| {});
    let again = nights(&Sandbox::shipped("again"), count, |_, _| {});
    assert_eq!(once, again);
}
