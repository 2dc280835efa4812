//! Values, points, and the judge.

use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInt, Zero};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt::device::{Backend, G1, G2, Group};
use zkwatt::kernels::curve::Affine;
use zkwatt::kernels::field::{FieldParams, FrParams};
use zkwatt::kernels::{Field, Fq, Fq2, Fr};

/// Elements that one task of the CPU's vector kernels works on: sizes around it meet the seams.
pub const CHUNK: usize = 4096;

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub fn random(rng: &mut impl RngCore) -> Fr {
    Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64()))
}

pub fn randoms(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed);
    (0..n).map(|_| random(&mut rng)).collect()
}

/// Random elements, every few of them 0, 1 or −1.
pub fn mixed(n: usize, seed: u64) -> Vec<Fr> {
    let mut values = randoms(n, seed);
    for (i, value) in values.iter_mut().enumerate() {
        match i % 7 {
            2 => *value = Fr::ZERO,
            3 => *value = Fr::ONE,
            5 => *value = -Fr::ONE,
            _ => (),
        }
    }
    values
}

/// Elements whose Montgomery form breaks carry chains, beside 0, 1, 2, −1, −2, 1/2, −1/2, R and R².
pub fn edges() -> Vec<Fr> {
    let p = FrParams::MODULUS;
    let half = Fr::from(2u64).inverse_vartime().unwrap();
    let r = Fr::from_canonical(FrParams::R).unwrap();
    let mut edges = vec![Fr::ZERO, Fr::ONE, Fr::from(2u64), -Fr::ONE, -Fr::from(2u64), half, -half, r, r * r];
    let mut limbs =
        vec![[1, 0, 0, 0], [2, 0, 0, 0], [p[0] - 1, p[1], p[2], p[3]], [p[0] - 2, p[1], p[2], p[3]]];
    for bits in 0..16u32 {
        for saturated in [[u64::MAX, u64::MAX, u64::MAX, p[3] - 1], [1 << 63, 1 << 63, 1 << 63, p[3] >> 1], p]
        {
            limbs.push(core::array::from_fn(|i| if bits >> i & 1 == 1 { saturated[i] } else { 0 }));
        }
    }
    edges.extend(limbs.into_iter().filter_map(Fr::from_montgomery));
    edges
}

/// The same bits for arkworks.
pub fn ark(x: &Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::new_unchecked(BigInt(x.to_montgomery()))
}

/// The bits of arkworks for us; fully reduced.
pub fn ours(x: &ark_bn254::Fr) -> Fr {
    Fr::from_montgomery(x.0.0).unwrap()
}

pub fn arks(values: &[Fr]) -> Vec<ark_bn254::Fr> {
    values.iter().map(ark).collect()
}

pub fn all_ours(values: &[ark_bn254::Fr]) -> Vec<Fr> {
    values.iter().map(ours).collect()
}

/// A group with arkworks' form of it.
pub trait Judged: Group {
    type Ark: AffineRepr<ScalarField = ark_bn254::Fr, Group: VariableBaseMSM<MulBase = Self::Ark>>;
    fn ours(p: &Self::Ark) -> Affine<Self::Coordinate>;

    /// n distinct points, none of them the identity.
    fn points(n: usize, seed: u64) -> Vec<Self::Ark> {
        let step = Self::Ark::generator();
        let mut at = step * ark_bn254::Fr::from(u128::from(seed) << 64 | 12_345);
        let points: Vec<_> = (0..n)
            .map(|_| {
                at += step;
                at
            })
            .collect();
        <Self::Ark as AffineRepr>::Group::normalize_batch(&points)
    }

    fn all_ours(points: &[Self::Ark]) -> Vec<Affine<Self::Coordinate>> {
        points.iter().map(Self::ours).collect()
    }

    /// Σ kᵢ·Pᵢ by arkworks.
    fn judge(points: &[Self::Ark], scalars: &[Fr]) -> Affine<Self::Coordinate> {
        let sum = <Self::Ark as AffineRepr>::Group::msm(points, &arks(scalars)).unwrap();
        Self::ours(&sum.into_affine())
    }
}

fn fq(x: &ark_bn254::Fq) -> Fq {
    Fq::from_montgomery(x.0.0).unwrap()
}

fn fq2(x: &ark_bn254::Fq2) -> Fq2 {
    Fq2::new(fq(&x.c0), fq(&x.c1))
}

impl Judged for G1 {
    type Ark = ark_bn254::G1Affine;
    fn ours(p: &Self::Ark) -> Affine<Fq> {
        if p.is_zero() { Affine::IDENTITY } else { Affine::new_unchecked(fq(&p.x), fq(&p.y)) }
    }
}

impl Judged for G2 {
    type Ark = ark_bn254::G2Affine;
    fn ours(p: &Self::Ark) -> Affine<Fq2> {
        if p.is_zero() { Affine::IDENTITY } else { Affine::new_unchecked(fq2(&p.x), fq2(&p.y)) }
    }
}

/// The result of `f` on a copy of `values` that lives on the device.
pub fn in_place<D: Backend>(device: &D, values: &[Fr], f: impl FnOnce(&mut D::Buf<Fr>)) -> Vec<Fr> {
    let mut buffer = device.upload(values).unwrap();
    f(&mut buffer);
    device.download_blocking(&buffer).unwrap()
}

/// Compares element by element, so that a failure says where.
#[track_caller]
pub fn assert_same<T: PartialEq + core::fmt::Debug>(actual: &[T], expected: &[T], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths");
    if let Some(i) = (0..actual.len()).find(|&i| actual[i] != expected[i]) {
        panic!("{what}: element {i} of {} is {:?}, expected {:?}", actual.len(), actual[i], expected[i]);
    }
}

/// −P, P + Q and 2P of arkworks, as affine points.
pub fn negated<A: AffineRepr>(p: &A) -> A {
    (-p.into_group()).into_affine()
}

pub fn doubled<A: AffineRepr>(p: &A) -> A {
    (p.into_group() + p).into_affine()
}

pub fn infinity<A: AffineRepr>() -> A {
    let zero = A::zero();
    assert!(zero.into_group().is_zero());
    zero
}

/// Points of G1 in both forms.
#[cfg(feature = "wgpu")]
pub struct G1Points {
    theirs: Vec<ark_bn254::G1Affine>,
    ours: Vec<Affine<Fq>>,
}

#[cfg(feature = "wgpu")]
impl G1Points {
    pub fn new(n: usize) -> Self {
        let theirs = G1::points(n, 9);
        Self { ours: G1::all_ours(&theirs), theirs }
    }

    pub fn judge(&self, scalars: &[Fr]) -> Affine<Fq> {
        G1::judge(&self.theirs, scalars)
    }
}

#[cfg(feature = "wgpu")]
impl std::ops::Deref for G1Points {
    type Target = [Affine<Fq>];
    fn deref(&self) -> &[Affine<Fq>] {
        &self.ours
    }
}
