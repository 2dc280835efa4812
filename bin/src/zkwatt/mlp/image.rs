//! The input of one proof, from a file.

use std::path::Path;
use zkwatt::mlp::{Dataset, InputSpec};
use zkwatt::{Error, Result, files};
use zkwatt_harness::models::{Images, read_unlabelled};

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// The integers of the input in `path`: a JSON list of integers, or image `index` of an IDX file or a CIFAR-10 batch.
/// Digits are pooled for models of 14x14 inputs.
///
/// # Errors
/// [`Error::Io`] and [`Error::Format`]; [`Error::InvalidArgument`] for images of another size than the model's input.
pub fn read(path: &Path, index: Option<usize>, spec: &InputSpec) -> Result<Vec<u32>> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension == Some("json") {
        if index.is_some() {
            return Err(Error::invalid("--index", "is for files of many images; leave it out"));
        }
        let bytes = files::read_at_most(path, MAX_BYTES)?;
        return serde_json::from_slice(&bytes).map_err(|e| {
            Error::format(path.display().to_string(), format!("expected a list of integers: {e}"))
        });
    }
    let images: Dataset = match extension {
        Some("bin") => Dataset::from_cifar10_files(&[path])?,
        _ => read_unlabelled(path)?,
    };
    let index = index.unwrap_or(0);
    if index >= images.len() {
        let reason = format!("is {index}; {} has {} images, counted from 0", path.display(), images.len());
        return Err(Error::invalid("--index", reason));
    }
    let one = Dataset::new(
        images.width,
        images.height,
        images.channels,
        images.image(index).unwrap_or_default().to_vec(),
        vec![0],
    )?;
    let one = match Images::for_input_len(spec.len) {
        Some(size) => size.fit(one)?,
        None => one,
    };
    Ok(one.input(0).unwrap_or_default())
}
