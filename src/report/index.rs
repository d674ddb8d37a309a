//! The index of runs: one line per run, newest first, each a link to its report.

use serde::{Deserialize, Serialize};

use super::actions::verdict;
use super::charts::bar;
use super::format::{capital, count, percent_or_dash, run_word};
use super::html::page;
use super::markup::{Markup, piece};
use super::model::{RunReport, RunStatus};
use super::sections::{Cell, Column, table};

/// What the index says of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSummary {
    /// The run's id.
    pub run_id: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Logical date, `YYYY-MM-DD`.
    pub date: String,
    /// When the run began (RFC 3339); orders the runs of one date.
    pub started: Option<String>,
    /// How it ended.
    pub status: RunStatus,
    /// The verdict, if one was reached.
    pub verdict: Option<String>,
    /// The night in one sentence.
    pub headline: String,
    /// The challenger's success (0 to 1).
    pub success: Option<f64>,
    /// Episodes that landed.
    pub episodes: Option<u64>,
    /// Where the run's page lies, relative to the index.
    pub href: String,
}

impl RunReport {
    /// What the index says of this run; `href` is its page, relative to the index.
    pub fn summarise(&self, href: impl Into<String>) -> RunSummary {
        RunSummary {
            run_id: self.run_id.clone(),
            pipeline: self.pipeline.clone(),
            date: self.date.clone(),
            started: self.started.clone(),
            status: self.status,
            verdict: verdict(self).map(str::to_owned),
            headline: self.headline.clone(),
            success: self.evaluation.as_ref().map(|e| e.challenger.success.mean),
            episodes: self.ingest.as_ref().and_then(|i| i.rows.get("episodes").copied()),
            href: href.into(),
        }
    }
}

/// The index page; the order of `runs` does not matter.
pub fn index_html(runs: &[RunSummary]) -> String {
    let mut sorted: Vec<&RunSummary> = runs.iter().collect();
    let key = |r: &RunSummary| (r.date.clone(), r.started.clone(), r.run_id.clone());
    sorted.sort_by_key(|r| std::cmp::Reverse(key(r)));
    page("Runs of fqm-pipe", |m| {
        m.leaf("h1", &[("class", "index")], "Runs");
        if sorted.is_empty() {
            let text = "No run has been reported yet. The first one comes from `fqm-pipe run`.";
            m.leaf("p", &[("class", "missing")], text);
        } else {
            rows(m, &sorted);
        }
    })
}

fn rows(m: &mut Markup, runs: &[&RunSummary]) {
    let columns = [
        Column::text("Night"),
        Column::text("Verdict"),
        Column::chart("Challenger's success", None),
        Column::number("Success"),
        Column::number("Episodes"),
        Column::text("In one sentence"),
    ];
    let rows = runs.iter().map(|r| {
        let drawing = r.success.map_or_else(Markup::new, |s| bar(s, None, "fill"));
        let episodes = r.episodes.map_or_else(|| "–".to_owned(), count);
        vec![
            Cell::markup(link(r)),
            Cell::markup(outcome(r)),
            Cell::markup(drawing),
            Cell::text(percent_or_dash(r.success)),
            Cell::text(episodes),
            Cell::text(&r.headline),
        ]
        .into()
    });
    table(m, "Newest first", &columns, rows.collect());
}

fn link(run: &RunSummary) -> Markup {
    piece(|m| {
        if is_relative(&run.href) {
            m.leaf("a", &[("href", &run.href)], &run.date);
        } else {
            m.text(&run.date);
        }
        m.leaf("small", &[], &format!("{} {}", run.pipeline, run.run_id));
    })
}

fn outcome(run: &RunSummary) -> Markup {
    let (class, word) = match (run.status, run.verdict.as_deref()) {
        (RunStatus::Failed, _) => ("bad", "failed"),
        (_, Some("promoted")) => ("good", "promoted"),
        (_, Some("kept")) => ("info", "kept"),
        (_, Some(other)) => ("unsure", other),
        (status, None) => ("quiet", run_word(status)),
    };
    let class = format!("verdict {class}");
    piece(|m| m.leaf("span", &[("class", &class)], &capital(word)))
}

/// Whether a link stays on this machine: no scheme, no host, no root.
fn is_relative(href: &str) -> bool {
    !href.is_empty()
        && !href.starts_with(['/', '\\'])
        && !href.contains(':')
        && !href.chars().any(char::is_control)
}
