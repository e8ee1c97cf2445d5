use super::Global;
use color_eyre::eyre::Result;
use std::process::ExitCode;
pub async fn demo(_k: bool) -> Result<ExitCode> {
    todo!()
}
