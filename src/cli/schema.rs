//! `fqm-pipe schema`: the JSON Schema of what people and programs write for us.

use super::error::CliError;
use super::output;
use crate::core::nearest;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which one; left out, the names are listed
    name: Option<String>,
}

/// Every schema by name, as checked in under schemas/.
pub(super) fn all() -> Vec<(String, serde_json::Value)> {
    let mut all: Vec<_> = crate::logs::schemas()
        .into_iter()
        .map(|(name, schema)| (name.to_string(), schema))
        .collect();
    all.push(("pipeline.json".to_owned(), crate::pipeline::pipeline_schema(&crate::steps::here())));
    all.push(("level.json".to_owned(), crate::quest::schema().to_value()));
    all.push(("suite.json".to_owned(), crate::quest::Suite::schema().to_value()));
    all.push(("quest-run.json".to_owned(), crate::evaluate::run_schema().to_value()));
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

pub(super) fn run(args: &Args) -> Result<i32, CliError> {
    let all = all();
    let names: Vec<_> = all.iter().map(|(name, _)| name.trim_end_matches(".json")).collect();
    let Some(wanted) = &args.name else {
        output::data(&names.join("\n"));
        return Ok(0);
    };
    let wanted = wanted.trim_end_matches(".json");
    match names.iter().position(|name| *name == wanted) {
        Some(at) => output::json(&all[at].1).map(|()| 0),
        None => {
            let help = nearest(wanted, names.iter().copied()).map_or_else(
                || format!("there are {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            Err(CliError::usage(format!("find the schema `{wanted}`: {help}")))
        }
    }
}
