//! NVIDIA's assembler and disassembler, in the versions that `tools/cuda/install` has.

use crate::report::Error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What ptxas says of a kernel.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub registers: u64,
    /// Bytes that are stored and loaded where registers are too few.
    pub spill_bytes: u64,
    /// Bytes of local memory, spills or arrays.
    pub stack_bytes: u64,
    /// Bytes of shared memory of a block, without what a launch adds.
    pub shared_bytes: u64,
}

/// The programs.
#[derive(Debug)]
pub struct Assembler {
    ptxas: PathBuf,
    disassembler: PathBuf,
    /// Of ptxas: `12.9.86`.
    pub version: String,
}

impl Assembler {
    /// Installs them if they are not there.
    pub fn new() -> Result<Self, Error> {
        let folder =
            output(&mut Command::new(format!("{ROOT}/tools/cuda/install"))).map_err(Error::NoAssembler)?;
        let libraries = Path::new(folder.trim()).join("lib");
        let python = std::fs::read_dir(libraries).ok().and_then(|mut entries| entries.next()?.ok());
        let python = python.ok_or_else(|| Error::NoAssembler("an empty environment".into()))?.path();
        let packages = python.join("site-packages/nvidia");
        let ptxas = packages.join("cuda_nvcc/bin/ptxas");
        let said = output(Command::new(&ptxas).arg("--version")).map_err(Error::NoAssembler)?;
        let version = said.split_whitespace().find_map(|word| word.strip_prefix('V')).unwrap_or("unknown");
        Ok(Self { ptxas, disassembler: packages.join("cu13/bin"), version: version.into() })
    }

    /// Assembles a file for `architecture` and returns its disassembly, and what its kernels use.
    pub fn assemble(
        &self,
        ptx: &Path,
        architecture: &str,
        into: &Path,
    ) -> Result<(String, BTreeMap<String, Resources>), Error> {
        let failed = |message| Error::Assembly { file: ptx.display().to_string(), message };
        let mut ptxas = Command::new(&self.ptxas);
        ptxas.args(["--verbose", "--gpu-name", architecture, "--output-file"]).arg(into).arg(ptx);
        let resources = resources(&output(&mut ptxas).map_err(failed)?);
        let mut cuobjdump = Command::new(self.disassembler.join("cuobjdump"));
        cuobjdump
            .env("NVDISASM_PATH", &self.disassembler)
            .env("PATH", &self.disassembler)
            .arg("-sass")
            .arg(into);
        Ok((output(&mut cuobjdump).map_err(failed)?, resources))
    }
}

/// What a command prints to either stream, or why it failed.
fn output(command: &mut Command) -> Result<String, String> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    if output.status.success() { Ok(out + &err) } else { Err(format!("{program}: {}", err.trim())) }
}

/// Reads lines such as `Compiling entry function 'name' for 'sm_90'`, `8 bytes stack frame, 0 bytes spill stores, 0
/// bytes spill loads` and `Used 40 registers, used 1 barriers, 256 bytes smem`.
fn resources(said: &str) -> BTreeMap<String, Resources> {
    let mut kernels = BTreeMap::new();
    let mut name = String::new();
    let mut own = false;
    for line in said.lines() {
        if let Some(entry) = quoted_after(line, "Compiling entry function") {
            name = entry;
            kernels.insert(name.clone(), Resources::default());
        } else if let Some(function) = line.split("Function properties for ").nth(1) {
            own = function.trim() == name;
        }
        let Some(kernel) = kernels.get_mut(&name) else { continue };
        if own && line.contains("spill stores") {
            kernel.stack_bytes = number_before(line, " bytes stack frame");
            kernel.spill_bytes =
                number_before(line, " bytes spill stores") + number_before(line, " bytes spill loads");
        } else if line.contains(": Used ") {
            kernel.registers = number_before(line, " registers");
            kernel.shared_bytes = number_before(line, " bytes smem");
        }
    }
    kernels
}

fn quoted_after(line: &str, what: &str) -> Option<String> {
    line.split_once(what)?.1.split('\'').nth(1).map(str::to_string)
}

fn number_before(line: &str, what: &str) -> u64 {
    let before = line.split_once(what).map_or("", |(before, _)| before);
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_those_of_entry_functions() {
        let said = "\
ptxas info    : Compiling entry function 'a' for 'sm_90'
ptxas info    : Function properties for a
    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 42 registers, used 1 barriers, 16 bytes cumulative stack size, 1024 bytes smem
ptxas info    : Function properties for helper
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Compiling entry function 'b' for 'sm_90'
ptxas info    : Function properties for b
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
";
        let a = Resources { registers: 42, spill_bytes: 20, stack_bytes: 16, shared_bytes: 1024 };
        let b = Resources { registers: 8, ..Resources::default() };
        assert_eq!(resources(said), [("a".to_string(), a), ("b".to_string(), b)].into());
    }
}
