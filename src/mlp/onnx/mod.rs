//! Reading multi-layer perceptrons from ONNX files.
//!
//! The graph must be one chain from its one input to its one output, for one sample at a time (a batch
//! dimension of 1 or a symbolic one). Operators: Gemm, MatMul, Add, Relu, Flatten, Reshape, Identity,
//! Constant, and at the end Softmax, LogSoftmax and ArgMax. Weights are FLOAT (or DOUBLE, rounded), inside
//! the file. Specification: <https://onnx.ai/onnx/operators/>, opset 7 and later.

mod graph;
mod operators;
mod tensor;
mod wire;

use std::path::Path;

use rten_onnx::onnx::ModelProto;

use super::model::{MAX_PARAMETERS, Model};
use crate::error::{Error, Result};
use crate::files;

/// Largest file that is read, in bytes.
pub const MAX_ONNX_BYTES: u64 = 1 << 30;

impl Model {
    /// Reads an ONNX file of at most [`MAX_ONNX_BYTES`]; the model is named after the file, without its
    /// extension.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`from_onnx_bytes`](Self::from_onnx_bytes).
    pub fn from_onnx_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = files::read_at_most(path, MAX_ONNX_BYTES)?;
        let name = path.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy());
        Self::from_onnx_bytes(&name, &bytes)
    }

    /// Reads an ONNX model from the bytes of a file. Whatever they hold, memory is bounded by their length
    /// and by [`MAX_PARAMETERS`](super::MAX_PARAMETERS).
    ///
    /// Dense layers that follow each other without a ReLU are folded into one; a Softmax, LogSoftmax or
    /// ArgMax at the end is left out and listed in [`Model::dropped`].
    ///
    /// # Errors
    /// [`Error::Format`] if the bytes are no ONNX file, with the offset; [`Error::Model`] with node and
    /// operator if the model is none that this library proves.
    pub fn from_onnx_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > MAX_ONNX_BYTES {
            let reason = format!("it has {} bytes; at most {MAX_ONNX_BYTES} are read", bytes.len());
            return Err(Error::format("ONNX file", reason));
        }
        wire::check(bytes)?;
        let proto = ModelProto::parse_buf(bytes).map_err(|e| Error::format("ONNX file", e.to_string()))?;
        let opset = proto
            .opset_import
            .iter()
            .filter(|opset| matches!(opset.domain.as_deref(), None | Some("" | "ai.onnx")))
            .filter_map(|opset| opset.version)
            .max();
        match opset {
            Some(7..) => {}
            Some(old) => {
                let reason =
                    format!("it uses operator set {old}; 7 and later are supported; export it again");
                return Err(Error::model("opset_import", reason));
            }
            None => {
                return Err(Error::model(
                    "opset_import",
                    "it names no operator set of ONNX; is it an ONNX model?",
                ));
            }
        }
        let Some(graph) = &proto.graph else {
            return Err(Error::format("ONNX file", "it has no graph; is it an ONNX model?"));
        };
        // A weight takes four bytes of the file, so a tensor may be used four times.
        let max_parameters = bytes.len().min(MAX_PARAMETERS);
        graph::read(name, graph, max_parameters)?.folded()
    }
}
