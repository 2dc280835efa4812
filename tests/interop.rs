//! Views of other libraries' slices: the same memory and the same values, and kernels that work on it without a
//! conversion. The peers are the published crates, unmodified.
#![cfg(any(feature = "interop-ark", feature = "interop-halo2curves"))]

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt::device::{CpuOptions, Device, G1, G2};
use zkwatt::kernels::field::{FieldParams, FqParams, FrParams};
use zkwatt::kernels::{Field, Fq, Fr, G1Affine, G2Affine};
use zkwatt::ops::{msm, ntt, vector};

fn cpu() -> Device {
    Device::cpu(CpuOptions::default()).unwrap()
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The tests of one library. The module says how the library makes values and what it computes:
/// `scalar`, `base` (from 256-bit integers below the modulus), `g1`, `g2` (multiples of the generator), `one`,
/// `inverse`, `msm_g1`, `msm_g2`, `transform` (forward, natural order).
macro_rules! views_of {
    ($views:path) => {
        use super::*;
        use $views as views;

        fn scalars(n: usize, seed: u64) -> Vec<TheirFr> {
            let mut rng = rng(seed);
            let edges = [
                [0; 4],
                [1, 0, 0, 0],
                [FrParams::MODULUS[0] - 1, FrParams::MODULUS[1], FrParams::MODULUS[2], FrParams::MODULUS[3]],
                FrParams::R,
            ];
            let random = (edges.len()..n)
                .map(|_| Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64())).to_canonical());
            edges.into_iter().take(n).chain(random.collect::<Vec<_>>()).map(scalar).collect()
        }

        fn points<P>(n: u64, at: impl Fn(u64) -> P) -> Vec<P> {
            (0..n).map(|i| at(if i % 9 == 4 { 0 } else { i * i + 1 })).collect()
        }

        #[test]
        fn views_are_the_same_memory() {
            let theirs = scalars(100, 1);
            let ours: &[Fr] = views::scalars(&theirs);
            assert_eq!((ours.as_ptr().cast(), ours.len()), (theirs.as_ptr(), 100));
            let (p, q) = (points(20, g1), points(20, g2));
            assert_eq!(views::g1_points(&p).as_ptr().cast(), p.as_ptr());
            assert_eq!(views::g2_points(&q).as_ptr().cast(), q.as_ptr());
            assert!(views::scalars(&[]).is_empty() && views::base_elements(&[]).is_empty());
            assert!(views::g1_points(&[]).is_empty() && views::g2_points(&[]).is_empty());
        }

        #[test]
        fn values_come_back() {
            let theirs = scalars(100, 2);
            assert_eq!(to_their_scalars(views::scalars(&theirs)), &theirs[..]);
            for value in &theirs {
                assert_eq!(to_their_scalar(&views::scalar(value)), *value);
            }
            let (p, q) = (points(20, g1), points(20, g2));
            assert_eq!(to_their_g1(views::g1_points(&p)), &p[..]);
            assert_eq!(to_their_g2(views::g2_points(&q)), &q[..]);
            assert_eq!(views::g1_point(&p[3]), views::g1_points(&p)[3]);
            assert_eq!(views::g2_point(&q[3]), views::g2_points(&q)[3]);
        }

        /// The integers behind the bits, in both directions.
        #[test]
        fn values_are_the_same_integers() {
            let mut rng = rng(3);
            for _ in 0..100 {
                let limbs = [(); 4].map(|()| rng.next_u64());
                let (in_r, in_q) = (Fr::from_u256_reduced(limbs), Fq::from_u256_reduced(limbs));
                assert_eq!(views::scalar(&scalar(in_r.to_canonical())), in_r);
                assert_eq!(views::base_element(&base(in_q.to_canonical())), in_q);
            }
            for (ours, theirs) in [(0, 0u64), (1, 1), (u64::MAX, u64::MAX)] {
                assert_eq!(views::scalar(&TheirFr::from(theirs)), Fr::from(ours));
            }
            assert_eq!(views::scalar(&-TheirFr::from(1u64)), -Fr::ONE);
            let q_less_1 = core::array::from_fn(|i| FqParams::MODULUS[i] - u64::from(i == 0));
            assert_eq!(views::base_element(&base(q_less_1)), -Fq::ONE);
        }

        #[test]
        fn the_identity_and_the_generators_are_the_same() {
            assert!(views::g1_point(&g1(0)).is_identity() && views::g2_point(&g2(0)).is_identity());
            assert_eq!(to_their_g1(&[G1Affine::IDENTITY]), &[g1(0)]);
            assert_eq!(to_their_g2(&[G2Affine::IDENTITY]), &[g2(0)]);
            assert_eq!(views::g1_point(&g1(1)), G1Affine::generator());
            assert_eq!(views::g2_point(&g2(1)), G2Affine::generator());
            for i in 0..20 {
                assert!(views::g1_point(&g1(i)).is_on_curve() && views::g2_point(&g2(i)).is_on_curve());
            }
        }

        #[test]
        fn arithmetic_on_their_memory_is_theirs() {
            let (a, b) = (scalars(200, 4), scalars(200, 5).into_iter().rev().collect::<Vec<_>>());
            for (x, y) in a.iter().zip(&b) {
                let (u, v) = (views::scalar(x), views::scalar(y));
                assert_eq!(u + v, views::scalar(&(*x + *y)));
                assert_eq!(u - v, views::scalar(&(*x - *y)));
                assert_eq!(u * v, views::scalar(&(*x * *y)));
                assert_eq!(u.inverse_vartime(), inverse(x).map(|x| views::scalar(&x)));
            }
        }

        #[test]
        fn kernels_write_into_their_memory() {
            let device = cpu();
            let (a, b) = (scalars(300, 6), scalars(300, 7));
            let mut y = a.clone();
            let factor = views::scalar(&b[10]);
            vector::axpy(&device, views::scalars_mut(&mut y), factor, views::scalars(&b)).unwrap();
            assert!(y.iter().zip(a.iter().zip(&b)).all(|(y, (a, x))| *y == *a + b[10] * *x));
            vector::batch_inverse(&device, views::scalars_mut(&mut y)).unwrap();
            assert!(
                y.iter().zip(a.iter().zip(&b)).all(|(y, (a, x))| Some(*y) == inverse(&(*a + b[10] * *x)))
            );

            let coefficients = scalars(1 << 10, 8);
            let mut values = coefficients.clone();
            ntt::ntt(&device, views::scalars_mut(&mut values), &Default::default()).unwrap();
            assert_eq!(values, transform(&coefficients));
        }

        #[test]
        fn points_are_written_into_their_memory() {
            let mut p = points(20, g1);
            views::g1_points_mut(&mut p).iter_mut().for_each(|p| *p = -*p);
            assert!(p.iter().zip(points(20, g1)).all(|(p, was)| *p == -was));
            let mut q = points(20, g2);
            views::g2_points_mut(&mut q).iter_mut().for_each(|q| *q = -*q);
            assert!(q.iter().zip(points(20, g2)).all(|(q, was)| *q == -was));
            let mut x = vec![base([5, 0, 0, 0])];
            views::base_elements_mut(&mut x)[0] += Fq::ONE;
            assert_eq!(x, [base([6, 0, 0, 0])]);
        }

        #[test]
        fn msm_over_their_slices() {
            let device = cpu();
            for n in [0, 1, 2, 33, 500] {
                let (p, k) = (points(n, g1), scalars(n as usize, 9));
                let bases = msm::prepare::<G1>(&device, views::g1_points(&p)).unwrap();
                let sum = msm::msm(&device, &bases, msm::Scalars::Field(views::scalars(&k))).unwrap();
                assert_eq!(to_their_g1(&[sum]), &[msm_g1(&k, &p)], "{n} points of G1");
            }
            for n in [0, 1, 2, 33, 100] {
                let (q, k) = (points(n, g2), scalars(n as usize, 10));
                let bases = msm::prepare::<G2>(&device, views::g2_points(&q)).unwrap();
                let sum = msm::msm(&device, &bases, msm::Scalars::Field(views::scalars(&k))).unwrap();
                assert_eq!(to_their_g2(&[sum]), &[msm_g2(&k, &q)], "{n} points of G2");
            }
        }
    };
}

