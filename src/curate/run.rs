//! The run: filters in their order, then the dataset of what is left.

use std::collections::BTreeMap;

use bytes::Bytes;
use polars::prelude::*;
use tokio::runtime::Handle;

use super::columns::{long, text};
use super::drop_writer::DropWriter;
use super::episodes;
use super::facts::Facts;
use super::filters::exact_dedup::Clusters;
use super::filters::{FILTERS, Filter, Finding, Setting, Table, schema_consent, split};
use super::steps::{StepReader, StepRecord};
use super::waterfall::Ledger;
use super::{CurateContext, CurateError, CurateParams, Drop, Role, Sources, WaterfallRow};
use crate::core::{Blobs, Digest, EpisodeId};
use crate::dataset::{Counts, Episode, Header, Manifest, Step, Writer};

/// What a curation made.
#[derive(Clone, Debug, PartialEq)]
pub struct Curated {
    /// The dataset's id.
    pub dataset: Digest,
    /// Its manifest.
    pub manifest: Manifest,
    /// What each rule took away.
    pub waterfall: Vec<WaterfallRow>,
    /// The blob of drops, see [`read_drops`](super::read_drops).
    pub drops: Digest,
    /// What the dataset counts. `imitation_examples` is the number that `min_examples` is about.
    pub counts: Counts,
}

/// Turns published rows into a dataset. Equal rows, parameters and context give an equal dataset,
/// in whatever order and files the rows come.
///
/// # Errors
/// When a parameter makes no sense, a table lacks a column, or a blob cannot be stored.
pub async fn curate(
    sources: Sources,
    params: &CurateParams,
    context: &CurateContext,
    blobs: &Blobs,
) -> Result<Curated, CurateError> {
    params.validate()?;
    let (own_params, own_context) = (params.clone(), context.clone());
    // Queries take seconds of computing, which must not hold up the other tasks of the runtime.
    let decide = move || Decision::make(sources, own_params, own_context);
    let mut decision = tokio::task::spawn_blocking(decide).await??;
    let drops = blobs.put(std::mem::take(&mut decision.drops)).await?;
    let header = Header {
        window: params.window(context.date),
        rules: serde_json::to_value(params).map_err(CurateError::Encode)?,
        inputs: context.snapshot,
        suites: context.suites.clone(),
        drops: Some(drops),
        waterfall: std::mem::take(&mut decision.waterfall),
    };
    let own_blobs = blobs.clone();
    let fill = move || decision.fill(Writer::new(header), &own_blobs);
    let writer = tokio::task::spawn_blocking(fill).await??;
    let (dataset, manifest) = writer.finish(blobs).await?;
    let (waterfall, counts) = (manifest.waterfall.clone(), manifest.counts.clone());
    Ok(Curated { dataset, manifest, waterfall, drops, counts })
}

/// What the filters decided. A window may have a million episodes, and a reason to drop for each: the
/// reasons stay in their encoded form, and who is left is found again when it is written.
struct Decision {
    judge: Judge,
    steps: StepReader,
    waterfall: Vec<WaterfallRow>,
    /// The file of drops.
    drops: Bytes,
}

impl Decision {
    fn make(
        sources: Sources,
        params: CurateParams,
        context: CurateContext,
    ) -> Result<Self, CurateError> {
        let mut steps = StepReader::new(sources.steps.clone())?;
        let facts = Facts::gather(sources, &mut steps, &context)?;
        let config = params.digest()?;
        let mut judge = Judge { params, context, config, facts, clusters: Clusters::default() };
        if judge.params.exact_dedup {
            judge.find_copies()?;
        }
        let (mut waterfall, mut drops) = (Vec::new(), DropWriter::new()?);
        for at in 0..judge.facts.pieces() {
            let judged = judge.judge(at)?;
            judged.ledger.add_to(&mut waterfall);
            drops.push(judged.drops)?;
            if !judge.params.exact_dedup {
                judge.clusters.add(&judged.episodes)?;
            }
        }
        Ok(Self { judge, steps, waterfall, drops: drops.finish()? })
    }

