//! Levels played by a trained policy, with what led to each result.

use fqm_pipe::evaluate::{Trace, play_levels};
use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::steps::PlayRequest;

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::weights::read;

/// Plays every level once, always with the policy's best call, as `quest.evaluate` does.
///
/// # Errors
/// When the weights cannot be read or a level cannot be played.
pub async fn play(request: PlayRequest) -> Result<Vec<Trace>, StepFailure> {
    let checkpoint = read(&request.weights).await?;
    let device = choose(Wish::Cpu).device;
    let agent = PolicyAgent::new(request.name, &checkpoint, Manner::GREEDY, 0, device);
    let mut agent = agent.map_err(StepFailure::input)?;
    play_levels(&mut agent, &request.levels).map_err(StepFailure::input)
}
