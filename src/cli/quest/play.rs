//! `fqm-pipe quest play`: a person plays a level in the terminal, or watches an agent play it.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::super::error::CliError;
use super::super::output;
use super::players::Player;
use super::words::{counted, percent};
use super::{board, source};
use crate::core::nearest;
use crate::evaluate::{AgentSpec, EvalLevel, Trace, plan_level};
use crate::quest::{CallId, Level, Play, SolveLimits, World, plan_from, reasoning};

/// What a person may type.
const HELP: &str = "\
type the number or the name of a call, or
  look CALL   what a call needs and brings
  hint        the next call of a best plan
  undo        take the last call back
  state       show everything again
  quit        stop";

#[derive(clap::Args)]
#[command(after_help = "The exit code is 0 where the goal was reached and 1 where it was not.")]
pub(in crate::cli) struct Args {
    /// A level file, FAMILY/LEVEL.CHALLENGE[@SEED], or the id of a hand-written level
    level: String,
    /// Watch an agent play: random, greedy, planner, noisy[:SHARE], checkpoint:FOLDER or
    /// registry:MODEL@ALIAS
    #[arg(long, value_name = "AGENT")]
    agent: Option<AgentSpec>,
    /// The seed of the outcomes and of the agent
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// The seed of the outcomes alone, as the example of a failure names it
    #[arg(long, value_name = "S")]
    play_seed: Option<u64>,
    /// Print the finished play as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let level = source::level(from, &args.level)?;
    let mut planned = plan_level(certified(level), args.seed, 0);
    if let Some(seed) = args.play_seed {
        planned.item.play_seed = seed;
    }
    let world = Arc::new(World::ground(&planned.level).map_err(CliError::config)?);
    let mut play = Play::new(world, planned.item.play_seed);
    match &args.agent {
        Some(agent) => watch(from, agent, planned, &mut play, args).await?,
        None => person(&mut play, &mut std::io::stdin().lock(), args.json)?,
    }
    if args.json {
        output::json(&finished(&play))?;
    }
    Ok(if play.goal_achieved() { 0 } else { 1 })
}

/// The level with its fewest calls where they can be found; without them where not.
fn certified(level: Level) -> Level {
    if level.reference.is_some() {
        return level;
    }
    crate::quest::certify(level.clone(), &SolveLimits::default()).unwrap_or(level)
}

fn finished(play: &Play) -> serde_json::Value {
    json!({
        "level": play.world().level().id,
        "goal_achieved": play.goal_achieved(),
        "violated": play.violated(),
        "calls": crate::evaluate::calls_of(play),
        "reasoning": reasoning(play.world(), play.history()),
        "state": play.state(),
    })
}

/// Lets an agent play to the end, then shows its calls one by one.
async fn watch(
    from: &Path,
    agent: &AgentSpec,
    planned: EvalLevel,
    play: &mut Play,
    args: &Args,
) -> Result<(), CliError> {
    let player = Player::find(from, agent.clone()).await?;
    let (mut traces, _) = player.play(&[planned], args.seed, 1).await?;
    let trace = traces.pop().ok_or_else(|| CliError::internal("read the trace of the play"))?;
    let talk = |text: &str| {
        if !args.json {
            output::data(text)
        }
    };
    talk(&board::opening(play.world()));
    talk(&board::state(play));
    let wait = !args.json && std::io::stdin().is_terminal();
    for (i, (call, outcome)) in steps(play, &trace).into_iter().enumerate() {
        if wait {
            let _ = std::io::stdin().lock().read_line(&mut String::new());
        }
        let came = play.apply_logged(call, outcome).map_err(CliError::internal)?;
        talk(&format!("\n{:>3}. {}", i + 1, board::outcome(play, call, &came)));
        talk(&board::state(play));
    }
    talk(&format!("\n{}", ending(play)));
    Ok(())
}

/// The calls of a trace by number.
fn steps(play: &Play, trace: &Trace) -> Vec<(CallId, usize)> {
    let world = play.world();
    let step = |text: &String| {
        let (name, outcome) =
            text.split_once('#').map_or((text.as_str(), None), |(n, o)| (n, Some(o)));
        let id = world.call_by_name(name)?;
        let outcomes = &world.calls().get(id as usize)?.outcomes;
        let Some(outcome) = outcome else { return Some((id, 0)) };
        let named = outcomes.iter().position(|o| o.name.as_deref() == Some(outcome));
        Some((id, named.or_else(|| outcome.parse().ok())?))
    };
    trace.calls.iter().map_while(step).collect()
}

/// What one line of a person came to.
enum Said {
    Call(CallId),
    Undo,
    State,
    Tell(String),
    Quit,
}

