//! The models that the binaries carry.

use serde::Deserialize;
use std::sync::LazyLock;
use zkwatt::Result;
use zkwatt::mlp::Model;

const REGISTRY: &str = include_str!("../../../../models/models.json");

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_bytes!(concat!("../../../../models/", $file)))),*]
    };
}

/// The bytes of each file that the registry names.
const FILES: [(&str, &[u8]); 6] = files![
    "mnist-196-25-10.onnx",
    "mnist-196-24-14-10.onnx",
    "mnist-784-56-10.onnx",
    "mnist-784-128-10.onnx",
    "mnist-784-256-128-10.onnx",
    "cifar-3072-256-10.onnx",
];

/// What a model was trained on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum TrainedOn {
    /// Handwritten digits.
    Mnist,
    /// Small photographs, which are not in this repository.
    Cifar10,
}

/// An entry of `models/models.json`, with the file it names.
#[derive(Clone, Debug, Deserialize)]
pub struct EmbeddedModel {
    /// Name on command lines.
    pub name: String,
    /// Inputs, then the outputs of each layer.
    pub dims: Vec<usize>,
    /// Weights and biases.
    pub parameters: usize,
    /// Float accuracy on the whole test set, measured when it was trained; 0 to 1.
    pub float_accuracy: f64,
    dataset: String,
    file: String,
}

#[derive(Deserialize)]
struct Registry {
    models: Vec<EmbeddedModel>,
}

impl EmbeddedModel {
    /// The ONNX file.
    pub fn onnx(&self) -> &'static [u8] {
        FILES.iter().find(|(file, _)| *file == self.file).map_or(&[], |(_, bytes)| bytes)
    }

    /// The model.
    ///
    /// # Errors
    /// None for a file that the tests have read.
    pub fn model(&self) -> Result<Model> {
        Model::from_onnx_bytes(&self.name, self.onnx())
    }

    /// What it was trained on.
    pub fn trained_on(&self) -> TrainedOn {
        if self.dataset == "MNIST" { TrainedOn::Mnist } else { TrainedOn::Cifar10 }
    }
}

/// All embedded models, small ones first.
pub fn embedded() -> &'static [EmbeddedModel] {
    // A registry that does not parse is found by the first test that runs.
    static MODELS: LazyLock<Vec<EmbeddedModel>> = LazyLock::new(|| {
        serde_json::from_str::<Registry>(REGISTRY).map(|registry| registry.models).unwrap_or_default()
    });
    &MODELS
}
