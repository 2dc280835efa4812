//! Labelled images: IDX files (MNIST) and CIFAR-10 binary batches.

use std::path::Path;

use crate::error::{Error, Result};

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// Images of 8-bit values with one label each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Columns of an image.
    pub width: usize,
    /// Rows of an image.
    pub height: usize,
    /// Planes of an image: 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// All images one after the other: plane by plane, row by row.
    pub images: Vec<u8>,
    /// One for each image.
    pub labels: Vec<u8>,
}

impl Dataset {
    /// Checks that there is one label for each image, and no image of size 0.
    pub fn new(
        width: usize,
        height: usize,
        channels: usize,
        images: Vec<u8>,
        labels: Vec<u8>,
    ) -> Result<Self> {
        let len = width.checked_mul(height).and_then(|n| n.checked_mul(channels)).filter(|n| *n > 0);
        let Some(len) = len else {
            let reason = format!("images of {width} x {height} x {channels} values");
            return Err(Error::format("dataset", reason));
        };
        if len.checked_mul(labels.len()) != Some(images.len()) {
            let reason = format!(
                "{} bytes of images for {} labels; each image has {width} x {height} x {channels} bytes",
                images.len(),
                labels.len()
            );
            return Err(Error::format("dataset", reason));
        }
        Ok(Self { width, height, channels, images, labels })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values in an image.
    pub fn image_len(&self) -> usize {
        self.width.saturating_mul(self.height).saturating_mul(self.channels)
    }

    /// The values of image `i`, or `None` beyond the last.
    pub fn image(&self, i: usize) -> Option<&[u8]> {
        let start = i.checked_mul(self.image_len())?;
        self.images.get(start..start.checked_add(self.image_len())?)
    }

    /// Image `i` as the input of a [`QuantisedModel`](super::QuantisedModel) with 8-bit inputs.
    pub fn input(&self, i: usize) -> Option<Vec<u32>> {
        Some(self.image(i)?.iter().map(|p| u32::from(*p)).collect())
    }

    /// All images as inputs.
    pub fn inputs(&self) -> Vec<Vec<u32>> {
        (0..self.len()).filter_map(|i| self.input(i)).collect()
    }

    /// One more than the largest label.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |label| usize::from(*label) + 1)
    }

    /// The first `n` images, or all if there are fewer.
    pub fn take(&self, n: usize) -> Self {
        let n = n.min(self.len());
        let images = self.images.iter().take(n.saturating_mul(self.image_len())).copied().collect();
        Self { images, labels: self.labels[..n].to_vec(), ..*self }
    }

    /// Images of half the width and height: `(a + b + c + d + 2) >> 2` of each 2x2 square.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if width or height is odd.
    pub fn average_pool_2x2(&self) -> Result<Self> {
        if !self.width.is_multiple_of(2) || !self.height.is_multiple_of(2) {
            let reason = format!(
                "images are {} x {}; pooling needs an even width and height",
                self.width, self.height
            );
            return Err(Error::invalid("dataset", reason));
        }
        let mut images = Vec::with_capacity(self.images.len() / 4);
        // Height is even, so pairs of rows do not straddle planes or images.
        for rows in self.images.chunks_exact(2 * self.width) {
            let (upper, lower) = rows.split_at(self.width);
            for (above, below) in upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0) {
                let sum: u16 = above.iter().chain(below).map(|p| u16::from(*p)).sum();
                images.push(((sum + 2) >> 2) as u8);
            }
        }
        let labels = self.labels.clone();
        Self::new(self.width / 2, self.height / 2, self.channels, images, labels)
    }

    /// Reads an IDX file of images (magic number 0x00000803: count, rows, columns, then one byte a pixel) and
    /// one of labels (0x00000801: count, then one byte a label), not compressed.
    /// <http://yann.lecun.com/exdb/mnist/>
    ///
    /// # Errors
    /// [`Error::Format`] if a header is wrong, a file is shorter or longer than its header says, or the
    /// counts differ.
    pub fn from_idx(images: &[u8], labels: &[u8]) -> Result<Self> {
        let ([count, height, width], pixels) = idx::<3>("IDX images", images)?;
        let ([label_count], label_bytes) = idx::<1>("IDX labels", labels)?;
        if count != label_count {
            let reason = format!("they are {label_count}, but there are {count} images");
            return Err(Error::format("IDX labels", reason));
        }
        Self::new(width, height, 1, pixels.to_vec(), label_bytes.to_vec())
    }

    /// [`from_idx`](Self::from_idx) of two files.
    pub fn from_idx_files(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        Self::from_idx(&read(images.as_ref())?, &read(labels.as_ref())?)
    }

    /// Reads batches of CIFAR-10's "binary version": records of one label byte (0 to 9) and 3072 bytes, the
    /// red, green and blue plane of a 32x32 image. <https://www.cs.toronto.edu/~kriz/cifar.html>
    ///
    /// # Errors
    /// [`Error::Format`] if a batch does not consist of whole records, or a label is above 9.
    pub fn from_cifar10(batches: &[&[u8]]) -> Result<Self> {
        const IMAGE: usize = 3 * 32 * 32;
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for (b, batch) in batches.iter().enumerate() {
            let what = || format!("CIFAR-10 batch {b}");
            if batch.is_empty() || !batch.len().is_multiple_of(IMAGE + 1) {
                let reason = format!("{} bytes are no whole records of {} bytes", batch.len(), IMAGE + 1);
                return Err(Error::format(what(), reason));
            }
            for (r, record) in batch.chunks_exact(IMAGE + 1).enumerate() {
                if record[0] > 9 {
                    let reason = format!("record {r} has the label {}; 0 to 9 were expected", record[0]);
                    return Err(Error::format(what(), reason));
                }
                labels.push(record[0]);
                images.extend_from_slice(&record[1..]);
            }
        }
        Self::new(32, 32, 3, images, labels)
    }

    /// [`from_cifar10`](Self::from_cifar10) of files.
    pub fn from_cifar10_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let batches = paths.iter().map(|path| read(path.as_ref())).collect::<Result<Vec<_>>>()?;
        Self::from_cifar10(&batches.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// The dimensions and the bytes of an IDX file of unsigned bytes.
fn idx<'a, const DIMS: usize>(what: &str, bytes: &'a [u8]) -> Result<([usize; DIMS], &'a [u8])> {
    let (words, _) = bytes.as_chunks::<4>();
    let magic = 0x0800 + DIMS as u32;
    match words.first().map(|word| u32::from_be_bytes(*word)) {
        Some(found) if found == magic => {}
        Some(found) if found >> 16 == 0x1f8b => {
            return Err(Error::format(what, "it is compressed with gzip; decompress it first"));
        }
        Some(found) => {
            let reason = format!("it starts with {found:#010x}; {magic:#010x} was expected");
            return Err(Error::format(what, reason));
        }
        None => return Err(Error::format(what, format!("it has {} bytes, less than a header", bytes.len()))),
    }
    let header = 4 + 4 * DIMS;
    let (Some(data), Some(dim_words)) = (bytes.get(header..), words.get(1..=DIMS)) else {
        return Err(Error::format(what, format!("it has {} bytes, less than a header", bytes.len())));
    };
    let mut dims = [0; DIMS];
    for (dim, word) in dims.iter_mut().zip(dim_words) {
        *dim = u32::from_be_bytes(*word) as usize;
    }
    let expected = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    if expected != Some(data.len()) {
        let reason = format!("its header says {dims:?}, but {} bytes follow; is it cut?", data.len());
        return Err(Error::format(what, reason));
    }
    Ok((dims, data))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    crate::files::read_at_most(path, MAX_BYTES)
}
