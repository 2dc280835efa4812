//! Points and scalars in key files: Montgomery limbs, little-endian; infinity is all zeros.

use super::container::Reader;
use crate::error::Result;
use crate::interop::ark;
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use zkwatt_kernels::{Fq, Fq2, G1Affine, G2Affine, parallel};

/// How much of a key's points is checked when it is read. Coordinates are below the modulus in any case.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Validate {
    /// On the curve and, for G2, in the subgroup of order r (all of G1's curve is). Cost: about 70 µs a G2 point.
    #[default]
    Full,
    /// On the curve only.
    OnCurve,
    /// Nothing; for files that this machine wrote.
    Trust,
}

/// A point of a key file.
pub(crate) trait FilePoint: Copy + Send + Sync {
    const BYTES: usize;
    fn write(&self, out: &mut Vec<u8>);
    /// `bytes` are [`FilePoint::BYTES`]; on failure, what is wrong.
    fn read(bytes: &[u8], validate: Validate) -> Result<Self, &'static str>;
}

const LIMBS: usize = 32;
const COORDINATE: &str = "has a coordinate that is not below the modulus";
const OFF_CURVE: &str = "is not on the curve";

fn write_fq(x: Fq, out: &mut Vec<u8>) {
    for limb in x.to_montgomery() {
        out.extend_from_slice(&limb.to_le_bytes());
    }
}

/// Coordinate `index` of a point.
fn read_fq(bytes: &[u8], index: usize) -> Result<Fq, &'static str> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes[index * LIMBS..].chunks_exact(8)) {
        let mut le = [0; 8];
        le.copy_from_slice(bytes);
        *limb = u64::from_le_bytes(le);
    }
    Fq::from_montgomery(limbs).ok_or(COORDINATE)
}

impl FilePoint for Affine<ark_bn254::g1::Config> {
    const BYTES: usize = 2 * LIMBS;

    fn write(&self, out: &mut Vec<u8>) {
        let p = ark::g1_point(self);
        write_fq(p.x, out);
        write_fq(p.y, out);
    }

    fn read(bytes: &[u8], validate: Validate) -> Result<Self, &'static str> {
        let p = G1Affine::new_unchecked(read_fq(bytes, 0)?, read_fq(bytes, 1)?);
        if validate != Validate::Trust && !p.is_on_curve() {
            return Err(OFF_CURVE);
        }
        Ok(ark::ark_g1_point(&p))
    }
}

impl FilePoint for Affine<ark_bn254::g2::Config> {
    const BYTES: usize = 4 * LIMBS;

    fn write(&self, out: &mut Vec<u8>) {
        let p = ark::g2_point(self);
        for x in [p.x.c0, p.x.c1, p.y.c0, p.y.c1] {
            write_fq(x, out);
        }
    }

    fn read(bytes: &[u8], validate: Validate) -> Result<Self, &'static str> {
        let coordinate = |i| Ok(Fq2::new(read_fq(bytes, i)?, read_fq(bytes, i + 1)?));
        let p = G2Affine::new_unchecked(coordinate(0)?, coordinate(2)?);
        if validate != Validate::Trust && !p.is_on_curve() {
            return Err(OFF_CURVE);
        }
        let p = ark::ark_g2_point(&p);
        if validate == Validate::Full && !p.is_zero() && !p.is_in_correct_subgroup_assuming_on_curve() {
            return Err("is on the curve but not in the group of order r");
        }
        Ok(p)
    }
}

pub(crate) fn write_points<P: FilePoint>(points: &[P], out: &mut Vec<u8>) {
    out.reserve(points.len() * P::BYTES);
    for p in points {
        p.write(out);
    }
}

/// `count` points; their bytes are there before anything is allocated for them.
pub(crate) fn read_points<P: FilePoint>(
    reader: &mut Reader<'_>,
    count: usize,
    field: &str,
    validate: Validate,
) -> Result<Vec<P>> {
    let bytes = reader.take(count.saturating_mul(P::BYTES), field)?;
    let parts = parallel::map_chunks(count, 256, |range| {
        let start = range.start;
        bytes[range.start * P::BYTES..range.end * P::BYTES]
            .chunks_exact(P::BYTES)
            .enumerate()
            .map(|(i, bytes)| P::read(bytes, validate).map_err(|reason| (start + i, reason)))
            .collect::<Result<Vec<P>, _>>()
    });
    let mut points = Vec::with_capacity(count);
    for part in parts {
        let part = part.map_err(|(i, reason)| reader.error(format!("point {i} of {field} {reason}")))?;
        points.extend(part);
    }
    Ok(points)
}

/// A point that may not be infinity.
pub(crate) fn read_finite_point<P: FilePoint + AffineRepr>(
    reader: &mut Reader<'_>,
    field: &str,
    validate: Validate,
) -> Result<P> {
    let p = P::read(reader.take(P::BYTES, field)?, validate)
        .map_err(|reason| reader.error(format!("{field} {reason}")))?;
    if p.is_zero() {
        return Err(reader.error(format!("{field} is the point at infinity; no setup makes such a key")));
    }
    Ok(p)
}
