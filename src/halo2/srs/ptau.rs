//! `.ptau` files of snarkjs.
//!
//! ```text
//! "ptau" | version u32 = 1 | sections u32 | then for each section: type u32 | bytes u64 | content
//! 1: coordinate bytes u32 = 32 | q | power u32 | ceremony's power u32
//! 2: [τ^i]G for i < 2·2^power − 1        3: [τ^i]H for i < 2^power
//! 12 (if prepared for phase 2): the Lagrange bases of 2^0, 2^1, … 2^power points, one after the other, and one more
//! ```
//!
//! Integers and coordinates are little-endian, coordinates in Montgomery form. Other sections are not read. The Lagrange
//! bases are over the powers of the kernels' root of unity, not Halo2's.

use super::points::{self, Encoding};
use super::source::Source;
use super::{Parts, Result, too_small};
use crate::halo2::roots;
use std::io::{Read, Seek};
use zkwatt_kernels::ntt::MAX_LOG_N;
use zkwatt_kernels::{G1Affine, G2Affine, bn254};

pub(super) const MAGIC: &[u8; 4] = b"ptau";
/// More sections than snarkjs has kinds of them; bounds the walk over the table.
const MAX_SECTIONS: u32 = 64;

/// Where a section's content is.
#[derive(Copy, Clone)]
struct Section {
    offset: u64,
    len: u64,
}

/// The sections that are read.
#[derive(Default)]
struct Sections {
    header: Option<Section>,
    tau_g1: Option<Section>,
    tau_g2: Option<Section>,
    lagrange_g1: Option<Section>,
}

/// Reads a file, cut down to `wanted`.
pub(super) fn parse<R: Read + Seek>(source: &mut Source<R>, wanted: Option<u32>) -> Result<Parts> {
    let sections = sections(source)?;
    let power = header(source, require(source, sections.header, 1)?)?;
    let tau_g1 = require(source, sections.tau_g1, 2)?;
    let tau_g2 = require(source, sections.tau_g2, 3)?;
    let n = 1u64 << power;
    let (g1, g2) = (Encoding::Raw.g1_bytes(), Encoding::Raw.g2_bytes());
    expect_len(source, tau_g1, (2 * n - 1) * g1, "section 2 (powers of τ in G1)")?;
    expect_len(source, tau_g2, n * g2, "section 3 (powers of τ in G2)")?;

    let k = wanted.unwrap_or(power);
    if k > power {
        return Err(too_small(k, power));
    }
    let g = source.g1_points(tau_g1.offset, 1 << k, Encoding::Raw, "powers of τ in G1")?;
    let mut h = |i: u64| {
        let bytes = source.bytes(tau_g2.offset + i * g2, g2, "powers of τ in G2")?;
        points::read_g2(&bytes, Encoding::Raw).ok_or_else(|| {
            source.error(format!("power {i} of τ in G2 is the identity or not a point of the twist"))
        })
    };
    if h(0)? != G2Affine::generator() {
        return Err(source.error("the first power in G2 is not the standard generator"));
    }
    let s_g2 = h(1)?;
    let g_lagrange = match sections.lagrange_g1 {
        // The bases of 2^0, …, 2^(k−1) points come before.
        Some(section) => {
            let (start, bytes) = (((1u64 << k) - 1) * g1, (1u64 << k) * g1);
            if start + bytes > section.len {
                return Err(source.error("section 12 (Lagrange bases) is shorter than its bases"));
            }
            let basis = source.g1_points(section.offset + start, 1 << k, Encoding::Raw, "Lagrange basis")?;
            Some(into_halo2_order(&basis, k))
        }
        None => None,
    };
    Ok(Parts { k, g, g_lagrange, s_g2, insecure: false })
}

/// L_i over the powers of Halo2's root; `snarkjs_index` stays below 2^k.
fn into_halo2_order(basis: &[G1Affine], k: u32) -> Vec<G1Affine> {
    (0..basis.len()).map(|i| basis[roots::snarkjs_index(i, k)]).collect()
}

fn sections<R: Read + Seek>(source: &mut Source<R>) -> Result<Sections> {
    let version = source.u32(4, "version")?;
    if version != 1 {
        return Err(source.error(format!("has `.ptau` version {version}; expected 1")));
    }
    let count = source.u32(8, "number of sections")?;
    if count > MAX_SECTIONS {
        return Err(source.error(format!("claims {count} sections; at most {MAX_SECTIONS} are possible")));
    }
    let mut found = Sections::default();
    let mut offset = 12u64;
    for i in 0..count {
        let kind = source.u32(offset, "type of a section")?;
        let len = source.u64(offset + 4, "length of a section")?;
        let content = offset + 12;
        // Neither overflows: the content ends within the file.
        offset = content.checked_add(len).filter(|end| *end <= source.len()).ok_or_else(|| {
            source
                .error(format!("section {kind} at offset {content} claims {len} bytes beyond the file's end"))
        })?;
        let slot = match kind {
            1 => &mut found.header,
            2 => &mut found.tau_g1,
            3 => &mut found.tau_g2,
            12 => &mut found.lagrange_g1,
            _ => continue,
        };
        if slot.replace(Section { offset: content, len }).is_some() {
            return Err(source.error(format!("has section {kind} twice (the second time as section {i})")));
        }
    }
    if offset != source.len() {
        let rest = source.len() - offset;
        return Err(source.error(format!("has {rest} bytes after its last section")));
    }
    Ok(found)
}

fn require<R: Read + Seek>(source: &Source<R>, section: Option<Section>, kind: u32) -> Result<Section> {
    section.ok_or_else(|| source.error(format!("has no section {kind}")))
}

fn expect_len<R: Read + Seek>(source: &Source<R>, section: Section, len: u64, name: &str) -> Result<()> {
    if section.len == len {
        return Ok(());
    }
    Err(source.error(format!("{name} has {} bytes; expected {len}", section.len)))
}

/// The power.
fn header<R: Read + Seek>(source: &mut Source<R>, section: Section) -> Result<u32> {
    expect_len(source, section, 4 + 32 + 4 + 4, "section 1 (header)")?;
    let bytes = source.u32(section.offset, "size of coordinates")?;
    let q: [u8; 32] = source.array(section.offset + 4, "modulus")?;
    if bytes != 32 || bn254::BASE_MODULUS.map(u64::to_le_bytes).as_flattened() != q {
        return Err(source.error("is not over BN254 (bn128)"));
    }
    let power = source.u32(section.offset + 36, "power")?;
    if !(1..=MAX_LOG_N).contains(&power) {
        return Err(source.error(format!("has power {power}; expected 1 to {MAX_LOG_N}")));
    }
    Ok(power)
}
