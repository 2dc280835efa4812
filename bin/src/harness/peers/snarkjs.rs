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
    /// Starts it. On one thread it proves without workers; otherwise it takes as many as there are processors.
    ///
    /// # Errors
    /// Invalid if snarkjs is not installed; [`Error::SelfCheck`] if it ends.
    pub fn start(zkey: &Path, witness: &Path, threads: usize) -> Result<Self> {
        let tool = tools().join("circom/circom");
        let mut command = Command::new(&tool);
        command.arg("prover").args([zkey, witness]);
        if threads == 1 {
            command.arg("--single-thread");
        }
        // What it has to say goes to the terminal.
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| {
            let reason = format!(
                "snarkjs: {} cannot be started: {e}; run tools/circom/install in a checkout, and let {TOOLS} name its \
                 folder tools if the binary was moved",
                tool.display()
            );
            Error::invalid("--peers", reason)
        })?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::SelfCheck("snarkjs: its pipes are not there".into()));
        };
        let mut process =
            Self { child, input: Some(input), output: BufReader::new(output), version: String::new() };
        let workers = if threads == 1 { "no workers" } else { "workers" };
        process.version = process.line::<Ready>().map(|ready| format!("{} ({workers})", ready.version))?;
        Ok(process)
    }

    /// The installed version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A proof, and what the process measured: reading both files is left out, as they are in its memory.
    ///
    /// # Errors
    /// [`Error::SelfCheck`] if the process ends; [`Error::Format`] for what is no proof.
    pub fn prove(&mut self) -> Result<(Proof, Elsewhere)> {
        let asked = self.input.as_mut().map(|input| input.write_all(b"prove\n").and_then(|()| input.flush()));
        if let Some(Err(e)) = asked {
            return Err(Error::io("snarkjs", e));
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
            return Err(Error::SelfCheck(format!("snarkjs ended before it was done, with {status}")));
        }
        serde_json::from_str(&line)
            .map_err(|e| Error::SelfCheck(format!("snarkjs printed what is not understood: {e}")))
    }
}

impl Drop for Snarkjs {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The folder `tools` of a checkout.
fn tools() -> PathBuf {
    std::env::var_os(TOOLS)
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../tools").into(), PathBuf::from)
}
