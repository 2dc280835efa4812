//! Images: the embedded digits, the whole MNIST where it is at hand, CIFAR-10 from a directory that the user names.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zkwatt::mlp::Dataset;
use zkwatt::{Error, Result};

/// The environment variable that names the directory of MNIST's IDX files.
const MNIST_DIRECTORY: &str = "ZKWATT_MNIST_DIR";
/// Images and labels of MNIST's test set.
const MNIST_TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

macro_rules! idx {
    ($name:literal) => {
        Dataset::from_idx(
            include_bytes!(concat!("../../../../data/", $name, "-images.idx3-ubyte")),
            include_bytes!(concat!("../../../../data/", $name, "-labels.idx1-ubyte")),
        )
    };
}

/// A hundred test digits, 28x28, ten of each class, mixed.
///
/// # Errors
/// None for files that the tests have read.
pub fn embedded_digits() -> Result<&'static Dataset> {
    static DIGITS: OnceLock<Dataset> = OnceLock::new();
    once(&DIGITS, || idx!("digits-100"))
}

/// Five hundred training digits, 28x28, which choose scales.
///
/// # Errors
/// None for files that the tests have read.
pub fn embedded_calibration() -> Result<&'static Dataset> {
    static CALIBRATION: OnceLock<Dataset> = OnceLock::new();
    once(&CALIBRATION, || idx!("calibration-500"))
}

fn once(
    cell: &'static OnceLock<Dataset>,
    make: impl FnOnce() -> Result<Dataset>,
) -> Result<&'static Dataset> {
    if let Some(dataset) = cell.get() {
        return Ok(dataset);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

/// The images that fit a model's inputs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Images {
    /// MNIST, 28x28.
    Mnist28,
    /// MNIST, pooled to 14x14.
    Mnist14,
    /// CIFAR-10, 3x32x32.
    Cifar10,
}

impl Images {
    /// Values in a CIFAR-10 image.
    pub const CIFAR10_LEN: usize = 3 * 32 * 32;

    /// The images of so many values.
    pub fn for_input_len(input_len: usize) -> Option<Self> {
        match input_len {
            784 => Some(Self::Mnist28),
            196 => Some(Self::Mnist14),
            Self::CIFAR10_LEN => Some(Self::Cifar10),
            _ => None,
        }
    }

    /// `dataset` at this size: 28x28 images are pooled to 14x14 where those are wanted.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for images of another size.
    pub fn fit(self, dataset: Dataset) -> Result<Dataset> {
        let dataset = match self {
            Self::Mnist14 if dataset.image_len() == 784 => dataset.average_pool_2x2()?,
            _ => dataset,
        };
        let expected = match self {
            Self::Mnist28 => 784,
            Self::Mnist14 => 196,
            Self::Cifar10 => Self::CIFAR10_LEN,
        };
        if dataset.image_len() == expected {
            return Ok(dataset);
        }
        let reason = format!("images have {} values; the model takes {expected}", dataset.image_len());
        Err(Error::invalid("dataset", reason))
    }

    /// The embedded test digits at this size; `None` for CIFAR-10.
    pub fn digits(self) -> Option<Dataset> {
        if self == Self::Cifar10 {
            return None;
        }
        self.fit(embedded_digits().ok()?.clone()).ok()
    }

    /// [`full_mnist`] at this size; `None` for CIFAR-10.
    pub fn full_mnist(self) -> Option<Dataset> {
        if self == Self::Cifar10 {
            return None;
        }
        self.fit(full_mnist()?.clone()).ok()
    }
}

/// MNIST's 10,000 test digits from `$ZKWATT_MNIST_DIR`, `data/mnist` here, or `data/mnist` of the repository that this
/// binary was built from; `None` where they are not.
pub fn full_mnist() -> Option<&'static Dataset> {
    static FULL: OnceLock<Option<Dataset>> = OnceLock::new();
    let find = || {
        let places = match std::env::var_os(MNIST_DIRECTORY) {
            Some(directory) => vec![PathBuf::from(directory)],
            None => {
                let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/mnist");
                vec![PathBuf::from("data/mnist"), repository]
            }
        };
        places.iter().find_map(|place| mnist_test(place).ok())
    };
    FULL.get_or_init(find).as_ref()
}

/// The test set of a directory of MNIST's IDX files.
pub(super) fn mnist_test(directory: &Path) -> Result<Dataset> {
    let [images, labels] = MNIST_TEST.map(|name| directory.join(name));
    Dataset::from_idx_files(images, labels)
}

/// The test batch of a directory of CIFAR-10's binary batches.
pub(super) fn cifar10_test(directory: &Path) -> Result<Dataset> {
    Dataset::from_cifar10_files(&[directory.join("test_batch.bin")])
}

/// The first training batch of such a directory.
pub(super) fn cifar10_training(directory: &Path) -> Result<Dataset> {
    Dataset::from_cifar10_files(&[directory.join("data_batch_1.bin")])
}

/// Labelled images from `path`: a directory of MNIST's test set or of CIFAR-10's batches (`training` chooses which), or
/// an IDX file of images, whose labels lie beside it under the same name with `labels` and `idx1` for `images` and `idx3`.
///
/// # Errors
/// [`Error::Io`] and [`Error::Format`]; [`Error::Format`] too for a directory that holds neither.
pub fn read_images(path: &Path, training: bool) -> Result<Dataset> {
    if !path.is_dir() {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let labels = name.replace("images", "labels").replace("idx3", "idx1");
        if labels == name {
            let reason = "its name has no `images`, so the file of labels cannot be told; rename it like \
                          `t10k-images-idx3-ubyte`";
            return Err(Error::format(path.display().to_string(), reason));
        }
        return Dataset::from_idx_files(path, path.with_file_name(labels));
    }
    if path.join("test_batch.bin").exists() {
        return if training { cifar10_training(path) } else { cifar10_test(path) };
    }
    let [images, labels] =
        if training { ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] } else { MNIST_TEST };
    if path.join(images).exists() {
        return Dataset::from_idx_files(path.join(images), path.join(labels));
    }
    let reason = format!("holds neither `{images}` nor CIFAR-10's `test_batch.bin`");
    Err(Error::format(path.display().to_string(), reason))
}

/// The images of an IDX file, without their labels.
///
/// # Errors
/// [`Error::Io`] and [`Error::Format`].
pub fn read_unlabelled(path: &Path) -> Result<Dataset> {
    const MAX_BYTES: u64 = 1 << 30;
    const LABELS: [u8; 4] = [0, 0, 8, 1];
    let bytes = zkwatt::files::read_at_most(path, MAX_BYTES)?;
    // As many labels as the header counts images, but never more than the file has bytes.
    let count = bytes.get(4..8).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes);
    let labels = vec![0; (count as usize).min(bytes.len())];
    let header = [LABELS, count.to_be_bytes()].concat();
    Dataset::from_idx(&bytes, &[header, labels].concat()).map_err(|e| match e {
        Error::Format { what, reason } => Error::format(format!("{}: {what}", path.display()), reason),
        other => other,
    })
}
