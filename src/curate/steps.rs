//! Steps, episode by episode, with no more of them in memory than one span of episodes has.

use std::collections::BTreeMap;
use std::sync::Arc;

use polars::prelude::*;

use super::CurateError;
use super::columns::{Kind, Layout, Need, double, int, long, stream, text};
use crate::core::Digest;
use crate::dataset::{Candidate, Step};

/// The columns that curation uses.
pub(super) const LAYOUT: Layout = Layout {
    table: "steps",
    columns: &[
        ("episode_id", Kind::Text, Need::Must),
        ("event_id", Kind::Text, Need::Must),
        ("step_index", Kind::Int, Need::Must),
        ("action_type", Kind::Text, Need::Must),
        ("tool_name", Kind::Text, Need::May),
        ("tool_args_json", Kind::Text, Need::May),
        ("tool_result_json", Kind::Text, Need::May),
        ("observation_json", Kind::Text, Need::May),
        ("candidate_actions", Kind::Raw, Need::May),
        ("chosen_index", Kind::Int, Need::May),
        ("propensity", Kind::Float, Need::May),
        ("outcome_index", Kind::Int, Need::May),
        ("reward", Kind::Double, Need::May),
        ("done", Kind::Flag, Need::May),
        ("error_type", Kind::Text, Need::May),
        ("tool_defs_sha", Kind::Text, Need::May),
        ("known_at", Kind::Time, Need::May),
    ],
};

/// How many rows a span of episodes may have; one episode is never cut.
const SPAN_ROWS: u64 = 32_768;

/// One step with its identity in the store.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepRecord {
    pub(super) event_id: String,
    pub(super) step: Step,
    known_at: i64,
}

/// The steps of some episodes, each episode's in order.
pub(super) type Chunk = BTreeMap<String, Vec<StepRecord>>;

/// Episodes that are neighbours by id, from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    first: String,
    last: String,
}

/// Reads steps span by span, in ascending order of episodes.
pub(super) struct StepReader {
    frame: LazyFrame,
    spans: Vec<Span>,
    /// The only chunk: small windows have one span, and are read once for two passes.
    only: Option<Arc<Chunk>>,
}

impl StepReader {
    /// Plans the spans of a table of steps.
    pub(super) fn new(frame: LazyFrame) -> Result<Self, CurateError> {
        Self::with_span(frame, SPAN_ROWS)
    }

    pub(super) fn with_span(frame: LazyFrame, rows: u64) -> Result<Self, CurateError> {
        let frame = LAYOUT.select(frame)?.filter(col("episode_id").is_not_null());
        let counts = frame.clone().group_by([col("episode_id")]);
        let counts = counts.agg([len().cast(DataType::Int64).alias("rows")]);
        let counts = stream(counts.sort(["episode_id"], SortMultipleOptions::default()))?;
        let (ids, sizes) = (text(&counts, "episode_id")?, long(&counts, "rows")?);
        let mut spans: Vec<Span> = Vec::new();
        let mut open = 0;
        for (id, size) in ids.iter().zip(sizes.iter()) {
            let (id, size) = (id.unwrap_or_default(), size.unwrap_or_default().unsigned_abs());
            match spans.last_mut().filter(|_| open + size <= rows) {
                Some(span) => {
                    span.last = id.to_owned();
                    open += size;
                }
                None => {
                    spans.push(Span { first: id.to_owned(), last: id.to_owned() });
                    open = size;
                }
            }
        }
        Ok(Self { frame, spans, only: None })
    }

    /// How many spans there are.
    pub(super) fn spans(&self) -> usize {
        self.spans.len()
    }

    /// The first episode of each span but the first.
    pub(super) fn bounds(&self) -> Vec<String> {
        self.spans.iter().skip(1).map(|span| span.first.clone()).collect()
    }

    /// The episode and event ids of all steps.
    pub(super) fn ids(&self) -> LazyFrame {
        self.frame.clone().select([col("episode_id"), col("event_id")])
    }

