//! Pieces of a file, read on demand and never beyond its end.

use crate::error::{Error, Result};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A file or bytes in memory.
#[derive(Debug)]
pub(crate) struct Source<R> {
    inner: R,
    len: u64,
    what: &'static str,
    path: PathBuf,
}

impl<R: Read + Seek> Source<R> {
    /// A source of the file type `what`, as errors name it; `path` is empty for bytes in memory.
    pub fn new(mut inner: R, what: &'static str, path: &Path) -> Result<Self> {
        let len = inner.seek(SeekFrom::End(0)).map_err(|e| Error::io(path, e))?;
        Ok(Self { inner, len, what, path: path.to_path_buf() })
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// An error about the content.
    pub fn error(&self, reason: impl Into<String>) -> Error {
        let path = self.path.display().to_string();
        let what = self.what;
        Error::format(if path.is_empty() { what.into() } else { format!("{what} {path}") }, reason)
    }

    /// `len` bytes from `offset` on. Nothing is allocated unless they are there.
    pub fn bytes(&mut self, offset: u64, len: u64, field: &str) -> Result<Vec<u8>> {
        self.expect(offset, len, field)?;
        let size = usize::try_from(len).map_err(|_| self.error(format!("{field}: {len} bytes")))?;
        let mut bytes = vec![0; size];
        self.fill(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Overwrites `bytes` with those from `offset` on.
    pub fn fill(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let read = self.inner.seek(SeekFrom::Start(offset)).and_then(|_| self.inner.read_exact(bytes));
        read.map_err(|e| Error::io(&self.path, e))
    }

    pub fn array<const N: usize>(&mut self, offset: u64, field: &str) -> Result<[u8; N]> {
        self.expect(offset, N as u64, field)?;
        let mut out = [0; N];
        self.fill(offset, &mut out)?;
        Ok(out)
    }

    pub fn u32(&mut self, offset: u64, field: &str) -> Result<u32> {
        self.array(offset, field).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, offset: u64, field: &str) -> Result<u64> {
        self.array(offset, field).map(u64::from_le_bytes)
    }

    /// Checks that `len` bytes from `offset` on are there.
    pub fn expect(&self, offset: u64, len: u64, field: &str) -> Result<()> {
        if offset.checked_add(len).is_some_and(|end| end <= self.len) {
            return Ok(());
        }
        Err(self.error(format!(
            "{field} at offset {offset} needs {len} bytes but the file has {} in all; it is cut off or damaged",
            self.len
        )))
    }
}
