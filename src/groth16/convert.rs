//! Values of ark-bn254 and of zkwatt: the same limbs under two types.

use ark_ff::BigInt;
use zkwatt_kernels::{Fq, Fq2, Fr, G1Affine, G2Affine};

pub(crate) fn fr(x: ark_bn254::Fr) -> Fr {
    Fr::from_montgomery_unchecked(x.0.0)
}

pub(crate) fn to_fr(x: Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::new_unchecked(BigInt(x.to_montgomery()))
}

fn fq(x: ark_bn254::Fq) -> Fq {
    Fq::from_montgomery_unchecked(x.0.0)
}

fn to_fq(x: Fq) -> ark_bn254::Fq {
    ark_bn254::Fq::new_unchecked(BigInt(x.to_montgomery()))
}

/// Both sides write infinity as (0, 0).
pub(crate) fn g1(p: &ark_bn254::G1Affine) -> G1Affine {
    G1Affine::new_unchecked(fq(p.x), fq(p.y))
}

pub(crate) fn to_g1(p: &G1Affine) -> ark_bn254::G1Affine {
    ark_bn254::G1Affine::new_unchecked(to_fq(p.x), to_fq(p.y))
}

pub(crate) fn g2(p: &ark_bn254::G2Affine) -> G2Affine {
    G2Affine::new_unchecked(Fq2::new(fq(p.x.c0), fq(p.x.c1)), Fq2::new(fq(p.y.c0), fq(p.y.c1)))
}

pub(crate) fn to_g2(p: &G2Affine) -> ark_bn254::G2Affine {
    let fq2 = |x: Fq2| ark_bn254::Fq2::new(to_fq(x.c0), to_fq(x.c1));
    ark_bn254::G2Affine::new_unchecked(fq2(p.x), fq2(p.y))
}

pub(crate) fn g1_vec(points: &[G1Affine]) -> Vec<ark_bn254::G1Affine> {
    points.iter().map(to_g1).collect()
}

pub(crate) fn g2_vec(points: &[G2Affine]) -> Vec<ark_bn254::G2Affine> {
    points.iter().map(to_g2).collect()
}
