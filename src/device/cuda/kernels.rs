//! The PTX that ships, and kernels of it.

use super::driver::{Entered, Kernel, Module};
use super::session::Session;
use crate::device::gpu::counters::add;
use crate::device::gpu::{Arithmetic, Source, Stage};
use crate::error::Result;
use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
pub(super) struct Kernels {
    kernels: Mutex<HashMap<(&'static str, Arithmetic), Kernel>>,
    modules: Mutex<HashMap<&'static str, Arc<Mutex<Option<Module>>>>>,
}

impl Kernels {
    fn kernels(&self) -> MutexGuard<'_, HashMap<(&'static str, Arithmetic), Kernel>> {
        self.kernels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all modules back to the driver: no kernel may be running.
    pub(super) fn unload(self, entered: &Entered<'_>) {
        for place in self.modules.into_inner().unwrap_or_else(PoisonError::into_inner).into_values() {
            if let Some(module) = *place.lock().unwrap_or_else(PoisonError::into_inner) {
                // SAFETY: nothing is running, and handles of kernels go with `self`.
                let _ = unsafe { entered.unload(module) };
            }
        }
    }

    /// The place of a file's module.
    fn module(&self, file: &'static str) -> Arc<Mutex<Option<Module>>> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(modules.entry(file).or_default())
    }
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
        let key = (stage.name, stage.arithmetic);
        if let Some(kernel) = self.kernels.kernels().get(&key) {
            return Ok(*kernel);
        }
        let start = Instant::now();
        let entered = self.enter()?;
        let file = stage.source.name;
        let module = self.module(&entered, file)?;
        let name = name(stage);
        let kernel = self
            .with_room(&entered, || entered.kernel(module, &name))
            .map_err(|error| self.refused(&format!("cuda/ptx/{file}.ptx has no kernel `{name}`"), error))?;
        self.kernels.kernels().insert(key, kernel);
        add(&self.counters.pipeline_ns, start.elapsed().as_nanos() as u64);
        Ok(kernel)
    }

    fn module(&self, entered: &Entered<'_>, file: &'static str) -> Result<Module> {
        let place = self.kernels.module(file);
        // Held while the module is compiled: others would compile it too. Those that want other modules do not wait.
        let mut module = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = *module {
            return Ok(module);
        }
        let ptx =
            PTX.iter().chain(PTX_OF_TESTS).find(|(name, _)| *name == file).map(|(_, text)| text.as_bytes());
        let ptx = ptx.and_then(|text| CStr::from_bytes_with_nul(text).ok());
        let ptx = ptx.ok_or_else(|| self.failed(format!("there is no cuda/ptx/{file}.ptx")))?;
        let mut log = String::new();
        let loaded = self.with_room(entered, || entered.load(ptx, &mut log)).map_err(|error| {
            self.refused(&format!("the driver does not take cuda/ptx/{file}.ptx: {log}"), error)
        })?;
        add(&self.counters.pipelines, 1);
        Ok(*module.insert(loaded))
    }
}
