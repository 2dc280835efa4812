//! Points as halo2curves writes them.

use crate::error::Result;
use crate::interop::halo2curves as interop;
use crate::source::Source;
use halo2curves_axiom::bn256;
use halo2curves_axiom::group::GroupEncoding;
use halo2curves_axiom::group::prime::PrimeCurveAffine;
use halo2curves_axiom::serde::SerdeObject;
use std::io::{Read, Seek};
use std::sync::atomic::{AtomicUsize, Ordering};
use zkwatt_kernels::{Fq, G1Affine, G2Affine, parallel};

/// Points that are read at once.
const PIECE: u64 = 1 << 14;

/// Points that one thread decodes at a time.
const CHUNK: usize = 256;

/// How points are written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// x and y, Montgomery form, little-endian limbs; also that of `.ptau`.
    Raw,
    /// x, canonical and little-endian, with a bit for y.
    Compressed,
}

impl Encoding {
    pub fn g1_bytes(self) -> u64 {
        match self {
            Self::Raw => 64,
            Self::Compressed => 32,
        }
    }

    pub fn g2_bytes(self) -> u64 {
        2 * self.g1_bytes()
    }
}

fn read<P: PrimeCurveAffine + GroupEncoding + SerdeObject>(bytes: &[u8], encoding: Encoding) -> Option<P> {
    match encoding {
        Encoding::Raw => P::from_raw_bytes(bytes),
        Encoding::Compressed => {
            // halo2curves panics at a coordinate in F_q² that is not below the modulus.
            if !coordinates_are_canonical(bytes) {
                return None;
            }
            let mut repr = <P as GroupEncoding>::Repr::default();
            repr.as_mut().get_mut(..bytes.len())?.copy_from_slice(bytes);
            let point = Option::<P>::from(<P as GroupEncoding>::from_bytes(&repr))?;
            // Decoding ignores the bit of the identity where x is not zero.
            (point.to_bytes().as_ref() == bytes).then_some(point)
        }
    }
}

/// Whether the elements of F_q in a compressed point are below the modulus; the top two bits of the last are flags.
fn coordinates_are_canonical(bytes: &[u8]) -> bool {
    let (elements, rest) = bytes.as_chunks::<32>();
    let canonical = |(i, element): (usize, &[u8; 32])| {
        let (limbs, _) = element.as_chunks::<8>();
        let mut value = [0; 4];
        for (limb, bytes) in value.iter_mut().zip(limbs) {
            *limb = u64::from_le_bytes(*bytes);
        }
        if i + 1 == elements.len() {
            value[3] &= u64::MAX >> 2;
        }
        Fq::from_canonical(value).is_some()
    };
    rest.is_empty() && elements.iter().enumerate().all(canonical)
}

/// Appends the points of `bytes`, which are whole ones; the error names the first bad point.
pub(super) fn read_g1(
    bytes: &[u8],
    encoding: Encoding,
    out: &mut Vec<G1Affine>,
) -> Result<(), (usize, &'static str)> {
    let size = encoding.g1_bytes() as usize;
    let start = out.len();
    out.resize(start + bytes.len() / size, G1Affine::IDENTITY);
    let first_bad = AtomicUsize::new(usize::MAX);
    parallel::for_each_chunk_mut(&mut out[start..], CHUNK, |first, points| {
        for (i, (point, bytes)) in points.iter_mut().zip(bytes[first * size..].chunks_exact(size)).enumerate()
        {
            match read::<bn256::G1Affine>(bytes, encoding) {
                Some(p) if !bool::from(p.is_identity()) => *point = interop::g1_point(&p),
                _ => {
                    first_bad.fetch_min(first + i, Ordering::Relaxed);
                }
            }
        }
    });
    match first_bad.into_inner() {
        usize::MAX => Ok(()),
        i => Err((i, "is the identity or not a point of the curve")),
    }
}

/// A point of the twist other than the identity; it need not be in the group of order r.
pub(super) fn read_g2(bytes: &[u8], encoding: Encoding) -> Option<G2Affine> {
    let p = read::<bn256::G2Affine>(bytes, encoding)?;
    (!bool::from(p.is_identity())).then(|| interop::g2_point(&p))
}

/// `count` points of G1, on the curve and none the identity.
pub(super) fn g1_points<R: Read + Seek>(
    source: &mut Source<R>,
    offset: u64,
    count: u64,
    encoding: Encoding,
    field: &str,
) -> Result<Vec<G1Affine>> {
    let size = encoding.g1_bytes();
    source.expect(offset, count.saturating_mul(size), field)?;
    // `count` is at most the file's size.
    let mut out = Vec::with_capacity(count as usize);
    let mut done = 0;
    while done < count {
        let piece = PIECE.min(count - done);
        let bytes = source.bytes(offset + done * size, piece * size, field)?;
        read_g1(&bytes, encoding, &mut out)
            .map_err(|(i, reason)| source.error(format!("{field}: point {} {reason}", done + i as u64)))?;
        done += piece;
    }
    Ok(out)
}

/// Appends the uncompressed form of points.
pub(super) fn write_g1(points: &[G1Affine], out: &mut Vec<u8>) {
    for p in interop::halo2_g1_points(points) {
        out.extend_from_slice(&p.to_raw_bytes());
    }
}

/// Appends the uncompressed form of a point.
pub(super) fn write_g2(point: &G2Affine, out: &mut Vec<u8>) {
    out.extend_from_slice(&interop::halo2_g2_point(point).to_raw_bytes());
}
