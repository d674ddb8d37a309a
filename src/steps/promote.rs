//! `registry.promote`: decides by the paired plays whether the challenger becomes the champion, moves
//! the alias where it does, and writes the reason down either way.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evaluate::Evaluation;
use super::register::{Registered, failed};
use crate::core::{LogicalDate, canonical_json};
use crate::pipeline::{
    Body, InPort, Kind, OutPort, Place, StepContext, StepFailure, StepResult, Takes, params_of,
    schema_of,
};
use crate::promote::{Decision, DecisionInput, DecisionParams, Verdict, decide};
use crate::registry::{Action, EvidenceKind, Move, NewEvidence, Note, Registry, RegistryError};

/// The kind.
pub const KIND: Kind = Kind {
    name: "registry.promote",
    version: 1,
    summary: "promotes or keeps by a paired test, and writes the reason down",
    inputs: &[
        InPort { name: "variant", takes: Takes::Artifact("variant"), optional: false },
        InPort { name: "evaluation", takes: Takes::Artifact("evaluation"), optional: false },
        InPort { name: "champion", takes: Takes::Alias, optional: false },
        InPort { name: "policy", takes: Takes::Files, optional: true },
    ],
    outputs: &[OutPort { name: "decision", makes: "decision" }],
    place: Place::Here,
    effect: true,
    params: params_of::<Params>,
    schema: schema_of::<Params>,
};

/// The decision's parameters stand in the promotion policy of the model (port `policy`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {}

/// A promotion policy: `registry/MODEL/promotion.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    schema: u32,
    #[serde(default)]
    decision: DecisionParams,
    /// Dates on which nothing is promoted.
    #[serde(default, rename = "freeze")]
    freezes: Vec<Freeze>,
}

/// Dates on which nothing is promoted, whatever the evidence says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freeze {
    /// The first logical date.
    from: toml::value::Datetime,
    /// The last.
    to: toml::value::Datetime,
    /// Why, for the record.
    reason: String,
}

impl Freeze {
    /// What the decision says on a date that is frozen.
    fn says(&self, date: LogicalDate) -> Result<Option<String>, String> {
        let day = |at: &toml::value::Datetime| {
            let text = at.to_string();
            text.parse::<LogicalDate>().map_err(|e| format!("{e}, in [[freeze]]"))
        };
        let (from, to) = (day(&self.from)?, day(&self.to)?);
        if from > to {
            return Err(format!("a [[freeze]] goes from {from} to {to}: the first is later"));
        }
        let frozen = (from..=to).contains(&date.day());
        Ok(frozen.then(|| format!("promotion is frozen from {from} to {to}: {}", self.reason)))
    }
}

/// The body.
pub struct Promote;

#[async_trait]
impl Body for Promote {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let registered: Registered =
            context.blobs.get_json(&context.artifact("variant")?.digest).await?;
        let evaluation: Evaluation =
            context.blobs.get_json(&context.artifact("evaluation")?.digest).await?;
        let (_, champion) = context.alias("champion")?;
        let (params, frozen) = policy(context).await?;
        let mut decision = decide(&DecisionInput {
            candidate: registered.variant,
            champion,
            candidate_results: evaluation.played.challenger,
            champion_results: evaluation.played.champion,
            safety: evaluation.safety,
            params,
        });
        if let Some(why) = frozen.filter(|_| decision.verdict == Verdict::Promoted) {
            decision.verdict = Verdict::Kept;
            decision.would_change = format!("the end of the freeze; {}", decision.reason);
            decision.reason = why;
        }
        let digest = context.blobs.put_json(&decision).await?;
        let moved = apply(context, &registered, &decision).await?;
        context.reporter.log(format!("{}: {}", decision.verdict.as_str(), decision.reason));
        let facts: Vec<(&'static str, Value)> = vec![
            ("verdict", decision.verdict.as_str().into()),
            ("reason", decision.reason.clone().into()),
            ("applied", moved.into()),
        ];
        Ok(StepResult::one("decision", digest, facts))
    }
}

/// The parameters of the decision, and why nothing is promoted on this date, where that is so.
async fn policy(context: &StepContext) -> Result<(DecisionParams, Option<String>), StepFailure> {
    let files = context.files("policy").await?;
    let Some((path, digest)) = files.0.iter().next() else {
        return Ok((DecisionParams::default(), None));
    };
    let bytes = context.blobs.get(digest).await?;
    let text = String::from_utf8_lossy(&bytes);
    let wrong = |fault: crate::core::PlaceError| StepFailure::input(fault);
    let file: PolicyFile = toml::from_str(&text)
        .map_err(|e| wrong(crate::core::PlaceError::from_toml(path, &text, &e)))?;
    if file.schema != 1 {
        let message = format!("unknown schema {}; this program reads schema 1", file.schema);
        return Err(wrong(crate::core::PlaceError::new(path, &text, 0..0, message)));
    }
    let fault = |e: String| StepFailure::input(format!("read {path}: {e}"));
    file.decision.validate().map_err(|e| fault(e.to_string()))?;
    let mut frozen = None;
    for freeze in &file.freezes {
        frozen = frozen.or(freeze.says(context.request.date).map_err(fault)?);
    }
    Ok((file.decision, frozen))
}

/// Writes the decision into the registry: moves the alias, or notes that it stays. The plan makes the
/// key, so that a plan moves the alias once at most, even after a rollback.
async fn apply(
    context: &StepContext,
    registered: &Registered,
    decision: &Decision,
) -> Result<bool, StepFailure> {
    let (alias, champion) = context.alias("champion")?;
    let registry = Registry::new(context.request.workspace.open_registry()?);
    let document = canonical_json(decision).map_err(StepFailure::internal)?;
    let proof = NewEvidence {
        model: registered.model.clone(),
        subject: registered.variant,
        kind: EvidenceKind::Decision,
        logical_date: context.request.date,
        document: Bytes::from(document),
        facts: [("verdict".to_owned(), decision.verdict.as_str().to_owned())].into(),
    };
    let note = Note::new("fqm-pipe", decision.reason.clone(), Utc::now()).on(context.request.date);
    if decision.verdict != Verdict::Promoted {
        registry.attach(&proof, note).await.map_err(failed)?;
        return Ok(false);
    }
    let evidence = registry.put_evidence(&proof).await.map_err(failed)?;
    let late = note.clone();
    let key = format!("{} {}", context.request.plan, context.request.step);
    let note = note.because([evidence]).keyed(key);
    let change =
        Move::new(Action::Promote, note).alias(&alias.name, champion, Some(registered.variant));
    match registry.move_aliases(&alias.model, change).await {
        Ok(moved) => {
            let now = moved.entry.aliases.get(&alias.name);
            let ours = now == Some(&registered.variant);
            if !moved.applied && !ours {
                context.reporter.log("not applied: this plan has moved the champion before");
            }
            Ok(ours)
        }
        // Somebody moved the champion after this night was planned: the evidence compares with one
        // that no longer serves, so it is kept and moves nothing.
        Err(moved @ RegistryError::Conflict { .. }) => {
            context.reporter.log(format!("not applied: {moved}"));
            registry.attach(&proof, late).await.map_err(failed)?;
            Ok(false)
        }
        Err(error) => Err(failed(error)),
    }
}
