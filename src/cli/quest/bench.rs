//! `fqm-pipe quest bench`: how fast the simulator steps, on three sizes of one level, with one worker
//! and with two.

use std::sync::Arc;

use serde::Serialize;

use super::super::error::CliError;
use super::super::output;
use crate::quest::{ROOMS, World, measure, rooms_level};

/// Steps for each core and second that are aimed at, by size.
const MARKS: [f64; 3] = [10e6, 2e6, 0.5e6];

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Steps of the smallest size; the larger ones make a quarter and a sixteenth of them
    #[arg(long, default_value_t = 16_000_000, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000_000))]
    steps: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was measured at one size.
#[derive(Serialize)]
struct Size {
    facts: usize,
    calls: usize,
    /// Steps a second of CPU time, with one worker and with two.
    steps_per_cpu_second: [f64; 2],
    /// CPU time of a step with two workers over that with one.
    two_over_one: f64,
    /// Steps a second that are aimed at.
    mark: f64,
}

pub(super) fn run(args: &Args) -> Result<i32, CliError> {
    let sizes = ROOMS.iter().zip(MARKS).enumerate();
    let measured = sizes.map(|(i, ((rooms, doors), mark))| {
        size(*rooms, *doors, (args.steps >> (2 * i)).max(1), mark)
    });
    let measured = measured.collect::<Result<Vec<_>, _>>()?;
    if args.json {
        return output::json(&measured).map(|()| 0);
    }
    let head = ["FACTS", "CALLS", "STEPS/S", "WITH TWO WORKERS", "TIME OF A STEP", "MARK"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(measured.iter().map(row));
    output::data(&output::table(&rows));
    output::data(
        "steps a second of CPU time; the time of a step with two workers over that with one",
    );
    Ok(0)
}

fn size(rooms: usize, doors: usize, steps: u64, mark: f64) -> Result<Size, CliError> {
    let level = rooms_level(rooms, doors).map_err(CliError::internal)?;
    let world = Arc::new(World::ground(&level).map_err(CliError::internal)?);
    let rate = |workers: usize| {
        let measured = measure(&world, steps * workers as u64, workers, 1);
        let measured = measured.map_err(CliError::config)?;
        if measured.cpu_seconds <= 0.0 {
            let message = format!("time {steps} steps: the clock does not see them; raise --steps");
            return Err(CliError::usage(message));
        }
        Ok(measured.steps_per_cpu_second())
    };
    // The first play warms the caches up.
    measure(&world, steps / 10, 1, 1).map_err(CliError::config)?;
    let (one, two) = (rate(1)?, rate(2)?);
    let (facts, calls) = (world.facts().len(), world.calls().len());
    Ok(Size { facts, calls, steps_per_cpu_second: [one, two], two_over_one: one / two, mark })
}

fn row(size: &Size) -> Vec<String> {
    let millions = |rate: f64| format!("{:.2} million", rate / 1e6);
    let [one, two] = size.steps_per_cpu_second;
    vec![
        size.facts.to_string(),
        size.calls.to_string(),
        millions(one),
        millions(two),
        format!("{:.2}", size.two_over_one),
        millions(size.mark),
    ]
}
