//! Which format a file has, and this library's own:
//!
//! ```text
//! "zkwattSR" | version u32 | flags u32 (1: insecure) | uncompressed `.srs` | SHA-256 of all before 32
//! ```

use super::{Parts, Result, Srs, halo2, ptau};
use crate::source::Source;
use sha2::{Digest, Sha256};
use std::io::{Read, Seek};

const MAGIC: &[u8; 8] = b"zkwattSR";
const VERSION: u32 = 1;
const INSECURE: u32 = 1;
const PREFIX: u64 = 8 + 4 + 4;
const CHECKSUM: u64 = 32;
/// Bytes that are hashed at once.
const PIECE: u64 = 1 << 20;

/// The content of a file of any known format.
pub(super) fn parse<R: Read + Seek>(source: &mut Source<R>, wanted: Option<u32>) -> Result<Parts> {
    let start = source.bytes(0, source.len().min(8), "signature")?;
    if start == MAGIC {
        own(source, wanted)
    } else if start.starts_with(crate::ptau::MAGIC) {
        ptau::parse(source, wanted)
    } else {
        halo2::parse(source, 0, source.len(), wanted)
    }
}

fn own<R: Read + Seek>(source: &mut Source<R>, wanted: Option<u32>) -> Result<Parts> {
    let version = source.u32(8, "version")?;
    if version != VERSION {
        return Err(
            source.error(format!("has format version {version}; this program reads version {VERSION}"))
        );
    }
    let flags = source.u32(12, "flags")?;
    if flags & !INSECURE != 0 {
        return Err(source.error(format!("has flags {flags:#x}; this program knows {INSECURE:#x}")));
    }
    let end = source.len().saturating_sub(CHECKSUM).max(PREFIX);
    let expected: [u8; 32] = source.array(end, "checksum")?;
    if checksum(source, end)? != expected {
        return Err(source.error("the checksum does not match; the file is damaged"));
    }
    let parts = halo2::parse(source, PREFIX, end, wanted)?;
    Ok(Parts { insecure: flags & INSECURE != 0, ..parts })
}

fn checksum<R: Read + Seek>(source: &mut Source<R>, end: u64) -> Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut offset = 0;
    while offset < end {
        let len = PIECE.min(end - offset);
        hash.update(source.bytes(offset, len, "content")?);
        offset += len;
    }
    Ok(hash.finalize().into())
}

pub(super) fn encode(srs: &Srs) -> Vec<u8> {
    let flags = if srs.insecure { INSECURE } else { 0 };
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&halo2::encode(srs));
    let checksum = Sha256::digest(&out);
    out.extend_from_slice(&checksum);
    out
}
