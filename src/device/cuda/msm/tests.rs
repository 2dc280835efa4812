//! MSMs on the device against the CPU's.

use super::*;
use crate::device::cuda::{CudaMulti, CudaOptions};
use crate::device::gpu::testing::{cuda, numbers, random};
use crate::device::{G1, G2};
use plan::{Cut, MAX_WINDOW_BITS};
use std::sync::LazyLock;
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::field::{Field, FieldParams, FqParams};
use zkwatt_kernels::msm::{self, BitHistogram, MsmBases, Scalars};
use zkwatt_kernels::{CpuPath, Fq, Fq2, Fr};

/// Modules take longer to load than these sums: all tests share a device.
static DEVICE: LazyLock<Option<CudaDevice>> = LazyLock::new(|| cuda(None));

/// Distinct points, none of them the identity.
fn points<F: Coordinate>(n: usize) -> Vec<Affine<F>> {
    let step = Affine::<F>::generator();
    let mut at = Xyzz::from(step).mul_vartime(&[77, 3]);
    (0..n)
        .map(|_| {
            at = at.add_affine(step);
            at.to_affine()
        })
        .collect()
}

fn uniform(n: usize, seed: u64) -> Vec<Fr> {
    let mut numbers = numbers(seed);
    (0..n).map(|_| random(&mut numbers)).collect()
}

/// 70 % zero, 15 % signed 8-bit, 15 % signed 16-bit.
fn zkml(n: usize) -> Vec<i16> {
    let mut numbers = numbers(9);
    let mut value = || match numbers() % 20 {
        0..=13 => 0,
        14..=16 => numbers() as i8 as i16,
        _ => numbers() as i16,
    };
    (0..n).map(|_| value()).collect()
}

fn on_cpu<F: Coordinate>(bases: &[Affine<F>], scalars: Scalars<'_>) -> Affine<F> {
    msm::msm(CpuPath::active(), &MsmBases::new(bases.to_vec()), scalars)
}

fn check<G: Group>(bases: &[Affine<G::Coordinate>], scalars: Scalars<'_>, what: &str) {
    check_width::<G>(bases, scalars, None, what);
}

fn check_width<G: Group>(
    bases: &[Affine<G::Coordinate>],
    scalars: Scalars<'_>,
    window_bits: Option<u32>,
    what: &str,
) {
    let Some(device) = &*DEVICE else { return };
    let prepared = MsmOps::<G>::prepare(device, bases).unwrap();
    let forced = window_bits.map(|window_bits| TablePlan { window_bits, levels: 1 });
    let sums = device.sums(&prepared, &[MsmScalars::Host(scalars)], forced).unwrap();
    assert_eq!(sums, [on_cpu(bases, scalars)], "{what}, {} scalars, {}", scalars.len(), G::NAME);
}

#[test]
fn sums_of_all_sizes() {
    for n in [0, 1, 2, 3, 31, 33, 255, 257, 1025] {
        check::<G1>(&points::<Fq>(n), Scalars::Field(&uniform(n, n as u64)), "uniform");
    }
    for n in [0, 1, 2, 3, 129] {
        check::<G2>(&points::<Fq2>(n), Scalars::Field(&uniform(n, n as u64)), "uniform");
    }
}

#[test]
fn windows_of_all_widths() {
    let (bases, scalars) = (points::<Fq>(100), uniform(100, 5));
    for c in 2..=13 {
        check_width::<G1>(&bases, Scalars::Field(&scalars), Some(c), &format!("c = {c}"));
    }
    check_width::<G1>(&bases, Scalars::I16(&zkml(100)), Some(MAX_WINDOW_BITS), "the widest");
    let (bases, scalars) = (points::<Fq2>(20), uniform(20, 6));
    for c in [2, 3, 9] {
        check_width::<G2>(&bases, Scalars::Field(&scalars), Some(c), &format!("c = {c}"));
    }
}

#[test]
fn integers_of_all_widths() {
    let bases = points::<Fq>(200);
    macro_rules! integers {
        ($($variant:ident $type:ty),*) => {$(
            let mut words = numbers(4);
            let mut next = || (0..4).fold(0u128, |word, _| word << 32 | u128::from(words()));
            let mut scalars: Vec<$type> = (0..200).map(|_| next() as $type).collect();
            scalars[..6].copy_from_slice(&[<$type>::MIN, <$type>::MAX, 0, 1, -1, <$type>::MIN + 1]);
            check::<G1>(&bases, Scalars::$variant(&scalars), stringify!($variant));
        )*};
    }
    integers!(I8 i8, I16 i16, I32 i32, I64 i64, I128 i128);
    check::<G2>(&points::<Fq2>(50), Scalars::I8(&[-5; 50]), "I8");
}

