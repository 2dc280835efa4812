//! The models of this repository, their test images, and how a model named on a command line is loaded.

mod data;
mod embedded;
mod synthetic;

pub use data::{Images, embedded_calibration, embedded_digits, full_mnist, read_images, read_unlabelled};
pub use embedded::{EmbeddedModel, TrainedOn, embedded};
pub use synthetic::synthetic;

use std::path::Path;
use zkwatt::mlp::{
    Dataset, InputEncoding, Model, Preset, QuantiseOptions, QuantiseReport, QuantisedModel,
    quantise_with_report,
};
use zkwatt::{Error, Result};

/// Random samples that choose scales where there are no images.
const RANDOM_SAMPLES: usize = 200;
/// Images of a CIFAR-10 batch that choose scales.
const CIFAR_SAMPLES: usize = 500;

/// What [`load`] is told beside the name.
#[derive(Copy, Clone, Debug, Default)]
pub struct LoadOptions<'a> {
    /// `--data`: a directory with CIFAR-10's binary batches, or with MNIST's IDX files.
    pub data: Option<&'a Path>,
    /// Widths of weights and activations.
    pub preset: Preset,
    /// Images that choose the scales instead of the usual ones, and how many of them.
    pub calibration: Option<(&'a Path, usize)>,
}

/// A model, quantised, with the images to test it on.
#[derive(Clone, Debug)]
pub struct LoadedModel {
    /// The float model; `None` for one that was made or read quantised.
    pub model: Option<Model>,
    /// The quantised model.
    pub quantised: QuantisedModel,
    /// How the quantisation went; `None` where there was none.
    pub report: Option<QuantiseReport>,
    /// A few test images, of the model's input size.
    pub test: Option<Dataset>,
    /// The whole test set, likewise, where it is at hand.
    pub full_test: Option<Dataset>,
    /// What a reader of the results must know, e.g. that no images were there.
    pub notes: Vec<String>,
}

impl LoadedModel {
    /// The name for tables.
    pub fn name(&self) -> &str {
        &self.quantised.name
    }

    /// The best set to measure accuracy on, if there is any.
    pub fn accuracy_set(&self) -> Option<&Dataset> {
        self.full_test.as_ref().or(self.test.as_ref())
    }

    /// `n` inputs: the first test images, over again if they are fewer, or seeded random ones where there are none.
    pub fn inputs(&self, n: usize) -> Vec<Vec<u32>> {
        match &self.test {
            Some(test) if !test.is_empty() => (0..n).filter_map(|i| test.input(i % test.len())).collect(),
            _ => synthetic::inputs(self.quantised.input.len, self.quantised.input.bits, n),
        }
    }
}

/// Loads what `--model` names: an embedded model, `synthetic-N-…-N`, an ONNX file, or a quantised model's JSON file.
///
/// A float model is quantised with `options.preset`; the embedded ones on the embedded calibration digits or, for
/// CIFAR-10, on images from `options.data`. Random pixels serve where there are none, and a note says so.
///
/// # Errors
/// [`Error::InvalidArgument`] for a name that is neither a model nor a file; what reading and quantising report.
pub fn load(name: &str, options: &LoadOptions<'_>) -> Result<LoadedModel> {
    if let Some(entry) = embedded().iter().find(|entry| entry.name == name) {
        return from_float(entry.model()?, options);
    }
    if let Some(dims) = name.strip_prefix("synthetic-") {
        return Ok(made(synthetic(name, dims)?));
    }
    let path = Path::new(name);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("onnx") => from_float(Model::from_onnx_file(path)?, options),
        Some("json") => Ok(made(QuantisedModel::load(path)?)),
        _ => Err(unknown(name)),
    }
}

/// An error that lists what `--model` may be.
fn unknown(name: &str) -> Error {
    let names: Vec<&str> = embedded().iter().map(|entry| entry.name.as_str()).collect();
    let reason = format!(
        "`{name}` is no model; expected FILE.onnx, FILE.json of a quantised model, synthetic-N-…-N, or one of {}",
        names.join(", ")
    );
    Error::invalid("--model", reason)
}

