//! snarkjs as a process that has read its files and proves when it is asked to.

use crate::measure::Elsewhere;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use zkwatt::groth16::Proof;
use zkwatt::groth16::circom::json;
use zkwatt::{Error, Result};

/// The environment variable that says where `tools` is, for binaries that left the checkout that they were built from.
pub const TOOLS: &str = "ZKWATT_TOOLS";

/// A running `tools/circom/circom prover`.
#[derive(Debug)]
pub struct Snarkjs {
    child: Child,
    /// Closed first, which ends the process.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    version: String,
}

#[derive(Deserialize)]
struct Ready {
    version: String,
}

#[derive(Deserialize)]
struct Proved {
    proof: serde_json::Value,
    prove_s: f64,
    cpu_s: f64,
    peak_rss_bytes: u64,
}

impl Snarkjs {
    /// Starts it with so many workers; for one thread it has none.
    ///
    /// # Errors
    /// Invalid if snarkjs is not installed or cannot read the files, which it says on standard error.
    pub fn start(zkey: &Path, witness: &Path, threads: usize) -> Result<Self> {
        let tool = tools().join("circom/circom");
        let failed = |e: &dyn std::fmt::Display| {
            let reason = format!(
                "snarkjs: {} did not start: {e}; run tools/circom/install in a checkout, and let {TOOLS} name its \
                 folder tools if the binary was moved",
                tool.display()
            );
            Error::invalid("--peers", reason)
        };
        let mut command = Command::new(&tool);
        command.arg("prover").args([zkey, witness]).args(["--threads", &threads.to_string()]);
        // What it has to say goes to the terminal.
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| failed(&e))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(&"its pipes are not there"));
        };
        let mut process =
            Self { child, input: Some(input), output: BufReader::new(output), version: String::new() };
        let ready = process.line::<Ready>().map_err(|e| failed(&e))?;
        let workers = if threads == 1 { "no workers".into() } else { format!("{threads} workers") };
        process.version = format!("{} ({workers})", ready.version);
        Ok(process)
    }

    /// The installed version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A proof, and what the process measured: reading both files is left out, as they are in its memory.
    ///
    /// # Errors
    /// [`Error::Io`] if the process ends; [`Error::Format`] for what is no proof.
    pub fn prove(&mut self) -> Result<(Proof, Elsewhere)> {
        // A process that is gone says nothing more, which is what is reported.
        if let Some(input) = &mut self.input {
            let _ = input.write_all(b"prove\n").and_then(|()| input.flush());
        }
        let proved = self.line::<Proved>()?;
        let measured = Elsewhere {
            wall_s: proved.prove_s,
            cpu_s: Some(proved.cpu_s),
            peak_rss_bytes: Some(proved.peak_rss_bytes),
        };
        Ok((json::parse_proof(&proved.proof.to_string())?, measured))
    }

    fn line<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).map_err(|e| Error::io("snarkjs", e))?;
        if read == 0 {
            let status = self.child.wait().map_err(|e| Error::io("snarkjs", e))?;
            let ended = std::io::Error::other(format!("it ended before it was done, with {status}"));
            return Err(Error::io("snarkjs", ended));
        }
        serde_json::from_str(&line)
            .map_err(|e| Error::format("snarkjs", format!("it printed what is not understood: {e}")))
    }
}

impl Drop for Snarkjs {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The folder `tools` of a checkout.
pub fn tools() -> PathBuf {
    std::env::var_os(TOOLS)
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../tools").into(), PathBuf::from)
}
