//! `.wtns` files.
//!
//! ```text
//! "wtns" | version 1 or 2 | sections:
//! 1: element bytes u32 = 32 | r | values u32
//! 2: the values, canonical, wire 0 (the constant one) first
//! ```

use crate::error::Result;
use crate::groth16::Assignment;
use crate::groth16::r1cs::canonical_bytes;
use crate::iden3::{self, Sections};
use crate::source::Source;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;
use zeroize::Zeroizing;
use zkwatt_kernels::{Field, Fr, parallel};

const MAGIC: &[u8; 4] = b"wtns";
const WHAT: &str = "witness file";
/// Bytes that are read at once, a multiple of 32.
const PIECE: u64 = 1 << 20;

/// The values of all wires of a circuit, as circom's witness generators compute them. Wiped when dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    assignment: Assignment,
}

impl Witness {
    /// From values in the order of the wires, the constant one first.
    pub fn new(values: Vec<Fr>) -> Self {
        Self { assignment: Assignment::new(values) }
    }

    /// Reads a `.wtns` file.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; [`crate::Error::Format`] for a file that is not one, is damaged, is over another field, or whose
    /// first value is not one.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| crate::Error::io(path, e))?;
        Self::parse(&mut Source::new(file, WHAT, path)?)
    }

    /// As [`Witness::read`], from memory.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::parse(&mut Source::new(Cursor::new(bytes), WHAT, Path::new(""))?)
    }

    fn parse<R: Read + Seek>(source: &mut Source<R>) -> Result<Self> {
        let sections = Sections::read(source, MAGIC, &[1, 2])?;
        let header = sections.require_len(source, 1, "header", 4 + 32 + 4)?;
        iden3::expect_scalar_field(source, header.offset)?;
        let count = u64::from(source.u32(header.offset + 36, "number of values")?);
        let values = sections.require_len(source, 2, "values", 32 * count)?;
        // `count` values are in the file.
        let mut assignment = Assignment::new(vec![Fr::ZERO; count as usize]);
        let mut buffer = Zeroizing::new(vec![0; PIECE.min(values.len) as usize]);
        let mut done = 0;
        for out in assignment.values_mut().chunks_mut(PIECE as usize / 32) {
            let bytes = &mut buffer[..32 * out.len()];
            source.fill(values.offset + 32 * done, bytes)?;
            read_canonical(bytes, out)
                .map_err(|i| source.error(format!("value {} is not below the modulus", done + i as u64)))?;
            done += out.len() as u64;
        }
        if assignment.values().first() != Some(&Fr::ONE) {
            return Err(source.error("value 0 is not the constant 1"));
        }
        Ok(Self { assignment })
    }

    /// The file's bytes, version 2. They are secret.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let values = self.assignment.values();
        let mut out = Zeroizing::new(Vec::with_capacity(12 + 12 + 40 + 12 + 32 * values.len()));
        out.extend_from_slice(&iden3::start(MAGIC, 2, 2));
        let mut header = iden3::scalar_field().to_vec();
        header.extend_from_slice(&(values.len() as u32).to_le_bytes());
        iden3::write_section(1, &header, &mut out);
        out.extend_from_slice(&iden3::section_start(2, 32 * values.len() as u64));
        values.iter().for_each(|value| out.extend_from_slice(&canonical_bytes(*value)));
        out
    }

    /// The values, wire 0 first.
    pub fn values(&self) -> &[Fr] {
        self.assignment.values()
    }

    /// As an assignment of the circuit's [`crate::groth16::R1cs`].
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }
}

/// Reads canonical elements; the error is the index of the first that is none.
fn read_canonical(bytes: &[u8], out: &mut [Fr]) -> Result<(), usize> {
    let first_bad = std::sync::atomic::AtomicUsize::new(usize::MAX);
    parallel::for_each_chunk_mut(out, 1024, |first, out| {
        for (i, (out, bytes)) in out.iter_mut().zip(bytes[32 * first..].chunks_exact(32)).enumerate() {
            match canonical(bytes) {
                Some(value) => *out = value,
                None => {
                    first_bad.fetch_min(first + i, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
    });
    match first_bad.into_inner() {
        usize::MAX => Ok(()),
        i => Err(i),
    }
}

/// 32 bytes, little-endian, canonical.
pub(super) fn canonical(bytes: &[u8]) -> Option<Fr> {
    Fr::from_canonical(limbs(bytes)?)
}

/// 32 bytes as limbs.
pub(super) fn limbs(bytes: &[u8]) -> Option<[u64; 4]> {
    let (limbs, rest) = bytes.as_chunks::<8>();
    let limbs: [[u8; 8]; 4] = limbs.try_into().ok()?;
    rest.is_empty().then(|| limbs.map(u64::from_le_bytes))
}
