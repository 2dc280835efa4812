//! MSM against arkworks: sizes, exceptional points, scalar classes, window widths, threads.

use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::PrimeField as _;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt_kernels::msm::{
    BaseHints, BitHistogram, MsmBases, MsmPlan, Scalars, TablePlan, msm, msm_batch, msm_with_window_bits,
};
use zkwatt_kernels::{CpuPath, Field, Fq, Fq2, Fr, G1Affine, G2Affine};

trait Judge: Coordinate {
    fn judge(bases: &[Affine<Self>], scalars: &[Fr]) -> Affine<Self>;
}

fn ark_fr(x: &Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::from_bigint(ark_ff::BigInt(x.to_canonical())).unwrap()
}
fn ark_fq(x: &Fq) -> ark_bn254::Fq {
    ark_bn254::Fq::from_bigint(ark_ff::BigInt(x.to_canonical())).unwrap()
}
fn our_fq(x: &ark_bn254::Fq) -> Fq {
    Fq::from_canonical(x.into_bigint().0).unwrap()
}

impl Judge for Fq {
    fn judge(bases: &[G1Affine], scalars: &[Fr]) -> G1Affine {
        let bases: Vec<_> =
            bases.iter().map(|p| ark_bn254::G1Affine::new_unchecked(ark_fq(&p.x), ark_fq(&p.y))).collect();
        let scalars: Vec<_> = scalars.iter().map(ark_fr).collect();
        let sum = ark_bn254::G1Projective::msm(&bases, &scalars).unwrap().into_affine();
        Affine { x: our_fq(&sum.x), y: our_fq(&sum.y) }
    }
}