#[cfg(feature = "interop-ark")]
mod ark {
    use ark_bn254::{Fq as TheirFq, Fr as TheirFr, G1Affine as TheirG1, G2Affine as TheirG2};
    use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
    use ark_ff::{BigInt, Field as _, PrimeField};
    use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
    use zkwatt::interop::ark::{
        ark_g1_points as to_their_g1, ark_g2_points as to_their_g2, ark_scalar as to_their_scalar,
        ark_scalars as to_their_scalars,
    };

    fn scalar(limbs: [u64; 4]) -> TheirFr {
        TheirFr::from_bigint(BigInt(limbs)).unwrap()
    }
    fn base(limbs: [u64; 4]) -> TheirFq {
        TheirFq::from_bigint(BigInt(limbs)).unwrap()
    }
    fn g1(k: u64) -> TheirG1 {
        (TheirG1::generator() * TheirFr::from(k)).into_affine()
    }
    fn g2(k: u64) -> TheirG2 {
        (TheirG2::generator() * TheirFr::from(k)).into_affine()
    }
    fn inverse(x: &TheirFr) -> Option<TheirFr> {
        // As batch inversion has it, zero stays zero.
        x.inverse()
    }
    fn msm_g1(scalars: &[TheirFr], points: &[TheirG1]) -> TheirG1 {
        ark_bn254::G1Projective::msm(points, scalars).unwrap().into_affine()
    }
    fn msm_g2(scalars: &[TheirFr], points: &[TheirG2]) -> TheirG2 {
        ark_bn254::G2Projective::msm(points, scalars).unwrap().into_affine()
    }
    fn transform(coefficients: &[TheirFr]) -> Vec<TheirFr> {
        Radix2EvaluationDomain::<TheirFr>::new(coefficients.len()).unwrap().fft(coefficients)
    }

