//! Training: the learning curve and the guess of the next function.

use super::super::charts::{LineChart, Mark, Point, Series, bar, swatch};
use super::super::format::{count, number, percent, percent_or_dash};
use super::super::markup::Markup;
use super::super::model::{CurvePoint, NextFunction, RunReport, TrainingReport};
use super::table::Row;
use super::{Cell, Column, missing, note, section, table};

/// A value of one epoch, where it has one.
type Pick = fn(&CurvePoint) -> Option<f64>;

/// The training's section.
pub(crate) fn training(m: &mut Markup, report: &RunReport) {
    section(m, "training", "Training", |m| {
        if report.learning_curve.is_empty() {
            missing(m, report, "training", &["train", "finetune"]);
        } else {
            if let Some(training) = &report.training {
                learned(m, training);
            }
            curve(m, &report.learning_curve);
        }
        if let Some(next) = &report.next_function {
            next_function(m, next);
        }
    });
}

/// What taught, and what practice came to.
fn learned(m: &mut Markup, training: &TrainingReport) {
    if !training.taught.is_empty() {
        let columns = [Column::text("Learned from"), Column::number("Examples")];
        let rows = training.taught.iter();
        let rows =
            rows.map(|(who, n)| vec![Cell::text(teacher(who)), Cell::text(count(*n))].into());
        table(m, "What taught", &columns, rows.collect());
    }
    let mut lines = Vec::new();
    if let Some((mastered, all)) = training.mastered {
        lines.push(format!("{} of {} grades are mastered.", count(mastered), count(all)));
    }
    let named = |word: &str, grades: &[String]| {
        (!grades.is_empty()).then(|| format!("{word} this night: {}.", grades.join(", ")))
    };
    lines.extend(named("Mastered", &training.gained));
    lines.extend(named("Lost", &training.lost));
    if !training.frontiers.is_empty() {
        let next: Vec<String> =
            training.frontiers.iter().map(|(family, grade)| format!("{family} {grade}")).collect();
        lines.push(format!("Next to be mastered: {}.", next.join(", ")));
    }
    if let Some((tried, broke)) = training.searched.filter(|(tried, _)| *tried > 0) {
        lines.push(format!(
            "Of {} levels tried in search of its weak points, {} broke the champion.",
            count(tried),
            count(broke)
        ));
    }
    if let Some(agreement) = training.agreement {
        lines.push(format!(
            "The reward model puts {} of held-out pairs in the order of the feedback.",
            percent(agreement)
        ));
    }
    lines.iter().for_each(|line| note(m, line));
}

/// A learner's name in words.
fn teacher(name: &str) -> String {
    match name {
        "imitation" => "good episodes, imitated",
        "awr" => "all episodes, by what came of them",
        "preference" => "corrections, and better feedback in the same state",
        "practice" => "practice on training levels",
        "ppo" => "rewards of its own plays",
        "guard" => "what the champion knows, kept",
        other => other,
    }
    .to_owned()
}

