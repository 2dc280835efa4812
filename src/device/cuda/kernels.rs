//! The PTX that ships, and kernels of it.

use super::driver::{Kernel, Module};
use super::session::Session;
use crate::device::gpu::counters::add;
use crate::device::gpu::{Arithmetic, Source, Stage};
use crate::error::Result;
use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A file of `cuda/`, compiled: its name, and its text with a zero at its end.
type Ptx = (&'static str, &'static str);

macro_rules! ptx {
    ($($file:literal),* $(,)?) => {
        &[$(($file, concat!(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/cuda/ptx/", $file, ".ptx")), "\0"))),*]
    };
}

const PTX: &[Ptx] = ptx![
    "batch_inverse",
    "combination",
    "evaluate",
    "lookup",
    "msm_accumulate",
    "msm_digits",
    "msm_reduce",
    "msm_segments",
    "msm_sort",
    "msm_tables",
    "ntt",
    "quotient",
    "scan",
    "scan_u32",
    "sort",
    "vector",
];

#[cfg(test)]
const PTX_OF_TESTS: &[Ptx] = ptx!["curve", "field", "field_merged", "field_representation"];
#[cfg(not(test))]
const PTX_OF_TESTS: &[Ptx] = &[];

/// A file of `cuda/` that has no like in `shaders/`.
pub(super) const fn source(name: &'static str) -> Source {
    Source {
        name,
        #[cfg(feature = "wgpu")]
        wgsl: "",
    }
}

/// Kernels that have been looked up, and modules that have been compiled.
#[derive(Default)]
pub(super) struct Kernels(Mutex<Loaded>);

#[derive(Default)]
struct Loaded {
    modules: HashMap<&'static str, Module>,
    kernels: HashMap<(&'static str, Arithmetic), Kernel>,
}

/// The kernel of a stage: its name with what it computes with.
fn name(stage: &Stage) -> String {
    let suffix = match stage.arithmetic {
        Arithmetic::None => "",
        Arithmetic::Fr | Arithmetic::CoordFr => "_fr",
        Arithmetic::G1 => "_g1",
        Arithmetic::G2 => "_g2",
    };
    format!("{}{suffix}", stage.name)
}

impl Session {
    /// The kernel of a stage. The driver compiles a file when the first of its kernels is asked for, and keeps the result on
    /// disk.
    pub(super) fn kernel(&self, stage: &Stage) -> Result<Kernel> {
        // Held while a module is compiled: others would compile it too.
        let mut loaded = self.kernels.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (stage.name, stage.arithmetic);
        if let Some(kernel) = loaded.kernels.get(&key) {
            return Ok(*kernel);
        }
        let start = Instant::now();
        let entered = self.enter()?;
        let file = stage.source.name;
        let module = match loaded.modules.get(file) {
            Some(module) => *module,
            None => {
                let ptx = PTX
                    .iter()
                    .chain(PTX_OF_TESTS)
                    .find(|(name, _)| *name == file)
                    .map(|(_, text)| text.as_bytes());
                let ptx = ptx.and_then(|text| CStr::from_bytes_with_nul(text).ok());
                let ptx = ptx.ok_or_else(|| self.failed(format!("there is no cuda/ptx/{file}.ptx")))?;
                let module = entered.load(ptx).map_err(|(error, log)| {
                    self.refused(&format!("the driver does not take cuda/ptx/{file}.ptx: {log}"), error)
                })?;
                add(&self.counters.pipelines, 1);
                *loaded.modules.entry(file).or_insert(module)
            }
        };
        let name = name(stage);
        let kernel = entered
            .kernel(module, &name)
            .map_err(|error| self.refused(&format!("cuda/ptx/{file}.ptx has no kernel `{name}`"), error))?;
        loaded.kernels.insert(key, kernel);
        add(&self.counters.pipeline_ns, start.elapsed().as_nanos() as u64);
        Ok(kernel)
    }
}
