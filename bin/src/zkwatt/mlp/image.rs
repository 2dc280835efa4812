//! The inputs of a proof, from a file.

use std::path::Path;
use zkwatt::mlp::{Dataset, InputSpec};
use zkwatt::{Error, Result, files};
use zkwatt_harness::models::{Images, read_unlabelled};

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// The integers of `count` inputs in `path`: images `index`.. of an IDX file or a CIFAR-10 batch, or a JSON list of
/// integers, for several inputs a list of lists. Digits are pooled for models of 14x14 inputs.
///
/// # Errors
/// [`Error::Io`] and [`Error::Format`]; [`Error::InvalidArgument`] for images of another size than the model's input, or
/// fewer than `count` of them.
pub fn read(path: &Path, index: Option<usize>, count: usize, spec: &InputSpec) -> Result<Vec<Vec<u32>>> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension == Some("json") {
        if index.is_some() {
            return Err(Error::invalid("--index", "is for files of many images; leave it out"));
        }
        return read_lists(path, count);
    }
    let images: Dataset = match extension {
        Some("bin") => Dataset::from_cifar10_files(&[path])?,
        _ => read_unlabelled(path)?,
    };
    let index = index.unwrap_or(0);
    if index >= images.len() || count > images.len() - index {
        let (path, len) = (path.display(), images.len());
        let wanted =
            if count == 1 { String::new() } else { format!(", and {count} images are proved at once") };
        let reason = format!("is {index}{wanted}; {path} has {len} images, counted from 0");
        return Err(Error::invalid("--index", reason));
    }
    let chosen = (index..index + count).flat_map(|i| images.image(i).unwrap_or_default()).copied().collect();
    let chosen = Dataset::new(images.width, images.height, images.channels, chosen, vec![0; count])?;
    let chosen = match Images::for_input_len(spec.len) {
        Some(size) => size.fit(chosen)?,
        None => chosen,
    };
    Ok(chosen.inputs())
}

fn read_lists(path: &Path, count: usize) -> Result<Vec<Vec<u32>>> {
    let bytes = files::read_at_most(path, MAX_BYTES)?;
    let bad = |reason: String| Error::format(path.display().to_string(), reason);
    if count == 1 {
        let input = serde_json::from_slice(&bytes);
        return Ok(vec![input.map_err(|e| bad(format!("expected a list of integers: {e}")))?]);
    }
    let inputs: Vec<Vec<u32>> = serde_json::from_slice(&bytes)
        .map_err(|e| bad(format!("expected a list of {count} lists of integers: {e}")))?;
    if inputs.len() == count {
        Ok(inputs)
    } else {
        Err(bad(format!("has {} inputs; the key is for {count} at once", inputs.len())))
    }
}
