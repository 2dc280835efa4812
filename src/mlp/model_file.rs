//! Files of [`QuantisedModel`]s, and the digest that binds keys to them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::quantised::{InputSpec, QuantisedLayer, QuantisedModel, Requantise};
use crate::error::{Error, Result};
use crate::files;

const FORMAT: &str = "zkwatt-quantised-model";
const VERSION: u32 = 1;
/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// What every version of the format starts with.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    name: String,
    input: Input,
    layers: Vec<Layer>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    len: usize,
    bits: u32,
    scale: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    inputs: usize,
    outputs: usize,
    requantise: Option<Shift>,
    accumulator_scale: f64,
    bias: Vec<i64>,
    weights: Vec<i32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shift {
    shift: u32,
    bits: u32,
}

impl QuantisedModel {
    /// The model as JSON: `{"format": "zkwatt-quantised-model", "version": 1, "name", "input", "layers"}`.
    ///
    /// # Errors
    /// What [`validate`](Self::validate) reports: an invalid model is not written.
    pub fn to_json(&self) -> Result<String> {
        self.validate()?;
        let layers = self.layers.iter().map(|layer| Layer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            requantise: layer.requantise.map(|r| Shift { shift: r.shift, bits: r.bits }),
            accumulator_scale: layer.accumulator_scale,
            bias: layer.bias.clone(),
            weights: layer.weights.clone(),
        });
        let input = Input { len: self.input.len, bits: self.input.bits, scale: self.input.scale };
        let file = File {
            format: FORMAT.to_owned(),
            version: VERSION,
            name: self.name.clone(),
            input,
            layers: layers.collect(),
        };
        serde_json::to_string(&file).map_err(|e| Error::format("quantised model", e.to_string()))
    }

    /// Reads and validates what [`to_json`](Self::to_json) wrote; floats come back bit for bit.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, version or shape of the JSON; [`Error::Model`] for an invalid
    /// model.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let fail = |e: serde_json::Error| Error::format("quantised model", e.to_string());
        let header: Header = serde_json::from_slice(json).map_err(fail)?;
        if header.format != FORMAT {
            let reason = format!("its format is `{}`; `{FORMAT}` was expected", header.format);
            return Err(Error::format("quantised model", reason));
        }
        if header.version != VERSION {
            let reason = format!(
                "it has version {}; this program reads version {VERSION}; quantise the model again",
                header.version
            );
            return Err(Error::format("quantised model", reason));
        }
        let file: File = serde_json::from_slice(json).map_err(fail)?;
        let layers = file.layers.into_iter().map(|layer| QuantisedLayer {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weights: layer.weights,
            bias: layer.bias,
            requantise: layer.requantise.map(|r| Requantise { shift: r.shift, bits: r.bits }),
            accumulator_scale: layer.accumulator_scale,
        });
        let input = InputSpec { len: file.input.len, bits: file.input.bits, scale: file.input.scale };
        let model = Self { name: file.name, input, layers: layers.collect() };
        model.validate()?;
        Ok(model)
    }

    /// Writes [`to_json`](Self::to_json) to `path`: the whole file or, on an error, none.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write_atomic(path, self.to_json()?.as_bytes())
    }

    /// Reads and validates a file that [`save`](Self::save) wrote.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_json(&files::read_at_most(path, MAX_BYTES)?).map_err(|e| e.in_file(path))
    }

    /// SHA-256 of everything but the name: equal for models that compute the same with the same integers.
    ///
    /// Hashed are, little-endian: the text `zkwatt-quantised-model/1`; length (u64), bits (u32) and scale
    /// (f64) of the input; the number of layers (u64); and for each layer inputs and outputs (u64), shift and
    /// bits (u32, both 0 in the last layer), the accumulator's scale (f64), weights (i32) and biases (i64).
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"zkwatt-quantised-model/1");
        hash.update((self.input.len as u64).to_le_bytes());
        hash.update(self.input.bits.to_le_bytes());
        hash.update(self.input.scale.to_le_bytes());
        hash.update((self.layers.len() as u64).to_le_bytes());
        for layer in &self.layers {
            hash.update((layer.inputs as u64).to_le_bytes());
            hash.update((layer.outputs as u64).to_le_bytes());
            let requantise = layer.requantise.unwrap_or(Requantise { shift: 0, bits: 0 });
            hash.update(requantise.shift.to_le_bytes());
            hash.update(requantise.bits.to_le_bytes());
            hash.update(layer.accumulator_scale.to_le_bytes());
            layer.weights.iter().for_each(|w| hash.update(w.to_le_bytes()));
            layer.bias.iter().for_each(|b| hash.update(b.to_le_bytes()));
        }
        hash.finalize().into()
    }
}
