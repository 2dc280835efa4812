//! Point arithmetic of every form, and the reference MSM and NTT, against ark-bn254.

mod common;

use ark_ec::{AdditiveGroup, AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::Zero;
use common::{random_fr, random_vec, rng};
use zkwatt_kernels::curve::{Affine, CurveField, Xyzz};
use zkwatt_kernels::field::{Arith, Fp, Fp2, FqParams, OnArith, Plain, cast, uncast};
use zkwatt_kernels::{CpuPath, Field, Fq, Fq2, Fr, G1Affine, G2Affine, reference};

fn fq(ark: ark_bn254::Fq) -> Fq {
    Fq::from_montgomery(ark.0.0).unwrap()
}

/// A group of ours and the same one of arkworks.
trait Pair: OnArith + PartialEq + core::fmt::Debug {
    type Ark: CurveGroup<ScalarField = ark_bn254::Fr>;
    fn from_ark(ark: Self::Ark) -> Self;
}

impl Pair for G1Affine {
    type Ark = ark_bn254::G1Projective;
    fn from_ark(ark: Self::Ark) -> Self {
        ark.into_affine().xy().map_or(Self::IDENTITY, |(x, y)| Self::new_unchecked(fq(x), fq(y)))
    }
}

impl Pair for G2Affine {
    type Ark = ark_bn254::G2Projective;
    fn from_ark(ark: Self::Ark) -> Self {
        let fq2 = |ark: ark_bn254::Fq2| Fq2::new(fq(ark.c0), fq(ark.c1));
        ark.into_affine().xy().map_or(Self::IDENTITY, |(x, y)| Self::new_unchecked(fq2(x), fq2(y)))
    }
}

fn ark_fr(k: Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::new_unchecked(ark_ff::BigInt(k.to_montgomery()))
}

/// Infinity, generator, its negative, small and random multiples.
fn points<G: Pair>() -> Vec<G::Ark> {
    let g = G::Ark::generator();
    let mut rng = rng(1);
    let random = (0..5).map(|_| g * ark_fr(random_fr(&mut rng)));
    let mut points: Vec<_> =
        [G::Ark::zero(), g, -g, g.double(), g.double() + g].into_iter().chain(random).collect();
    // Each with its negative: equal and opposite pairs occur below.
    points.extend(points.clone().into_iter().map(|p| -p));
    points
}

/// The group law on all pairs; `F` is the coordinate field under the form `A`.
fn group_law<A: Arith, G: Pair<On<A> = Affine<F>>, F: CurveField>() {
    let ours = |ark| cast::<G, A>(G::from_ark(ark));
    let check = |result: Xyzz<F>, ark: G::Ark| {
        assert_eq!(uncast::<G, A>(result.to_affine()), G::from_ark(ark));
        assert!(result == Xyzz::from(ours(ark)));
        assert_eq!(result.is_identity(), ark.is_zero());
    };
    // A representation of the same point with other ZZ, ZZZ: (P + T) − T.
    let shift = Xyzz::from(ours(G::Ark::generator() * ark_bn254::Fr::from(77u64))).double();
    let points = points::<G>();
    for &a in &points {
        let p = ours(a);
        assert!(p.is_on_curve());
        assert_eq!(p.is_identity(), a.is_zero());
        let rescaled = Xyzz::from(p) + shift + -shift;
        check(Xyzz::from(p), a);
        check(rescaled, a);
        for x in [Xyzz::from(p), rescaled] {
            check(x.double(), a.double());
            check(-x, -a);
            check(x + x, a.double());
            check(x + -x, G::Ark::zero());
            check(x.add_affine(p), a.double());
            check(x.add_affine(-p), G::Ark::zero());
            check(x + Xyzz::IDENTITY, a);
            check(Xyzz::IDENTITY + x, a);
            check(x.add_affine(Affine::IDENTITY), a);
            check(Xyzz::IDENTITY.add_affine(p), a);
        }
        assert_eq!(p.negate_if(false), p);
        assert_eq!(p.negate_if(true), ours(-a));
        for &b in &points {
            let q = ours(b);
            let rescaled_q = Xyzz::from(q) + shift + -shift;
            check(Xyzz::from(p).add_affine(q), a + b);
            check(rescaled.add_affine(q), a + b);
            check(rescaled + rescaled_q, a + b);
            check(Xyzz::from(p) + rescaled_q, a + b);
            let mut sum = rescaled;
            sum += rescaled_q;
            sum += q;
            check(sum, a + b + b);
            assert_eq!(rescaled == Xyzz::from(q), a == b);
        }
    }
    check(Xyzz::IDENTITY.double(), G::Ark::zero());
    assert_eq!(uncast::<G, A>(Affine::generator()), G::from_ark(G::Ark::generator()));
    let p = ours(points[3]);
    assert!(!Affine::new_unchecked(p.x, p.y + F::ONE).is_on_curve());
}

#[test]
fn g1() {
    group_law::<Plain, G1Affine, Fp<FqParams, Plain>>();
    #[cfg(target_arch = "x86_64")]
    if CpuPath::adx().is_some() {
        use zkwatt_kernels::field::Adx;
        group_law::<Adx, G1Affine, Fp<FqParams, Adx>>();
    }
}

#[test]
fn g2() {
    group_law::<Plain, G2Affine, Fp2<Fp<FqParams, Plain>>>();
    #[cfg(target_arch = "x86_64")]
    if CpuPath::adx().is_some() {
        use zkwatt_kernels::field::Adx;
        group_law::<Adx, G2Affine, Fp2<Fp<FqParams, Adx>>>();
    }
}

fn reference_msm<F: CurveField>()
where
    Affine<F>: Pair,
{
    let points = points::<Affine<F>>();
    let mut scalars = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2u64), Fr::from(-128i64)];
    scalars.extend(random_vec(&mut rng(2), points.len() - 5));
    for n in 0..=points.len() {
        let ours: Vec<_> = points[..n].iter().map(|&p| Affine::<F>::from_ark(p)).collect();
        let ark = points.iter().zip(&scalars[..n]).map(|(&p, &k)| p * ark_fr(k)).sum();
        assert_eq!(reference::msm(&ours, &scalars[..n]), Affine::<F>::from_ark(ark));
    }
}