impl Judge for Fq2 {
    fn judge(bases: &[G2Affine], scalars: &[Fr]) -> G2Affine {
        let to = |v: &Fq2| ark_bn254::Fq2::new(ark_fq(&v.c0), ark_fq(&v.c1));
        let from = |v: &ark_bn254::Fq2| Fq2::new(our_fq(&v.c0), our_fq(&v.c1));
        let bases: Vec<_> =
            bases.iter().map(|p| ark_bn254::G2Affine::new_unchecked(to(&p.x), to(&p.y))).collect();
        let scalars: Vec<_> = scalars.iter().map(ark_fr).collect();
        let sum = ark_bn254::G2Projective::msm(&bases, &scalars).unwrap().into_affine();
        Affine { x: from(&sum.x), y: from(&sum.y) }
    }
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn random_fr(rng: &mut impl RngCore) -> Fr {
    Fr::from_u256_reduced([rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64()])
}

/// n points with consecutive multiples of a random start, so that all are distinct and none is the identity.
fn points<F: Coordinate>(n: usize, seed: u64) -> Vec<Affine<F>> {
    let step = Affine::<F>::generator();
    let mut at = Xyzz::from(step).mul_vartime(&[seed + 1, 77]);
    (0..n)
        .map(|_| {
            at = at.add_affine(step);
            at.to_affine()
        })
        .collect()
}

fn check<F: Judge>(bases: &[Affine<F>], scalars: &[Fr], what: &str) {
    let expected = F::judge(bases, scalars);
    let prepared = MsmBases::new(bases.to_vec());
    for path in CpuPath::available() {
        assert_eq!(msm(path, &prepared, Scalars::Field(scalars)), expected, "{what} on {path}");
        for hints in hints() {
            let prepared = MsmBases::with_hints(path, bases.to_vec(), hints);
            assert_eq!(
                msm(path, &prepared, Scalars::Field(scalars)),
                expected,
                "{what} on {path}, {hints:?}"
            );
        }
    }
}

fn hints() -> [BaseHints; 3] {
    let all = BaseHints { repeats: true, table_bytes: 1 << 30 };
    [BaseHints { table_bytes: 0, ..all }, BaseHints { repeats: false, ..all }, all]
}

#[test]
fn sizes_around_powers_of_two() {
    let all = points::<Fq>(4100, 1);
    let mut rng = rng(1);
    let scalars: Vec<Fr> = (0..all.len()).map(|_| random_fr(&mut rng)).collect();
    for n in [0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 4095, 4096, 4097] {
        check(&all[..n], &scalars[..n], &format!("{n} points"));
    }
}

#[test]
fn sizes_of_g2() {
    let all = points::<Fq2>(520, 2);
    let mut rng = rng(2);
    let scalars: Vec<Fr> = (0..all.len()).map(|_| random_fr(&mut rng)).collect();
    for n in [0, 1, 2, 33, 257, 519] {
        check(&all[..n], &scalars[..n], &format!("{n} points of G2"));
    }
}

#[test]
fn edge_scalars() {
    let bases = points::<Fq>(300, 3);
    let minus_one = -Fr::ONE;
    let half = Fr::from(2u64).inverse_vartime().unwrap();
    let mut power = Fr::ONE;
    let powers: Vec<Fr> = (0..300)
        .map(|_| {
            power = power.double();
            power
        })
        .collect();
    for (what, scalars) in [
        ("zero", vec![Fr::ZERO; 300]),
        ("one", vec![Fr::ONE; 300]),
        ("minus one", vec![minus_one; 300]),
        ("(r-1)/2 and (r+1)/2", [half, -half].repeat(150)),
        ("powers of two", powers.clone()),
        ("powers of two less one", powers.iter().map(|p| *p - Fr::ONE).collect()),
        ("all equal", vec![half + Fr::from(12345u64); 300]),
    ] {
        check(&bases, &scalars, what);
    }
}

#[test]
fn exceptional_points() {
    let distinct = points::<Fq>(64, 4);
    let mut rng = rng(4);
    let random: Vec<Fr> = (0..2048).map(|_| random_fr(&mut rng)).collect();
    let ones = vec![Fr::ONE; 2048];
    let same = vec![distinct[0]; 2048];
    let opposite: Vec<_> = (0..2048).map(|i| distinct[0].negate_if(i % 2 == 1)).collect();
    let mixed: Vec<_> = (0..2048)
        .map(|i| match i % 5 {
            0 => Affine::IDENTITY,
            1 => -distinct[i % 3],
            _ => distinct[i % 3],
        })
        .collect();
    let identities = vec![Affine::IDENTITY; 2048];
    // P, P, 2P: the doubled pair meets its own double in the next round of the tree.
    let doubles: Vec<_> = (0..2048)
        .map(|i| match i % 4 {
            0 | 1 => distinct[0],
            2 => Xyzz::from(distinct[0]).double().to_affine(),
            _ => -Xyzz::from(distinct[0]).double().to_affine(),
        })
        .collect();
    for (what, bases) in [
        ("same", same),
        ("opposite", opposite),
        ("mixed", mixed),
        ("identities", identities),
        ("doubles", doubles),
    ] {
        for (kind, scalars) in [("random", &random), ("ones", &ones)] {
            check(&bases, scalars, &format!("{what} points, {kind} scalars"));
        }
    }
    let g2 = vec![points::<Fq2>(1, 4)[0]; 200];
    check(&g2, &ones[..200], "same points of G2");
    check(&g2, &random[..200], "same points of G2, random scalars");
}

#[test]
fn integer_scalars_of_every_width() {
    let bases = points::<Fq>(700, 5);
    let prepared = MsmBases::new(bases.clone());
    let mut rng = rng(5);
    let wide: Vec<i128> = (0..700)
        .map(|i| match i {
            0 => i128::MIN,
            1 => i128::MAX,
            2 => -1,
            3 => 0,
            _ => (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) as i128,
        })
        .collect();
    macro_rules! class {
        ($variant:ident, $int:ty) => {
            let mut scalars: Vec<$int> = wide.iter().map(|v| *v as $int).collect();
            scalars[4] = <$int>::MIN;
            scalars[5] = <$int>::MAX;
            let as_field: Vec<Fr> = scalars.iter().map(|v| Fr::from(i128::from(*v))).collect();
            let expected = Fq::judge(&bases, &as_field);
            for path in CpuPath::available() {
                assert_eq!(msm(path, &prepared, Scalars::$variant(&scalars)), expected, stringify!($int));
                assert_eq!(msm(path, &prepared, Scalars::Field(&as_field)), expected, stringify!($int));
            }
        };
    }
    class!(I8, i8);
    class!(I16, i16);
    class!(I32, i32);
    class!(I64, i64);
    class!(I128, i128);
}

#[test]
fn every_window_width_and_skewed_scalars() {
    // One bucket far larger than a block, the rest sparse.
    let base = points::<Fq>(40, 6);
    let bases: Vec<_> = (0..10_000).map(|i| base[i % 40]).collect();
    let mut rng = rng(6);
    let scalars: Vec<Fr> = (0..10_000)
        .map(|i| match i % 10 {
            0 => random_fr(&mut rng),
            1 => Fr::from(-(i as i64)),
            _ => Fr::from(3u64),
        })
        .collect();
    let expected = Fq::judge(&bases, &scalars);
    let prepared = MsmBases::new(bases);
    for c in 2..=15 {
        assert_eq!(
            msm_with_window_bits(CpuPath::active(), &prepared, Scalars::Field(&scalars), c),
            expected,
            "window of {c} bits"
        );
    }
}

#[test]
fn one_thread_and_many_agree_bit_for_bit() {
    let bases = points::<Fq>(3000, 7);
    let mut rng = rng(7);
    let scalars: Vec<Fr> = (0..3000).map(|_| random_fr(&mut rng)).collect();
    let prepared = MsmBases::new(bases);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| msm(CpuPath::active(), &prepared, Scalars::Field(&scalars)))
    };
    assert_eq!(on(1), on(3));
}

