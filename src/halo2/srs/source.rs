//! Pieces of a file, read on demand and never beyond its end.

use super::points::{self, Encoding};
use super::{Error, Result, WHAT};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use zkwatt_kernels::G1Affine;

/// Points that are read at once.
const PIECE: u64 = 1 << 14;

/// A file or bytes in memory.
pub(super) struct Source<R> {
    inner: R,
    len: u64,
    path: PathBuf,
}

impl<R: Read + Seek> Source<R> {
    pub fn new(mut inner: R, path: &Path) -> Result<Self> {
        let len = inner.seek(SeekFrom::End(0)).map_err(|e| Error::io(path, e))?;
        Ok(Self { inner, len, path: path.to_path_buf() })
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// An error about the file's content.
    pub fn error(&self, reason: impl Into<String>) -> Error {
        let path = self.path.display().to_string();
        Error::format(if path.is_empty() { WHAT.into() } else { format!("{WHAT} {path}") }, reason)
    }

    /// `len` bytes from `offset` on. Nothing is allocated unless they are there.
    pub fn bytes(&mut self, offset: u64, len: u64, field: &str) -> Result<Vec<u8>> {
        self.expect(offset, len, field)?;
        let size = usize::try_from(len).map_err(|_| self.error(format!("{field}: {len} bytes")))?;
        let mut bytes = vec![0; size];
        let read = self.inner.seek(SeekFrom::Start(offset)).and_then(|_| self.inner.read_exact(&mut bytes));
        read.map_err(|e| Error::io(&self.path, e))?;
        Ok(bytes)
    }

    pub fn array<const N: usize>(&mut self, offset: u64, field: &str) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes(offset, N as u64, field)?);
        Ok(out)
    }

    pub fn u32(&mut self, offset: u64, field: &str) -> Result<u32> {
        self.array(offset, field).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, offset: u64, field: &str) -> Result<u64> {
        self.array(offset, field).map(u64::from_le_bytes)
    }

    /// `count` points of G1, on the curve and none the identity.
    pub fn g1_points(
        &mut self,
        offset: u64,
        count: u64,
        encoding: Encoding,
        field: &str,
    ) -> Result<Vec<G1Affine>> {
        let size = encoding.g1_bytes();
        self.expect(offset, count.saturating_mul(size), field)?;
        // `count` is at most the file's size.
        let mut out = Vec::with_capacity(count as usize);
        let mut done = 0;
        while done < count {
            let piece = PIECE.min(count - done);
            let bytes = self.bytes(offset + done * size, piece * size, field)?;
            points::read_g1(&bytes, encoding, &mut out)
                .map_err(|(i, reason)| self.error(format!("{field}: point {} {reason}", done + i as u64)))?;
            done += piece;
        }
        Ok(out)
    }

    fn expect(&self, offset: u64, len: u64, field: &str) -> Result<()> {
        if offset.checked_add(len).is_some_and(|end| end <= self.len) {
            return Ok(());
        }
        Err(self.error(format!(
            "{field} at offset {offset} needs {len} bytes but the file has {} in all; it is cut off or damaged",
            self.len
        )))
    }
}