#[test]
fn reference_msm_g1() {
    reference_msm::<Fq>();
}

#[test]
fn reference_msm_g2() {
    reference_msm::<Fq2>();
}

#[test]
fn multiples_of_the_order_vanish() {
    let order = zkwatt_kernels::bn254::SCALAR_MODULUS;
    assert!(Xyzz::from(G1Affine::generator()).mul_vartime(&order).is_identity());
    assert!(Xyzz::from(G2Affine::generator()).mul_vartime(&order).is_identity());
}

#[test]
fn reference_ntt() {
    let shift = Fr::from(5u64);
    for log_n in 0..8 {
        let n = 1 << log_n;
        let x = random_vec(&mut rng(log_n), n);
        for shift in [Fr::ONE, shift] {
            let y = reference::ntt_forward(&x, shift).unwrap();
            assert_eq!(reference::ntt_inverse(&y, shift).unwrap(), x);
        }
        // By definition, at the points of the domain.
        let root = <ark_bn254::Fr as ark_ff::FftField>::get_root_of_unity(n as u64).unwrap();
        let y = reference::ntt_forward(&x, shift).unwrap();
        let mut point = ark_fr(shift);
        for y in y {
            let value = x.iter().rev().fold(ark_bn254::Fr::zero(), |acc, &c| acc * point + ark_fr(c));
            assert_eq!(ark_fr(y), value);
            point *= root;
        }
    }
    assert_eq!(reference::ntt_forward(&[], Fr::ONE), None);
    assert_eq!(reference::ntt_forward(&[Fr::ONE; 3], Fr::ONE), None);
    assert_eq!(reference::ntt_inverse(&[Fr::ONE; 2], Fr::ZERO), None);
}

#[test]
fn reference_bit_reversal() {
    assert_eq!(reference::bit_reverse_permute(&[7]), Some(vec![7]));
    assert_eq!(reference::bit_reverse_permute(&[0, 1, 2, 3, 4, 5, 6, 7]), Some(vec![0, 4, 2, 6, 1, 5, 3, 7]));
    assert_eq!(reference::bit_reverse_permute::<u8>(&[]), None);
    assert_eq!(reference::bit_reverse_permute(&[0, 1, 2]), None);
}