/// Digits fit the model of any file whose inputs are as many as theirs.
fn made(quantised: QuantisedModel) -> LoadedModel {
    let images = Images::for_input_len(quantised.input.len).filter(|_| quantised.input.bits == 8);
    let is_synthetic = quantised.name.starts_with("synthetic-");
    let (test, full_test) = match images {
        Some(images) if !is_synthetic => (images.digits(), images.full_mnist()),
        _ => (None, None),
    };
    LoadedModel { model: None, quantised, report: None, test, full_test, notes: Vec::new() }
}

fn from_float(model: Model, options: &LoadOptions<'_>) -> Result<LoadedModel> {
    let mut notes = Vec::new();
    let (calibration, test, full_test) = match Images::for_input_len(model.input_len) {
        Some(Images::Cifar10) if let Some(directory) = options.data => {
            let test = data::cifar10_test(directory)?;
            let calibration = data::cifar10_training(directory)?.take(CIFAR_SAMPLES).inputs();
            (calibration, Some(test.take(100)), Some(test))
        }
        Some(images @ (Images::Mnist28 | Images::Mnist14)) => {
            let full = match options.data {
                Some(directory) => Some(images.fit(data::mnist_test(directory)?)?),
                None => images.full_mnist(),
            };
            let calibration = images.fit(embedded_calibration()?.clone())?.inputs();
            (calibration, images.digits(), full)
        }
        _ => {
            let why = "no images to calibrate on, so random pixels chose its scales: its accuracy is unknown";
            let way_out = if model.input_len == Images::CIFAR10_LEN {
                "; name a directory of CIFAR-10's binary batches with --data"
            } else {
                ""
            };
            notes.push(format!("{}: {why}{way_out}", model.name));
            let InputEncoding { bits, .. } = InputEncoding::PIXELS;
            (synthetic::inputs(model.input_len, bits, RANDOM_SAMPLES), None, None)
        }
    };
    let calibration = match options.calibration {
        None => calibration,
        Some((path, samples)) => {
            notes.clear();
            let images = if path.is_dir() { read_images(path, true)? } else { read_unlabelled(path)? };
            let images = match Images::for_input_len(model.input_len) {
                Some(size) => size.fit(images.take(samples))?,
                None => images.take(samples),
            };
            images.inputs()
        }
    };
    let options = QuantiseOptions { preset: options.preset, input: InputEncoding::PIXELS };
    let (quantised, report) = quantise_with_report(&model, &options, &calibration)?;
    Ok(LoadedModel { model: Some(model), quantised, report: Some(report), test, full_test, notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_models_are_what_the_registry_says() {
        assert_eq!(embedded().len(), 6);
        for entry in embedded() {
            let model = entry.model().unwrap();
            assert_eq!(model.dims(), entry.dims, "{}", entry.name);
            assert_eq!(model.name, entry.name);
        }
        assert_eq!(embedded().iter().filter(|entry| entry.trained_on() == TrainedOn::Mnist).count(), 5);
    }

    #[test]
    fn a_digit_model_comes_with_digits_of_its_size() {
        for (name, side) in [("mnist-196-25-10", 14), ("mnist-784-56-10", 28)] {
            let loaded = load(name, &LoadOptions::default()).unwrap();
            let test = loaded.test.as_ref().unwrap();
            assert_eq!((test.width, test.len()), (side, 100));
            assert_eq!(loaded.report.unwrap().weight_bits, 8);
            assert!(loaded.notes.is_empty());
            assert_eq!(loaded.inputs(3).len(), 3);
        }
    }

    #[test]
    fn files_and_wrong_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.json");
        let original = load("mnist-196-25-10", &LoadOptions::default()).unwrap();
        original.quantised.save(&path).unwrap();
        let loaded = load(path.to_str().unwrap(), &LoadOptions::default()).unwrap();
        assert_eq!(loaded.quantised, original.quantised);
        assert!(loaded.test.is_some() && loaded.model.is_none());

        let error = load("mnist-1-2", &LoadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("mnist-784-128-10"), "{error}");
        assert!(matches!(load("no.onnx", &LoadOptions::default()), Err(Error::Io { .. })));
    }
}
