//! `fqm-pipe`: parse the command line, dispatch, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    fqm_pipe::cli::main()
}