    views_of!(zkwatt::interop::ark);
}

#[cfg(feature = "interop-halo2curves")]
mod halo2curves {
    use halo2curves_axiom::bn256::{Fq as TheirFq, Fr as TheirFr, G1Affine as TheirG1, G2Affine as TheirG2};
    use halo2curves_axiom::group::Curve;
    use halo2curves_axiom::{bn256, fft::best_fft, msm::msm_best};
    use zkwatt::interop::halo2curves::{
        halo2_g1_points as to_their_g1, halo2_g2_points as to_their_g2, halo2_scalar as to_their_scalar,
        halo2_scalars as to_their_scalars,
    };
    use zkwatt::kernels::PrimeField as _;

    fn bytes(limbs: [u64; 4]) -> [u8; 32] {
        core::array::from_fn(|i| limbs[i / 8].to_le_bytes()[i % 8])
    }
    fn scalar(limbs: [u64; 4]) -> TheirFr {
        TheirFr::from_bytes(&bytes(limbs)).unwrap()
    }
    fn base(limbs: [u64; 4]) -> TheirFq {
        TheirFq::from_bytes(&bytes(limbs)).unwrap()
    }
    fn g1(k: u64) -> TheirG1 {
        (TheirG1::generator() * TheirFr::from(k)).to_affine()
    }
    fn g2(k: u64) -> TheirG2 {
        (TheirG2::generator() * TheirFr::from(k)).to_affine()
    }
    fn inverse(x: &TheirFr) -> Option<TheirFr> {
        x.invert().into()
    }
    fn msm_g1(scalars: &[TheirFr], points: &[TheirG1]) -> TheirG1 {
        msm_best(scalars, points).to_affine()
    }
    fn msm_g2(scalars: &[TheirFr], points: &[TheirG2]) -> TheirG2 {
        let terms = scalars.iter().zip(points).map(|(k, p)| p * k);
        terms.fold(bn256::G2::default(), |sum, term| sum + term).to_affine()
    }
    fn transform(coefficients: &[TheirFr]) -> Vec<TheirFr> {
        let log_n = coefficients.len().ilog2();
        let mut values = coefficients.to_vec();
        // ω is a choice: theirs comes from the generator 7, ours (and that of arkworks) from 5.
        let omega = zkwatt::kernels::Fr::root_of_unity(log_n).unwrap();
        best_fft(&mut values, to_their_scalar(&omega), log_n);
        values
    }

    views_of!(zkwatt::interop::halo2curves);
}