/// Sums of few windows, shorter and longer than what one thread does by itself.
#[test]
fn short_sums_agree_on_any_number_of_threads() {
    fn check<F: Judge>(n: usize) {
        let mut bases = points::<F>(n, 17);
        bases[n / 3] = Affine::IDENTITY;
        // Half of them in one bucket.
        let small: Vec<i8> =
            (0..n).map(|i| if i % 2 == 0 { 77 } else { (i * 37 % 256) as u8 as i8 }).collect();
        let field: Vec<Fr> = small.iter().map(|v| Fr::from(i64::from(*v))).collect();
        let expected = F::judge(&bases, &field);
        let prepared = MsmBases::new(bases);
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for path in CpuPath::available() {
                for scalars in [Scalars::I8(&small), Scalars::Field(&field)] {
                    let sum = pool.install(|| msm(path, &prepared, scalars));
                    assert_eq!(sum, expected, "{n} on {threads} threads, {}", path.name());
                }
            }
        }
    }
    for n in [4000, 6000, 6003] {
        check::<Fq>(n);
    }
    for n in [400, 2001] {
        check::<Fq2>(n);
    }
}

/// Sums of one set of buckets, which threads share by chunks of 4096 scalars: what they find in each bucket is the same, or the opposite.
#[test]
fn threads_may_find_the_same_or_opposite_sums() {
    const CHUNK: usize = 4096;
    let half = points::<Fq>(CHUNK, 18);
    let scalars: Vec<i8> = (0..CHUNK).map(|i| (i * 41 % 128) as i8).collect();
    let field: Vec<Fr> = scalars.iter().map(|v| Fr::from(i64::from(*v))).collect();
    let once = Fq::judge(&half, &field);
    let opposite: Vec<_> = half.iter().map(|point| -*point).collect();
    let twice = Xyzz::from(once).double().to_affine();
    let both = scalars.repeat(2);
    for (other, expected) in [(&half, twice), (&opposite, Affine::IDENTITY)] {
        let prepared = MsmBases::new([&half[..], other].concat());
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for path in CpuPath::available() {
                let sum = pool.install(|| msm(path, &prepared, Scalars::I8(&both)));
                assert_eq!(sum, expected, "{threads} threads, {}", path.name());
            }
        }
    }
}

#[test]
fn batches_and_unequal_lengths() {
    let bases = points::<Fq>(100, 8);
    let prepared = MsmBases::new(bases.clone());
    let small: Vec<i8> = (0..100).map(|i| i as i8 - 50).collect();
    let field: Vec<Fr> = (0..60u64).map(Fr::from).collect();
    let sums = msm_batch(CpuPath::active(), &prepared, &[Scalars::I8(&small), Scalars::Field(&field)]);
    let as_field: Vec<Fr> = small.iter().map(|v| Fr::from(i64::from(*v))).collect();
    assert_eq!(sums[0], Fq::judge(&bases, &as_field));
    assert_eq!(sums[1], Fq::judge(&bases[..60], &field));
}

