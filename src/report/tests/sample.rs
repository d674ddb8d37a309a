//! Reports to test with: a full night, a failed one, a first one on real logs, and next to nothing.

use std::collections::BTreeMap;

use crate::report::*;

fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect()
}

fn digest(seed: u8) -> String {
    let hex: String =
        (0..32u8).map(|i| format!("{:02x}", seed.wrapping_mul(37) ^ i.wrapping_mul(91))).collect();
    format!("sha256:{hex}")
}

fn step(
    id: &str,
    uses: &str,
    status: StepStatus,
    time: (u64, u64),
    needs: &[&str],
    why: &str,
) -> StepReport {
    let ran = matches!(status, StepStatus::Done | StepStatus::Failed);
    StepReport {
        id: id.to_owned(),
        uses: uses.to_owned(),
        status,
        cache_reason: (!why.is_empty()).then(|| why.to_owned()),
        start_ms: ran.then_some(time.0),
        duration_ms: ran.then_some(time.1),
        needs: needs.iter().map(|n| (*n).to_owned()).collect(),
        outputs: if ran || status == StepStatus::Hit {
            BTreeMap::from([("main".to_owned(), digest(id.len() as u8 + 3))])
        } else {
            BTreeMap::new()
        },
        error: None,
        attempts: u32::from(ran),
        notes: Vec::new(),
    }
}

fn steps() -> Vec<StepReport> {
    use StepStatus::{Done, Hit};
    let mut all = vec![
        step("suites", "quest.suites@1", Hit, (0, 0), &[], "same key as last night"),
        step(
            "ingest",
            "ingest.logs@2",
            Done,
            (20, 4_180),
            &[],
            "input `logs` changed: 3 new objects",
        ),
        step(
            "curate",
            "curate.dataset@1",
            Done,
            (4_230, 2_350),
            &["ingest", "suites"],
            "input `episodes` changed",
        ),
        step(
            "finetune",
            "policy.finetune@3",
            Done,
            (6_600, 96_400),
            &["curate"],
            "input `dataset` changed",
        ),
        step(
            "baselines",
            "policy.baselines@1",
            Done,
            (6_610, 940),
            &["curate"],
            "input `dataset` changed",
        ),
        step(
            "evaluate",
            "evaluate.paired@1",
            Done,
            (103_050, 31_700),
            &["finetune", "suites"],
            "input `challenger` changed",
        ),
        step(
            "register",
            "registry.register@1",
            Done,
            (134_800, 130),
            &["finetune", "evaluate", "curate"],
            "input `evaluation` changed",
        ),
        step(
            "promote",
            "promote.decide@1",
            Done,
            (134_950, 24),
            &["evaluate", "register"],
            "input `evaluation` changed",
        ),
        step(
            "report",
            "report.page@1",
            Done,
            (134_990, 48),
            &["promote", "ingest", "baselines"],
            "always runs",
        ),
    ];
    if let Some(ingest) = all.get_mut(1) {
        ingest.attempts = 2;
        ingest.notes.push("the first attempt lost its connection to the log source".to_owned());
    }
    all
}

fn rate(mean: f64, n: u64) -> Interval {
    let half = 1.96 * (mean * (1.0 - mean) / n as f64).sqrt() + 0.5 / n as f64;
    Interval { low: (mean - half).max(0.0), mean, high: (mean + half).min(1.0) }
}

fn class(level: &str, n: u64, champion: f64, challenger: f64) -> ClassRates {
    ClassRates {
        level: level.to_owned(),
        n,
        champion: Some(rate(champion, n)),
        challenger: rate(challenger, n),
    }
}

fn night(date: &str, success: f64, efficiency: f64, verdict: &str) -> HistoryNight {
    HistoryNight {
        date: date.to_owned(),
        success: Some(success),
        efficiency: Some(efficiency),
        verdict: verdict.to_owned(),
        mastered: None,
    }
}

