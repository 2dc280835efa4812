//! The committed budgets are kept.

use std::io::Write;
use std::process::Command;

/// The exit code where RADV is not installed.
const NO_RADV: i32 = 4;

#[test]
fn shaders_keep_their_budgets() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_zkwatt-shader-report"))
            .arg("--check")
            .args(arguments)
            .output()
            .unwrap()
    };
    let mut output = run(&[]);
    if output.status.code() == Some(NO_RADV) {
        output = run(&["--no-radv"]);
    }
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    for line in said[0].lines().filter(|line| line.starts_with("SKIPPED")) {
        // To the real stderr: what is printed by macros is hidden for tests that pass. If it is closed, nobody reads it.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    assert!(output.status.success(), "{}{}", said[0], said[1]);
}
