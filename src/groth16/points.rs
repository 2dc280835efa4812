//! Points in key files: Montgomery limbs, little-endian; infinity is all zeros.

use crate::container::Reader;
use crate::error::Result;
use crate::interop::ark;
use sha2::{Digest, Sha256};
use zkwatt_kernels::curve::{Affine, Coordinate};
use zkwatt_kernels::msm::{self, MsmBases, Scalars};
use zkwatt_kernels::{CpuPath, Fq, Fq2, parallel};

/// How much of a key's points is checked when it is read. Coordinates are below the modulus in any case.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Validate {
    /// On the curve and, for G2, in the group of order r (all of G1's curve is). Cost: ten additions a G2 point.
    #[default]
    Full,
    /// On the curve only.
    OnCurve,
    /// Nothing; for files that this machine wrote.
    Trust,
}

/// A coordinate in a file.
pub(crate) trait FileCoordinate: Coordinate {
    const BYTES: usize;
    fn write(self, out: &mut Vec<u8>);
    /// `None` unless it is below the modulus; `bytes` are [`FileCoordinate::BYTES`].
    fn read(bytes: &[u8]) -> Option<Self>;
    /// Whether points on the curve are in the group of order r.
    fn all_in_group(points: &[Affine<Self>]) -> bool;
}

impl FileCoordinate for Fq {
    const BYTES: usize = 32;

    fn write(self, out: &mut Vec<u8>) {
        for limb in self.to_montgomery() {
            out.extend_from_slice(&limb.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        Fq::from_montgomery(limbs)
    }

    // The cofactor of G1 is 1.
    fn all_in_group(_: &[Affine<Self>]) -> bool {
        true
    }
}

impl FileCoordinate for Fq2 {
    const BYTES: usize = 2 * Fq::BYTES;

    fn write(self, out: &mut Vec<u8>) {
        self.c0.write(out);
        self.c1.write(out);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (c0, c1) = bytes.split_at(bytes.len() / 2);
        Some(Self::new(Fq::read(c0)?, Fq::read(c1)?))
    }

    fn all_in_group(points: &[Affine<Self>]) -> bool {
        if points.len() <= COMBINATIONS {
            return points.iter().all(in_g2);
        }
        let seed = seed(points);
        let bases = MsmBases::new(points.to_vec());
        (0..COMBINATIONS).all(|j| {
            let scalars = coefficients(&seed, j, points.len());
            in_g2(&msm::msm(CpuPath::active(), &bases, Scalars::I16(&scalars)))
        })
    }
}

/// Combinations Σ ρ_i·P_i of which all are in G2 if all P_i are.
///
/// The smallest prime factor of the twist's cofactor 2q − r is 10069. A point outside of G2 has a component of some
/// prime order p ≥ 10069, which a combination misses for one residue of its ρ mod p; at most 7 of 2^16 coefficients
/// have it. Ten combinations miss it with probability below 2^−130, which leaves no room for trying files until the
/// coefficients, a hash of the points, are lucky.
const COMBINATIONS: usize = 10;

fn in_g2(p: &Affine<Fq2>) -> bool {
    p.is_identity() || ark::ark_g2_point(p).is_in_correct_subgroup_assuming_on_curve()
}

fn seed(points: &[Affine<Fq2>]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"zkwatt g2 check v1\0");
    let mut bytes = Vec::new();
    for part in points.chunks(1024) {
        bytes.clear();
        write_points(part, &mut bytes);
        hash.update(&bytes);
    }
    hash.finalize().into()
}

/// SHA-256(seed, combination, block) in pieces of 16 bits.
fn coefficients(seed: &[u8; 32], combination: usize, count: usize) -> Vec<i16> {
    let blocks = parallel::map_range(count.div_ceil(16), |block| {
        let hash = Sha256::new_with_prefix(seed)
            .chain_update((combination as u64).to_le_bytes())
            .chain_update((block as u64).to_le_bytes());
        <[u8; 32]>::from(hash.finalize())
    });
    let bytes = blocks.as_flattened();
    bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).take(count).collect()
}

pub(crate) fn write_points<F: FileCoordinate>(points: &[Affine<F>], out: &mut Vec<u8>) {
    out.reserve(points.len() * 2 * F::BYTES);
    for p in points {
        p.x.write(out);
        p.y.write(out);
    }
}