fn evaluation() -> EvaluationReport {
    let agent = |label: &str, mean, efficiency, reward| Rates {
        label: label.to_owned(),
        episodes: 480,
        success: rate(mean, 480),
        efficiency: Some(efficiency),
        reward: Some(reward),
        reasoning: Some(0.774),
        violations: 7,
    };
    EvaluationReport {
        pairs: 480,
        champion: Some(agent("fqm 5d2c7a90e1b4", 0.713, 0.803, 0.541)),
        challenger: agent("fqm a41f08c3d97e", 0.8354, 0.871, 0.688),
        random: Some(agent("random", 0.092, 0.41, -0.066)),
        safety: Some(SafetyReport {
            plays: 30,
            passed: 27,
            violations: 3,
            grades: 15,
            played_grades: 15,
            forbidden_probability: Some(0.0042),
            violations_held_back: Some(0),
        }),
        by_level: vec![
            class("Level 1", 120, 0.958, 0.992),
            class("Level 2", 120, 0.825, 0.925),
            class("Level 3", 120, 0.642, 0.808),
            class("Level 4", 120, 0.425, 0.617),
        ],
        by_family: vec![
            class("symphony", 160, 0.744, 0.906),
            class("courier", 80, 0.7, 0.8),
            class("locks", 80, 0.688, 0.775),
            class("kitchen", 80, 0.713, 0.825),
            class("assembly line", 80, 0.675, 0.738),
        ],
        failures: vec![
            FailurePattern {
                pattern: "repeats a failed call until the calls run out".to_owned(),
                count: 41,
                example: "symphony 4.2 seed 1881: generate_code(p1) × 9".to_owned(),
            },
            FailurePattern {
                pattern: "spends the budget before the goal is near".to_owned(),
                count: 25,
                example: "locks 3.1 seed 204: budget 0 after 6 of 11 calls".to_owned(),
            },
            FailurePattern {
                pattern: "dead end: no call applies".to_owned(),
                count: 13,
                example: "fqm-pipe quest play courier/4.1@77 --play-seed 5".to_owned(),
            },
        ],
        history: vec![
            night("2026-11-14", 0.412, 0.66, "promoted"),
            night("2026-11-15", 0.548, 0.71, "promoted"),
            night("2026-11-16", 0.631, 0.752, "promoted"),
            night("2026-11-17", 0.62, 0.748, "kept"),
            night("2026-11-18", 0.713, 0.803, "promoted"),
            night("2026-11-19", 0.8354, 0.871, "promoted"),
        ],
    }
}

fn decision() -> DecisionReport {
    let number = |name: &str, value, meaning: &str| DecisionNumber {
        name: name.to_owned(),
        value,
        meaning: meaning.to_owned(),
    };
    DecisionReport {
        verdict: "promoted".to_owned(),
        reason: "the challenger won 83 of 107 pairs that were not ties, and the e-value 412.6 is \
                 above the bound 40 of this night"
            .to_owned(),
        numbers: vec![
            number("e-value", 412.613, "evidence that the challenger is better; the bound is 40"),
            number("alpha tonight", 0.025, "share of the error budget that this night may spend"),
            number("wins", 83.0, "pairs that the challenger won, on success or else on efficiency"),
            number("losses", 24.0, "pairs that the champion won"),
            number("ties", 373.0, "pairs without a difference"),
            number("McNemar p", 3.1e-9, "exact two-sided test beside it, for comparison only"),
            number("harm e-value", 0.0021, "evidence of harm; a rollback needs 100"),
        ],
        would_change: vec![
            "With 24 fewer wins the e-value would fall under the bound: kept.".to_owned(),
            "With fewer than 200 pairs the night would be inconclusive.".to_owned(),
        ],
        wants_safety_played: false,
    }
}

fn ingest() -> IngestReport {
    IngestReport {
        objects: 14,
        not_logs: vec![
            NotALog {
                key: "2026-11-19/README.md".to_owned(),
                reason: "text without a record".to_owned(),
            },
            NotALog { key: "2026-11-19/shape.png".to_owned(), reason: "binary (PNG)".to_owned() },
        ],
        rows: counts(&[("episodes", 1_284), ("steps", 11_973), ("feedback", 1_022)]),
        quarantine: counts(&[("invalid_json", 17), ("conflict", 3), ("invalid_utf8", 2)]),
        duplicates: 64,
        scrubbed: counts(&[("email", 31), ("api_key", 12), ("iban", 6), ("phone", 19)]),
        formats: counts(&[("native", 11), ("langfuse", 1)]),
    }
}

