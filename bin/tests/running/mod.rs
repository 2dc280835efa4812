//! Running `zkwatt`, and what all of its answers have in common.
#![allow(dead_code)] // not every test needs all of it

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits-100-images.idx3-ubyte");
pub const MODEL: &str = "mnist-196-25-10";

fn zkwatt(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkwatt")).args(args).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs and expects this exit code.
pub fn expect(code: i32, args: &[&str]) -> Output {
    let output = zkwatt(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{}{}", stdout(&output), stderr(&output));
    if code != 0 {
        assert!(stderr(&output).contains("error: "), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    }
    // Names of files may be of any length.
    let fits = |line: &str| line.contains('/') || line.chars().count() <= 100;
    assert!(stdout(&output).lines().all(fits), "{}", stdout(&output));
    output
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
