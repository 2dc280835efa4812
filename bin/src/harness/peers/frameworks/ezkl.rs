//! EZKL: Halo2 circuits of ONNX models, with a quantisation and a calibration of its own.

use super::{Framework, Prepared, Statement, Task, write};
use crate::circuit_args::{Output, System};
use std::path::Path;
use zkwatt::{Error, Result};

/// EZKL, by its Python package.
#[derive(Copy, Clone, Debug)]
pub struct Ezkl;

impl Framework for Ezkl {
    fn name(&self) -> &'static str {
        "ezkl"
    }

    fn system(&self) -> System {
        System::Halo2
    }

    /// Its visibilities are ours: fixed or committed weights, an input that is private, hashed or public. Outputs are public.
    fn statement(&self, task: &Task<'_>) -> Statement {
        Statement { weights: task.weights, input: task.input, output: Output::Accumulators }
    }

    fn prepare(&self, task: &Task<'_>, folder: &Path) -> Result<Prepared> {
        let Some(onnx) = task.onnx else {
            let name = task.loaded.name();
            return Err(Error::invalid("--model", format!("ezkl takes ONNX, and `{name}` is none")));
        };
        write(&folder.join("model.onnx"), onnx)?;
        Ok(Prepared::default())
    }

    fn quantises(&self) -> bool {
        true
    }
}
