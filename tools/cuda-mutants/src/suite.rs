//! The tests that run kernels on the emulator.

use crate::Error;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Targets with tests on CUDA, and what the names of those tests contain.
const TARGETS: [(&str, &[&str]); 2] =
    [("zkwatt", &["cuda::", "_cuda"]), ("conformance", &["cuda_emulator::"])];

/// Tests at small sizes: one that takes longer by itself, on one core, is left out.
const LONGEST: Duration = Duration::from_secs(20);

/// A test of an executable.
#[derive(Debug)]
pub struct Test {
    executable: PathBuf,
    pub name: String,
    /// What it takes when nothing is broken.
    pub duration: Duration,
    /// What it launches.
    pub kernels: BTreeSet<String>,
}

/// Outcome of a test on a mutant.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    /// It took ten times as long as ever and was ended.
    Endless,
}

/// Tests, and what they run on.
pub struct Suite {
    emulator: PathBuf,
    pub tests: Vec<Test>,
    /// Tests that take too long.
    pub left_out: usize,
}

fn output(command: &mut Command) -> Result<String, Error> {
    let output = command.output();
    let failed = |message: String| Error::Command { command: format!("{command:?}"), message };
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the targets, as `tools/test` does, so that nothing is built twice.
fn executables() -> Result<Vec<(PathBuf, &'static [&'static str])>, Error> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--workspace", "--all-features", "--no-run", "--message-format=json", "--lib"]);
    cargo.args(["--test", "conformance"]).current_dir(ROOT).stderr(Stdio::inherit());
    let messages = output(&mut cargo)?;
    let mut found = Vec::new();
    for message in messages.lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(message) else { continue };
        let Some(path) = message["executable"].as_str() else { continue };
        let target = TARGETS.iter().find(|(name, _)| message["target"]["name"] == *name);
        if let Some((_, tests)) = target {
            found.push((path.into(), *tests));
        }
    }
    Ok(found)
}

impl Suite {
    /// Builds the tests and the emulator, runs each test once, and keeps those that launch kernels and are short.
    pub fn new(threads: usize, progress: &indicatif::ProgressBar) -> Result<Self, Error> {
        progress.set_message("building the tests");
        let mut names = Vec::new();
        for (executable, wanted) in executables()? {
            let mut list = Command::new(&executable);
            list.args(["--list", "--format", "terse"]).current_dir(ROOT);
            let list = output(&mut list)?;
            let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
            let tests = tests.filter(|name| wanted.iter().any(|part| name.contains(part)));
            names.extend(tests.map(|name| (executable.clone(), name.to_owned())));
        }
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(ROOT).join("target"), Into::into);
        let mut install = Command::new(format!("{ROOT}/tools/cuda-emulator/install"));
        let emulator = output(install.arg(target.join("cuda-emulator")))?;
        let mut suite = Self { emulator: emulator.trim().into(), tests: Vec::new(), left_out: 0 };
        progress.set_message("tests as they are");
        progress.set_length(names.len() as u64);
        let (jobs, found) = (Mutex::new(names.into_iter()), Mutex::new(Ok((Vec::new(), 0))));
        let work = || {
            loop {
                let Some((executable, name)) = crate::lock(&jobs).next() else { return };
                let measured = suite.measured(executable, name);
                progress.inc(1);
                let mut found = crate::lock(&found);
                match (measured, found.as_mut()) {
                    (Ok(test), Ok((_, left_out))) if test.duration > LONGEST => *left_out += 1,
                    (Ok(test), Ok((tests, _))) if !test.kernels.is_empty() => tests.push(test),
                    (Ok(_), Ok(_)) => {}
                    (Err(error), Ok(_)) => *found = Err(error),
                    (_, Err(_)) => return,
                }
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let (mut tests, left_out) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)?;
        tests.sort_by_key(|test: &Test| test.duration);
        (suite.tests, suite.left_out) = (tests, left_out);
        Ok(suite)
    }

    /// A test as it is.
    fn measured(&self, executable: PathBuf, name: String) -> Result<Test, Error> {
        let log = scratch()?;
        let mut test = Test { executable, name, duration: Duration::MAX, kernels: BTreeSet::new() };
        let start = Instant::now();
        if self.run(&test, log.path(), None)? != Verdict::Passed {
            return Err(Error::Broken(test.name));
        }
        test.duration = start.elapsed();
        test.kernels = read(log.path())?.lines().map(str::to_owned).collect();
        Ok(test)
    }

    /// Runs a test with one file replaced by another.
    pub fn judge(&self, test: &Test, original: &Path, mutated: &Path) -> Result<Verdict, Error> {
        let log = scratch()?;
        let verdict = self.run(test, log.path(), Some((original, mutated)))?;
        // Else a passing test would say nothing.
        if !read(log.path())?.contains("replaced a module") {
            return Err(Error::NotReplaced(test.name.clone()));
        }
        Ok(verdict)
    }

    fn run(&self, test: &Test, log: &Path, replaced: Option<(&Path, &Path)>) -> Result<Verdict, Error> {
        let mut command = Command::new(&test.executable);
        command.args(["--exact", &test.name, "--test-threads", "1"]);
        command.current_dir(ROOT).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let libraries = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let libraries = std::iter::once(self.emulator.clone()).chain(std::env::split_paths(&libraries));
        command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap_or_default());
        let limit =
            test.duration.saturating_mul(10).max(Duration::from_secs(5)).min(Duration::from_secs(300));
        command.env("CUDA_EMULATOR_THREADS", "1").env("CUDA_EMULATOR_LOG", log);
        command.env("CUDA_EMULATOR_TIMEOUT", limit.as_secs().to_string());
        if let Some((original, mutated)) = replaced {
            command.env("CUDA_EMULATOR_REPLACE", format!("{}:{}", original.display(), mutated.display()));
        }
        let failed = |error: std::io::Error| Error::Command {
            command: test.executable.display().to_string(),
            message: error.to_string(),
        };
        let start = Instant::now();
        let mut child = command.spawn().map_err(failed)?;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok(if status.success() { Verdict::Passed } else { Verdict::Failed });
            }
            // The emulator ends a launch at the limit; this is for what else may take for ever.
            if start.elapsed() > 4 * limit {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                return Ok(Verdict::Endless);
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(20));
        }
    }
}

/// A file that goes when it is dropped.
pub fn scratch() -> Result<tempfile::NamedTempFile, Error> {
    tempfile::NamedTempFile::new().map_err(|error| Error::file(&std::env::temp_dir(), error))
}

pub fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::file(path, error))
}
