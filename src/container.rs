//! The frame of key and proof files.
//!
//! ```text
//! magic 8 | version u32 | header bytes u32 | body bytes u64 | header (JSON) | body | SHA-256 of all before 32
//! ```
//!
//! Integers are little-endian. The checksum finds accidents, not attacks: whoever writes files can compute it. What is
//! read from a frame is therefore still checked, and nothing is allocated on the word of a length field.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};

/// Version of the frame and of all bodies in it.
pub(crate) const VERSION: u32 = 1;
const PREFIX: usize = 8 + 4 + 4 + 8;
const CHECKSUM: usize = 32;

/// A kind of file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileKind {
    pub magic: [u8; 8],
    /// For error messages.
    pub name: &'static str,
}

pub(crate) fn encode(kind: FileKind, header: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    let header_len = u32::try_from(header.len()).map_err(|_| {
        Error::invalid("header", format!("has {} bytes; 2^32 − 1 is the limit", header.len()))
    })?;
    let mut out = Vec::with_capacity(PREFIX + header.len() + body.len() + CHECKSUM);
    out.extend_from_slice(&kind.magic);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&header_len.to_le_bytes());
    out.extend_from_slice(&(body.len() as u64).to_le_bytes());
    out.extend_from_slice(header);
    out.extend_from_slice(body);
    let checksum = Sha256::digest(&out);
    out.extend_from_slice(&checksum);
    Ok(out)
}

/// Header and body.
pub(crate) fn decode(kind: FileKind, bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let bad = |reason: String| Error::format(kind.name, reason);
    if bytes.get(..8) != Some(&kind.magic) {
        return Err(bad("does not begin with the file type's signature; it is another kind of file".into()));
    }
    let mut reader = Reader::new(kind.name, bytes);
    reader.take(8, "signature")?;
    let version = reader.u32("version")?;
    if version != VERSION {
        return Err(bad(format!("has format version {version}; this program reads version {VERSION}")));
    }
    let header_len = reader.u32("header length")? as usize;
    let body_len = reader.u64("body length")?;
    let expected = u128::from(body_len) + (PREFIX + header_len + CHECKSUM) as u128;
    if bytes.len() as u128 != expected {
        return Err(bad(format!(
            "has {} bytes but should have {expected}; it is cut off or damaged",
            bytes.len()
        )));
    }
    let header = reader.take(header_len, "header")?;
    let body = reader.take(bytes.len() - PREFIX - header_len - CHECKSUM, "body")?;
    let content = &bytes[..bytes.len() - CHECKSUM];
    if reader.take(CHECKSUM, "checksum")? != Sha256::digest(content).as_slice() {
        return Err(bad("the checksum does not match; the file is damaged".into()));
    }
    Ok((header, body))
}

/// Reads fields one after the other; every error names the field and its offset.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, bytes, offset: 0 }
    }

    pub fn take(&mut self, len: usize, field: &str) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.offset..];
        if rest.len() < len {
            return Err(Error::format(
                self.what,
                format!("{field} at offset {} needs {len} bytes but {} are left", self.offset, rest.len()),
            ));
        }
        self.offset += len;
        Ok(&rest[..len])
    }

    pub fn array<const N: usize>(&mut self, field: &str) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, field)?);
        Ok(out)
    }

    pub fn u32(&mut self, field: &str) -> Result<u32> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, field: &str) -> Result<u64> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub fn finish(self) -> Result<()> {
        match self.bytes.len() - self.offset {
            0 => Ok(()),
            n => Err(Error::format(self.what, format!("{n} unexpected bytes at offset {}", self.offset))),
        }
    }

    /// An error about what was read last.
    pub fn error(&self, reason: impl std::fmt::Display) -> Error {
        Error::format(self.what, format!("{reason} (before offset {})", self.offset))
    }
}
