//! Notices: who wants to be told of what is told by a webhook, signed and tried again. A notice that does
//! not arrive is said on standard error and changes nothing else.
//!
//! A notice is JSON (`fqm-notice/1`). Its signature stands in `X-Fqm-Signature`: `sha256=` and the HMAC of
//! the header `X-Fqm-Timestamp`, a dot and the body, under the webhook's secret.

use std::time::Duration;

use chrono::Utc;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::night::Night;
use super::output;
use crate::core::LogicalDate;
use crate::pipeline::{Event, Notify, Observer, Occasion, Pipeline};
use crate::workspace::{Webhook, Workspace};

/// How often a notice is posted at most, and how long the first pause is.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);

/// What a pipeline tells, and to whom.
#[derive(Clone)]
pub(super) struct Notices {
    workspace: String,
    pipeline: String,
    rules: Vec<(Notify, Option<Webhook>)>,
}

impl Notices {
    pub(super) fn of(workspace: &Workspace, pipeline: &Pipeline) -> Self {
        let find = |rule: &Notify| {
            let name = rule.to.strip_prefix("webhook:").unwrap_or(&rule.to);
            workspace.webhooks.get(name).cloned()
        };
        Self {
            workspace: workspace.name.clone(),
            pipeline: pipeline.name.clone(),
            rules: pipeline.notify.iter().map(|rule| (rule.clone(), find(rule))).collect(),
        }
    }

    /// Tells how a night ended.
    pub(super) async fn ended(&self, night: &Night) {
        let mut occasions = vec![match night.exit {
            0 => Occasion::Ok,
            99 => Occasion::Skipped,
            _ => Occasion::Failed,
        }];
        match night.decision.as_ref().and_then(|d| d["verdict"].as_str()) {
            Some("promoted") => occasions.push(Occasion::Promoted),
            Some("kept") => occasions.push(Occasion::Kept),
            _ => (),
        }
        let body = json!({
            "run": night.run, "date": night.date, "plan": night.plan, "status": night.status,
            "exit": night.exit, "message": night.headline, "steps": night.steps,
            "digests": night.digests,
        });
        self.tell(&occasions, body).await;
    }

    /// Tells that a run could not begin.
    pub(super) async fn could_not_run(&self, date: LogicalDate, why: &str) {
        let message = format!("failed to {why}");
        self.tell(&[Occasion::Failed], json!({ "date": date, "message": message })).await;
    }

    /// Tells that a date is late.
    pub(super) async fn late(&self, date: &str, message: &str) {
        self.tell(&[Occasion::Late], json!({ "date": date, "message": message })).await;
    }

    async fn tell(&self, occasions: &[Occasion], body: Value) {
        for (rule, webhook) in &self.rules {
            let Some(occasion) = occasions.iter().find(|occasion| rule.on.contains(occasion))
            else {
                continue;
            };
            let mut notice = json!({
                "format": "fqm-notice/1", "occasion": occasion, "workspace": self.workspace,
                "pipeline": self.pipeline,
            });
            if let (Some(notice), Some(body)) = (notice.as_object_mut(), body.as_object()) {
                notice.extend(body.clone());
            }
            let sent = match webhook {
                Some(webhook) => deliver(webhook, &notice).await,
                None => Err("fqm.toml has no such webhook".to_owned()),
            };
            if let Err(why) = sent {
                output::talk(&format!("warning: failed to tell {}: {why}", rule.to));
            }
        }
    }
}

/// Posts a notice, again and again where that may help.
async fn deliver(webhook: &Webhook, notice: &Value) -> Result<(), String> {
    let body = notice.to_string();
    let secret = match &webhook.secret_env {
        Some(name) => Some(std::env::var(name).map_err(|_| format!("{name} is not set"))?),
        None => None,
    };
    let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|e| e.to_string())?;
    let mut why = String::new();
    for number in 0..TRIES {
        if number > 0 {
            tokio::time::sleep(PAUSE * 4_u32.pow(number - 1)).await;
        }
        let at = Utc::now().timestamp().to_string();
        let mut request = client
            .post(webhook.url.clone())
            .header("Content-Type", "application/json")
            .header("User-Agent", concat!("fqm-pipe/", env!("CARGO_PKG_VERSION")))
            .header("X-Fqm-Timestamp", &at)
            .body(body.clone());
        if let Some(secret) = &secret {
            let signature = format!("sha256={}", sign(secret, &at, &body));
            request = request.header("X-Fqm-Signature", signature);
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                why = format!("it answers {}", answer.status());
                // A notice that is refused will be refused again.
                let status = answer.status();
                if status.is_client_error() && status.as_u16() != 429 && status.as_u16() != 408 {
                    break;
                }
            }
            // The address may hold a secret; what went wrong does not.
            Err(error) => why = error.without_url().to_string(),
        }
    }
    Err(why)
}

/// The signature of a notice, in hexadecimal digits.
fn sign(secret: &str, at: &str, body: &str) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells of steps that wait for a person while the run goes on.
pub(super) struct Waiting {
    notices: Notices,
    run: String,
    date: String,
}

impl Waiting {
    pub(super) fn new(notices: Notices) -> Self {
        Self { notices, run: String::new(), date: String::new() }
    }
}

impl Observer for Waiting {
    fn on(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, date, .. } => {
                (self.run, self.date) = (run.clone(), date.clone());
            }
            Event::Waiting { step, question } => {
                let body = json!({
                    "run": self.run, "date": self.date, "step": step, "message": question,
                });
                let notices = self.notices.clone();
                tokio::spawn(async move { notices.tell(&[Occasion::Waiting], body).await });
            }
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_time_and_body() {
        // As `printf '1.{}' | openssl dgst -sha256 -hmac key` gives it.
        let expected = "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";
        assert_eq!(sign("key", "1", "{}"), expected);
    }
}
