//! All that is known of the kernels.

use crate::assembler::{Assembler, Resources};
use crate::cost::{Cost, way};
use crate::sass::{self, Instruction};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

const PTX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../cuda/ptx");

/// What is assembled for.
const ARCHITECTURES: [&str; 4] = ["sm_80", "sm_90", "sm_120", MODELLED_ONLY];

/// Assembled for operations alone: a GPU of it has a modelled throughput.
const MODELLED_ONLY: &str = "sm_89";

/// The file of operations.
const OPERATIONS: &str = "cost";

/// Kernels of this name are operations: `cost_NAME_1` has one of them and `cost_NAME_2` two.
const OPERATION: &str = "cost_";

/// Operations whose usual way has the products of others; what has no branches needs no such list.
const USUAL_WAYS: [(&str, &[(u64, &str)]); 2] = [
    ("add_mixed_g1", &[(6, "multiply_fq"), (1, "multiply_add_fq"), (2, "square_fq")]),
    ("add_mixed_g2", &[(6, "multiply_fq2"), (1, "multiply_add_fq2"), (2, "square_fq2")]),
];

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no assembler: {0}\n  `tools/cuda/install` gets it from PyPI; it needs Python 3 and the network, once"
    )]
    NoAssembler(String),
    #[error("{file}: {message}")]
    Assembly { file: String, message: String },
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("{0}")]
    Json(serde_json::Error),
    #[error("{name} on {architecture}: {message}")]
    NotCounted { name: String, architecture: String, message: String },
    #[error("{}\n  `cargo run -p zkwatt-sass-report -- --write-budgets` makes new budgets; limits stay", .0.join("\nerror: "))]
    Exceeded(Vec<String>),
}

impl Error {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Self::NoAssembler(_)) { 4 } else { 1 })
    }

    pub fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), error }
    }
}

/// A kernel on an architecture.
#[derive(Clone, Debug, Serialize)]
pub struct Kernel {
    pub registers: u64,
    pub spill_bytes: u64,
    pub stack_bytes: u64,
    pub shared_bytes: u64,
    /// Of its code, once.
    #[serde(flatten)]
    pub cost: Cost,
    /// Of its loops, once each; inner ones are counted in outer ones too.
    pub loops: Vec<Cost>,
}

/// By name and architecture.
pub type Table<T> = BTreeMap<String, BTreeMap<String, T>>;

/// Everything.
#[derive(Debug)]
pub struct Report {
    /// Of ptxas.
    pub version: String,
    pub operations: Table<Cost>,
    pub kernels: Table<Kernel>,
}

impl Report {
    /// Assembles the files with kernels that have one of these texts in their names; all if there are none.
    pub fn new(wanted: &[String]) -> Result<Self, Error> {
        let assembler = Assembler::new()?;
        let folder = tempfile()?;
        let parts = assemble_all(&assembler, &files(wanted)?, &folder);
        // What is left behind is small, and in the folder for such things.
        let _ = std::fs::remove_dir_all(&folder);
        let mut report = Self { version: assembler.version, operations: Table::new(), kernels: Table::new() };
        for (architecture, part) in parts? {
            report.add(architecture, &part)?;
        }
        report.operations.retain(|name, _| is_wanted(name, wanted));
        report.kernels.retain(|name, _| is_wanted(name, wanted));
        Ok(report)
    }

    fn add(&mut self, architecture: &str, part: &Part) -> Result<(), Error> {
        for (name, resources) in &part.resources {
            let failed = |message| Error::NotCounted {
                name: name.clone(),
                architecture: architecture.into(),
                message,
            };
            if let Some(numbered) = name.strip_prefix(OPERATION) {
                let Some(name) = numbered.strip_suffix("_2") else { continue };
                let cost = part.operation(name).map_err(failed)?;
                self.operations.entry(name.into()).or_default().insert(architecture.into(), cost);
            } else {
                let kernel = Kernel::new(resources, part.code(name).map_err(failed)?);
                self.kernels.entry(name.clone()).or_default().insert(architecture.into(), kernel);
            }
        }
        Ok(())
    }

    /// A line for each operation and kernel on each architecture.
    pub fn json(&self) -> Result<String, Error> {
        #[derive(Serialize)]
        struct Line<'a, T> {
            #[serde(flatten)]
            name: BTreeMap<&'a str, &'a str>,
            #[serde(flatten)]
            found: &'a T,
        }
        fn lines<T: Serialize>(what: &str, table: &Table<T>, text: &mut String) -> Result<(), Error> {
            for (name, architectures) in table {
                for (architecture, found) in architectures {
                    let name = [(what, name.as_str()), ("architecture", architecture)].into();
                    text.push_str(&serde_json::to_string(&Line { name, found }).map_err(Error::Json)?);
                    text.push('\n');
                }
            }
            Ok(())
        }
        let mut text = String::new();
        lines("operation", &self.operations, &mut text)?;
        lines("kernel", &self.kernels, &mut text)?;
        Ok(text)
    }
}

