//! What a trained policy thinks of states.

use fqm_pipe::pipeline::StepFailure;
use fqm_pipe::policy::{Graph, Lifter};
use fqm_pipe::quest::Play;
use fqm_pipe::steps::{AskedState, Likely, Opinion, ScoreRequest};

use crate::agent::{Manner, PolicyAgent};
use crate::device::{Wish, choose};
use crate::network::Scored;

/// The opinion on every state, in their order; None where nothing can be called there.
///
/// # Errors
/// When the weights cannot be read, or a state cannot be reached as asked.
pub async fn score(request: ScoreRequest) -> Result<Vec<Option<Opinion>>, StepFailure> {
    let checkpoint = crate::weights::read(&request.weights).await?;
    let device = choose(Wish::Cpu).device;
    let agent = PolicyAgent::new("policy", &checkpoint, Manner::GREEDY, 0, device);
    let agent = agent.map_err(StepFailure::input)?;
    let reached = |state: &AskedState| Play::reach(&state.level, &state.after);
    let plays: Result<Vec<Play>, _> = request.states.iter().map(reached).collect();
    let plays = plays.map_err(StepFailure::input)?;
    let mut lifter = Lifter::default();
    let open: Vec<&Play> =
        plays.iter().filter(|p| !p.done() && !p.applicable().is_empty()).collect();
    let graphs: Vec<Graph> = open.iter().map(|play| lifter.graph(play)).collect();
    let graphs: Vec<&Graph> = graphs.iter().collect();
    let scored = agent.score(&graphs).map_err(StepFailure::internal)?;
    let mut opinions = open.iter().zip(scored).map(|(play, scored)| opinion(play, &scored));
    let of = |play: &Play| {
        let asked = !play.done() && !play.applicable().is_empty();
        if asked { opinions.next() } else { None }
    };
    Ok(plays.iter().map(of).collect())
}

fn opinion(play: &Play, scored: &Scored) -> Opinion {
    let name = |id: u32| play.world().calls().get(id as usize).map_or("", |c| c.name.as_str());
    let calls = play.applicable().iter().zip(Manner::PLAIN.propensities(&scored.logits));
    let mut calls: Vec<Likely> = calls
        .map(|(id, probability)| Likely {
            call: name(*id).to_owned(),
            probability,
            forbidden: play.is_forbidden(*id),
        })
        .collect();
    calls.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.call.cmp(&b.call)));
    Opinion { calls, calls_needed: scored.calls_needed }
}
