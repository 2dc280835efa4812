//! `.ptau` files of snarkjs.
//!
//! Sections 2, 3 and 12 are read (see [`crate::ptau`]); others are not. The Lagrange bases are over the powers of the kernels'
//! root of unity, not Halo2's.

use super::points::{self, Encoding};
use super::{Parts, Result, too_small};
use crate::halo2::roots;
use crate::ptau::{G1, G2, Header};
use crate::source::Source;
use std::io::{Read, Seek};
use zkwatt_kernels::{G1Affine, G2Affine};

/// Reads a file, cut down to `wanted`.
pub(super) fn parse<R: Read + Seek>(source: &mut Source<R>, wanted: Option<u32>) -> Result<Parts> {
    let header = Header::read(source)?;
    let [tau_g1, tau_g2] = header.powers(source)?;
    let Header { power, sections, .. } = header;

    let k = wanted.unwrap_or(power);
    if k > power {
        return Err(too_small(k, power));
    }
    let g = points::g1_points(source, tau_g1.offset, 1 << k, Encoding::Raw, "powers of τ in G1")?;
    let mut h = |i: u64| {
        let bytes = source.bytes(tau_g2.offset + i * G2, G2, "powers of τ in G2")?;
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
            let (start, bytes) = (((1u64 << k) - 1) * G1, (1u64 << k) * G1);
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