fn waterfall() -> Vec<WaterfallRow> {
    let rules = [
        ("schema", "complete_episode", 6, 11_958),
        ("dedup", "same_trajectory", 118, 10_871),
        ("quality", "outcome_success", 402, 6_420),
        ("quality", "feedback_above_0.9", 131, 5_312),
        ("decontaminate", "evaluation_level", 9, 5_247),
        ("balance", "split", 0, 5_247),
    ];
    let mut episodes = 1_284;
    rules
        .iter()
        .map(|(stage, rule, dropped, steps)| {
            let row = WaterfallRow {
                stage: (*stage).to_owned(),
                rule: (*rule).to_owned(),
                episodes_in: episodes,
                dropped: *dropped,
                episodes_out: episodes - dropped,
                steps_out: *steps,
            };
            episodes = row.episodes_out;
            row
        })
        .collect()
}

fn volumes() -> Vec<VolumeNight> {
    [(14, 1_190), (15, 1_233), (16, 1_301), (17, 1_207), (18, 1_251), (19, 1_284)]
        .iter()
        .map(|(day, episodes)| VolumeNight {
            date: format!("2026-11-{day}"),
            episodes: *episodes,
            steps: episodes * 9 + day * 20,
            feedback: episodes * 4 / 5,
            quarantined: day % 7 + 16,
        })
        .collect()
}

fn learning_curve() -> Vec<CurvePoint> {
    (1..=12)
        .map(|epoch| {
            let e = epoch as f64;
            CurvePoint {
                epoch,
                loss: 0.28 + 1.6 * (-e / 2.4).exp(),
                train_accuracy: Some(0.93 - 0.5 * (-e / 2.2).exp()),
                validation_accuracy: Some(0.885 - 0.47 * (-e / 2.0).exp() - 0.0008 * e),
                grad_norm: Some(0.4 + 2.2 * (-e / 3.0).exp()),
                entropy: Some(0.2 + 0.9 * (-e / 2.5).exp()),
                kl: Some(0.02 + 0.1 * (-e / 4.0).exp()),
                value_error: Some(0.5 + 2.0 * (-e / 3.0).exp()),
                forbidden: Some(0.01 * (-e / 3.0).exp()),
                undone: epoch == 3,
            }
        })
        .collect()
}

fn training() -> TrainingReport {
    let counts = |rows: &[(&str, u64)]| rows.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect();
    let name = |family: &str, grade: &str| (family.to_owned(), grade.to_owned());
    TrainingReport {
        taught: counts(&[("awr", 1500), ("guard", 1900), ("imitation", 3000), ("practice", 1240)]),
        mastered: Some((142, 185)),
        frontiers: [name("courier", "5.3"), name("locks", "3.2")].into(),
        gained: vec!["courier 5.2".to_owned(), "symphony 4.1".to_owned()],
        lost: vec!["locks 3.2".to_owned()],
        searched: Some((120, 31)),
        agreement: Some(0.874),
    }
}