#[test]
fn scalars_at_the_ends_of_their_range() {
    let half = (-Fr::ONE) * Fr::from(2u64).inverse_vartime().unwrap();
    let ends = [Fr::ZERO, Fr::ONE, -Fr::ONE, half, half + Fr::ONE, Fr::from(2u64), -Fr::from(3u64)];
    let bases = points::<Fq>(ends.len());
    check::<G1>(&bases, Scalars::Field(&ends), "ends");
    for end in ends {
        check::<G1>(&bases[..1], Scalars::Field(&[end]), "one end");
    }
    for c in 2..=9 {
        check_width::<G1>(&bases, Scalars::Field(&ends), Some(c), &format!("ends, c = {c}"));
    }
}

/// Buckets of several segments, whose sums take one or several rounds of merging.
#[test]
fn heavy_buckets() {
    let bases = points::<Fq>(3000);
    check::<G1>(&bases, Scalars::I8(&[-1; 3000]), "minus ones");
    check::<G1>(&bases[..129], Scalars::I8(&[1; 129]), "one more than a round takes in");
    check::<G1>(&bases[..700], Scalars::Field(&[uniform(1, 8)[0]; 700]), "all equal");
    check::<G1>(&bases, Scalars::I16(&zkml(3000)), "zkml");
    let field: Vec<Fr> = zkml(1000).into_iter().map(|k| Fr::from(i64::from(k))).collect();
    check::<G1>(&bases[..1000], Scalars::Field(&field), "zkml in the field");
    check::<G1>(&bases, Scalars::I8(&[0; 3000]), "zeros");
    check::<G2>(&points::<Fq2>(300), Scalars::I8(&[3; 300]), "threes");
}

/// Bases that bring every exceptional addition about, in segments, in merging and in the reduction.
#[test]
fn exceptional_additions() {
    fn check_all<G: Group>() {
        let p = points::<G::Coordinate>(3);
        let identity = Affine::IDENTITY;
        let opposites: Vec<_> = (0..64).map(|i| if i < 32 { p[0] } else { -p[0] }).collect();
        let sets: [&[Affine<G::Coordinate>]; 8] = [
            &[p[0]; 64],
            &opposites,
            &[p[0], -p[0]],
            &[p[0], -p[0], p[0], p[0], -p[0], p[1], p[1], -p[1]],
            &[identity; 9],
            &[identity, p[0], identity, p[1], p[1], identity, -p[2]],
            &[p[0], p[0], p[1], -p[1], p[2]],
            &[p[0], p[1], (Xyzz::from(p[0]) + p[1].into()).to_affine(), -p[0], -p[1]],
        ];
        for (i, bases) in sets.into_iter().enumerate() {
            for scalar in [1i8, -3] {
                let equal = vec![scalar; bases.len()];
                check::<G>(bases, Scalars::I8(&equal), &format!("set {i}, all {scalar}"));
            }
            let alternating: Vec<i8> = (0..bases.len()).map(|i| [1, -1, 2, -2, 4][i % 5]).collect();
            check_width::<G>(bases, Scalars::I8(&alternating), Some(4), &format!("set {i}, alternating"));
        }
    }
    check_all::<G1>();
    check_all::<G2>();
}

#[test]
fn scalars_on_the_device() {
    let Some(device) = &*DEVICE else { return };
    let (bases, scalars) = (points::<Fq>(500), uniform(400, 2));
    let expected = on_cpu(&bases, Scalars::Field(&scalars));
    let prepared = MsmOps::<G1>::prepare(device, &bases).unwrap();
    let buffer = device.upload(&scalars).unwrap();
    assert_eq!(MsmOps::<G1>::msm(device, &prepared, MsmScalars::Device(&buffer)).unwrap(), expected);
    let longer = vec![Fr::ONE; 501];
    let error = MsmOps::<G1>::msm(device, &prepared, MsmScalars::Host(Scalars::Field(&longer)));
    assert!(matches!(error, Err(Error::LengthMismatch { left_len: 500, right_len: 501, .. })), "{error:?}");
}

