//! The daemon's HTTP interface: health, metrics, and the calls that start a run or answer a gate. Calls need
//! the token of `FQM_TOKEN`; without one there are none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::Utc;
use serde::Deserialize;
use serde_json::json;

use super::metrics::metrics;
use super::{Due, Shared};
use crate::cli::error::{CliError, Kind};
use crate::cli::{approve, night, output};
use crate::core::{Digest, LogicalDate};
use crate::pipeline::Trigger;

/// How old the last tick may be while the daemon counts as alive, in seconds.
const STALE: i64 = 30;

/// The longest body that is read.
const MOST: usize = 64 * 1024;

/// Serves until the value is dropped.
pub(super) struct Server(tokio::task::JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Listens on an address.
pub(super) async fn serve(shared: Arc<Shared>, address: SocketAddr) -> Result<Server, CliError> {
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.map_err(|e| CliError::config(format!("listen on {address}: {e}")))?;
    let address = listener.local_addr().map_err(CliError::internal)?;
    output::talk(&format!("listening on http://{address}"));
    let router = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(health))
        .route("/metrics", get(scrape))
        .route("/v1/pipelines/{pipeline}/runs", post(start))
        .route("/v1/runs/{run}/steps/{step}/answer", post(answer))
        .layer(axum::extract::DefaultBodyLimit::max(MOST))
        .with_state(shared);
    let served = async move {
        if let Err(error) = axum::serve(listener, router).await {
            output::talk(&format!("warning: failed to serve HTTP: {error}"));
        }
    };
    Ok(Server(tokio::spawn(served)))
}

type Answer = Result<Response, Refused>;

/// A call that is refused: the status and why.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<CliError> for Refused {
    fn from(error: CliError) -> Self {
        let status = match error.kind {
            Kind::Usage => StatusCode::NOT_FOUND,
            Kind::Config => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Gate => StatusCode::CONFLICT,
            Kind::Temporary => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Output | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, format!("failed to {}", error.message))
    }
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let age = Utc::now().timestamp() - shared.tick.load(Ordering::Relaxed);
    match age <= STALE {
        true => "ok\n".into_response(),
        false => {
            let text = format!("the daemon has not looked around for {age} s\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn scrape(State(shared): State<Arc<Shared>>) -> Answer {
    let text = tokio::task::spawn_blocking(move || metrics(&shared)).await;
    let text = text.map_err(CliError::internal)??;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Whether a call carries the token. Digests are compared, so that the time it takes says nothing.
fn allowed(headers: &HeaderMap) -> Result<(), Refused> {
    let token = std::env::var("FQM_TOKEN").ok().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| {
        let why = "this daemon takes no calls: it was started without FQM_TOKEN";
        Refused(StatusCode::FORBIDDEN, why.to_owned())
    })?;
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match Digest::of(given.as_bytes()) == Digest::of(token.as_bytes()) {
        true => Ok(()),
        false => {
            let why = "the token is missing or wrong; send `Authorization: Bearer TOKEN`";
            Err(Refused(StatusCode::UNAUTHORIZED, why.to_owned()))
        }
    }
}

fn body<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes)
        .map_err(|e| Refused(StatusCode::BAD_REQUEST, format!("failed to read the body: {e}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    #[serde(default)]
    date: Option<LogicalDate>,
    /// Who calls and why, for the record.
    #[serde(default)]
    cause: Option<String>,
}

async fn start(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    bytes: axum::body::Bytes,
) -> Answer {
    allowed(&headers)?;
    let wanted: Start = body(&bytes)?;
    let found = shared
        .timetable
        .lock()
        .ok()
        .and_then(|all| all.iter().find(|pipeline| pipeline.name == name).cloned());
    let pipeline = found.filter(|p| p.triggers.contains(&Trigger::Http {})).ok_or_else(|| {
        let why = format!("no pipeline `{name}` has a [[trigger]] with on = \"http\"");
        Refused(StatusCode::NOT_FOUND, why)
    })?;
    let date = night::date_or_yesterday(&pipeline, wanted.date)
        .map_err(|e| Refused(StatusCode::BAD_REQUEST, format!("failed to {}", e.message)))?;
    let said = wanted.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    let cause = format!("a call{said}");
    output::talk(&format!("{name}: {cause}"));
    let due = Due { pipeline: name.clone(), date, cause, scheduled: None };
    let _ = shared.send.send(due);
    let answer = axum::Json(json!({ "pipeline": name, "date": date, "queued": true }));
    Ok((StatusCode::ACCEPTED, answer).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    approved: bool,
    person: String,
    reason: String,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((run, step)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: axum::body::Bytes,
) -> Answer {
    allowed(&headers)?;
    let said: Said = body(&bytes)?;
    let answer = approve::Answer {
        run: &run,
        step: &step,
        approved: said.approved,
        person: &said.person,
        reason: &said.reason,
    };
    let gate = approve::give(&shared.state, &answer)?;
    Ok(axum::Json(json!({ "step": step, "gate": gate })).into_response())
}
