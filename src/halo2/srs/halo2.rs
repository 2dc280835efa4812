//! `.srs` files of halo2: k, the powers, the Lagrange basis, H, \[τ\]H.

use super::points::{self, Encoding};
use super::{Parts, Result, Srs, too_small};
use crate::source::Source;
use std::io::{Read, Seek};
use zkwatt_kernels::G2Affine;
use zkwatt_kernels::ntt::MAX_LOG_N;

/// Bytes of an uncompressed point of G1.
pub(super) const RAW_G1: usize = 64;
/// Bytes of an uncompressed point of G2.
pub(super) const RAW_G2: usize = 128;

/// Reads the file at `start..end` of `source`, cut down to `wanted`.
pub(super) fn parse<R: Read + Seek>(
    source: &mut Source<R>,
    start: u64,
    end: u64,
    wanted: Option<u32>,
) -> Result<Parts> {
    let k = source.u32(start, "k")?;
    if !(1..=MAX_LOG_N).contains(&k) {
        return Err(source.error(format!(
            "is no `.ptau` or `.srs`: it would have 2^{k} powers, and 2^1 to 2^{MAX_LOG_N} are possible"
        )));
    }
    let n = 1u64 << k;
    let has = end.saturating_sub(start);
    let lengths = [Encoding::Raw, Encoding::Compressed].map(|e| (e, length(n, e)));
    let Some((encoding, _)) = lengths.into_iter().find(|(_, length)| *length == has) else {
        let [(_, raw), (_, compressed)] = lengths;
        return Err(source.error(format!(
            "has {has} bytes; with k = {k} it should have {raw}, or {compressed} if compressed: it is cut off, damaged, \
             or no `.srs` file"
        )));
    };
    let wanted = wanted.unwrap_or(k);
    if wanted > k {
        return Err(too_small(wanted, k));
    }
    let powers = start + 4;
    let lagrange = powers + n * encoding.g1_bytes();
    let h = lagrange + n * encoding.g1_bytes();
    let g = points::g1_points(source, powers, 1 << wanted, encoding, "powers of τ")?;
    let g_lagrange = match wanted == k {
        true => Some(points::g1_points(source, lagrange, n, encoding, "Lagrange basis")?),
        false => None,
    };
    let mut g2 = |offset, field| {
        let bytes = source.bytes(offset, encoding.g2_bytes(), field)?;
        points::read_g2(&bytes, encoding)
            .ok_or_else(|| source.error(format!("{field} is the identity or not a point of the twist")))
    };
    let generator = g2(h, "the generator of G2")?;
    let s_g2 = g2(h + encoding.g2_bytes(), "τ in G2")?;
    if generator != G2Affine::generator() {
        return Err(source.error("has another generator of G2 than the standard one"));
    }
    Ok(Parts { k: wanted, g, g_lagrange, s_g2, insecure: false })
}

/// Bytes of a file of n powers.
fn length(n: u64, encoding: Encoding) -> u64 {
    4 + 2 * n * encoding.g1_bytes() + 2 * encoding.g2_bytes()
}

/// The uncompressed form.
pub(super) fn encode(srs: &Srs) -> Vec<u8> {
    let mut out = Vec::with_capacity(length(srs.n() as u64, Encoding::Raw) as usize);
    out.extend_from_slice(&srs.k.to_le_bytes());
    points::write_g1(&srs.g, &mut out);
    points::write_g1(&srs.g_lagrange, &mut out);
    points::write_g2(&G2Affine::generator(), &mut out);
    points::write_g2(&srs.s_g2, &mut out);
    out
}