/// Items of several widths and lengths, on the host and on the device.
#[test]
fn batches() {
    let Some(device) = &*DEVICE else { return };
    let bases = points::<Fq>(300);
    let prepared = MsmOps::<G1>::prepare(device, &bases).unwrap();
    let (field, small, ones) = (uniform(300, 3), zkml(300), [1i8; 300]);
    let on_device = device.upload(&uniform(300, 4)).unwrap();
    let batch = || {
        vec![
            MsmScalars::Host(Scalars::Field(&field)),
            MsmScalars::Host(Scalars::I16(&small)),
            MsmScalars::Device(&on_device),
            MsmScalars::Host(Scalars::I8(&[])),
            MsmScalars::Host(Scalars::I8(&ones[..77])),
            MsmScalars::Host(Scalars::I8(&ones)),
        ]
    };
    let sums = MsmOps::<G1>::msm_batch(device, &prepared, batch()).unwrap();
    let one_by_one: Vec<_> =
        batch().into_iter().map(|scalars| MsmOps::<G1>::msm(device, &prepared, scalars).unwrap()).collect();
    assert_eq!(sums, one_by_one);
    assert_eq!(sums[0], on_cpu(&bases, Scalars::Field(&field)));
    assert_eq!(sums[5], on_cpu(&bases, Scalars::I8(&ones)));
    assert_eq!(MsmOps::<G1>::msm_batch(device, &prepared, Vec::new()).unwrap(), []);
}

/// Pieces that add to the same buckets, of which a later one has longer scalars.
#[test]
fn sums_in_pieces() {
    fn check_all<G: Group>(n: usize, pieces: [usize; 2]) {
        let Some(device) = &*DEVICE else { return };
        let mut bases = points::<G::Coordinate>(n);
        bases[n / 7] = Affine::IDENTITY;
        let prepared = MsmOps::<G>::prepare(device, &bases).unwrap();
        let mut long = vec![Fr::ZERO; n];
        let late = n * 3 / 5;
        long[late..].copy_from_slice(&uniform(n - late, 1));
        long[n / 4..n * 2 / 5].fill(Fr::from(7u64));
        let small = zkml(n);
        let scalars = [Scalars::Field(&long), Scalars::I16(&small), Scalars::I16(&small)];
        let items = scalars.map(MsmScalars::Host);
        for piece in pieces {
            let sums = Sums { device, bases: &prepared, forced: None };
            let sums = sums.together(&items, n, Cut { items: 3, piece }).unwrap();
            for (sum, scalars) in sums.into_iter().zip(scalars) {
                assert_eq!(sum.to_affine(), on_cpu(&bases, scalars), "{piece}, {}", G::NAME);
            }
        }
    }
    check_all::<G1>(500, [128, 499]);
    check_all::<G2>(60, [16, 59]);
}

#[test]
fn sums_over_tables() {
    fn check_all<G: Group>(n: usize) {
        let Some(device) = &*DEVICE else { return };
        let mut bases = points::<G::Coordinate>(n);
        if n > 3 {
            // The first of those that a thread inverts together, and another.
            (bases[0], bases[3]) = (Affine::IDENTITY, Affine::IDENTITY);
        }
        let scalars = uniform(n, 7);
        let expected = on_cpu(&bases, Scalars::Field(&scalars));
        for levels in [22, 11, 5, 2] {
            let plan = TablePlan { window_bits: 12, levels };
            let prepared = device.prepare_with_tables(&bases, Some(plan)).unwrap();
            let sums = device.sums(&prepared, &[MsmScalars::Host(Scalars::Field(&scalars))], Some(plan));
            assert_eq!(sums.unwrap(), [expected], "{levels} levels, {}", G::NAME);
        }
        let hints = BaseHints { table_bytes: 1 << 24, repeats: false };
        let prepared = MsmOps::<G>::prepare_with(device, &bases, hints).unwrap();
        assert!(prepared.bytes() <= (1 << 24) + (n * size_of::<Affine<G::Coordinate>>()) as u64);
        for scalars in [Scalars::Field(&scalars), Scalars::I16(&zkml(n))] {
            let sum = MsmOps::<G>::msm(device, &prepared, MsmScalars::Host(scalars)).unwrap();
            assert_eq!(sum, on_cpu(&bases, scalars));
        }
    }
    // With few bases a thread's digits are of several windows and rows.
    for n in [1, 2, 3, 150] {
        check_all::<G1>(n);
    }
    check_all::<G2>(20);
}

