//! The ICICLE backend on a stand-in for ICICLE (tools/icicle-stub): results are those of the CPU, and errors say what to do.

#![cfg(all(feature = "icicle", unix))]

mod errors;
mod stub;

use zkwatt::device::icicle::{IcicleDevice, IcicleOptions};
use zkwatt::device::{
    Backend, Buffer, CpuDevice, CpuOptions, Device, DeviceKind, G1, G2, Group, MsmOps, MsmScalars, NttOps,
    VectorOps,
};
use zkwatt::kernels::curve::{Affine, CurveField, Xyzz};
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, Generator, NttPlan, Order};
use zkwatt::kernels::{Field, Fr};
use zkwatt::ops::{lookup, msm, ntt, vector};

fn cpu() -> CpuDevice {
    CpuDevice::new(CpuOptions::default()).unwrap()
}

/// Runs a test on the stand-in, and on the ICICLE that `ICICLE_INSTALL_DIR` names.
fn with_device(test: impl Fn(&IcicleDevice)) {
    with_stub(&test);
    if std::env::var_os("ICICLE_INSTALL_DIR").is_some() {
        test(&IcicleDevice::new(IcicleOptions::default()).unwrap());
    }
}

/// Runs a test on a device of the stand-in, if there is a compiler.
fn with_stub(test: impl Fn(&IcicleDevice)) {
    if let Some((_root, device)) = stub::open(&[]) {
        test(&device.unwrap());
    }
}

/// Full-width values, with zeros, ones and −1 between them.
fn values(n: usize) -> Vec<Fr> {
    let step = Fr::from(7u64).pow_vartime(&[0x9e37_79b9_7f4a_7c15, 3]);
    let mut value = step;
    let mut next = || {
        value *= step;
        value
    };
    (0..n)
        .map(|i| match i % 7 {
            2 => Fr::ZERO,
            3 => Fr::ONE,
            5 => -Fr::ONE,
            _ => next(),
        })
        .collect()
}

/// Multiples of the generator, with identities, repeated and opposite points.
fn points<F: CurveField>(n: usize) -> Vec<Affine<F>> {
    let generator = Affine::<F>::generator();
    (0..n as u64)
        .map(|i| match i % 6 {
            2 => Affine::IDENTITY,
            4 => -generator,
            5 => generator,
            _ => Xyzz::from(generator).mul_vartime(&[i + 1]).to_affine(),
        })
        .collect()
}

fn sum<G: Group, B: MsmOps<G>>(
    device: &B,
    points: &[Affine<G::Coordinate>],
    scalars: Scalars<'_>,
) -> Affine<G::Coordinate> {
    let bases = device.prepare(points).unwrap();
    device.msm(&bases, MsmScalars::Host(scalars)).unwrap()
}

fn sums_agree<G: Group>(device: &IcicleDevice) {
    let cpu = cpu();
    for log_n in 0..=5 {
        let n = 1 << log_n;
        let (points, values) = (points::<G::Coordinate>(n), values(n));
        for len in [0, 1, n / 2, n - 1, n] {
            let scalars = Scalars::Field(&values[..len]);
            assert_eq!(
                sum::<G, _>(device, &points, scalars),
                sum::<G, _>(&cpu, &points, scalars),
                "{len} of {n}"
            );
        }
        let zeros = vec![Fr::ZERO; n];
        assert!(sum::<G, _>(device, &points, Scalars::Field(&zeros)).is_identity());
        let identities = vec![Affine::IDENTITY; n];
        assert!(sum::<G, _>(device, &identities, Scalars::Field(&values)).is_identity());
    }
}

#[test]
fn sums_over_g1_are_those_of_the_cpu() {
    with_device(sums_agree::<G1>);
}

#[test]
fn sums_over_g2_are_those_of_the_cpu() {
    with_device(sums_agree::<G2>);
}

#[test]
fn integers_of_every_width() {
    with_device(|device| {
        let (cpu, points) = (cpu(), points::<<G1 as Group>::Coordinate>(8));
        let i8s = [0, 1, -1, 5, i8::MAX, i8::MIN, -7, 100];
        let (i16s, i32s) = (i8s.map(|i| i16::from(i) * 256), i8s.map(|i| i32::from(i) << 24));
        let (i64s, i128s) = (i8s.map(|i| i64::from(i) << 56), i8s.map(|i| i128::from(i) << 120));
        let all = [
            Scalars::I8(&i8s),
            Scalars::I16(&i16s),
            Scalars::I32(&i32s),
            Scalars::I64(&i64s),
            Scalars::I128(&i128s),
        ];
        for scalars in all {
            assert_eq!(
                sum::<G1, _>(device, &points, scalars),
                sum::<G1, _>(&cpu, &points, scalars),
                "{scalars:?}"
            );
        }
    });
}

#[test]
fn batches_of_equal_and_of_different_lengths() {
    with_device(|device| {
        let (cpu, points, values) = (cpu(), points::<<G2 as Group>::Coordinate>(8), values(32));
        let there = MsmOps::<G2>::prepare(device, &points).unwrap();
        let here = MsmOps::<G2>::prepare(&cpu, &points).unwrap();
        let batches: [&[(usize, usize)]; 5] =
            [&[], &[(0, 8)], &[(0, 8), (8, 16), (3, 11)], &[(0, 8), (8, 13), (4, 4)], &[(1, 1), (2, 2)]];
        for batch in batches {
            let scalars = || batch.iter().map(|(start, end)| Scalars::Field(&values[*start..*end]));
            let sums = MsmOps::<G2>::msm_batch(device, &there, scalars().map(MsmScalars::Host).collect());
            let expected = MsmOps::<G2>::msm_batch(&cpu, &here, scalars().map(MsmScalars::Host).collect());
            assert_eq!(sums.unwrap(), expected.unwrap(), "{batch:?}");
        }
    });
}

