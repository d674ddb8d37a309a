//! `fqm-pipe quest solve --from narrative`: what a text asks for, calls that do it, and whether they
//! do what the level itself wants.

use serde_json::json;

use super::super::error::CliError;
use super::super::output;
use super::words::counted;
use crate::quest::{
    Analysis, Constraint, Deduction, Level, SolveLimits, Verdict, deduce_function_sequence,
    validate_solution,
};

pub(super) fn run(level: &Level, limits: &SolveLimits, json: bool) -> Result<i32, CliError> {
    if level.narrative.trim().is_empty() {
        let message = format!("read the narrative of level `{}`: it has none", level.id);
        return Err(CliError::usage(message));
    }
    let deduced = deduce_function_sequence(level, &level.narrative, limits);
    let deduced = deduced.map_err(CliError::config)?;
    let verdict = validate_solution(level, &deduced.calls).map_err(CliError::config)?;
    if json {
        let status = if deduced.proven { "proven" } else { "upper_bound" };
        output::json(&json!({
            "level": level.id,
            "status": status,
            "min_calls": deduced.calls.len(),
            "plan": deduced.calls,
            "read": deduced.analysis,
            "goal": deduced.level.goal,
            "verdict": verdict,
        }))?;
    } else {
        output::data(&told(level, &deduced, &verdict));
    }
    Ok(if verdict.valid { 0 } else { 1 })
}

fn told(level: &Level, deduced: &Deduction, verdict: &Verdict) -> String {
    let calls = counted(deduced.calls.len(), "call", "calls");
    let sure = if deduced.proven { " at least" } else { "" };
    let mut lines =
        vec![format!("{}: the narrative asks for {}", level.id, deduced.analysis.goal_condition())];
    lines.extend(constraints(&deduced.analysis));
    lines.extend(unread(level, &deduced.analysis));
    lines.push(format!("{calls}{sure}"));
    lines.extend(
        deduced.calls.iter().enumerate().map(|(i, call)| format!("  {:>3}  {call}", i + 1)),
    );
    lines.push(match &verdict.fault {
        None => "the level's own goal is reached".to_owned(),
        Some(fault) => format!("the level's own goal is missed: failed to {fault}"),
    });
    lines.join("\n")
}

fn constraints(analysis: &Analysis) -> Vec<String> {
    let told = analysis.constraints.iter().map(|reading| match &reading.what {
        Constraint::NeverCall { function, args } => {
            let args: Vec<&str> = args.iter().map(|a| a.as_deref().unwrap_or("any")).collect();
            format!("it forbids {function}({})", args.join(", "))
        }
        Constraint::NeverTrue { fact } => format!("it forbids that {fact}"),
        Constraint::MostCalls { calls } => format!("it allows {calls} calls"),
    });
    told.collect()
}

fn unread(level: &Level, analysis: &Analysis) -> Vec<String> {
    let told = analysis.unread.iter().map(|part| {
        let text = level.narrative.get(part.span.start..part.span.end).unwrap_or_default();
        format!("not understood: \"{}\" ({})", text.trim(), part.why)
    });
    told.collect()
}
