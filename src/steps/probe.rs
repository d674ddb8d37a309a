//! `probe.run`: does nothing, slowly or badly, as told. With it an engine, a retry or an alarm can be tried
//! out without logs and without training.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::process::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::core::Created;
use crate::pipeline::{
    Body, FailureKind, InPort, Input, Kind, OutPort, Place, StepContext, StepFailure, StepResult,
    Takes, params_of, schema_of,
};

/// The kind.
pub const KIND: Kind = Kind {
    name: "probe.run",
    version: 1,
    summary: "does nothing, slowly or badly, as told: for trying out engines, retries and alarms",
    inputs: &[
        InPort { name: "first", takes: Takes::Artifact("probe"), optional: true },
        InPort { name: "second", takes: Takes::Artifact("probe"), optional: true },
    ],
    outputs: &[OutPort { name: "probe", makes: "probe" }],
    place: Place::Here,
    effect: false,
    params: params_of::<Params>,
    schema: schema_of::<Params>,
};

/// What the step does.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// A text that becomes part of the output.
    text: String,
    /// The fact `rows` of the output.
    rows: u64,
    /// How long it takes, in milliseconds.
    millis: u64,
    /// How it fails, where it does.
    fail: Option<Fail>,
    /// How many attempts fail before one succeeds; all of them where this is 0.
    failures: u64,
    /// Whether it says that there is not enough data.
    not_enough: bool,
}

/// How a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Fail {
    /// As if the input were wrong.
    Input,
    /// As if a service did not answer.
    Transient,
    /// Its process dies; needs `isolate = true`, or an engine that starts one.
    Lost,
}

/// The body.
pub struct Probe;

#[async_trait]
impl Body for Probe {
    async fn run(&self, context: &StepContext) -> Result<StepResult, StepFailure> {
        let params: Params = context.params()?;
        let attempt = attempt(context).await?;
        let until = tokio::time::Instant::now() + Duration::from_millis(params.millis);
        while tokio::time::Instant::now() < until {
            context.reporter.progress(attempt, None, "attempts");
            let next = tokio::time::Instant::now() + Duration::from_millis(100);
            tokio::time::sleep_until(next.min(until)).await;
        }
        if params.failures == 0 || attempt < params.failures {
            fail(params.fail, attempt)?;
        }
        let inputs: Vec<_> = context
            .request
            .inputs
            .iter()
            .filter_map(|(port, input)| match input {
                Input::Artifact(artifact) => Some((port, artifact.digest)),
                _ => None,
            })
            .collect();
        let document = json!({ "text": params.text, "rows": params.rows, "inputs": inputs });
        let digest = context.blobs.put_json(&document).await?;
        let mut result = StepResult::one("probe", digest, [("rows", params.rows)]);
        result.not_enough = params.not_enough.then(|| "the probe was told so".to_owned());
        Ok(result)
    }
}

fn fail(how: Option<Fail>, attempt: u64) -> Result<(), StepFailure> {
    let kind = match how {
        None => return Ok(()),
        Some(Fail::Lost) => {
            // No last words, and no core.
            let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
            FailureKind::Lost
        }
        Some(Fail::Input) => FailureKind::Input,
        Some(Fail::Transient) => FailureKind::Transient,
    };
    let message = format!("probe: attempt {} was told to fail", attempt + 1);
    Err(StepFailure { kind, message })
}

/// How many attempts this plan has made at the step before: each leaves a mark in the store. A step that
/// is not told to fail leaves none.
async fn attempt(context: &StepContext) -> Result<u64, StepFailure> {
    let params: Params = context.params()?;
    if params.fail.is_none() || params.failures == 0 {
        return Ok(0);
    }
    let folder = format!("probes/{}/{}", context.request.plan.hex(), context.request.step);
    for number in 0.. {
        let mark = format!("{folder}/{number}");
        if context.blobs.store().create(&mark, Bytes::new()).await? == Created::New {
            return Ok(number);
        }
    }
    Ok(0)
}