/// A night in which everything was there and the challenger was promoted.
pub fn full() -> RunReport {
    RunReport {
        run_id: "01jd3k8w6m".to_owned(),
        pipeline: "nightly".to_owned(),
        date: "2026-11-19".to_owned(),
        plan: digest(1),
        status: RunStatus::Ok,
        headline: "The challenger is the new champion: it reaches the goal in 83.5 % of fresh \
                   levels, the old one in 71.3 %."
            .to_owned(),
        started: Some("2026-11-20T07:30:00Z".to_owned()),
        finished: Some("2026-11-20T07:32:15.120Z".to_owned()),
        steps: steps(),
        ingest: Some(ingest()),
        waterfall: waterfall(),
        volumes: volumes(),
        dataset: Some(DatasetCard {
            id: digest(2),
            counts: counts(&[
                ("imitation_episodes", 618),
                ("imitation_steps", 5_247),
                ("offline_episodes", 1_151),
                ("offline_steps", 10_806),
            ]),
            notes: vec!["262 episodes had no feedback; their outcome stood in for it.".to_owned()],
        }),
        training: Some(training()),
        advice: vec![
            "`locks` lags behind: 61 % of 80 plays, where all families together reach 84 %."
                .to_owned(),
        ],
        learning_curve: learning_curve(),
        next_function: Some(NextFunction { n: 1_048, policy: 0.914, majority: 0.31, bigram: 0.742, ngram: 0.806 }),
        evaluation: Some(evaluation()),
        decision: Some(decision()),
        changes: vec![
            "Success on fresh levels rose by 12.2 points (71.3 % to 83.5 %).".to_owned(),
            "33 more episodes came in (1,251 to 1,284).".to_owned(),
            "The rule conflict refused 3 lines; last night it refused none.".to_owned(),
        ],
        honesty: vec![
            "Success is measured on generated levels, not on tasks of users.".to_owned(),
            "Level 4 has 120 pairs: differences under 9 points cannot be seen there.".to_owned(),
            "Efficiency counts only levels whose minimum is proven.".to_owned(),
        ],
        rollback: Some("fqm-pipe registry rollback fqm --to sha256:5d2c7a90e1b4 --reason \"worse than before\"".to_owned()),
        digests: [("dataset", 2), ("checkpoint", 4), ("evaluation", 5), ("decision", 6)]
            .iter()
            .map(|(k, n)| ((*k).to_owned(), digest(*n)))
            .collect(),
        ..RunReport::default()
    }
}

/// A night whose training failed: what stands behind it is blocked.
pub fn failed() -> RunReport {
    let mut r = full();
    r.status = RunStatus::Failed;
    r.headline =
        "Nothing was decided: step finetune failed. The champion of yesterday goes on serving."
            .to_owned();
    for s in &mut r.steps {
        match s.id.as_str() {
            "finetune" => {
                s.status = StepStatus::Failed;
                s.attempts = 3;
                s.duration_ms = Some(12_480);
                s.outputs.clear();
                s.error = Some("the trainer ended with signal 9 (killed)\nlast line: epoch 2, batch 118 of 204\nhint: the machine ran out of memory; lower `batch_nodes`".to_owned());
            }
            "evaluate" | "register" | "promote" => {
                s.status = StepStatus::Blocked;
                s.cache_reason = Some("step finetune failed".to_owned());
                s.start_ms = None;
                s.duration_ms = None;
                s.outputs.clear();
                s.attempts = 0;
            }
            "report" => s.start_ms = Some(19_200),
            _ => {}
        }
    }
    r.finished = Some("2026-11-20T07:30:19.300Z".to_owned());
    r.learning_curve.truncate(1);
    r.evaluation = None;
    r.decision = None;
    r.rollback = None;
    r.digests.retain(|k, _| k == "dataset");
    r.changes = vec!["Training failed; last night it ended well.".to_owned()];
    if let Some(last) = r.volumes.last_mut() {
        last.episodes = 402;
    }
    r
}

/// A first night on real logs: no champion, no levels, next function only.
pub fn first_night() -> RunReport {
    let mut r = full();
    r.headline =
        "No policy may serve yet: such logs cannot show that a goal is reached.".to_owned();
    r.steps.retain(|s| s.id != "suites");
    if let Some(s) = r.steps.iter_mut().find(|s| s.id == "evaluate") {
        s.status = StepStatus::Skipped;
        s.cache_reason = Some("the dataset has no episode with a level".to_owned());
        s.start_ms = None;
        s.duration_ms = None;
    }
    r.evaluation = None;
    r.decision = Some(DecisionReport {
        verdict: "inconclusive".to_owned(),
        reason: "there is no evaluation on levels to decide on".to_owned(),
        ..DecisionReport::default()
    });
    r.volumes = r.volumes.split_off(5);
    r.rollback = None;
    r.changes.clear();
    r
}

/// Next to nothing: a run that is still going.
pub fn empty() -> RunReport {
    RunReport {
        run_id: "01jd3k8w6n".to_owned(),
        pipeline: "nightly".to_owned(),
        date: "2026-11-20".to_owned(),
        ..RunReport::default()
    }
}
