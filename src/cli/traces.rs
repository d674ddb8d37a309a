//! OpenTelemetry: a run is a trace, each of its steps a span. It is posted once, when the run has ended, as
//! OTLP over HTTP in its JSON encoding, to where `OTEL_EXPORTER_OTLP_ENDPOINT` says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use super::output;
use crate::core::Digest;
use crate::pipeline::{Event, Observer, StepStatus};

/// Collects the spans of a run.
#[derive(Default)]
pub(super) struct Traces(Arc<Mutex<Trace>>);

#[derive(Default)]
struct Trace {
    run: String,
    attributes: Vec<Value>,
    began: u128,
    /// When each step that goes on began.
    open: BTreeMap<String, u128>,
    spans: Vec<Value>,
}

/// What is left to post when the run has ended.
pub(super) struct Post {
    trace: Arc<Mutex<Trace>>,
    url: String,
    /// `NAME=VALUE,…`, as collectors want them who ask for a key.
    headers: String,
    service: String,
}

impl Traces {
    /// The observer and what posts afterwards; nothing where no collector is named.
    pub(super) fn of_environment() -> Option<(Self, Post)> {
        // A variable that is empty counts as one that is not set.
        let named = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
        let base = || {
            let base = named("OTEL_EXPORTER_OTLP_ENDPOINT")?;
            Some(format!("{}/v1/traces", base.trim_end_matches('/')))
        };
        let url = named("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(base)?;
        let headers = named("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
            .or_else(|| named("OTEL_EXPORTER_OTLP_HEADERS"))
            .unwrap_or_default();
        let service = named("OTEL_SERVICE_NAME").unwrap_or_else(|| "fqm-pipe".to_owned());
        let trace: Arc<Mutex<Trace>> = Arc::default();
        Some((Self(trace.clone()), Post { trace, url, headers, service }))
    }
}

impl Post {
    /// Posts the trace. A collector that does not take it is said, and nothing else.
    pub(super) async fn send(self) {
        let Ok(spans) = self.trace.lock().map(|mut trace| std::mem::take(&mut trace.spans)) else {
            return;
        };
        let body = json!({ "resourceSpans": [{
            "resource": { "attributes": [attribute("service.name", &self.service),
                attribute("service.version", env!("CARGO_PKG_VERSION"))] },
            "scopeSpans": [{ "scope": { "name": "fqm-pipe" }, "spans": spans }],
        }]});
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build();
        let Ok(client) = client else { return };
        let headers = headers(&self.headers).unwrap_or_else(|why| {
            output::talk(&format!("warning: failed to read OTEL_EXPORTER_OTLP_HEADERS: {why}"));
            HeaderMap::new()
        });
        let sent = client.post(&self.url).headers(headers).json(&body).send().await;
        if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
            output::talk(&format!("warning: failed to post the trace: {}", error.without_url()));
        }
    }
}

/// Reads `NAME=VALUE,…` with values as in a URL, as the specification of OTLP's exporter has them.
fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or("expected NAME=VALUE,…")?;
        let value = percent_decode_str(value.trim()).decode_utf8_lossy();
        // The value is a secret as a rule, so only the name is said.
        let wrong = || format!("`{}` is no header", name.trim());
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        headers.insert(name.clone(), value.parse().map_err(|_| wrong())?);
    }
    Ok(headers)
}

impl Trace {
    fn span(&mut self, name: &str, of: &str, parent: Option<&str>, times: [u128; 2], rest: Value) {
        let hex = |text: &str, digits: usize| -> String {
            Digest::of(text.as_bytes()).hex().chars().take(digits).collect()
        };
        let mut span = json!({
            "traceId": hex(&self.run, 32),
            "spanId": hex(of, 16),
            "name": name,
            "kind": 1,
            "startTimeUnixNano": times[0].to_string(),
            "endTimeUnixNano": times[1].to_string(),
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = hex(parent, 16).into();
        }
        if let (Some(span), Some(rest)) = (span.as_object_mut(), rest.as_object()) {
            span.extend(rest.clone());
        }
        self.spans.push(span);
    }
}

impl Observer for Traces {
    fn on(&mut self, event: &Event) {
        let Ok(mut trace) = self.0.lock() else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        match event {
            Event::RunStarted { run, pipeline, date, plan, cause, engine } => {
                (trace.run, trace.began) = (run.clone(), now);
                trace.attributes = [
                    ("fqm.run", run.as_str()),
                    ("fqm.pipeline", pipeline),
                    ("fqm.date", date),
                    ("fqm.plan", &plan.to_string()),
                    ("fqm.cause", cause),
                    ("fqm.engine", engine),
                ]
                .map(|(key, value)| attribute(key, value))
                .to_vec();
            }
            Event::StepStarted { step, attempt: 1, .. } => {
                trace.open.insert(step.clone(), now);
            }
            Event::StepEnded { step, status, note, millis, .. } => {
                // A worker of an engine tells when its step began only after it has ended.
                let latest = now.saturating_sub(u128::from(*millis) * 1_000_000);
                let began = trace.open.remove(step).unwrap_or(latest).min(latest).max(trace.began);
                let bad = matches!(status, StepStatus::Failed | StepStatus::Interrupted);
                let rest = json!({
                    "attributes": [attribute("fqm.step", step), attribute("fqm.status", status.word())],
                    "status": outcome(bad, note.as_deref()),
                });
                let run = trace.run.clone();
                let of = format!("{run} {step}");
                trace.span(step, &of, Some(&run), [began, now], rest);
            }
            Event::RunEnded { run, status, exit } => {
                let bad = !matches!(*exit, 0 | 99);
                let mut attributes = std::mem::take(&mut trace.attributes);
                attributes.push(attribute("fqm.status", status));
                let rest = json!({ "attributes": attributes, "status": outcome(bad, None) });
                let began = trace.began;
                trace.span("run", run, None, [began, now], rest);
            }
            _ => (),
        }
    }
}

/// A status. What has no message leaves the field out: not every collector takes a null.
fn outcome(bad: bool, message: Option<&str>) -> Value {
    match message.filter(|_| bad) {
        Some(message) => json!({ "code": 2, "message": message }),
        None => json!({ "code": if bad { 2 } else { 1 } }),
    }
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use super::headers;

    #[test]
    fn headers_are_read_as_the_specification_has_them() {
        let read = headers("Authorization=Basic%20YTpi, x-team = fqm ,").unwrap();
        assert_eq!(read["authorization"], "Basic YTpi");
        assert_eq!(read["x-team"], "fqm");
        assert!(headers("").unwrap().is_empty());
        let error = headers("x key=secret").unwrap_err();
        assert!(error.contains("x key") && !error.contains("secret"), "{error}");
        assert!(headers("nonsense").is_err());
    }
}
