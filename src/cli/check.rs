use super::Global;
use color_eyre::eyre::Result;
use std::process::ExitCode;
pub async fn check(_g: &Global) -> Result<ExitCode> {
    todo!()
}
