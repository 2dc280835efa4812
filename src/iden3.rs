//! The container of iden3's binary files: `.zkey`, `.wtns`, `.r1cs`, `.ptau`.
//!
//! ```text
//! magic 4 | version u32 | sections u32 | then for each section: type u32 | bytes u64 | content
//! ```
//!
//! Integers are little-endian.

use crate::error::Result;
use crate::source::Source;
use std::io::{Read, Seek};
#[cfg(feature = "groth16")]
use zkwatt_kernels::bn254::SCALAR_MODULUS;

/// More sections than any of these files has kinds of them; bounds the walk over the table.
const MAX_SECTIONS: u32 = 64;

/// Where a section's content is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub kind: u32,
    pub offset: u64,
    pub len: u64,
}

/// The sections of a file, all of them within it.
#[derive(Clone, Debug)]
pub(crate) struct Sections {
    table: Vec<Section>,
}

impl Sections {
    /// Reads the table of a file that begins with `magic` and whose version is one of `versions`.
    pub fn read<R: Read + Seek>(source: &mut Source<R>, magic: &[u8; 4], versions: &[u32]) -> Result<Self> {
        if source.len() < 4 || source.array::<4>(0, "signature")? != *magic {
            let magic = String::from_utf8_lossy(magic).into_owned();
            return Err(source.error(format!("does not begin with `{magic}`; it is another kind of file")));
        }
        let version = source.u32(4, "version")?;
        if !versions.contains(&version) {
            let known = versions.iter().map(u32::to_string).collect::<Vec<_>>().join(" or ");
            return Err(source.error(format!("has version {version}; this program reads version {known}")));
        }
        let count = source.u32(8, "number of sections")?;
        if count > MAX_SECTIONS {
            return Err(source.error(format!("claims {count} sections; at most {MAX_SECTIONS} are possible")));
        }
        let mut table = Vec::new();
        let mut offset = 12u64;
        for _ in 0..count {
            let kind = source.u32(offset, "type of a section")?;
            let len = source.u64(offset + 4, "length of a section")?;
            let content = offset + 12;
            // Neither overflows: the content ends within the file.
            offset = content.checked_add(len).filter(|end| *end <= source.len()).ok_or_else(|| {
                source.error(format!(
                    "section {kind} at offset {content} claims {len} bytes, beyond the file's end; it is cut off or \
                     damaged"
                ))
            })?;
            table.push(Section { kind, offset: content, len });
        }
        if offset != source.len() {
            let rest = source.len() - offset;
            return Err(source.error(format!("has {rest} bytes after its last section")));
        }
        Ok(Self { table })
    }

    /// The only section of a kind, if there is one.
    pub fn find<R: Read + Seek>(&self, source: &Source<R>, kind: u32, name: &str) -> Result<Option<Section>> {
        let mut found = self.table.iter().filter(|section| section.kind == kind);
        let first = found.next();
        if found.next().is_some() {
            return Err(source.error(format!("has section {kind} twice ({name})")));
        }
        Ok(first.copied())
    }

    /// The only section of a kind.
    pub fn require<R: Read + Seek>(&self, source: &Source<R>, kind: u32, name: &str) -> Result<Section> {
        let missing = || source.error(format!("has no section {kind} ({name})"));
        self.find(source, kind, name)?.ok_or_else(missing)
    }

    /// The only section of a kind, which has `len` bytes.
    pub fn require_len<R: Read + Seek>(
        &self,
        source: &Source<R>,
        kind: u32,
        name: &str,
        len: u64,
    ) -> Result<Section> {
        let section = self.require(source, kind, name)?;
        if section.len == len {
            return Ok(section);
        }
        Err(source.error(format!("section {kind} ({name}) has {} bytes; expected {len}", section.len)))
    }
}

/// Checks that a field at `offset`, its size in bytes first, is the scalar field of BN254.
#[cfg(feature = "groth16")]
pub(crate) fn expect_scalar_field<R: Read + Seek>(source: &mut Source<R>, offset: u64) -> Result<()> {
    expect_modulus(source, offset, SCALAR_MODULUS, "scalar field")
}

/// Checks a modulus at `offset`, its size in bytes first.
pub(crate) fn expect_modulus<R: Read + Seek>(
    source: &mut Source<R>,
    offset: u64,
    modulus: [u64; 4],
    name: &str,
) -> Result<()> {
    if source.array::<36>(offset, "modulus")? == self::modulus(modulus) {
        return Ok(());
    }
    Err(source.error(format!("its {name} is not BN254's (circom calls the curve bn128)")))
}

/// What a file begins with.
#[cfg(feature = "groth16")]
pub(crate) fn start(magic: &[u8; 4], version: u32, sections: u32) -> [u8; 12] {
    let mut out = [0; 12];
    out[..4].copy_from_slice(magic);
    out[4..8].copy_from_slice(&version.to_le_bytes());
    out[8..].copy_from_slice(&sections.to_le_bytes());
    out
}

/// What a section of `len` bytes begins with.
#[cfg(feature = "groth16")]
pub(crate) fn section_start(kind: u32, len: u64) -> [u8; 12] {
    let mut out = [0; 12];
    out[..4].copy_from_slice(&kind.to_le_bytes());
    out[4..].copy_from_slice(&len.to_le_bytes());
    out
}

/// Appends a section.
#[cfg(feature = "groth16")]
pub(crate) fn write_section(kind: u32, content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&section_start(kind, content.len() as u64));
    out.extend_from_slice(content);
}

/// The scalar field as [`expect_scalar_field`] reads it.
#[cfg(feature = "groth16")]
pub(crate) fn scalar_field() -> [u8; 36] {
    modulus(SCALAR_MODULUS)
}

/// A modulus as [`expect_modulus`] reads it.
pub(crate) fn modulus(modulus: [u64; 4]) -> [u8; 36] {
    let mut out = [0; 36];
    out[0] = 32;
    out[4..].copy_from_slice(modulus.map(u64::to_le_bytes).as_flattened());
    out
}
