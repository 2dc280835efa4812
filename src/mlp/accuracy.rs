//! Float against quantised on labelled images.

use super::dataset::Dataset;
use super::model::Model;
use super::parallel::map;
use super::quantise::InputEncoding;
use super::quantised::{QuantisedModel, arg_max};
use crate::error::{Error, Result};

/// How often the float and the quantised model are right, and how often they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccuracyReport {
    /// Images.
    pub samples: usize,
    /// Images that the float model classifies as labelled.
    pub float_correct: usize,
    /// Images that the quantised model classifies as labelled.
    pub quantised_correct: usize,
    /// Images that the two classify differently.
    pub argmax_disagreements: usize,
    /// The same for the images of each label.
    pub per_class: Vec<ClassAccuracy>,
}

/// The part of an [`AccuracyReport`] of one label.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassAccuracy {
    /// Images with this label.
    pub samples: usize,
    /// Of these, those that the float model gets right.
    pub float_correct: usize,
    /// Of these, those that the quantised model gets right.
    pub quantised_correct: usize,
}

impl AccuracyReport {
    /// Share of images that the float model gets right, 0 to 1; 0 for no images.
    pub fn float_accuracy(&self) -> f64 {
        share(self.float_correct, self.samples)
    }

    /// Share of images that the quantised model gets right, 0 to 1; 0 for no images.
    pub fn quantised_accuracy(&self) -> f64 {
        share(self.quantised_correct, self.samples)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Classifies every image with both models. Float inputs are pixel · scale of the quantised model's input.
///
/// # Errors
/// [`Error::InvalidArgument`] if the images are empty or have another size than the models' inputs, or the
/// models differ in inputs or outputs; [`Error::Model`] if a model is invalid.
pub fn accuracy(model: &Model, quantised: &QuantisedModel, dataset: &Dataset) -> Result<AccuracyReport> {
    model.validate()?;
    quantised.validate()?;
    let dims =
        |first: usize, last: Option<usize>| format!("{first} inputs and {} outputs", last.unwrap_or(0));
    let float_dims = dims(model.input_len, model.layers.last().map(|l| l.outputs));
    let quantised_dims = dims(quantised.input.len, quantised.layers.last().map(|l| l.outputs));
    if float_dims != quantised_dims {
        let reason = format!("has {quantised_dims}, but the float model has {float_dims}");
        return Err(Error::invalid("quantised model", reason));
    }
    if dataset.is_empty() {
        return Err(Error::invalid("dataset", "has no images"));
    }
    if dataset.image_len() != model.input_len {
        let (n, name, expected) = (dataset.image_len(), &model.name, model.input_len);
        let reason = format!("its images have {n} values, but model `{name}` takes {expected}");
        return Err(Error::invalid("dataset", reason));
    }
    let encoding = InputEncoding { bits: quantised.input.bits, scale: quantised.input.scale };
    let indices: Vec<usize> = (0..dataset.len()).collect();
    let classes = map(&indices, |i| -> Result<(usize, usize)> {
        let input = dataset.input(*i).unwrap_or_default();
        let float = arg_max(&model.infer(&encoding.decode(&input))?);
        Ok((float, quantised.infer(&input)?.class()))
    });
    let mut report = AccuracyReport {
        samples: dataset.len(),
        float_correct: 0,
        quantised_correct: 0,
        argmax_disagreements: 0,
        per_class: vec![ClassAccuracy::default(); dataset.classes()],
    };
    for (result, label) in classes.into_iter().zip(&dataset.labels) {
        let (float, quantised) = result?;
        let label = usize::from(*label);
        let (float_right, quantised_right) = (usize::from(float == label), usize::from(quantised == label));
        report.float_correct += float_right;
        report.quantised_correct += quantised_right;
        report.argmax_disagreements += usize::from(float != quantised);
        if let Some(class) = report.per_class.get_mut(label) {
            class.samples += 1;
            class.float_correct += float_right;
            class.quantised_correct += quantised_right;
        }
    }
    Ok(report)
}