impl Kernel {
    fn new(resources: &Resources, code: &[Instruction]) -> Self {
        let Resources { registers, spill_bytes, stack_bytes, shared_bytes } = *resources;
        Self {
            registers,
            spill_bytes,
            stack_bytes,
            shared_bytes,
            cost: Cost::of_code(code),
            loops: Cost::of_loops(code),
        }
    }
}

/// A file on an architecture.
struct Part {
    code: BTreeMap<String, Vec<Instruction>>,
    resources: BTreeMap<String, Resources>,
}

impl Part {
    fn code(&self, name: &str) -> Result<&[Instruction], String> {
        let code = self.code.get(name).map(Vec::as_slice);
        code.ok_or_else(|| format!("the disassembly has no function `{name}`"))
    }

    /// What the second of two operations adds.
    fn operation(&self, name: &str) -> Result<Cost, String> {
        let usual = USUAL_WAYS.iter().find(|(operation, _)| *operation == name);
        let products = match usual {
            None => u64::MAX / 2,
            Some((_, parts)) => parts
                .iter()
                .map(|(count, part)| Ok(count * self.operation(part)?.multiplies))
                .sum::<Result<u64, String>>()?,
        };
        let times = |count: u64| {
            let kernel = format!("{OPERATION}{name}_{count}");
            let cost = way(self.code(&kernel)?, count * products);
            cost.ok_or_else(|| {
                format!("`{kernel}` has a loop or a branch to nowhere, so no way through it can be counted")
            })
        };
        Ok(times(2)? - times(1)?)
    }
}

/// Whether a name has one of these texts; every one has, if there are none.
pub fn is_wanted(name: &str, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str()))
}

fn files(wanted: &[String]) -> Result<Vec<PathBuf>, Error> {
    let folder = Path::new(PTX);
    let failed = |error| Error::file(folder, error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        let mut kernels = text.lines().filter(|line| line.contains(".entry "));
        if wanted.is_empty() || kernels.any(|line| wanted.iter().any(|text| line.contains(text.as_str()))) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A folder of this process's own.
fn tempfile() -> Result<PathBuf, Error> {
    let path = std::env::temp_dir().join(format!("zkwatt-sass-report-{}", std::process::id()));
    std::fs::create_dir_all(&path).map_err(|error| Error::file(&path, error))?;
    Ok(path)
}

/// Every file on every architecture, on all cores.
fn assemble_all(
    assembler: &Assembler,
    files: &[PathBuf],
    folder: &Path,
) -> Result<Vec<(&'static str, Part)>, Error> {
    let all = files.iter().flat_map(|file| ARCHITECTURES.map(|architecture| (file, architecture)));
    let jobs = Mutex::new(all.filter(|(file, architecture)| {
        *architecture != MODELLED_ONLY || file.file_stem().is_some_and(|name| name == OPERATIONS)
    }));
    let parts = Mutex::new(Ok(Vec::new()));
    let next = || jobs.lock().ok()?.next();
    let work = || {
        while let Some((file, architecture)) = next() {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let into = folder.join(format!("{name}.{architecture}.cubin"));
            let part = assembler
                .assemble(file, architecture, &into)
                .map(|(text, resources)| Part { code: sass::functions(&text), resources });
            let Ok(mut parts) = parts.lock() else { return };
            match (part, parts.as_mut()) {
                (Ok(part), Ok(parts)) => parts.push((architecture, part)),
                (Err(error), Ok(_)) => *parts = Err(error),
                (_, Err(_)) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    parts.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sass::tests::code;

    fn added(lines: [&[&str]; 2]) -> Result<Report, String> {
        let names = ["cost_x_1", "cost_x_2"].map(String::from);
        let part = Part {
            resources: names.clone().map(|name| (name, Resources::default())).into(),
            code: names.into_iter().zip(lines.map(code)).collect(),
        };
        let mut report = Report { version: String::new(), operations: Table::new(), kernels: Table::new() };
        report.add("sm_90", &part).map_err(|error| error.to_string())?;
        Ok(report)
    }

    #[test]
    fn operations_are_what_the_second_adds() {
        let report = added([&["IMAD R1, R2, R3, R4", "EXIT"], &["IMAD R1, R2, R3, R4"; 3]]).unwrap();
        assert_eq!(report.operations["x"]["sm_90"].multiplies, 2);
    }

    #[test]
    fn operations_that_cannot_be_counted_are_errors() {
        let message = added([&["EXIT"], &["@P0 BRA 0x0", "EXIT"]]).unwrap_err();
        assert!(message.starts_with("cost_x_2 on sm_90: `cost_x_2` has a loop"), "{message}");
    }
}