/// A person plays: what is typed comes from `input`, which may be a pipe.
fn person(play: &mut Play, input: &mut dyn BufRead, json: bool) -> Result<(), CliError> {
    // With --json standard output is the finished play alone, so the board goes beside it.
    let say = |text: &str| if json { output::talk(text) } else { output::data(text) };
    say(&board::opening(play.world()));
    say(HELP);
    let mut show = true;
    while !play.done() {
        if show {
            say(&format!("\n{}\n\n{}", board::state(play), board::choices(play)));
        }
        output::ask("> ");
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line).map_err(CliError::internal)? == 0 {
            break;
        }
        // What is no text names no call, and is told so like any other mistake of typing.
        let line = String::from_utf8_lossy(&line);
        show = false;
        match understand(play, line.trim()) {
            Said::Call(call) => {
                let came = play.step(call).map_err(CliError::internal)?;
                say(&format!("  {}", board::outcome(play, call, &came)));
                show = true;
            }
            Said::Undo => {
                if play.undo() {
                    show = true;
                } else {
                    say("  there is no call to take back");
                }
            }
            Said::State => show = true,
            Said::Tell(text) => say(&text),
            Said::Quit => break,
        }
    }
    say(&format!("\n{}", ending(play)));
    Ok(())
}

fn understand(play: &Play, line: &str) -> Said {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "" | "state" => Said::State,
        "quit" | "q" => Said::Quit,
        "undo" | "u" => Said::Undo,
        "help" | "?" => Said::Tell(HELP.to_owned()),
        "hint" => Said::Tell(hint(play)),
        "look" if rest.trim().is_empty() => {
            Said::Tell("  name the call to look at: `look CALL`".to_owned())
        }
        "look" => match find(play, rest) {
            Ok(call) => Said::Tell(board::look(play, call)),
            Err(text) => Said::Tell(text),
        },
        _ => match find(play, line) {
            Ok(call) if play.is_applicable(call) => Said::Call(call),
            Ok(call) => Said::Tell(format!(
                "  it cannot be called now: {}",
                board::hindrances(play, call).join(", ")
            )),
            Err(text) => Said::Tell(text),
        },
    }
}

/// The call that a person means: a number of the list, a name, or a function with one call only.
fn find(play: &Play, text: &str) -> Result<CallId, String> {
    let world = play.world();
    if let Ok(number) = text.parse::<usize>() {
        let call = number.checked_sub(1).and_then(|i| play.applicable().get(i)).copied();
        return call.ok_or_else(|| format!("  there is no call number {number}"));
    }
    let bare = |name: &str| name.replace(' ', "");
    let wanted = bare(text);
    let all = || (0u32..).zip(world.calls());
    let named = all().find(|(_, call)| bare(&call.name) == wanted);
    let mut of_function =
        all().filter(|(_, call)| bare(&call.name).split('(').next() == Some(wanted.as_str()));
    match (named, of_function.next(), of_function.next()) {
        (Some((id, _)), ..) | (None, Some((id, _)), None) => Ok(id),
        (None, Some(_), Some(_)) => {
            Err(format!("  `{text}` needs arguments; give its number or full name"))
        }
        _ => {
            let near = nearest(text, world.calls().iter().map(|call| call.name.as_str()));
            Err(match near {
                Some(near) => format!("  there is no call `{text}`; did you mean `{near}`?"),
                None => format!("  there is no call `{text}`; `help` says what can be typed"),
            })
        }
    }
}

fn hint(play: &Play) -> String {
    let plan = plan_from(play, &SolveLimits::default());
    let next = plan.as_ref().and_then(|plan| Some((plan.len(), *plan.first()?)));
    match next {
        Some((left, call)) => {
            let name = play.world().calls().get(call as usize).map_or("", |c| c.name.as_str());
            format!("  {name}, the first of {}", counted(left, "call", "calls"))
        }
        None => "  no way to the goal was found from here; undo may help".to_owned(),
    }
}

fn ending(play: &Play) -> String {
    let calls = counted(play.calls_used() as usize, "call", "calls");
    if play.goal_achieved() {
        let least = play.world().level().reference.as_ref().filter(|r| r.proven);
        let least =
            least.map_or_else(String::new, |r| format!("; the fewest possible is {}", r.min_calls));
        return format!("The goal is reached with {calls}{least}.");
    }
    let why = if play.violated() {
        "A forbidden call was made"
    } else if play.calls_left() == 0 {
        "The calls are used up"
    } else if play.applicable().is_empty() {
        "Nothing is left to call"
    } else if play.allowed().next().is_none() {
        "Only forbidden calls are left"
    } else {
        "Stopped"
    };
    let share = play
        .state()
        .goal_progress
        .map_or_else(String::new, |share| format!("; {} of the goal holds", percent(Some(share))));
    format!("{why} after {calls}{share}.")
}
