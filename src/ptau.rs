//! The header of snarkjs' `.ptau` files, the powers of τ of a ceremony.
//!
//! ```text
//! "ptau" | version u32 = 1 | sections u32 | then for each section: type u32 | bytes u64 | content
//! 1: coordinate bytes u32 = 32 | q | power u32 | ceremony's power u32
//! 2: [τ^i]G for i < 2·2^power − 1        3: [τ^i]H for i < 2^power
//! 4: [α·τ^i]G for i < 2^power            5: [β·τ^i]G likewise            6: [β]H
//! 7: contributions u32 | …
//! 12 to 15, if prepared for phase 2: the Lagrange bases of 2^0, 2^1, … 2^power points of what 2 to 5 have the powers of, one
//!    after the other; in 12 also that of 2·2^power
//! ```
//!
//! Integers and coordinates are little-endian, coordinates in Montgomery form.

use crate::error::Result;
use crate::iden3::{self, Section, Sections};
use crate::source::Source;
use std::io::{Read, Seek};
use zkwatt_kernels::bn254;
use zkwatt_kernels::ntt::MAX_LOG_N;

pub(crate) const MAGIC: &[u8; 4] = b"ptau";
/// Bytes of a point.
pub(crate) const G1: u64 = 64;
pub(crate) const G2: u64 = 128;

/// Section 1 and the table of sections.
pub(crate) struct Header {
    /// log2 of the powers in G2, at most the ceremony's.
    pub power: u32,
    /// That of the ceremony, of which the file may be a part.
    #[cfg(feature = "groth16")]
    pub ceremony_power: u32,
    pub sections: Sections,
}

impl Header {
    pub fn read<R: Read + Seek>(source: &mut Source<R>) -> Result<Self> {
        let sections = Sections::read(source, MAGIC, &[1])?;
        let section = sections.require_len(source, 1, "header", 4 + 32 + 4 + 4)?;
        iden3::expect_modulus(source, section.offset, bn254::BASE_MODULUS, "base field")?;
        let power = source.u32(section.offset + 36, "power")?;
        let ceremony_power = source.u32(section.offset + 40, "ceremony's power")?;
        if !(1..=MAX_LOG_N).contains(&power) {
            return Err(source.error(format!("has power {power}; expected 1 to {MAX_LOG_N}")));
        }
        if power > ceremony_power {
            return Err(source.error(format!("has power {power} of a ceremony of power {ceremony_power}")));
        }
        Ok(Self {
            power,
            #[cfg(feature = "groth16")]
            ceremony_power,
            sections,
        })
    }

    /// The powers of τ in G1 and in G2.
    pub fn powers<R: Read + Seek>(&self, source: &Source<R>) -> Result<[Section; 2]> {
        let n = 1u64 << self.power;
        Ok([
            self.sections.require_len(source, 2, "powers of τ in G1", (2 * n - 1) * G1)?,
            self.sections.require_len(source, 3, "powers of τ in G2", n * G2)?,
        ])
    }
}
