//! `fqm-pipe policy explain`: which facts and parts of the goal a choice hangs on.
//!
//! Each is taken away in turn from a level that begins in the state, and the policy is asked again:
//! what its choice loses is what that fact or part of the goal contributed. This asks the policy
//! itself about another world and rests on no approximation of the network.

use std::path::Path;

use serde::Serialize;

use super::{Asked, found, over, score, share};
use crate::cli::error::CliError;
use crate::cli::output;
use crate::quest::{Init, Level, Play, World};
use crate::steps::{AskedState, Opinion};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Most facts and parts of the goal that are shown
    #[arg(long, default_value_t = 12, value_name = "N")]
    most: usize,
}

/// Why a call would be made.
#[derive(Serialize)]
struct Explanation {
    /// The most probable call.
    call: String,
    /// Its probability in a level that begins in the state.
    probability: f32,
    /// What it hangs on, the strongest first.
    because: Vec<Reason>,
}

/// What one fact or part of the goal contributes.
#[derive(Serialize)]
struct Reason {
    /// `fact` or `goal`.
    kind: &'static str,
    /// Such as `at(p1, hall)`.
    what: String,
    /// The probability of the call without it; 0 where it could not be made then, and none where
    /// the goal would be out of reach.
    without: Option<f32>,
    /// What then is the most probable call.
    instead: Option<String>,
}

pub(super) async fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let (level, weights) = found(from, &args.asked).await?;
    let play = Play::reach(&level, &args.asked.after).map_err(CliError::usage)?;
    let now = play.moment();
    let (variants, lost): (Vec<_>, Vec<_>) =
        variants(&now).into_iter().partition(|v| World::ground(&v.level).is_ok());
    let asked = std::iter::once(&now).chain(variants.iter().map(|v| &v.level));
    let states = asked.map(|l| AskedState { level: l.clone(), after: Vec::new() }).collect();
    let mut opinions = score(weights, states).await?.into_iter();
    let first = opinions.next().flatten().ok_or_else(|| CliError::usage(over(&args.asked)))?;
    let best = first.calls.first().ok_or_else(|| CliError::usage(over(&args.asked)))?;
    let because =
        variants.into_iter().zip(opinions).map(|(v, o)| reason(v, o.as_ref(), &best.call));
    let gone = |v: Variant| Reason { kind: v.kind, what: v.what, without: None, instead: None };
    let mut because: Vec<Reason> = lost.into_iter().map(gone).chain(because).collect();
    let loss = |r: &Reason| r.without.map_or(f32::INFINITY, |p| (best.probability - p).abs());
    because.sort_by(|a, b| loss(b).total_cmp(&loss(a)).then(a.what.cmp(&b.what)));
    because.truncate(args.most);
    let made = Explanation { call: best.call.clone(), probability: best.probability, because };
    if args.asked.json {
        return output::json(&made).map(|()| 0);
    }
    output::data(&told(&made));
    Ok(0)
}

/// The level without one fact or part of its goal.
struct Variant {
    kind: &'static str,
    what: String,
    level: Level,
}

fn variants(now: &Level) -> Vec<Variant> {
    let mut all = Vec::new();
    for (at, test) in now.goal.0.iter().enumerate().filter(|_| now.goal.0.len() > 1) {
        let mut level = now.clone();
        level.goal.0.remove(at);
        all.push(Variant { kind: "goal", what: test.to_string(), level });
    }
    for (at, init) in now.init.iter().enumerate() {
        if let Init::Fact(atom) = init {
            let mut level = now.clone();
            level.init.remove(at);
            all.push(Variant { kind: "fact", what: atom.to_string(), level });
        }
    }
    all
}

fn reason(variant: Variant, opinion: Option<&Opinion>, call: &str) -> Reason {
    let calls = opinion.map_or(&[][..], |o| &o.calls);
    let without = calls.iter().find(|l| l.call == call).map_or(0.0, |l| l.probability);
    let without = Some(without);
    let instead = calls.first().filter(|l| l.call != call).map(|l| l.call.clone());
    Reason { kind: variant.kind, what: variant.what, without, instead }
}

fn told(made: &Explanation) -> String {
    let mut rows = vec![["without", "", "probability", "then rather"].map(str::to_owned).to_vec()];
    rows.extend(made.because.iter().map(|r| {
        let instead = r.instead.clone().unwrap_or_default();
        let without = r.without.map_or("goal out of reach".to_owned(), share);
        vec![r.kind.to_owned(), r.what.clone(), without, instead]
    }));
    format!("{}  {}\n\n{}", made.call, share(made.probability), output::table(&rows))
}
