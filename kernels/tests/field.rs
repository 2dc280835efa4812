//! Field arithmetic of every form against ark-bn254, on values that break carry chains and on random ones.

mod common;

use ark_ff::{AdditiveGroup, BigInt, Field as _, PrimeField as _};
use common::{edge_limbs, random_limbs, rng};
use zkwatt_kernels::field::{Arith, FieldParams, Fp, Fp2, FqParams, FrParams, Plain};
use zkwatt_kernels::{CpuPath, Field, Fq, Fr, PrimeField, bn254};

const RANDOM_VALUES: usize = 20_000;

/// A prime field of ours and the same one of arkworks, bit for bit.
trait Pair: FieldParams {
    type Ark: ark_ff::PrimeField<BigInt = BigInt<4>>;
    fn ark(limbs: [u64; 4]) -> Self::Ark;
    fn limbs(ark: Self::Ark) -> [u64; 4];
}

macro_rules! pair {
    ($params:ty, $ark:ty) => {
        impl Pair for $params {
            type Ark = $ark;
            fn ark(limbs: [u64; 4]) -> $ark {
                <$ark>::new_unchecked(BigInt(limbs))
            }
            fn limbs(ark: $ark) -> [u64; 4] {
                ark.0.0
            }
        }
    };
}
pair!(FrParams, ark_bn254::Fr);
pair!(FqParams, ark_bn254::Fq);

/// Runs a test for every form that this CPU has.
macro_rules! for_each_form {
    ($test:ident $($params:ty)?) => {
        $test::<$($params,)? Plain>();
        #[cfg(target_arch = "x86_64")]
        if CpuPath::adx().is_some() {
            $test::<$($params,)? zkwatt_kernels::field::Adx>();
        } else {
            eprintln!("skipped: this CPU lacks bmi2 or adx");
        }
    };
}

/// Montgomery limbs: the edge values as limbs, the edge values as canonical integers, and random ones.
fn values<P: Pair>(random: usize) -> Vec<[u64; 4]> {
    let edges = edge_limbs(P::MODULUS);
    let canonical: Vec<_> =
        edges.iter().map(|&e| P::limbs(P::Ark::from_bigint(BigInt(e)).expect("edges are below p"))).collect();
    let mut rng = rng(11);
    let random = (0..random).map(|_| {
        let wide: Vec<u8> = random_limbs(&mut rng).iter().flat_map(|l| l.to_le_bytes()).collect();
        P::limbs(P::Ark::from_le_bytes_mod_order(&wide))
    });
    edges.into_iter().chain(canonical).chain(random).collect()
}

fn unary<P: Pair, A: Arith>() {
    for (i, limbs) in values::<P>(RANDOM_VALUES).into_iter().enumerate() {
        let (x, ark) = (Fp::<P, A>::from_montgomery(limbs).expect("limbs below p"), P::ark(limbs));
        assert_eq!(x.to_montgomery(), limbs);
        assert_eq!(x.to_canonical(), ark.into_bigint().0);
        assert_eq!(Fp::<P, A>::from_canonical(x.to_canonical()), Some(x));
        assert_eq!(x.square().to_montgomery(), P::limbs(ark.square()));
        assert_eq!(x.double().to_montgomery(), P::limbs(ark.double()));
        assert_eq!((-x).to_montgomery(), P::limbs(-ark));
        assert_eq!(x.is_zero(), limbs == [0; 4]);
        // Inversions are slow.
        if i < 1000 {
            assert_eq!(x.inverse_vartime().map(Fp::to_montgomery), ark.inverse().map(P::limbs));
        }
    }
}

fn binary<P: Pair, A: Arith>() {
    let check = |a: [u64; 4], b: [u64; 4]| {
        let (x, y) = (Fp::<P, A>::from_montgomery(a).unwrap(), Fp::<P, A>::from_montgomery(b).unwrap());
        let (ark_x, ark_y) = (P::ark(a), P::ark(b));
        assert_eq!((x + y).to_montgomery(), P::limbs(ark_x + ark_y), "{a:x?} + {b:x?}");
        assert_eq!((x - y).to_montgomery(), P::limbs(ark_x - ark_y), "{a:x?} - {b:x?}");
        assert_eq!((x * y).to_montgomery(), P::limbs(ark_x * ark_y), "{a:x?} * {b:x?}");
    };
    let edges = values::<P>(8);
    for &a in &edges {
        for &b in &edges {
            check(a, b);
        }
    }
    let random = values::<P>(RANDOM_VALUES);
    for pair in random.windows(2) {
        check(pair[0], pair[1]);
    }
}