fn curve(m: &mut Markup, points: &[CurvePoint]) {
    if points.iter().any(|p| !p.loss.is_finite()) {
        let text = "The loss is not a number in some epochs: the training diverged there.";
        m.leaf("p", &[("class", "must")], text);
    }
    m.el("div", &[("class", "side")], |m| {
        let loss =
            [("mean of the epoch", "series-a", Mark::Dot, (|p: &CurvePoint| Some(p.loss)) as Pick)];
        figure(m, points, "Training loss", false, &loss);
        let accuracy: [(&str, &'static str, Mark, Pick); 2] = [
            ("training", "series-b", Mark::Ring, |p| p.train_accuracy),
            ("held out", "series-a", Mark::Dot, |p| p.validation_accuracy),
        ];
        figure(m, points, "Choices that match the expert's", true, &accuracy);
        let norm = [(
            "mean before clipping",
            "series-a",
            Mark::Dot,
            (|p: &CurvePoint| p.grad_norm) as Pick,
        )];
        figure(m, points, "Gradient norm", false, &norm);
        let nats: [(&str, &'static str, Mark, Pick); 2] = [
            ("from the champion, where that is good", "series-a", Mark::Dot, |p| p.kl),
            ("entropy", "series-b", Mark::Ring, |p| p.entropy),
        ];
        figure(m, points, "Divergence and entropy, in nats", false, &nats);
        let error: [(&str, &'static str, Mark, Pick); 1] =
            [("calls still needed", "series-a", Mark::Dot, |p| p.value_error)];
        figure(m, points, "Mean error of the value head, in calls", false, &error);
    });
    epochs(m, points);
}

fn figure(
    m: &mut Markup,
    points: &[CurvePoint],
    title: &str,
    rate: bool,
    lines: &[(&str, &'static str, Mark, Pick)],
) {
    let there = |l: &&(&str, &'static str, Mark, Pick)| points.iter().any(|p| (l.3)(p).is_some());
    let lines: Vec<_> = lines.iter().filter(there).collect();
    if lines.is_empty() {
        return;
    }
    let series = lines.iter().map(|(name, class, mark, pick)| Series {
        name: (*name).to_owned(),
        class,
        points: points
            .iter()
            .map(|p| Point { x: p.epoch as f64, y: pick(p).unwrap_or(f64::NAN), mark: *mark })
            .collect(),
    });
    let describe = format!("{title} by epoch; the table below holds the values.");
    let chart = LineChart {
        describe: &describe,
        x_label: "epoch",
        names: None,
        rate,
        series: series.collect(),
    };
    m.el("figure", &[], |m| {
        m.el("figcaption", &[("class", "legend")], |m| {
            m.leaf("strong", &[], title);
            for (name, class, mark, _) in &lines {
                m.el("span", &[], |m| {
                    m.add(&swatch(class, Some(*mark), true));
                    m.text(name);
                });
            }
        });
        m.add(&chart.draw());
    });
}

fn epochs(m: &mut Markup, points: &[CurvePoint]) {
    m.el("details", &[], |m| {
        m.leaf("summary", &[], &format!("The curve in numbers ({} epochs)", points.len()));
        let columns = [
            Column::number("Epoch"),
            Column::number("Loss"),
            Column::number("Training"),
            Column::number("Held out"),
            Column::number("Gradient norm"),
            Column::number("Divergence"),
            Column::number("Entropy"),
            Column::number("Forbidden"),
        ];
        let rows = points.iter().map(|p| {
            vec![
                Cell::text(if p.undone {
                    format!("{} (undone)", p.epoch)
                } else {
                    p.epoch.to_string()
                }),
                Cell::text(number(p.loss)),
                Cell::text(percent_or_dash(p.train_accuracy)),
                Cell::text(percent_or_dash(p.validation_accuracy)),
                Cell::text(p.grad_norm.map_or_else(|| "–".to_owned(), number)),
                Cell::text(p.kl.map_or_else(|| "–".to_owned(), number)),
                Cell::text(p.entropy.map_or_else(|| "–".to_owned(), number)),
                Cell::text(percent_or_dash(p.forbidden)),
            ]
            .into()
        });
        table(m, "Epoch by epoch", &columns, rows.collect());
    });
}

fn next_function(m: &mut Markup, next: &NextFunction) {
    m.leaf("h3", &[], "Which function comes next?");
    let best = next.majority.max(next.bigram).max(next.ngram);
    let verdict = if next.policy > best {
        "The policy beats every baseline"
    } else {
        "The policy does not beat every baseline"
    };
    let text = format!("{verdict} on {} held-out steps of logs.", count(next.n));
    note(m, &text);
    let guesses = [
        ("Policy", "the checkpoint of this night", next.policy),
        ("N-gram", "back-off over the last functions", next.ngram),
        ("Bigram", "the commonest successor", next.bigram),
        ("Majority", "always the commonest function", next.majority),
    ];
    let columns = [Column::text("Guess by"), Column::chart("", None), Column::number("Right")];
    let rows = guesses.iter().enumerate().map(|(i, (name, under, rate))| {
        let class = if i == 0 { "fill" } else { "past" };
        Row {
            strong: i == 0,
            cells: vec![
                Cell::two(name, under),
                Cell::markup(bar(*rate, None, class)),
                Cell::text(percent(*rate)),
            ],
        }
    });
    table(m, "Next-function accuracy", &columns, rows.collect());
}
