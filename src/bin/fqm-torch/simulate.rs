//! Days of orchestration played by a registered variant.

use fqm_pipe::core::derive_seed;
use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::simulate::{DayTruth, simulate};
use fqm_pipe::steps::{SimulateRequest, workspace_suite};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::weights::read_checkpoint;

/// How freely the policy draws: its own probabilities, so that logged propensities are real.
const TEMPERATURE: f32 = 0.5;

/// Plays the days with the variant's policy and writes them.
///
/// # Errors
/// When the variant cannot be read or a file cannot be written.
pub async fn simulate_with_policy(request: SimulateRequest) -> Result<Vec<DayTruth>, StepFailure> {
    let checkpoint = read_checkpoint(&request.workspace, &request.variant).await?;
    let suite = workspace_suite(&request.workspace).map_err(StepFailure::input)?;
    let mut params = request.params;
    params.curriculum = params.curriculum.fit(&suite);
    let device = choose(Wish::Cpu).device;
    let seed = derive_seed(params.seed, "simulate/policy");
    let manner = Manner::exploring(TEMPERATURE, 0.0);
    let agent = PolicyAgent::new("fqm", &checkpoint, manner, seed, device);
    let policy = fqm_pipe::simulate::PolicyAgent {
        agent: Box::new(agent.map_err(StepFailure::input)?),
        version: request.alias.to_string(),
        digest: request.variant,
    };
    let logs = request.workspace.open_logs()?;
    let folder = logs.folder().ok_or_else(|| {
        StepFailure::input(format!(
            "write logs to {}: simulate writes to local folders only",
            logs.url()
        ))
    })?;
    let mut sink = |path: &str, bytes: &[u8]| fqm_pipe::steps::write_log(&folder, path, bytes);
    simulate(&params, &suite, Some(policy), &mut sink).map_err(StepFailure::input)
}
