//! Multi-scalar multiplication.

use crate::Conforming;
use crate::support::{Judged, doubled, infinity, mixed, negated, random, randoms, rng};
use rand_core::RngCore;
use zkwatt::Error;
use zkwatt::device::{G1, G2, MsmOps, MsmScalars};
use zkwatt::kernels::curve::Affine;
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::{Field, Fr};

/// The device's sum over points of arkworks.
fn sum<D: MsmOps<G>, G: Judged>(
    device: &D,
    points: &[G::Ark],
    scalars: Scalars<'_>,
) -> Affine<G::Coordinate> {
    let bases = device.prepare(&G::all_ours(points)).unwrap();
    device.msm(&bases, MsmScalars::Host(scalars)).unwrap()
}

fn check<D: MsmOps<G>, G: Judged>(device: &D, points: &[G::Ark], scalars: &[Fr], what: &str) {
    let actual = sum::<D, G>(device, points, Scalars::Field(scalars));
    assert_eq!(actual, G::judge(points, scalars), "{} points of {}, {what}", points.len(), G::NAME);
}

/// 0, and 2^k − 1, 2^k, 2^k + 1 up to `log_max`.
fn sizes(log_max: u32) -> Vec<usize> {
    let mut sizes: Vec<_> = (0..=log_max).flat_map(|k| [(1 << k) - 1, 1 << k, (1 << k) + 1]).collect();
    sizes.dedup();
    sizes
}

pub fn msm_sizes_g1<D: Conforming>(device: &D) {
    let points = G1::points((1 << 12) + 1, 1);
    let scalars = randoms(points.len(), 1);
    for n in sizes(12) {
        check::<D, G1>(device, &points[..n], &scalars[..n], "full-width scalars");
    }
}

pub fn msm_sizes_g2<D: Conforming>(device: &D) {
    let points = G2::points((1 << 8) + 1, 2);
    let scalars = randoms(points.len(), 2);
    for n in sizes(8) {
        check::<D, G2>(device, &points[..n], &scalars[..n], "full-width scalars");
    }
}

/// Windows as wide as at large sizes, and buckets that have most of the points.
pub fn msm_larger_g2<D: Conforming>(device: &D) {
    let n = 1 << 10;
    let points = G2::points(n, 40);
    let few: Vec<_> = (0..n as u64).map(|i| Fr::from(if i % 7 == 0 { i } else { 5 })).collect();
    for (what, scalars) in [("full-width scalars", randoms(n, 41)), ("one heavy bucket", few)] {
        check::<D, G2>(device, &points, &scalars, what);
    }
}

pub fn msm_exceptional_points<D: Conforming>(device: &D) {
    fn each<D: MsmOps<G>, G: Judged>(device: &D, n: usize) {
        let p = G::points(8, 3);
        let opposite = negated(&p[0]);
        let double = doubled(&p[0]);
        let patterns: [(&str, Vec<G::Ark>); 6] = [
            ("infinity", vec![infinity()]),
            ("equal points", vec![p[0]]),
            ("opposite points", vec![p[0], opposite]),
            // The sum of two meets its own double in the next round of a tree.
            ("points and their doubles", vec![p[0], p[0], double, negated(&double)]),
            ("infinity between points", vec![p[1], infinity(), infinity(), p[2], negated(&p[1])]),
            ("few distinct points", p.clone()),
        ];
        for (what, pattern) in patterns {
            let points: Vec<_> = pattern.iter().cycle().copied().take(n).collect();
            for scalars in [randoms(n, 4), vec![Fr::ONE; n], vec![-Fr::ONE; n], mixed(n, 5)] {
                check::<D, G>(device, &points, &scalars, what);
            }
        }
        let mut ends = G::points(n, 6);
        (ends[0], ends[n - 1]) = (infinity(), infinity());
        check::<D, G>(device, &ends, &randoms(n, 7), "infinity at both ends");
    }
    each::<D, G1>(device, 600);
    each::<D, G2>(device, 100);
}

pub fn msm_scalars_of_every_class<D: Conforming>(device: &D) {
    fn each<D: MsmOps<G>, G: Judged>(device: &D, n: usize) {
        let points = G::points(n, 8);
        let half = Fr::from(2u64).inverse_vartime().unwrap();
        let powers: Vec<_> = std::iter::successors(Some(Fr::ONE), |p| Some(p.double())).take(254).collect();
        let around: Vec<_> = powers.iter().flat_map(|p| [*p - Fr::ONE, *p, -*p]).collect();
        let mut rng = rng(9);
        let one_wide: Vec<_> = (0..n)
            .map(|i| if i == n / 2 { random(&mut rng) } else { Fr::from(rng.next_u64() % 4) })
            .collect();
        for (what, scalars) in [
            ("zero", vec![Fr::ZERO]),
            ("one", vec![Fr::ONE]),
            ("minus one", vec![-Fr::ONE]),
            ("equal", vec![random(&mut rng)]),
            // The widest magnitudes after the choice between k and r − k.
            ("(r − 1)/2 and (r + 1)/2", vec![half, -half]),
            ("about powers of two", around),
            ("mixed", mixed(n, 10)),
            ("small, one of them wide", one_wide),
        ] {
            let scalars: Vec<_> = scalars.iter().cycle().copied().take(n).collect();
            check::<D, G>(device, &points, &scalars, what);
        }
    }
    each::<D, G1>(device, 800);
    each::<D, G2>(device, 150);
}