#[test]
fn bases_are_freed() {
    with_stub(|device| {
        let before = free_bytes(device);
        let bases = MsmOps::<G1>::prepare(device, &points(32)).unwrap();
        assert_eq!(free_bytes(device), before - 32 * 64);
        drop(bases);
        assert_eq!(free_bytes(device), before);
        let counters = device.counters();
        assert!(counters.uploaded_bytes >= 32 * 64 && counters.dispatches > 0, "{counters:?}");
    });
}

fn free_bytes(device: &IcicleDevice) -> u64 {
    device.free_bytes().unwrap()
}

fn plans() -> impl Iterator<Item = NttPlan> {
    let shifts = [None, Some(Fr::from(5u64)), Some(values(1)[0])];
    let directions = [Direction::Forward, Direction::Inverse];
    let orders = [Order::NN, Order::NR, Order::RN, Order::RR];
    (0..=5).flat_map(move |log_n| {
        directions.into_iter().flat_map(move |direction| {
            orders.into_iter().flat_map(move |order| {
                shifts.into_iter().map(move |coset| {
                    let generator = if log_n % 2 == 0 { Generator::Five } else { Generator::Seven };
                    NttPlan { log_n, direction, order, coset, generator }
                })
            })
        })
    })
}

#[test]
fn transforms_are_those_of_the_cpu() {
    with_device(|device| {
        let cpu = cpu();
        for plan in plans() {
            for columns in [0, 1, 3] {
                let data = values(columns * plan.n());
                let (mut here, mut there) = (cpu.upload(&data).unwrap(), device.upload(&data).unwrap());
                cpu.ntt(&mut here, &plan).unwrap();
                device.ntt(&mut there, &plan).unwrap();
                assert_eq!(here, there, "{plan:?}, {columns} columns");
            }
        }
    });
}

#[test]
fn domains_grow_and_change() {
    with_device(|device| {
        let cpu = cpu();
        for (log_n, generator) in
            [(3, Generator::Five), (11, Generator::Five), (3, Generator::Seven), (4, Generator::Five)]
        {
            let plan = NttPlan::new(log_n, Direction::Forward).unwrap().generator(generator);
            let data = values(plan.n());
            let (mut here, mut there) = (cpu.upload(&data).unwrap(), device.upload(&data).unwrap());
            cpu.ntt(&mut here, &plan).unwrap();
            device.ntt(&mut there, &plan).unwrap();
            assert_eq!(here, there, "{plan:?}");
        }
    });
}

#[test]
fn threads_do_not_disturb_each_other() {
    with_device(|device| {
        let (cpu, points, values) = (cpu(), points::<<G1 as Group>::Coordinate>(16), values(16));
        let expected = sum::<G1, _>(&cpu, &points, Scalars::Field(&values));
        let bases = MsmOps::<G1>::prepare(device, &points).unwrap();
        std::thread::scope(|scope| {
            for generator in [Generator::Five, Generator::Seven, Generator::Five] {
                let (bases, values) = (&bases, &values);
                scope.spawn(move || {
                    let scalars = MsmScalars::Host(Scalars::Field(values));
                    assert_eq!(MsmOps::<G1>::msm(device, bases, scalars).unwrap(), expected);
                    let mut data = device.upload(values).unwrap();
                    for direction in [Direction::Forward, Direction::Inverse] {
                        let plan = NttPlan::new(4, direction).unwrap().generator(generator);
                        device.ntt(&mut data, &plan).unwrap();
                    }
                    assert_eq!(data.as_slice(), values);
                });
            }
        });
    });
}

/// The public functions on `Device`: sums and transforms by ICICLE, the rest by the CPU.
#[test]
fn the_cpu_completes_it() {
    let Some(root) = stub::install(&[]) else { return };
    let options = stub::options(root.path(), None);
    let (device, cpu) = (
        Device::icicle(options, CpuOptions::default()).unwrap(),
        Device::cpu(CpuOptions::default()).unwrap(),
    );
    assert_eq!(device.info().kind, DeviceKind::Icicle);
    let calls = || device.counters().unwrap().dispatches;
    let (before, data) = (calls(), values(16));
    let both = [&device, &cpu];

    let points = points::<<G1 as Group>::Coordinate>(16);
    let [there, here] = both.map(|device| {
        let bases = msm::prepare::<G1>(device, &points).unwrap();
        msm::msm(device, &bases, Scalars::Field(&data)).unwrap()
    });
    assert_eq!(there, here);
    assert_eq!(calls(), before + 1);

    let [there, here] = both.map(|device| {
        let mut data = data.clone();
        ntt::ntt(device, &mut data, &ntt::NttOptions::default()).unwrap();
        data
    });
    assert_eq!(there, here);
    assert_eq!(calls(), before + 2);

    let [there, here] = both.map(|device| {
        let mut data = data.clone();
        vector::batch_inverse(device, &mut data).unwrap();
        let total = vector::prefix_sum(device, &mut data, vector::Scan::Inclusive).unwrap();
        let counts =
            lookup::multiplicities_range(device, &[Fr::ONE], lookup::RangeTable { start: 0, len: 4 });
        (data, total, counts.unwrap())
    });
    assert_eq!(there, here);
    assert_eq!(calls(), before + 2);

    // A buffer that ICICLE changed last is copied where it is.
    let plan = NttPlan::new(4, Direction::Forward).unwrap();
    let mut buffer = device.upload(&data).unwrap();
    device.ntt(&mut buffer, &plan).unwrap();
    let copy = device.copy(&buffer).unwrap();
    assert_eq!(
        (copy.len(), device.download_blocking(&copy).unwrap()),
        (16, device.download_blocking(&buffer).unwrap())
    );
}