/// Few bytes: sums in pieces, then none at all.
#[test]
fn sums_within_little_memory() {
    if DEVICE.is_none() {
        return;
    }
    let (bases, scalars) = (points::<Fq>(9000), zkml(9000));
    let open = |bytes| {
        let options = CudaOptions { memory_budget: Some(bytes), poison: true, ..CudaOptions::default() };
        CudaDevice::new(options).unwrap()
    };
    let host = || MsmScalars::Host(Scalars::I16(&scalars));
    let device = open(1_600_000);
    let prepared = MsmOps::<G1>::prepare(&device, &bases).unwrap();
    let sum = MsmOps::<G1>::msm(&device, &prepared, host()).unwrap();
    assert_eq!(sum, on_cpu(&bases, Scalars::I16(&scalars)));
    // Little more than the bases take.
    let device = open(590_000);
    let prepared = MsmOps::<G1>::prepare(&device, &bases).unwrap();
    let sum = MsmOps::<G1>::msm(&device, &prepared, host());
    assert!(matches!(sum, Err(Error::OutOfMemory { .. })), "{sum:?}");
}

#[test]
fn plans_tell_memory_and_launches() {
    let Some(device) = cuda(None) else { return };
    let n = 600;
    let (bases, scalars) = (points::<Fq>(n), uniform(n, 1));
    let prepared = MsmOps::<G1>::prepare(&device, &bases).unwrap();
    let buffer = device.upload(&scalars).unwrap();
    let before = (device.bytes_in_use(), device.counters().dispatches);
    let room = device.msm_room::<Fq>();
    MsmOps::<G1>::msm(&device, &prepared, MsmScalars::Device(&buffer)).unwrap();
    let cut = Cut { items: 1, piece: n };
    let plan = CudaMsmPlan::new(&BitHistogram::uniform(n, 253), n, cut, &room, None);
    let launches = device.counters().dispatches - before.1;
    let peak = device.counters().peak_bytes - before.0;
    assert_eq!(launches, plan.launches, "{plan:?}");
    assert!(peak.abs_diff(plan.peak_bytes) * 8 <= peak, "{peak} bytes, {plan:?}");
}

/// A square root in Fq: p is 3 modulo 4.
fn root(square: Fq) -> Option<Fq> {
    let p = FqParams::MODULUS;
    let mut exponent: [u64; 4] =
        std::array::from_fn(|i| p[i] >> 2 | p.get(i + 1).map_or(0, |next| next << 62));
    exponent[0] += 1;
    let root = square.pow_vartime(&exponent);
    (root.square() == square).then_some(root)
}

/// Decisions look at both parts of coordinates in Fq2. No point of G2 is known that has a part of zero, nor two that have one part in
/// common. Points of y² = x³ + b for another b, in Fq, do, and formulas and small scalars do not mind.
#[test]
fn points_with_equal_parts_of_coordinates() {
    // With x = (0, c), x³ is (0, −c³), and y² has that part where 2·y₀·y₁ = −c³.
    let (c, y0) = (Fq::from(7u64), Fq::from(5u64));
    let y1 = -(c.square() * c) * y0.double().inverse_vartime().unwrap();
    let b = y0.square() - y1.square();
    let mixed = Affine { x: Fq2::new(Fq::ZERO, c), y: Fq2::new(y0, y1) };
    let conjugate = |x: Fq2| Fq2::new(x.c0, -x.c1);
    let rational = (1u64..).map(Fq::from).find_map(|x| Some((x, root(x.square() * x + b)?)));
    let (x, y) = rational.unwrap();
    let rational = Affine { x: Fq2::new(x, Fq::ZERO), y: Fq2::new(y, Fq::ZERO) };
    let mut bases = Vec::new();
    for k in 1..4 {
        for start in [mixed, rational] {
            let point = Xyzz::from(start).mul_vartime(&[k]).to_affine();
            let other = Affine { x: conjugate(point.x), y: conjugate(point.y) };
            bases.extend([point, other, -point, other, point, -other, Affine::IDENTITY]);
        }
    }
    for step in [0, 1, 2, 3, 5, 6] {
        let scalars: Vec<i8> = (0..bases.len()).map(|i| ((i * step + 1) % 7) as i8 - 3).collect();
        check::<G2>(&bases, Scalars::I8(&scalars), "points with equal parts");
        let heavy = scalars.repeat(4);
        check::<G2>(&bases.repeat(4), Scalars::I8(&heavy), "heavier buckets");
    }
}

