//! MSMs on the device against the CPU's.

use super::super::tests::devices;
use super::super::{LimbForm, WgpuOptions};
use super::*;
use crate::device::backend::{G1, G2};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::sync::LazyLock;
use zkwatt_kernels::field::Field;
use zkwatt_kernels::msm::{self, BitHistogram, MsmBases, Scalars};
use zkwatt_kernels::{CpuPath, Fq, Fq2, Fr};

/// Pipelines take longer to make than these sums: all tests share their devices.
static DEVICES: LazyLock<Vec<WgpuDevice>> = LazyLock::new(devices);

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
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    (0..n).map(|_| Fr::from_u256_reduced(core::array::from_fn(|_| rng.next_u64()))).collect()
}

/// 70 % zero, 15 % signed 8-bit, 15 % signed 16-bit.
fn zkml(n: usize) -> Vec<i16> {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let mut value = || match rng.next_u32() % 20 {
        0..=13 => 0,
        14..=16 => rng.next_u32() as i8 as i16,
        _ => rng.next_u32() as i16,
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
    let expected = on_cpu(bases, scalars);
    for device in DEVICES.iter() {
        let prepared = MsmOps::<G>::prepare(device, bases).unwrap();
        let sum = device.msm_with_window_bits(&prepared, MsmScalars::Host(scalars), window_bits);
        let sum = device.wait(sum).unwrap();
        assert_eq!(sum, expected, "{what}, {} scalars, {}, {}", scalars.len(), G::NAME, device.form().name());
    }
}

#[test]
fn sums_of_all_sizes() {
    for n in [0, 1, 2, 3, 4, 5, 31, 32, 33, 255, 256, 257, 1023, 1025, 4096] {
        check::<G1>(&points::<Fq>(n), Scalars::Field(&uniform(n, n as u64)), "uniform");
    }
    for n in [0, 1, 2, 3, 127, 129, 600] {
        check::<G2>(&points::<Fq2>(n), Scalars::Field(&uniform(n, n as u64)), "uniform");
    }
}

#[test]
fn a_long_sum() {
    check::<G1>(&points::<Fq>(1 << 14), Scalars::Field(&uniform(1 << 14, 0)), "uniform");
}

/// Pieces of scalars, groups of windows.
#[test]
fn sums_within_little_memory() {
    let (bases, scalars) = (points::<Fq>(9000), uniform(9000, 1));
    let expected = on_cpu(&bases, Scalars::Field(&scalars));
    for form in LimbForm::ALL {
        let poison = true;
        let max_binding_bytes = Some(256 << 10);
        let small = WgpuOptions { form: Some(form), poison, max_binding_bytes, ..Default::default() };
        let Ok(device) = WgpuDevice::new(small) else { continue };
        // Bases do not fit one binding.
        let prepared = MsmOps::<G1>::prepare(&device, &bases).unwrap();
        let buffer = device.upload(&scalars).unwrap();
        assert_eq!(MsmOps::<G1>::msm(&device, &prepared, MsmScalars::Device(&buffer)).unwrap(), expected);

        let memory_budget = Some(6 << 20);
        let device =
            WgpuDevice::new(WgpuOptions { form: Some(form), poison, memory_budget, ..Default::default() });
        let device = device.unwrap();
        let prepared = MsmOps::<G1>::prepare(&device, &bases).unwrap();
        let host = MsmScalars::Host(Scalars::Field(&scalars));
        assert_eq!(MsmOps::<G1>::msm(&device, &prepared, host).unwrap(), expected);

        // Little more than the bases take.
        let memory_budget = Some(600_000);
        let device = WgpuDevice::new(WgpuOptions { form: Some(form), memory_budget, ..Default::default() });
        let device = device.unwrap();
        let prepared = MsmOps::<G1>::prepare(&device, &bases[..8192]).unwrap();
        let host = MsmScalars::Host(Scalars::Field(&scalars[..8192]));
        let sum = MsmOps::<G1>::msm(&device, &prepared, host);
        assert!(matches!(sum, Err(Error::OutOfMemory { .. })), "{sum:?}");
    }
}

#[test]
fn plans_tell_memory_and_dispatches() {
    let n = 3000;
    let (bases, scalars) = (points::<Fq>(n), uniform(n, 1));
    let Ok(device) = WgpuDevice::new(WgpuOptions::default()) else { return };
    let prepared = MsmOps::<G1>::prepare(&device, &bases).unwrap();
    let buffer = device.upload(&scalars).unwrap();
    let before = device.bytes_in_use();
    MsmOps::<G1>::msm(&device, &prepared, MsmScalars::Device(&buffer)).unwrap();
    let plan = WgpuMsmPlan::new(&BitHistogram::uniform(n, 253), n, &device.msm_room::<Fq>());
    let near = |measured: u64, planned: u64| measured.abs_diff(planned) * 10 <= measured;
    let (peak, dispatches) = (device.counters().peak_bytes - before, device.counters().dispatches);
    assert!(near(peak, plan.peak_bytes), "{peak} bytes, {plan:?}");
    assert!(near(dispatches, plan.dispatches), "{dispatches} dispatches, {plan:?}");
}

#[test]
fn windows_of_all_widths() {
    let (bases, scalars) = (points::<Fq>(200), uniform(200, 5));
    for c in 2..=plan::MAX_WINDOW_BITS {
        check_width::<G1>(&bases, Scalars::Field(&scalars), Some(c), &format!("c = {c}"));
    }
    let (bases, scalars) = (points::<Fq2>(40), uniform(40, 6));
    for c in [2, 3, 9] {
        check_width::<G2>(&bases, Scalars::Field(&scalars), Some(c), &format!("c = {c}"));
    }
}

#[test]
fn integers_of_all_widths() {
    let bases = points::<Fq>(300);
    let words = || {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        move || (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) as i128
    };
    macro_rules! integers {
        ($($variant:ident $type:ty),*) => {$(
            let mut next = words();
            let mut scalars: Vec<$type> = (0..300).map(|_| next() as $type).collect();
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

#[test]
fn heavy_buckets() {
    let bases = points::<Fq>(3000);
    check::<G1>(&bases, Scalars::Field(&vec![Fr::ONE; 3000]), "ones");
    check::<G1>(&bases, Scalars::I8(&[-1; 3000]), "minus ones");
    check::<G1>(&bases, Scalars::Field(&vec![uniform(1, 8)[0]; 3000]), "all equal");
    check::<G1>(&bases, Scalars::I16(&zkml(3000)), "zkml");
    let field: Vec<Fr> = zkml(3000).into_iter().map(|k| Fr::from(i64::from(k))).collect();
    check::<G1>(&bases, Scalars::Field(&field), "zkml in the field");
    check::<G1>(&bases, Scalars::I8(&[0; 3000]), "zeros");
}

/// Bases that bring every exceptional addition about, in the tree and in the reduction.
#[test]
fn exceptional_additions() {
    fn check_all<G: Group>() {
        let p = points::<G::Coordinate>(3);
        let identity = Affine::IDENTITY;
        let sets: [&[Affine<G::Coordinate>]; 7] = [
            &[p[0]; 64],
            &[p[0], -p[0]],
            &[p[0], -p[0], p[0], p[0], -p[0], p[1], p[1], -p[1]],
            &[identity; 9],
            &[identity, p[0], identity, p[1], p[1], identity, -p[2]],
            &[p[0], p[0], p[1], -p[1], p[2]],
            &[p[0], p[1], (Xyzz::from(p[0]) + p[1].into()).to_affine(), -p[0], -p[1]],
        ];
        for (i, bases) in sets.into_iter().enumerate() {
            for scalar in [1i8, -1, 3] {
                let equal = vec![scalar; bases.len()];
                check::<G>(bases, Scalars::I8(&equal), &format!("set {i}, all {scalar}"));
            }
            let alternating: Vec<i8> = (0..bases.len()).map(|i| [1, -1, 2, -2, 4][i % 5]).collect();
            check_width::<G>(bases, Scalars::I8(&alternating), Some(4), &format!("set {i}, alternating"));
            let field = uniform(bases.len(), 3);
            check_width::<G>(bases, Scalars::Field(&field), Some(3), &format!("set {i}, uniform"));
        }
    }
    check_all::<G1>();
    check_all::<G2>();
}

#[test]
fn scalars_on_the_device() {
    let (bases, scalars) = (points::<Fq>(500), uniform(400, 2));
    let expected = on_cpu(&bases, Scalars::Field(&scalars));
    for device in DEVICES.iter() {
        let prepared = MsmOps::<G1>::prepare(device, &bases).unwrap();
        let buffer = device.upload(&scalars).unwrap();
        assert_eq!(MsmOps::<G1>::msm(device, &prepared, MsmScalars::Device(&buffer)).unwrap(), expected);
        let longer = vec![Fr::ONE; 501];
        let error = MsmOps::<G1>::msm(device, &prepared, MsmScalars::Host(Scalars::Field(&longer)));
        assert!(
            matches!(error, Err(Error::LengthMismatch { left_len: 500, right_len: 501, .. })),
            "{error:?}"
        );
    }
}
