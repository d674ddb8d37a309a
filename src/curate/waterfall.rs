//! The waterfall: how many episodes each rule took away, with both roles as chains that add up.

use std::collections::{BTreeMap, BTreeSet};

use super::{Drop, Dropped, Role, WaterfallRow};

/// Who is still in, by role, while the filters run.
pub(super) struct Ledger {
    /// Steps of every episode that came in.
    steps: BTreeMap<String, u64>,
    alive: BTreeSet<String>,
    /// The imitation role; it parts from the others at the first rule that is about it alone.
    imitable: Option<BTreeSet<String>>,
    rows: Vec<WaterfallRow>,
}

impl Ledger {
    /// A ledger of all episodes that come in, with their numbers of steps.
    pub(super) fn new(steps: BTreeMap<String, u64>) -> Self {
        let alive = steps.keys().cloned().collect();
        Self { steps, alive, imitable: None, rows: Vec::new() }
    }

    /// Books what one rule dropped. An episode that another rule dropped before is not counted twice.
    pub(super) fn book(&mut self, stage: &str, rule: &str, role: Role, drops: &[Drop]) {
        let hit: BTreeSet<&str> = drops
            .iter()
            .filter(|drop| drop.what == Dropped::Episode && drop.rule_id == rule)
            .map(|drop| drop.episode_id.as_str())
            .collect();
        if role == Role::Imitation && self.imitable.is_none() {
            self.imitable = Some(self.alive.clone());
        }
        let steps = &self.steps;
        if role == Role::All {
            let row = take(&mut self.alive, &hit, steps, (stage, rule, Role::All));
            self.rows.push(row);
        }
        if let Some(imitable) = &mut self.imitable {
            let row = take(imitable, &hit, steps, (stage, rule, Role::Imitation));
            self.rows.push(row);
        }
    }

    /// Whether an episode is still in.
    pub(super) fn is_alive(&self, id: &str) -> bool {
        self.alive.contains(id)
    }

    /// Whether an episode may be imitated.
    pub(super) fn is_imitable(&self, id: &str) -> bool {
        self.alive.contains(id) && self.imitable.as_ref().is_none_or(|set| set.contains(id))
    }

    /// Adds the lines to those of other episodes that the same rules decided on.
    pub(super) fn add_to(self, total: &mut Vec<WaterfallRow>) {
        if total.is_empty() {
            *total = self.rows;
            return;
        }
        for (sum, row) in total.iter_mut().zip(self.rows) {
            sum.episodes_in += row.episodes_in;
            sum.dropped += row.dropped;
            sum.episodes_out += row.episodes_out;
            sum.steps_out += row.steps_out;
        }
    }
}

fn take(
    set: &mut BTreeSet<String>,
    hit: &BTreeSet<&str>,
    steps: &BTreeMap<String, u64>,
    (stage, rule, role): (&str, &str, Role),
) -> WaterfallRow {
    let before = set.len() as u64;
    set.retain(|id| !hit.contains(id.as_str()));
    let after = set.len() as u64;
    WaterfallRow {
        stage: stage.to_owned(),
        rule: rule.to_owned(),
        role,
        episodes_in: before,
        dropped: before - after,
        episodes_out: after,
        steps_out: set.iter().filter_map(|id| steps.get(id)).sum(),
    }
}