    /// The steps of one span.
    pub(super) fn read(&mut self, at: usize) -> Result<Arc<Chunk>, CurateError> {
        if let Some(chunk) = self.only.as_ref().filter(|_| at == 0) {
            return Ok(Arc::clone(chunk));
        }
        let Some(span) = self.spans.get(at) else { return Ok(Arc::default()) };
        let id = || col("episode_id");
        let within = id().gt_eq(lit(span.first.as_str())).and(id().lt_eq(lit(span.last.as_str())));
        let frame = self.frame.clone().filter(within).collect()?;
        let chunk = Arc::new(decode(&frame)?);
        self.only = (self.spans.len() == 1).then(|| Arc::clone(&chunk));
        Ok(chunk)
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn decode(frame: &DataFrame) -> Result<Chunk, CurateError> {
    let strings = |name| text(frame, name);
    let (episode, event) = (strings("episode_id")?, strings("event_id")?);
    let (action, tool) = (strings("action_type")?, strings("tool_name")?);
    let (args, result) = (strings("tool_args_json")?, strings("tool_result_json")?);
    let (observation, error) = (strings("observation_json")?, strings("error_type")?);
    let tool_defs = strings("tool_defs_sha")?;
    let (index, chosen) = (int(frame, "step_index")?, int(frame, "chosen_index")?);
    let outcome = int(frame, "outcome_index")?;
    let propensity = frame.column("propensity")?.f32()?;
    let reward = double(frame, "reward")?;
    let done = frame.column("done")?.bool()?;
    let known_at = long(frame, "known_at")?;
    let mut candidates = candidates(frame)?.into_iter();
    let mut chunk = Chunk::new();
    for row in 0..frame.height() {
        let step = Step {
            index: index.get(row).unwrap_or_default(),
            action: action.get(row).unwrap_or_default().to_owned(),
            tool: owned(tool.get(row)),
            args_json: owned(args.get(row)),
            result_json: owned(result.get(row)),
            observation_json: owned(observation.get(row)),
            candidates: candidates.next().unwrap_or_default(),
            chosen: chosen.get(row),
            propensity: propensity.get(row),
            outcome: outcome.get(row),
            reward: reward.get(row),
            done: done.get(row).unwrap_or_default(),
            error: owned(error.get(row)),
            tool_defs: tool_defs.get(row).and_then(|text| text.parse::<Digest>().ok()),
            correction: None,
        };
        let event_id = event.get(row).unwrap_or_default().to_owned();
        let record = StepRecord { event_id, step, known_at: known_at.get(row).unwrap_or(0) };
        chunk.entry(episode.get(row).unwrap_or_default().to_owned()).or_default().push(record);
    }
    chunk.values_mut().for_each(settle);
    Ok(chunk)
}

/// One episode's steps in order, of each event the version known last.
fn settle(steps: &mut Vec<StepRecord>) {
    let content = |record: &StepRecord| serde_json::to_string(&record.step).unwrap_or_default();
    steps.sort_by(|a, b| {
        let newest_first = (&a.event_id, b.known_at).cmp(&(&b.event_id, a.known_at));
        // Only versions that were known at the same time are told apart by their content.
        newest_first.then_with(|| content(b).cmp(&content(a)))
    });
    steps.dedup_by(|later, first| later.event_id == first.event_id);
    steps.sort_by(|a, b| (a.step.index, &a.event_id).cmp(&(b.step.index, &b.event_id)));
}

/// The candidates of each row; none where the log does not say.
fn candidates(frame: &DataFrame) -> Result<Vec<Vec<Candidate>>, CurateError> {
    let column = frame.column("candidate_actions")?.as_materialized_series().rechunk();
    if column.dtype() == &DataType::Null {
        return Ok(vec![Vec::new(); frame.height()]);
    }
    let lists = column.list()?;
    let mut rows = Vec::with_capacity(frame.height());
    let values = lists.get_inner();
    let values = values.struct_()?;
    let id = values.field_by_name("id")?.cast(&DataType::String)?;
    let score = values.field_by_name("score")?.cast(&DataType::Float32)?;
    // The first version of the table had no propensities beside its candidates.
    let propensity = match values.field_by_name("propensity") {
        Ok(column) => column.cast(&DataType::Float32)?,
        Err(_) => Series::full_null("propensity".into(), values.len(), &DataType::Float32),
    };
    let (id, score, propensity) = (id.str()?, score.f32()?, propensity.f32()?);
    let one = |at: usize| Candidate {
        id: id.get(at).unwrap_or_default().to_owned(),
        score: score.get(at),
        propensity: propensity.get(at),
    };
    for array in lists.downcast_iter() {
        let ends = array.offsets().as_slice();
        for pair in ends.windows(2) {
            let [from, to] = [pair.first(), pair.last()]
                .map(|end| end.and_then(|end| usize::try_from(*end).ok()).unwrap_or(0));
            rows.push((from..to).map(one).collect());
        }
    }
    Ok(rows)
}
