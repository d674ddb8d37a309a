//! `fqm-pipe`: parse the command line, dispatch, exit.

use std::process::ExitCode;

/// What one thread allocates another frees, all the time; the C library's allocator has them wait for each
/// other.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fqm_pipe::cli::main()
}
