//! The card: what a dataset is and what it can and cannot show, for people, from the manifest alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Counts, Manifest, Role, WaterfallRow};
use crate::core::Digest;

impl Manifest {
    /// The dataset's card as Markdown. Everything in it follows from the manifest, so equal datasets
    /// have equal cards.
    pub fn card(&self) -> String {
        let mut card = String::new();
        // Writing to a string cannot fail, so the result of the parts has nothing to report.
        let _ = self.write_card(&mut card);
        card
    }

    fn write_card(&self, card: &mut String) -> std::fmt::Result {
        let id = self.id().map_or_else(|_| "unknown".to_owned(), |id: Digest| id.to_string());
        writeln!(card, "# Dataset {id}\n")?;
        writeln!(
            card,
            "Rows of the logical dates {} to {}, from the ingest snapshot {}.\n",
            self.window.from, self.window.to, self.inputs
        )?;
        self.contents(card)?;
        shares(card, &self.counts)?;
        self.rules(card)?;
        judged(card, &self.counts)?;
        waterfall(card, &self.waterfall)?;
        writeln!(card, "## What such data can and cannot show\n")?;
        for line in limits(&self.counts) {
            writeln!(card, "- {line}")?;
        }
        Ok(())
    }

    fn contents(&self, card: &mut String) -> std::fmt::Result {
        let c = &self.counts;
        writeln!(card, "## What is in it\n")?;
        writeln!(card, "| role | episodes | steps | training examples |")?;
        writeln!(card, "|---|--:|--:|--:|")?;
        for (role, episodes, steps, examples) in [
            ("imitation", c.imitation_episodes, c.imitation_steps, c.imitation_examples),
            ("offline", c.offline_episodes, c.offline_steps, c.offline_examples),
            ("all", c.episodes, c.steps, c.examples),
        ] {
            writeln!(card, "| {role} | {episodes} | {steps} | {examples} |")?;
        }
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        writeln!(
            card,
            "\nA training example is a step that calls a function or answers in words. {} files, \
             {bytes} bytes.\n",
            self.files.len()
        )
    }

    fn rules(&self, card: &mut String) -> std::fmt::Result {
        writeln!(card, "## Rules and thresholds\n")?;
        if let Some(rules) = self.rules.as_object() {
            // Sorted, because the card of a manifest that was read back must equal the first.
            let sorted: BTreeMap<_, _> = rules.iter().collect();
            for (name, value) in sorted {
                writeln!(card, "- `{name}` = `{value}`")?;
            }
        }
        match self.suites.len() {
            0 => writeln!(card, "- decontaminated against no declared suite")?,
            n => writeln!(card, "- decontaminated against {n} evaluation suite(s):")?,
        }
        for suite in &self.suites {
            writeln!(card, "  - {suite}")?;
        }
        writeln!(card)
    }
}

fn shares(card: &mut String, c: &Counts) -> std::fmt::Result {
    for (title, map, of) in [
        ("log format", &c.by_format, c.episodes),
        ("level family", &c.by_family, c.episodes),
        ("level and challenge", &c.by_grade, c.episodes),
        ("domain", &c.by_domain, c.episodes),
        ("agent", &c.by_agent, c.episodes),
        ("split", &c.by_split, c.episodes),
        ("split, imitation only", &c.imitation_by_split, c.imitation_episodes),
    ] {
        if map.is_empty() {
            continue;
        }
        writeln!(card, "| {title} | episodes | share |")?;
        writeln!(card, "|---|--:|--:|")?;
        for (key, count) in map {
            let key = match key.as_str() {
                "" => "(not stated)".to_owned(),
                key => key.replace('|', "\\|").replace('\n', " "),
            };
            writeln!(card, "| {key} | {count} | {} |", percent(*count, of))?;
        }
        writeln!(card)?;
    }
    Ok(())
}

fn judged(card: &mut String, c: &Counts) -> std::fmt::Result {
    writeln!(card, "## How quality was judged\n")?;
    writeln!(
        card,
        "- {} ({}) by the mean of feedback from people or evaluators",
        episodes(c.scored_by_feedback),
        percent(c.scored_by_feedback, c.episodes)
    )?;
    writeln!(
        card,
        "- {} ({}) had no such feedback: the outcome reward stood in",
        episodes(c.scored_by_outcome),
        percent(c.scored_by_outcome, c.episodes)
    )?;
    writeln!(
        card,
        "- {} ({}) had neither: never imitated, kept for offline use without a score\n",
        episodes(c.unscored),
        percent(c.unscored, c.episodes)
    )
}

fn waterfall(card: &mut String, rows: &[WaterfallRow]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(card, "## What the rules took away\n")?;
    for (role, title) in [(Role::All, "From every role"), (Role::Imitation, "From imitation")] {
        writeln!(card, "{title}:\n")?;
        writeln!(card, "| stage | rule | in | dropped | out | steps out |")?;
        writeln!(card, "|---|---|--:|--:|--:|--:|")?;
        for row in rows.iter().filter(|row| row.role == role) {
            writeln!(
                card,
                "| {} | {} | {} | {} | {} | {} |",
                row.stage, row.rule, row.episodes_in, row.dropped, row.episodes_out, row.steps_out
            )?;
        }
        writeln!(card)?;
    }
    Ok(())
}

/// The sentences on what the data can and cannot show, each with the number that it rests on.
fn limits(c: &Counts) -> Vec<String> {
    if c.episodes == 0 {
        return vec!["It is empty: nothing can be learned from it or shown with it.".to_owned()];
    }
    let mut lines = Vec::new();
    let with_level = c.episodes.saturating_sub(c.without_level);
    if with_level > 0 {
        lines.push(format!(
            "{} ({}) on known Function Quest levels: they replay exactly, so preconditions, \
             possible calls and the distance to the goal are known, and a policy learned from them \
             can be tested on fresh levels of the same families.",
            episodes(with_level),
            percent(with_level, c.episodes)
        ));
    }
    if c.without_level > 0 {
        lines.push(format!(
            "{} ({}) on no known level: they show which function came next, not which others would \
             have worked. Nothing here can show that another choice would have done better, and \
             success on fresh tasks of this kind cannot be measured without their environment.",
            episodes(c.without_level),
            percent(c.without_level, c.episodes)
        ));
    }
    lines.push(format!(
        "{} of {} training examples ({}) carry the propensity of the chosen action: only these \
         allow unbiased estimates for a policy that did not act.",
        c.examples_with_propensity,
        c.examples,
        percent(c.examples_with_propensity, c.examples)
    ));
    if c.imitation_episodes == 0 {
        lines.push("No episode is good enough to imitate.".to_owned());
    }
    if c.scored_by_feedback == 0 {
        lines.push(
            "No person and no evaluator judged any of it: quality means the outcome reward alone."
                .to_owned(),
        );
    }
    if c.imitation_episodes == c.episodes {
        lines.push("It holds no failures: it cannot teach what to avoid.".to_owned());
    }
    for split in ["train", "validation", "test"] {
        if !c.by_split.contains_key(split) {
            lines.push(format!("No episode fell into the split `{split}`."));
        }
    }
    lines
}

fn episodes(count: u64) -> String {
    match count {
        1 => "1 episode".to_owned(),
        n => format!("{n} episodes"),
    }
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}
