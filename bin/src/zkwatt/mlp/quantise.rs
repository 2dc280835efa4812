//! `zkwatt mlp quantise` and `zkwatt mlp accuracy`

use crate::console::{field, note, say};
use crate::staged::{Access, Staged};
use std::path::PathBuf;
use zkwatt::mlp::{self, Dataset, QuantisedModel};
use zkwatt::{Error, Result};
use zkwatt_harness::circuit_args::Bits;
use zkwatt_harness::models::{self, Images, LoadOptions, read_images};
use zkwatt_harness::progress;

/// Turns a float model into one of small integers, with scales chosen on images.
///
/// The embedded training digits serve models of 784 and 196 inputs unless --calibration names others. Never calibrate on
/// the images that accuracy is measured on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An embedded model's name or FILE.onnx
    #[arg(value_name = "MODEL")]
    model: String,

    /// Training images: an IDX file, or a directory of MNIST's IDX files or CIFAR-10's binary batches
    #[arg(long, value_name = "IMAGES.idx|DIR")]
    calibration: Option<PathBuf>,

    /// Images of these that are used, the first ones
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,

    /// Widths of weights and activations
    #[arg(long, value_enum, default_value = "auto", value_name = "BITS")]
    preset: Bits,

    /// The file to write
    #[arg(long, value_name = "FILE.json")]
    out: PathBuf,
}

/// Runs `mlp quantise`.
pub fn run(args: &Args) -> Result<()> {
    let mut staged = Staged::default();
    staged.reserve(&args.out, Access::Public)?;
    let spinner = progress::spinner("quantising");
    let options = LoadOptions {
        preset: args.preset.into(),
        calibration: args.calibration.as_deref().map(|path| (path, args.samples as usize)),
        ..LoadOptions::default()
    };
    let loaded = models::load(&args.model, &options)?;
    spinner.finish_and_clear();
    let Some(report) = loaded.report else {
        return Err(Error::invalid("MODEL", "is quantised already; expected an embedded model or FILE.onnx"));
    };
    loaded.notes.iter().for_each(note);
    let model = &loaded.quantised;
    staged.write(&args.out, model.to_json()?.as_bytes())?;
    staged.commit()?;
    let shifts: Vec<String> =
        model.layers.iter().filter_map(|l| l.requantise).map(|r| r.shift.to_string()).collect();
    let lines = [
        args.out.display().to_string(),
        field("model", model.name.as_str()),
        field("weights", format!("{} bits", report.weight_bits)),
        field("activations", format!("{} bits, shifts {}", report.activation_bits, shifts.join(", "))),
        field("accumulators", format!("within {} bits", model.max_accumulator_bits())),
        field(
            "calibration",
            format!("{} samples, {} change class", report.samples, report.argmax_disagreements),
        ),
    ];
    say(lines.join("\n"))
}

/// Classifies labelled images with a model and its quantised form.
///
/// Without --data: MNIST's 10,000 test digits where they are (data/mnist, or the directory in ZKWATT_MNIST_DIR), else
/// the 100 embedded ones, which say little.
#[derive(Debug, clap::Args)]
pub struct AccuracyArgs {
    /// An embedded model's name, FILE.onnx, or FILE.json of `mlp quantise`
    #[arg(value_name = "MODEL")]
    model: String,

    /// Test images: an IDX file, or a directory of MNIST's IDX files or CIFAR-10's binary batches
    #[arg(long, value_name = "IMAGES.idx|DIR")]
    data: Option<PathBuf>,

    /// Widths of weights and activations of a model that is not quantised yet
    #[arg(long, value_enum, default_value = "auto", value_name = "BITS")]
    preset: Bits,
}

/// Runs `mlp accuracy`.
pub fn accuracy(args: &AccuracyArgs) -> Result<()> {
    let spinner = progress::spinner("classifying");
    let directory = args.data.as_deref().filter(|path| path.is_dir());
    let options = LoadOptions { data: directory, preset: args.preset.into(), ..LoadOptions::default() };
    let loaded = models::load(&args.model, &options)?;
    let named = args.data.as_deref().map(|path| read_images(path, false)).transpose()?;
    let images = match named {
        Some(images) => match Images::for_input_len(loaded.quantised.input.len) {
            Some(size) => Some(size.fit(images)?),
            None => Some(images),
        },
        None => loaded.accuracy_set().cloned(),
    };
    let Some(images) = images else {
        return Err(Error::invalid(
            "--data",
            "is missing; there are no embedded images of this model's size",
        ));
    };
    let percent = |correct: usize| {
        format!("{:.2} % ({correct} of {})", 100.0 * correct as f64 / images.len() as f64, images.len())
    };
    let mut lines = vec![loaded.name().to_owned()];
    match &loaded.model {
        Some(model) => {
            let report = mlp::accuracy(model, &loaded.quantised, &images)?;
            lines.push(field("float", percent(report.float_correct)));
            lines.push(field("quantised", percent(report.quantised_correct)));
            lines.push(field("disagree", format!("{} images", report.argmax_disagreements)));
        }
        None => lines.push(field("quantised", percent(correct(&loaded.quantised, &images)?))),
    }
    spinner.finish_and_clear();
    loaded.notes.iter().for_each(note);
    if images.len() < 1000 {
        note("so few images show that the model works; they do not measure its accuracy");
    }
    say(lines.join("\n"))
}

/// Images that the model classifies as labelled.
fn correct(model: &QuantisedModel, images: &Dataset) -> Result<usize> {
    use rayon::prelude::*;
    let right = |i: usize| -> Result<usize> {
        let class = model.infer(&images.input(i).unwrap_or_default())?.class();
        Ok(usize::from(class == usize::from(images.labels[i])))
    };
    (0..images.len()).into_par_iter().map(right).sum()
}
