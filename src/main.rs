//! The thin binary; all that can be tested is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    nvr::cli::main()
}
