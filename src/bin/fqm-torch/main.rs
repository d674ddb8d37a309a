//! `fqm-torch`: the child process that holds libtorch. `fqm-pipe` starts it; people have no need to.
//!
//! All code that calls libtorch stands in this folder and nowhere else, so that `fqm-pipe` cannot
//! come to link it: a program that does needs a third of a second and 114 MiB before it begins.

mod adamw;
mod agent;
mod bench_act;
mod challenge;
mod dense;
mod device;
mod evaluate;
mod finetune;
mod folder;
mod foretell;
mod learn;
mod load;
mod loss;
mod material;
mod network;
mod night;
mod ops;
mod passes;
mod play;
mod school;
mod score;
mod search;
mod simulate;
mod train;
mod weights;

#[cfg(test)]
mod tests;
#[cfg(test)]
// The fixtures are shared with the library's tests, which name its rooms from the root.
#[cfg(test)]
use fqm_pipe::{core, dataset, policy, quest};

use std::collections::BTreeMap;
use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use fqm_pipe::pipeline::{Body, Relay, Reporter, StepFailure, end_with_parent, serve_step};
use fqm_pipe::steps::Steps;

fn main() -> ExitCode {
    // A child whose parent has died must not go on: another run may have taken its place.
    if end_with_parent().is_err() {
        return ExitCode::FAILURE;
    }
    match std::env::args().nth(1).as_deref() {
        Some("step") => step(),
        Some("simulate") => answer(simulate::simulate_with_policy),
        Some("bench-act") => answer(bench_act::bench),
        Some("bench-ppo") => answer(dense::bench),
        Some("play") => answer(play::play),
        Some("score") => answer(score::score),
        Some("foretell") => {
            told("foretell", async |request, reporter| foretell::foretell(&request, &reporter))
        }
        Some("train") => {
            told("train", async |request, reporter| school::run(request, &reporter).await)
        }
        _ => {
            eprintln!("fqm-torch is started by fqm-pipe; see `fqm-pipe --help`");
            ExitCode::from(2)
        }
    }
}

/// The bodies that need libtorch.
fn bodies() -> Steps {
    let bodies: [(&'static str, Arc<dyn Body>); 4] = [
        ("policy.finetune", Arc::new(finetune::Finetune)),
        ("policy.search", Arc::new(search::Search)),
        ("quest.challenge", Arc::new(challenge::Search)),
        ("quest.evaluate", Arc::new(evaluate::Evaluate)),
    ];
    Steps::with_bodies(BTreeMap::from(bodies))
}

fn step() -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(serve_step(&bodies()));
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("error: failed to start the runtime: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Reads a request from standard input, does the work and prints what happens meanwhile as lines of
/// a step, then the answer as the last line.
fn told<Q: DeserializeOwned, A: Serialize>(
    name: &str,
    work: impl AsyncFnOnce(Q, Reporter) -> Result<A, StepFailure>,
) -> ExitCode {
    let reporter = Relay::default().reporter(name);
    answer(async |request: Q| work(request, reporter).await)
}

/// Reads a request from standard input, does the work and prints the answer as JSON.
fn answer<Q: DeserializeOwned, A: Serialize>(
    work: impl AsyncFnOnce(Q) -> Result<A, StepFailure>,
) -> ExitCode {
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StepFailure::internal)
        .and_then(|runtime| {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(StepFailure::internal)?;
            let request = serde_json::from_str(&text).map_err(StepFailure::internal)?;
            let answer = runtime.block_on(work(request))?;
            serde_json::to_writer(std::io::stdout(), &answer).map_err(StepFailure::internal)
        });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: failed to {failure}");
            ExitCode::FAILURE
        }
    }
}
