pub fn run(_: &Args) -> zkwatt::Result<()> {
    Ok(())
}
#[derive(Debug, clap::Args)]
pub struct Args {}
