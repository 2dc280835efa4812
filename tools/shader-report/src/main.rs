//! `zkwatt-shader-report`: what the shaders cost, without a GPU. `--help` says more.

mod budget;
mod count;
mod radv;
mod report;
mod translate;

use report::{Error, Report};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: zkwatt-shader-report [--json | --wgsl | --check [FILE] | --write-budgets [FILE]] [--no-radv] [TEXT…]

Prints for each shader whose name contains one of the TEXTs (all, if there is none):
  operations    counted statically in naga's form of the shader: every operation of the text once,
                functions once for each call, also those in loops; lanes of vectors count one each
  AMD's GPUs    what Mesa's compiler for them (RADV, on null hardware) makes of it, a model:
                registers, spills, waves on a SIMD, instructions, latency and inverse throughput

  --json            the same as JSON, a shader a line
  --wgsl            the text of the shaders
  --check           fails where a budget is exceeded: multiplications of a product exactly, instructions and
                    registers with the slack that the file has; nothing may spill
  --write-budgets   writes the budgets as things are
  --no-radv         operations only

FILE is tools/shader-report/budgets.json if it is not given; one that is given ends in .json.
Exit codes: 0 done, 1 failed or a budget is exceeded, 2 usage, 4 no RADV: Debian's package mesa-vulkan-drivers has it.
";

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.json");

enum Action {
    Table,
    Json,
    Wgsl,
    Check,
    Write,
}

struct Options {
    action: Action,
    budgets: PathBuf,
    radv: bool,
    wanted: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The driver reads its family from the environment when it is loaded: each family has a process of its own.
    if let [flag, rest @ ..] = &arguments[..]
        && flag == radv::CHILD
    {
        return radv::child(rest);
    }
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
    let mut options =
        Options { action: Action::Table, budgets: BUDGETS.into(), radv: true, wanted: Vec::new() };
    for argument in arguments {
        match argument.as_str() {
            "--json" => options.action = Action::Json,
            "--wgsl" => options.action = Action::Wgsl,
            "--check" => options.action = Action::Check,
            "--write-budgets" => options.action = Action::Write,
            "--no-radv" => options.radv = false,
            file if file.ends_with(".json") => options.budgets = file.into(),
            text if !text.starts_with('-') => options.wanted.push(argument),
            _ => return None,
        }
    }
    let writes_a_part =
        matches!(options.action, Action::Write) && !(options.wanted.is_empty() && options.radv);
    (!writes_a_part).then_some(options)
}

fn run(options: &Options) -> Result<(), Error> {
    let report = || Report::new(&options.wanted, options.radv);
    match options.action {
        Action::Table => print!("{}", report()?.table()),
        Action::Json => print!("{}", report()?.json()?),
        Action::Wgsl => print_texts(&options.wanted),
        Action::Write => budget::write(&report()?, &options.budgets)?,
        Action::Check => budget::check(&report()?, &options.budgets, options.wanted.is_empty())?,
    }
    Ok(())
}

fn print_texts(wanted: &[String]) {
    for shader in report::wanted_shaders(wanted) {
        println!("// {}\n{}", shader.name(), shader.text);
    }
}
