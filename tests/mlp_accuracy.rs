//! The project's own models on MNIST: what quantisation keeps.
#![cfg(feature = "onnx")]

mod mlp_support;

use mlp_support::files;
use zkwatt::mlp::{
    Dataset, Model, Preset, QuantiseOptions, QuantisedModel, accuracy, quantise, quantise_with_report,
};

/// Every MNIST model in `models/`, the side of its square input, and whether 8 bits are enough.
const MODELS: [(&str, usize, Option<u32>); 5] = [
    ("mnist-196-25-10", 14, None),
    ("mnist-196-24-14-10", 14, None),
    ("mnist-784-56-10", 28, None),
    ("mnist-784-128-10", 28, Some(8)),
    ("mnist-784-256-128-10", 28, None),
];

fn load(images: &str, labels: &str, side: usize) -> Option<Dataset> {
    let (images, labels) = (files::find(images)?, files::find(labels)?);
    let dataset = Dataset::from_idx_files(images, labels).unwrap();
    Some(if side == 14 { dataset.average_pool_2x2().unwrap() } else { dataset })
}

fn calibration(side: usize) -> Option<Dataset> {
    load("data/calibration-500-images.idx3-ubyte", "data/calibration-500-labels.idx1-ubyte", side)
}

fn with_models(mut f: impl FnMut(Model, usize, Option<u32>, Dataset)) {
    for (name, side, bits) in MODELS {
        let Some(path) = files::find(&format!("models/{name}.onnx")) else { return };
        let Some(calibration) = calibration(side) else { return };
        let model = Model::from_onnx_file(path).unwrap();
        assert_eq!((model.name.as_str(), model.input_len), (name, side * side));
        f(model, side, bits, calibration);
    }
}

#[test]
fn quantised_models_are_as_accurate_as_float_ones_on_10000_test_digits() {
    with_models(|model, side, bits, calibration| {
        for preset in [Preset::Auto, Preset::Bits16] {
            let options = QuantiseOptions { preset, ..Default::default() };
            let (quantised, report) = quantise_with_report(&model, &options, &calibration.inputs()).unwrap();
            if let (Preset::Auto, Some(bits)) = (preset, bits) {
                assert_eq!(report.weight_bits, bits, "{}", model.name);
            }
            let Some(test) =
                load("data/mnist/t10k-images-idx3-ubyte", "data/mnist/t10k-labels-idx1-ubyte", side)
            else {
                return;
            };
            let measured = accuracy(&model, &quantised, &test).unwrap();
            println!(
                "{} {preset:?}: {report:?}; {} accumulator bits; float {:.4}, quantised {:.4}, {} differ",
                model.name,
                quantised.max_accumulator_bits(),
                measured.float_accuracy(),
                measured.quantised_accuracy(),
                measured.argmax_disagreements
            );
            if preset == Preset::Auto {
                let lost = measured.float_accuracy() - measured.quantised_accuracy();
                assert!(lost.abs() <= 0.001, "{}: {measured:?}", model.name);
            }
        }
    });
}

#[test]
fn the_hundred_digits_are_read_and_classified() {
    with_models(|model, side, _, calibration| {
        let Some(digits) =
            load("data/digits-100-images.idx3-ubyte", "data/digits-100-labels.idx1-ubyte", side)
        else {
            return;
        };
        let quantised = quantise(&model, &QuantiseOptions::default(), &calibration.inputs()).unwrap();
        let measured = accuracy(&model, &quantised, &digits).unwrap();
        assert_eq!(measured.samples, 100);
        assert!(measured.per_class.len() == 10 && measured.per_class.iter().all(|c| c.samples == 10));
        assert!(measured.float_correct >= 95, "{}: {measured:?}", model.name);
        let again = QuantisedModel::from_json(quantised.to_json().unwrap().as_bytes()).unwrap();
        assert_eq!((again.digest(), again), (quantised.digest(), quantised));
    });
}

#[test]
fn every_model_of_the_repository_is_read() {
    let Some(path) = files::find("models") else { return };
    let mut models: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect();
    models.sort();
    assert!(models.len() >= MODELS.len());
    for path in models {
        let model = Model::from_onnx_file(path).unwrap();
        // The names say the sizes: `mnist-784-128-10`.
        let sizes: Vec<usize> = model.name.split('-').filter_map(|part| part.parse().ok()).collect();
        assert_eq!((model.dims(), model.dropped.len()), (sizes, 0), "{}", model.name);
    }
}