    /// Hands the episodes that are left to the writer, in ascending order of id. Runs on a thread of
    /// its own, and stores files as soon as they are full.
    fn fill(mut self, mut writer: Writer, blobs: &Blobs) -> Result<Writer, CurateError> {
        let runtime = Handle::current();
        for at in 0..self.steps.spans() {
            let heads = self.judge.left(at)?;
            let records = self.steps.read(at)?;
            for head in heads {
                let Some(records) = records.get(head.id.as_str()) else { continue };
                let corrected = |record: &StepRecord| Step {
                    correction: self.judge.facts.correction(&record.event_id).cloned(),
                    ..record.step.clone()
                };
                let steps = records.iter().map(corrected).collect();
                writer.push(Episode { steps, ..head })?;
            }
            runtime.block_on(writer.store(blobs))?;
        }
        Ok(writer)
    }
}

/// The filters and what they are run with.
struct Judge {
    params: CurateParams,
    context: CurateContext,
    config: Digest,
    facts: Facts,
    /// Of all episodes that may be used; where copies are kept, of all that are left.
    clusters: Clusters,
}

/// What the filters decided on one piece of the window.
struct Judged {
    /// The episodes that are left.
    episodes: DataFrame,
    ledger: Ledger,
    drops: Vec<Drop>,
}

impl Judge {
    /// Finds the clusters of equal trajectories. Only what passes the first filter may lead one.
    fn find_copies(&mut self) -> Result<(), CurateError> {
        for at in 0..self.facts.pieces() {
            let judged = self.run(self.facts.piece(at)?, &[&schema_consent::FILTER])?;
            self.clusters.add(&judged.episodes)?;
        }
        Ok(())
    }

    fn judge(&self, at: usize) -> Result<Judged, CurateError> {
        let mut table = self.facts.piece(at)?;
        if self.params.exact_dedup {
            self.clusters.mark(&mut table.episodes)?;
        }
        self.run(table, &FILTERS)
    }

    fn run(&self, mut table: Table, filters: &[&Filter]) -> Result<Judged, CurateError> {
        let setting = Setting { params: &self.params, context: &self.context };
        let mut ledger = Ledger::new(counted(&table.episodes)?);
        let mut drops = Vec::new();
        for filter in filters {
            let found = (filter.find)(&table, &setting)?;
            let found: Vec<Drop> =
                found.into_iter().map(|f| drop_of(f, filter, self.config)).collect();
            for (rule, role) in filter.rules {
                ledger.book(filter.stage, rule, *role, &found);
            }
            drops.extend(found);
            table.episodes = survivors(&table.episodes, &ledger)?;
        }
        Ok(Judged { episodes: table.episodes, ledger, drops })
    }

    /// The episodes of a piece that are left, with role and split, still without their steps.
    fn left(&self, at: usize) -> Result<Vec<Episode>, CurateError> {
        let Judged { episodes, ledger, .. } = self.judge(at)?;
        let mut heads = episodes::heads(&episodes, self.params.success_reward)?;
        for (head, leader) in heads.iter_mut().zip(self.clusters.leaders(&episodes)?) {
            head.imitation = ledger.is_imitable(head.id.as_str());
            head.offline = true;
            head.split = split::part(leader, &self.params);
        }
        Ok(heads)
    }
}

fn counted(table: &DataFrame) -> Result<BTreeMap<String, u64>, CurateError> {
    let (ids, steps) = (text(table, "episode_id")?, long(table, "n_steps")?);
    let count = |n: Option<i64>| n.unwrap_or_default().unsigned_abs();
    Ok(ids
        .iter()
        .zip(steps.iter())
        .map(|(id, n)| (id.unwrap_or_default().to_owned(), count(n)))
        .collect())
}

fn drop_of(finding: Finding, filter: &Filter, config_sha: Digest) -> Drop {
    let rule = filter.rules.iter().find(|(rule, _)| *rule == finding.rule);
    Drop {
        episode_id: EpisodeId::new(finding.episode_id),
        event_id: finding.event_id,
        what: finding.what,
        // A rule that is about single rows only decides on no episode; its rows are used nowhere.
        role: rule.map_or(Role::All, |(_, role)| *role),
        stage: filter.stage.to_owned(),
        rule_id: finding.rule.to_owned(),
        config_sha,
        measured: finding.measured,
        threshold: finding.threshold,
        evidence: finding.evidence,
        matched_id: finding.matched_id,
    }
}

fn survivors(table: &DataFrame, ledger: &Ledger) -> Result<DataFrame, CurateError> {
    let ids = text(table, "episode_id")?;
    let alive: BooleanChunked =
        ids.iter().map(|id| id.is_some_and(|id| ledger.is_alive(id))).collect();
    Ok(table.filter(&alive)?)
}
