//! `zkwatt-sass-report`: what the CUDA kernels cost, without a GPU. `--help` says more.

mod assembler;
mod budget;
mod cost;
mod report;
mod sass;
mod table;

use report::{Error, Report};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: zkwatt-sass-report [--json | --check [FILE] | --write-budgets [FILE]] [TEXT…]

Assembles cuda/ptx with NVIDIA's ptxas for several architectures and prints, for each kernel and field operation whose
name contains one of the TEXTs (all, if there is none): registers, spills, stack, shared memory, instructions, products
on the multiply pipe, and the cycles that ptxas counts on. Throughputs are modelled from these, not measured.

  --json            the same as JSON, a kernel or operation on an architecture a line; with the loops of kernels
  --check           fails where a figure is above or below its budget by more than the file's slack, above a limit, or not
                    there; nothing may spill
  --write-budgets   writes the budgets as things are

FILE is tools/sass-report/budgets.json if it is not given; one that is given ends in .json.
Exit codes: 0 done, 1 failed or a budget is exceeded, 2 usage, 4 no assembler: tools/cuda/install could not get it.
";

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.json");

enum Action {
    Table,
    Json,
    Check,
    Write,
}

struct Options {
    action: Action,
    budgets: PathBuf,
    wanted: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "-h" || argument == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = parse(arguments) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}

fn parse(arguments: Vec<String>) -> Option<Options> {
    let mut options = Options { action: Action::Table, budgets: BUDGETS.into(), wanted: Vec::new() };
    for argument in arguments {
        match argument.as_str() {
            "--json" => options.action = Action::Json,
            "--check" => options.action = Action::Check,
            "--write-budgets" => options.action = Action::Write,
            file if file.ends_with(".json") => options.budgets = file.into(),
            text if !text.starts_with('-') => options.wanted.push(argument),
            _ => return None,
        }
    }
    let writes_a_part = matches!(options.action, Action::Write) && !options.wanted.is_empty();
    (!writes_a_part).then_some(options)
}

fn run(options: &Options) -> Result<(), Error> {
    let report = Report::new(&options.wanted)?;
    match options.action {
        Action::Table => print!("{}", table::table(&report)),
        Action::Json => print!("{}", report.json()?),
        Action::Write => budget::write(&report, &options.budgets)?,
        Action::Check => budget::check(&report, &options.budgets, &options.wanted)?,
    }
    Ok(())
}
