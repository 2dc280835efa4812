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
use super::{Parts, Result, too_small};
use crate::halo2::roots;
use crate::iden3::{self, Sections};
use crate::source::Source;
use std::io::{Read, Seek};
use zkwatt_kernels::ntt::MAX_LOG_N;
use zkwatt_kernels::{G1Affine, G2Affine, bn254};

pub(super) const MAGIC: &[u8; 4] = b"ptau";

/// Reads a file, cut down to `wanted`.
pub(super) fn parse<R: Read + Seek>(source: &mut Source<R>, wanted: Option<u32>) -> Result<Parts> {
    let sections = Sections::read(source, MAGIC, &[1])?;
    let power = header(source, &sections)?;
    let n = 1u64 << power;
    let (g1, g2) = (Encoding::Raw.g1_bytes(), Encoding::Raw.g2_bytes());
    let tau_g1 = sections.require_len(source, 2, "powers of τ in G1", (2 * n - 1) * g1)?;
    let tau_g2 = sections.require_len(source, 3, "powers of τ in G2", n * g2)?;

    let k = wanted.unwrap_or(power);
    if k > power {
        return Err(too_small(k, power));
    }
    let g = points::g1_points(source, tau_g1.offset, 1 << k, Encoding::Raw, "powers of τ in G1")?;
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
    let g_lagrange = match sections.find(source, 12, "Lagrange bases")? {
        // The bases of 2^0, …, 2^(k−1) points come before.
        Some(section) => {
            let (start, bytes) = (((1u64 << k) - 1) * g1, (1u64 << k) * g1);
            if start + bytes > section.len {
                return Err(source.error("section 12 (Lagrange bases) is shorter than its bases"));
            }
            let basis =
                points::g1_points(source, section.offset + start, 1 << k, Encoding::Raw, "Lagrange basis")?;
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

/// The power.
fn header<R: Read + Seek>(source: &mut Source<R>, sections: &Sections) -> Result<u32> {
    let section = sections.require_len(source, 1, "header", 4 + 32 + 4 + 4)?;
    iden3::expect_modulus(source, section.offset, bn254::BASE_MODULUS, "base field")?;
    let power = source.u32(section.offset + 36, "power")?;
    if !(1..=MAX_LOG_N).contains(&power) {
        return Err(source.error(format!("has power {power}; expected 1 to {MAX_LOG_N}")));
    }
    Ok(power)
}
