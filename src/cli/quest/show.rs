//! `fqm-pipe quest show`: a level in words, for its author, with nothing held back.

use std::path::Path;

use super::super::error::CliError;
use super::super::output;
use super::board::where_of;
use super::source;
use super::words::{counted, number, wrap};
use crate::quest::{FunctionDef, Level, SolveLimits, World, certify};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// A level file, FAMILY/LEVEL.CHALLENGE[@SEED], or the id of a hand-written level
    level: String,
    /// Print the level as a TOML file
    #[arg(long, conflicts_with = "json")]
    toml: bool,
    /// Print the level as a JSON file
    #[arg(long)]
    json: bool,
}

pub(super) fn run(from: &Path, args: &Args) -> Result<i32, CliError> {
    let level = source::level(from, &args.level)?;
    if args.json {
        return output::json(&level).map(|()| 0);
    }
    if args.toml {
        output::data(level.to_toml().trim_end());
        return Ok(0);
    }
    output::data(&told(level)?);
    Ok(0)
}

/// The whole level as text.
fn told(level: Level) -> Result<String, CliError> {
    let world = World::ground(&level).map_err(CliError::config)?;
    let split = format!("{:?}", level.split()).to_lowercase();
    let mut text = format!(
        "{}  family {}, level {}, challenge {}, split {split}\n",
        level.id, level.family, level.level, level.challenge
    );
    if !level.narrative.is_empty() {
        text.push_str(&format!("\n{}\n", wrap(&level.narrative, "", 96)));
    }
    section(&mut text, "objects", objects(&level));
    section(&mut text, "predicates", predicates(&level));
    section(&mut text, "numbers", fluents(&level));
    text.push_str("\nfunctions\n");
    for (name, function) in &level.functions {
        text.push_str(&told_function(name, function));
    }
    let init: Vec<String> = level.init.iter().map(ToString::to_string).collect();
    section(&mut text, "at the start", vec![init.join(", ")]);
    section(&mut text, "goal", vec![level.goal.to_string()]);
    text.push_str(&format!("\n{}\n", size(&world)));
    text.push_str(&reference(level));
    Ok(text.trim_end().to_owned())
}

fn section(text: &mut String, name: &str, lines: Vec<String>) {
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n{name}\n"));
    for line in lines {
        text.push_str(&format!("{}\n", wrap(&line, "  ", 96)));
    }
}

fn objects(level: &Level) -> Vec<String> {
    let kind = |kind: &String| match level.types.get(kind) {
        Some(parent) if parent != "object" => format!("{kind} (a {parent})"),
        _ => kind.clone(),
    };
    let named = level.objects.iter().map(|(of, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{}: {}", kind(of), names.join(", "))
    });
    named.collect()
}

fn predicates(level: &Level) -> Vec<String> {
    let told = level.predicates.iter().map(|(name, p)| {
        let params: Vec<String> = p.params.iter().map(ToString::to_string).collect();
        let store = format!("{:?}", p.store).to_lowercase();
        let fixed = if p.fixed { ", never changes" } else { "" };
        let words =
            if p.description.is_empty() { String::new() } else { format!(": {}", p.description) };
        format!("{name}({}) [{store}{fixed}]{words}", params.join(", "))
    });
    told.collect()
}

fn fluents(level: &Level) -> Vec<String> {
    let told = level.fluents.iter().map(|(name, f)| {
        format!(
            "{name}, {} to {}{}",
            f.min,
            f.max,
            if f.description.is_empty() { String::new() } else { format!(": {}", f.description) }
        )
    });
    told.collect()
}

fn told_function(name: &str, f: &FunctionDef) -> String {
    let params: Vec<String> = f.params.iter().map(ToString::to_string).collect();
    let mut lines = Vec::new();
    let mut add = |key: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("    {key:<9} {value}"));
        }
    };
    add("needs", f.pre.to_string());
    add("begins", f.at_start.to_string());
    add("brings", f.effects.to_string());
    add(
        "takes",
        f.takes.map_or_else(String::new, |n| counted(n as usize, "further call", "further calls")),
    );
    add("forbidden", f.forbidden.as_ref().map_or_else(String::new, where_of));
    add("returns", returned(f));
    add("outcomes", outcomes(f));
    add("limits", limits(f));
    let words =
        if f.description.is_empty() { String::new() } else { format!("  {}", f.description) };
    lines.insert(0, format!("  {name}({}){words}", params.join(", ")));
    lines.join("\n") + "\n"
}

fn returned(f: &FunctionDef) -> String {
    match &f.returns {
        Some(r) if !r.pool.is_empty() => format!("the next of {}", r.pool.join(", ")),
        Some(r) => r.value.clone().unwrap_or_default(),
        None => String::new(),
    }
}

fn outcomes(f: &FunctionDef) -> String {
    let told = f.outcomes.iter().map(|o| {
        let mut notes = Vec::new();
        if o.failed {
            notes.push("failed".to_owned());
        }
        if !o.effects.is_empty() {
            notes.push(format!("brings {}", o.effects));
        }
        if o.quality < 1.0 {
            notes.push(format!("quality {}", number(o.quality)));
        }
        let notes =
            if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        format!("{} {}{notes}", o.name, number(o.p))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn limits(f: &FunctionDef) -> String {
    let mut parts = Vec::new();
    match &f.cost_by {
        Some(table) => parts.push(format!("cost by {table}")),
        None if (f.cost - 1.0).abs() > f64::EPSILON => {
            parts.push(format!("cost {}", number(f.cost)))
        }
        None => (),
    }
    parts.extend(f.max_calls.map(|n| format!("at most {}", counted(n as usize, "call", "calls"))));
    parts.extend(f.cooldown.map(|n| format!("cooldown {n}")));
    if !f.exclusive_with.is_empty() {
        let others: Vec<&str> = f.exclusive_with.iter().map(String::as_str).collect();
        parts.push(format!("not together with {}", others.join(", ")));
    }
    parts.join(", ")
}

fn size(world: &World) -> String {
    let (own, all) = (world.level().fluents.len(), world.fluents().len());
    format!(
        "grounded: {}, {}, {}, {} of the engine; at most {} in an episode",
        counted(world.facts().len(), "fact", "facts"),
        counted(world.calls().len(), "call", "calls"),
        counted(own, "number", "numbers"),
        counted(all.saturating_sub(own), "counter", "counters"),
        counted(world.level().limits.max_calls as usize, "call", "calls"),
    )
}

/// The reference of the level; where the file states none, one is looked for.
fn reference(level: Level) -> String {
    let level = match level.reference {
        Some(_) => level,
        None => match certify(level, &SolveLimits::default()) {
            Ok(level) => level,
            Err(error) => return format!("reference: failed to {error}\n"),
        },
    };
    let Some(reference) = &level.reference else { return String::new() };
    let sure = if reference.proven { "proven" } else { "not proven" };
    let expected = reference.expected_calls.map_or_else(String::new, |calls| {
        format!("; {} expected of the best player", number(calls))
    });
    let plan: Vec<String> = reference
        .plan
        .iter()
        .enumerate()
        .map(|(i, call)| format!("  {:>3}  {call}\n", i + 1))
        .collect();
    format!(
        "reference: {} at least ({sure}, {}){expected}\n{}",
        counted(reference.min_calls as usize, "call", "calls"),
        reference.method,
        plan.concat()
    )
}
