//! `fqm-pipe completions` and `fqm-pipe man`: what a shell and a reader want of the command line, made from
//! the command line itself.

use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::error::CliError;
use super::{Cli, output};

#[derive(clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell, e.g. `source <(fqm-pipe completions bash)`
    shell: Shell,
}

#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// Write a page for every command into this folder, instead of printing the first
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> i32 {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fqm-pipe", &mut text);
    output::data(String::from_utf8_lossy(&text).trim_end());
    0
}

pub(super) fn man(args: &ManArgs) -> Result<i32, CliError> {
    let Some(folder) = &args.out else {
        output::data(page(Cli::command(), "fqm-pipe")?.trim_end());
        return Ok(0);
    };
    std::fs::create_dir_all(folder)
        .map_err(|e| CliError::config(format!("make {}: {e}", folder.display())))?;
    write(Cli::command(), "fqm-pipe", folder)?;
    Ok(0)
}

fn write(command: Command, name: &str, folder: &std::path::Path) -> Result<(), CliError> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write(sub.clone(), &format!("{name}-{}", sub.get_name()), folder)?;
    }
    let path = folder.join(format!("{name}.1"));
    let text = page(command, name)?;
    std::fs::write(&path, text)
        .map_err(|e| CliError::config(format!("write {}: {e}", path.display())))
}

fn page(command: Command, name: &str) -> Result<String, CliError> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).title(name).render(&mut text).map_err(CliError::internal)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
