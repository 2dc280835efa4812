//! `zkwatt-emit` writes the generated files; `zkwatt-emit --check` fails where they are stale.

use std::io;
use std::process::ExitCode;
use zkwatt_emit::{ROOT, files, stale};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write_all(),
        ["--check"] => check(),
        _ => {
            eprintln!("usage: zkwatt-emit [--check]");
            ExitCode::from(2)
        }
    }
}

fn write_all() -> ExitCode {
    for (name, text) in files() {
        if let Err(error) = write(&format!("{ROOT}/{name}"), &text) {
            eprintln!("error: cannot write {ROOT}/{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Readers see the old file or the new one, never a part.
fn write(path: &str, text: &str) -> io::Result<()> {
    let unfinished = format!("{path}.tmp");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, path)
}

fn check() -> ExitCode {
    let stale = stale();
    for name in &stale {
        eprintln!("error: {name} is stale; run `cargo run -p zkwatt-emit`");
    }
    if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