#[test]
fn plans_are_sane() {
    for log_n in [0, 4, 8, 12, 16, 20, 24] {
        let plan = MsmPlan::new(&BitHistogram::uniform(1 << log_n, 253), 64);
        let bits = plan.window_bits * plan.window_scalars.len() as u32;
        assert!(bits > 253, "windows cover the scalars and one carry");
        assert!(plan.window_scalars.is_sorted_by(|a, b| a >= b));
    }
    // Small scalars need few windows, whatever their number.
    let small = MsmPlan::new(&BitHistogram::uniform(1 << 18, 8), 64);
    assert!(small.window_scalars.len() <= 2, "{small:?}");
    assert_eq!(MsmPlan::new(&BitHistogram([0; 256]), 64).window_scalars.len(), 0);
}

#[test]
fn repeating_scalars() {
    let n = 3000;
    let bases = points::<Fq>(n, 21);
    let mut rng = rng(21);
    let random: Vec<Fr> = (0..n).map(|_| random_fr(&mut rng)).collect();
    let runs: Vec<Fr> = (0..n).map(|i| random[i / 7]).collect();
    let mostly: Vec<Fr> = (0..n).map(|i| if i % 5 == 0 { random[i] } else { random[1] }).collect();
    // Neither end of a run lies at the end of the column, and the last scalar is not zero.
    let stands_still: Vec<Fr> = (0..n).map(|i| random[i.clamp(100, 2900)]).collect();
    for (what, scalars) in [("runs", runs), ("mostly one value", mostly), ("stands still", stands_still)] {
        check(&bases, &scalars, what);
        check(&bases[..n - 1], &scalars[..n - 1], what);
    }
    // Prefix sums that are the identity, and equal ones.
    let cancelling: Vec<_> = (0..n).map(|i| bases[0].negate_if(i % 2 == 1)).collect();
    check(&cancelling, &vec![random[0]; n], "prefix sums cancel");
    let with_identities: Vec<_> =
        (0..n).map(|i| if i % 3 == 0 { Affine::IDENTITY } else { bases[i] }).collect();
    check(&with_identities, &(0..n).map(|i| random[i / 9]).collect::<Vec<_>>(), "identities");
}

#[test]
fn small_scalars_over_tables() {
    let bases = points::<Fq>(900, 22);
    let scalars: Vec<i16> =
        (0..900).map(|i| if i % 3 == 0 { 0 } else { (i * 37 % 255) as i16 - 127 }).collect();
    let as_field: Vec<Fr> = scalars.iter().map(|v| Fr::from(i128::from(*v))).collect();
    let expected = Fq::judge(&bases, &as_field);
    for hints in hints() {
        let prepared = MsmBases::with_hints(CpuPath::active(), bases.clone(), hints);
        for scalars in [Scalars::I16(&scalars), Scalars::Field(&as_field), Scalars::Field(&as_field[..500])] {
            let expected =
                if scalars.len() < 900 { Fq::judge(&bases[..500], &as_field[..500]) } else { expected };
            assert_eq!(msm(CpuPath::active(), &prepared, scalars), expected, "{hints:?}");
        }
    }
}

#[test]
fn table_plans() {
    for log_n in [10, 12, 15, 18] {
        let n = 1usize << log_n;
        let plan = TablePlan::new(n, 64, u64::MAX).unwrap();
        let windows = 253 / plan.window_bits as usize + 1;
        assert!(plan.levels * plan.bucket_sets >= windows, "{plan:?}");
        assert!((plan.levels - 1) * plan.bucket_sets < windows, "{plan:?}");
        // Half of the bytes: as many fewer levels, for more sets.
        let bytes = (plan.levels * n * 64) as u64;
        if let Some(half) = TablePlan::new(n, 64, bytes / 2) {
            assert!(half.levels * n * 64 <= bytes as usize / 2 && half.bucket_sets > plan.bucket_sets);
        }
        assert_eq!(TablePlan::new(n, 64, (n * 64) as u64), None);
    }
    // Not more points than fit 31 bits.
    assert!(TablePlan::new(1 << 28, 64, u64::MAX).is_none_or(|plan| plan.levels < 8));
    assert_eq!(TablePlan::new(0, 64, 0), None);
}