/// Points of equal y and another x: P, φ(P) = (β·x, y) and φ(φ(P)) for β³ = 1, whose sum is the identity.
#[test]
fn points_with_equal_y() {
    fn check_all<G: Group>(beta: G::Coordinate) {
        let triples = points::<G::Coordinate>(5)
            .into_iter()
            .flat_map(|p| [p, Affine { x: p.x * beta, y: p.y }, Affine { x: p.x * beta * beta, y: p.y }]);
        let bases: Vec<_> = triples.collect();
        for bases in [&bases[..2], &bases[..3], &bases, &bases.repeat(6)] {
            for scalar in [1i8, -2] {
                check::<G>(bases, Scalars::I8(&vec![scalar; bases.len()]), "points with equal y");
            }
        }
    }
    /// Sums of whole segments, of whichever of these lengths, which merging adds.
    fn check_segments<G: Group>(beta: G::Coordinate) {
        let p = points::<G::Coordinate>(1)[0];
        for length in [16, 32, 64, 128, 256] {
            let bases = [vec![p; length], vec![Affine { x: p.x * beta, y: p.y }; length]].concat();
            check::<G>(&bases, Scalars::I8(&vec![1; bases.len()]), "segments of equal y");
        }
    }
    let half = Fq::from(2u64).inverse_vartime().unwrap();
    let beta = (root(-Fq::from(3u64)).unwrap() - Fq::ONE) * half;
    assert_eq!(beta * beta + beta, -Fq::ONE);
    check_all::<G1>(beta);
    check_segments::<G1>(beta);
    check_all::<G2>(Fq2::new(beta, Fq::ZERO));
    check_segments::<G2>(Fq2::new(beta, Fq::ZERO));
}

/// How many GPUs the test below finds, where it is run by the one after it.
const EXPECTED: &str = "ZKWATT_TEST_GPUS";

/// Every GPU that there is takes a part.
#[test]
fn sums_over_several_devices() {
    if DEVICE.is_none() {
        return;
    }
    let expected = std::env::var(EXPECTED).ok().map(|count| count.parse().unwrap());
    let bases = points::<Fq>(101);
    let multi = CudaMulti::new(&CudaOptions { poison: true, ..CudaOptions::default() }).unwrap();
    assert!(expected.is_none_or(|count: usize| multi.devices().len() == count), "{expected:?}");
    let prepared = multi.prepare::<G1>(&bases, BaseHints::default()).unwrap();
    for n in [0, 1, 40, 101] {
        let scalars = uniform(n, 3);
        let sum = multi.msm(&prepared, Scalars::Field(&scalars)).unwrap();
        assert_eq!(
            sum,
            on_cpu(&bases, Scalars::Field(&scalars)),
            "{n} scalars, {} GPUs",
            multi.devices().len()
        );
    }
    let error = multi.msm(&prepared, Scalars::I8(&[0; 102]));
    assert!(matches!(error, Err(Error::LengthMismatch { .. })), "{error:?}");
}

/// The number of GPUs is the emulator's from when it is loaded: a process of its own.
#[test]
fn sums_over_three_emulated_devices() {
    if DEVICE.as_ref().is_none_or(|device| !device.info().software) {
        return;
    }
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "device::cuda::msm::tests::sums_over_several_devices"]);
    let output = test.env("CUDA_EMULATOR_DEVICES", "3").env(EXPECTED, "3").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn bases_of_other_devices_are_refused() {
    let [Some(a), Some(b), Some(c)] = [(); 3].map(|()| cuda(None)) else { return };
    let (bases, scalars) = (points::<Fq>(20), uniform(20, 3));
    let scalars = Scalars::Field(&scalars);
    let (pair, single) = (CudaMulti::over(vec![a, b]).unwrap(), CudaMulti::over(vec![c]).unwrap());
    let on_pair = pair.prepare::<G1>(&bases, BaseHints::default()).unwrap();
    let on_single = single.prepare::<G1>(&bases, BaseHints::default()).unwrap();
    assert_eq!(pair.msm(&on_pair, scalars).unwrap(), on_cpu(&bases, scalars));
    assert_eq!(single.msm(&on_single, scalars).unwrap(), on_cpu(&bases, scalars));
    for error in [pair.msm(&on_single, scalars), single.msm(&on_pair, scalars)] {
        assert!(matches!(error, Err(Error::InvalidArgument { argument: "bases", .. })), "{error:?}");
    }
    // As many devices, but others.
    let other = CudaMulti::over(vec![cuda(None).unwrap()]).unwrap();
    let error = other.msm(&on_single, scalars).unwrap_err();
    assert!(error.to_string().contains("another device"), "{error}");
    assert!(matches!(CudaMulti::over(Vec::new()).err(), Some(Error::NoSuchDevice { .. })));
}