/// `count` points; their bytes are there before anything is allocated for them.
pub(crate) fn read_points<F: FileCoordinate>(
    reader: &mut Reader<'_>,
    count: usize,
    field: &str,
    validate: Validate,
) -> Result<Vec<Affine<F>>> {
    let bytes = reader.take(count.saturating_mul(2 * F::BYTES), field)?;
    let mut points = Vec::with_capacity(count);
    decode_points(bytes, validate, &mut points)
        .map_err(|(i, e)| reader.error(format!("point {i} of {field} {e}")))?;
    expect_group(&points, field, validate).map_err(|reason| reader.error(reason))?;
    Ok(points)
}

/// Appends the points of `bytes`, which are whole ones; the error is the first bad point and what it is.
pub(crate) fn decode_points<F: FileCoordinate>(
    bytes: &[u8],
    validate: Validate,
    out: &mut Vec<Affine<F>>,
) -> Result<(), (usize, &'static str)> {
    // An inversion, for F_q².
    let b = F::curve_b();
    let read = |bytes: &[u8]| {
        let (x, y) = bytes.split_at(F::BYTES);
        let p = F::read(x).zip(F::read(y)).map(|(x, y)| Affine::new_unchecked(x, y));
        let p = p.ok_or("has a coordinate that is not below the modulus")?;
        let on_curve = || p.is_identity() || p.y.square() == p.x.square() * p.x + b;
        if validate != Validate::Trust && !on_curve() {
            return Err("is not on the curve");
        }
        Ok(p)
    };
    let count = bytes.len() / (2 * F::BYTES);
    let parts = parallel::map_chunks(count, 1024, |range| {
        let points = bytes[range.start * 2 * F::BYTES..range.end * 2 * F::BYTES].chunks_exact(2 * F::BYTES);
        range.zip(points).map(|(i, bytes)| read(bytes).map_err(|e| (i, e))).collect::<Result<Vec<_>, _>>()
    });
    out.reserve(count);
    parts.into_iter().try_for_each(|part| part.map(|points| out.extend(points)))
}

/// Checks the group of points on the curve, if all is to be checked.
pub(crate) fn expect_group<F: FileCoordinate>(
    points: &[Affine<F>],
    field: &str,
    validate: Validate,
) -> Result<(), String> {
    if validate != Validate::Full || F::all_in_group(points) {
        return Ok(());
    }
    Err(format!("{field} has a point that is on the curve but not in the group of order r"))
}

/// A point that may not be infinity.
pub(crate) fn read_finite_point<F: FileCoordinate>(
    reader: &mut Reader<'_>,
    field: &str,
    validate: Validate,
) -> Result<Affine<F>> {
    match read_points(reader, 1, field, validate)?.first() {
        Some(p) if !p.is_identity() => Ok(*p),
        _ => Err(reader.error(format!("{field} is the point at infinity; no setup makes such a key"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkwatt_kernels::bn254::{BASE_MODULUS, SCALAR_MODULUS};
    use zkwatt_kernels::curve::{G2Affine, Xyzz};

    #[test]
    fn no_small_prime_divides_the_cofactor() {
        // (2q − r) mod p for p up to 10069
        let modulo = |limbs: [u64; 4], p: u64| {
            limbs.iter().rev().fold(0u128, |acc, limb| ((acc << 64) | u128::from(*limb)) % u128::from(p))
                as u64
        };
        let divisors: Vec<u64> = (2..=10069u64)
            .filter(|&p| (2 * modulo(BASE_MODULUS, p) + p - modulo(SCALAR_MODULUS, p)).is_multiple_of(p))
            .collect();
        assert_eq!(divisors, [10069]);
    }

    #[test]
    fn one_stray_point_among_many_is_found() {
        let mut p = Xyzz::from(G2Affine::generator());
        let mut points: Vec<G2Affine> = (0..100)
            .map(|_| {
                p = p.double();
                p.to_affine()
            })
            .collect();
        points[50] = G2Affine::IDENTITY;
        assert!(Fq2::all_in_group(&points));
        // A point of order 10069·r or so, and one of order 10069 alone.
        let outside = (1u64..)
            .find_map(|x| {
                let p = ark_bn254::G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::from(x), true)?;
                Some(ark::g2_point(&p)).filter(|p| !in_g2(p))
            })
            .unwrap();
        assert!(outside.is_on_curve());
        for stray in [outside, Xyzz::from(outside).mul_vartime(&SCALAR_MODULUS).to_affine()] {
            for at in [0, 50, 99] {
                let mut points = points.clone();
                points[at] = stray;
                assert!(!Fq2::all_in_group(&points), "at {at}");
            }
            assert!(!Fq2::all_in_group(&[stray]));
        }
    }
}
