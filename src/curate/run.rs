//! The run: filters in their order, then the dataset of what is left.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::columns::{long, text};
use super::episodes::{self, Head};
use super::feedback::Feedback;
use super::filters::{FILTERS, Filter, Finding, Setting, Table, split};
use super::steps::StepReader;
use super::summary::summarise;
use super::waterfall::Ledger;
use super::{
    CurateContext, CurateError, CurateParams, Drop, Role, Sources, WaterfallRow, encode_drops,
};
use crate::core::{Blobs, Digest, EpisodeId};
use crate::dataset::{Counts, Episode, Header, Manifest, Writer};

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
    let decide = move || Decision::make(sources, &own_params, &own_context);
    let mut decision = tokio::task::spawn_blocking(decide).await??;
    let drops = blobs.put(encode_drops(&mut decision.drops)?).await?;
    let header = Header {
        window: params.window(context.date),
        rules: serde_json::to_value(params).map_err(CurateError::Encode)?,
        inputs: context.snapshot,
        suites: context.suites.clone(),
        drops: Some(drops),
        waterfall: decision.ledger.rows().to_vec(),
    };
    let fill = move || decision.fill(Writer::new(header));
    let writer = tokio::task::spawn_blocking(fill).await??;
    let (dataset, manifest) = writer.finish(blobs).await?;
    let (waterfall, counts) = (manifest.waterfall.clone(), manifest.counts.clone());
    Ok(Curated { dataset, manifest, waterfall, drops, counts })
}

/// What the filters decided, before anything is written.
struct Decision {
    steps: StepReader,
    heads: BTreeMap<String, Head>,
    ledger: Ledger,
    drops: Vec<Drop>,
}

impl Decision {
    fn make(
        sources: Sources,
        params: &CurateParams,
        context: &CurateContext,
    ) -> Result<Self, CurateError> {
        let mut steps = StepReader::new(sources.steps)?;
        let feedback = Feedback::new(sources.feedback)?;
        let mut table = gather(sources.episodes, &mut steps, feedback, context)?;
        let mut ledger = Ledger::new(counted(&table.episodes)?);
        let mut drops = Vec::new();
        let setting = Setting { params, context };
        let config = params.digest()?;
        for filter in FILTERS {
            let found = (filter.find)(&table, &setting)?;
            let found: Vec<Drop> = found.into_iter().map(|f| drop_of(f, filter, config)).collect();
            for (rule, role) in filter.rules {
                ledger.book(filter.stage, rule, *role, &found);
            }
            drops.extend(found);
            table.episodes = survivors(&table.episodes, &ledger)?;
        }
        let mut heads = episodes::heads(&table.episodes, params.success_reward)?;
        split::assign(&table.episodes, &mut heads, params)?;
        Ok(Self { steps, heads, ledger, drops })
    }

    /// Hands the episodes that are left to the writer, in ascending order of id.
    fn fill(mut self, mut writer: Writer) -> Result<Writer, CurateError> {
        for span in 0..self.steps.spans() {
            for (id, records) in self.steps.read(span)?.iter() {
                let Some(head) = self.heads.get(id) else { continue };
                let steps = records.iter().map(|record| record.step.clone()).collect();
                let imitation = self.ledger.is_imitable(id);
                writer.push(Episode { imitation, offline: true, steps, ..head.episode.clone() })?;
            }
        }
        Ok(writer)
    }
}

/// Reads everything but the steps' content, which is summed up span by span.
fn gather(
    episodes: LazyFrame,
    steps: &mut StepReader,
    feedback: Feedback,
    context: &CurateContext,
) -> Result<Table, CurateError> {
    let episodes = episodes::load(episodes)?;
    let ids = || episodes.clone().lazy().select([col("episode_id")]);
    let on = || col("episode_id");
    let orphan_steps = steps.ids().anti_join(ids(), on(), on()).collect()?;
    let orphan_feedback = feedback.orphans(ids())?;
    let summary = summarise(steps, &context.eval_narratives)?;
    let episodes = episodes::candidates(&episodes, summary, feedback.by_episode())?;
    Ok(Table { episodes, orphan_steps, orphan_feedback, feedback })
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