pub fn msm_integers_of_every_width<D: Conforming>(device: &D) {
    let n = 500;
    let points = G1::points(n, 11);
    let mut rng = rng(12);
    macro_rules! class {
        ($($class:ident: $integer:ty),*) => {$(
            let mut values: Vec<$integer> = (0..n)
                .map(|i| if i % 3 == 0 { 0 } else { u128::from(rng.next_u64()).pow(2) as $integer })
                .collect();
            values[..4].copy_from_slice(&[<$integer>::MIN, <$integer>::MAX, -1, 1]);
            for values in [&values[..], &[<$integer>::MIN; 300], &[<$integer>::MAX; 300]] {
                let points = &points[..values.len()];
                let field: Vec<_> = values.iter().map(|v| Fr::from(i128::from(*v))).collect();
                let expected = G1::judge(points, &field);
                assert_eq!(sum::<D, G1>(device, points, Scalars::$class(values)), expected, stringify!($class));
                assert_eq!(sum::<D, G1>(device, points, Scalars::Field(&field)), expected, stringify!($class));
            }
        )*};
    }
    class!(I8: i8, I16: i16, I32: i32, I64: i64, I128: i128);
    let g2 = G2::points(60, 13);
    let small: Vec<i8> = (0..60).map(|i| (i * 37 % 256 - 128) as i8).collect();
    let field: Vec<_> = small.iter().map(|v| Fr::from(i64::from(*v))).collect();
    assert_eq!(sum::<D, G2>(device, &g2, Scalars::I8(&small)), G2::judge(&g2, &field));
}

pub fn msm_batches<D: Conforming>(device: &D) {
    let points = G1::points(300, 14);
    let bases = MsmOps::<G1>::prepare(device, &G1::all_ours(&points)).unwrap();
    let (wide, few) = (randoms(300, 15), randoms(7, 16));
    let small: Vec<i16> = (0..250).map(|i| i * 131 - 16_000).collect();
    let small_field: Vec<_> = small.iter().map(|v| Fr::from(i64::from(*v))).collect();
    let on_device = device.upload(&wide).unwrap();
    let batch = vec![
        MsmScalars::Host(Scalars::Field(&wide)),
        MsmScalars::Host(Scalars::Field(&[])),
        MsmScalars::Host(Scalars::I16(&small)),
        MsmScalars::Device(&on_device),
        MsmScalars::Host(Scalars::Field(&few)),
    ];
    let sums = MsmOps::<G1>::msm_batch(device, &bases, batch).unwrap();
    let all = G1::judge(&points, &wide);
    let expected =
        [all, Affine::IDENTITY, G1::judge(&points[..250], &small_field), all, G1::judge(&points[..7], &few)];
    assert_eq!(sums, expected);
    assert!(MsmOps::<G1>::msm_batch(device, &bases, vec![]).unwrap().is_empty());
}

pub fn msm_scalars_on_the_device<D: Conforming>(device: &D) {
    fn each<D: MsmOps<G>, G: Judged>(device: &D) {
        let points = G::points(257, 17);
        let bases = device.prepare(&G::all_ours(&points)).unwrap();
        for n in [0, 1, 256, 257] {
            let scalars = mixed(n, 18);
            let buffer = device.upload(&scalars).unwrap();
            let sum = device.msm(&bases, MsmScalars::Device(&buffer)).unwrap();
            assert_eq!(sum, G::judge(&points[..n], &scalars), "{n}");
            assert_eq!(device.download_blocking(&buffer).unwrap(), scalars, "scalars are only read");
        }
    }
    each::<D, G1>(device);
    each::<D, G2>(device);
}

/// The first bases count; more scalars than bases are an error that names both.
pub fn msm_with_fewer_scalars_than_bases<D: Conforming>(device: &D) {
    let points = G1::points(100, 19);
    let scalars = randoms(101, 20);
    let bases = MsmOps::<G1>::prepare(device, &G1::all_ours(&points)).unwrap();
    let msm = |scalars| MsmOps::<G1>::msm(device, &bases, scalars);
    let sum = msm(MsmScalars::Host(Scalars::Field(&scalars[..60]))).unwrap();
    assert_eq!(sum, G1::judge(&points[..60], &scalars[..60]));
    let buffer = device.upload(&scalars).unwrap();
    for too_many in [
        MsmScalars::Host(Scalars::Field(&scalars)),
        MsmScalars::Host(Scalars::I8(&[0; 101])),
        MsmScalars::Device(&buffer),
    ] {
        match msm(too_many) {
            Err(Error::LengthMismatch { left: "bases", left_len: 100, right: "scalars", right_len: 101 }) => {
            }
            other => panic!("{other:?}"),
        }
    }
    let none = MsmOps::<G1>::prepare(device, &[]).unwrap();
    let empty = MsmOps::<G1>::msm(device, &none, MsmScalars::Host(Scalars::Field(&[]))).unwrap();
    assert_eq!(empty, Affine::IDENTITY);
    assert!(MsmOps::<G1>::msm(device, &none, MsmScalars::Host(Scalars::I8(&[0]))).is_err());
}

/// 2^14 points: several levels of everything.
pub fn msm_of_many<D: Conforming>(device: &D) {
    let points = G1::points(1 << 14, 20);
    check::<D, G1>(device, &points, &randoms(points.len(), 21), "full-width scalars");
}