fn conversions<P: Pair, A: Arith>() {
    let p = P::MODULUS;
    assert_eq!(Fp::<P, A>::from_montgomery(p), None);
    assert_eq!(Fp::<P, A>::from_canonical(p), None);
    assert_eq!(Fp::<P, A>::from_canonical([u64::MAX; 4]), None);
    assert_eq!(Fp::<P, A>::from_u256_reduced(p), Fp::ZERO);
    let mut rng = rng(12);
    let random = (0..1000).map(|_| random_limbs(&mut rng)).collect::<Vec<_>>();
    for limbs in edge_limbs(p).into_iter().chain([[u64::MAX; 4], [0, 0, 0, u64::MAX]]).chain(random) {
        let bytes: Vec<u8> = limbs.iter().flat_map(|l| l.to_le_bytes()).collect();
        let ark = P::Ark::from_le_bytes_mod_order(&bytes);
        assert_eq!(Fp::<P, A>::from_u256_reduced(limbs).to_montgomery(), P::limbs(ark));
        let [a, b, ..] = limbs;
        let wide = u128::from(a) | u128::from(b) << 64;
        assert_eq!(Fp::<P, A>::from(a).to_montgomery(), P::limbs(P::Ark::from(a)));
        assert_eq!(Fp::<P, A>::from(a as i64).to_montgomery(), P::limbs(P::Ark::from(a as i64)));
        assert_eq!(Fp::<P, A>::from(wide).to_montgomery(), P::limbs(P::Ark::from(wide)));
        assert_eq!(Fp::<P, A>::from(wide as i128).to_montgomery(), P::limbs(P::Ark::from(wide as i128)));
    }
    for extreme in [i64::MIN, -1, 0, 1, i64::MAX] {
        assert_eq!(Fp::<P, A>::from(extreme).to_montgomery(), P::limbs(P::Ark::from(extreme)));
    }
    for extreme in [i128::MIN, i128::MAX] {
        assert_eq!(Fp::<P, A>::from(extreme).to_montgomery(), P::limbs(P::Ark::from(extreme)));
    }
}

fn quadratic<A: Arith>() {
    let ours = |c: [[u64; 4]; 2]| {
        Fp2::new(Fp::<FqParams, A>::from_montgomery(c[0]).unwrap(), Fp::from_montgomery(c[1]).unwrap())
    };
    let theirs = |c: [[u64; 4]; 2]| ark_bn254::Fq2::new(FqParams::ark(c[0]), FqParams::ark(c[1]));
    let limbs = |x: Fp2<Fp<FqParams, A>>| [x.c0.to_montgomery(), x.c1.to_montgomery()];
    let ark_limbs = |x: ark_bn254::Fq2| [FqParams::limbs(x.c0), FqParams::limbs(x.c1)];
    let check = |a, b, inverse: bool| {
        let (x, y, ark_x, ark_y) = (ours(a), ours(b), theirs(a), theirs(b));
        assert_eq!(limbs(x + y), ark_limbs(ark_x + ark_y));
        assert_eq!(limbs(x - y), ark_limbs(ark_x - ark_y));
        assert_eq!(limbs(x * y), ark_limbs(ark_x * ark_y));
        assert_eq!(limbs(x.square()), ark_limbs(ark_x.square()));
        assert_eq!(limbs(x.double()), ark_limbs(ark_x.double()));
        assert_eq!(limbs(-x), ark_limbs(-ark_x));
        if inverse {
            assert_eq!(x.inverse_vartime().map(limbs), ark_x.inverse().map(ark_limbs));
        }
    };
    let edges = edge_limbs(FqParams::MODULUS);
    for (i, &c0) in edges.iter().enumerate() {
        for (j, &c1) in edges.iter().enumerate() {
            let other = [edges[edges.len() - 1 - i], edges[(i + j) % edges.len()]];
            check([c0, c1], other, i == j || i == 0 || j == 0);
        }
    }
    let random = values::<FqParams>(RANDOM_VALUES);
    for (i, quad) in random.windows(4).enumerate() {
        check([quad[0], quad[1]], [quad[2], quad[3]], i % 64 == 0);
    }
}

#[test]
fn fr_unary() {
    for_each_form!(unary FrParams);
}

#[test]
fn fq_unary() {
    for_each_form!(unary FqParams);
}

#[test]
fn fr_binary() {
    for_each_form!(binary FrParams);
}

#[test]
fn fq_binary() {
    for_each_form!(binary FqParams);
}

#[test]
fn fr_conversions() {
    for_each_form!(conversions FrParams);
}

#[test]
fn fq_conversions() {
    for_each_form!(conversions FqParams);
}

#[test]
fn fq2() {
    for_each_form!(quadratic);
}

#[test]
fn powers_match_repeated_products() {
    let x = Fr::from(3u64);
    let mut product = Fr::ONE;
    for e in 0..70u64 {
        assert_eq!(x.pow_vartime(&[e]), product);
        assert_eq!(x.pow_vartime(&[e, 0]), product);
        product *= x;
    }
    let exponent = [u64::MAX, 1 << 63, 0, 7];
    let ark = ark_bn254::Fr::from(3u64).pow(exponent);
    assert_eq!(x.pow_vartime(&exponent).to_montgomery(), ark.0.0);
}

#[test]
fn roots_of_unity() {
    for log_n in 0..=bn254::SCALAR_TWO_ADICITY {
        let root = Fr::root_of_unity(log_n).unwrap();
        let n = 1u64 << log_n;
        assert_eq!(root.pow_vartime(&[n]), Fr::ONE);
        if log_n > 0 {
            assert_eq!(root.pow_vartime(&[n / 2]), -Fr::ONE);
        }
        let ark = <ark_bn254::Fr as ark_ff::FftField>::get_root_of_unity(n).unwrap();
        assert_eq!(root.to_montgomery(), ark.0.0);
    }
    assert_eq!(Fr::root_of_unity(bn254::SCALAR_TWO_ADICITY + 1), None);
    assert_eq!(Fq::root_of_unity(1), Some(-Fq::ONE));
    assert_eq!(Fq::root_of_unity(2), None);
}

#[test]
fn debug_form_is_canonical() {
    assert_eq!(format!("{:?}", Fr::from(255u64)), format!("Fr(0x{:064x})", 255));
}
