//! The same work again, on memory that held something else, and at the same time.

use crate::Conforming;
use crate::support::{Judged, randoms};
use std::time::Duration;
use zkwatt::device::{G1, MsmOps, MsmScalars};
use zkwatt::kernels::G1Affine;
use zkwatt::kernels::lookup::RangeTable;
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::vector::Scan;
use zkwatt::kernels::{Field, Fr};

/// All results of a little of everything.
fn everything<D: Conforming>(device: &D, log_n: u32) -> (Vec<Vec<Fr>>, Vec<u32>, G1Affine) {
    let n = 1 << log_n;
    let values = randoms(n, 1);
    let mut results = vec![];
    let mut buffer = device.upload(&values).unwrap();
    let other = device.upload(&randoms(n, 2)).unwrap();
    let plan = |direction| NttPlan::new(log_n, direction).unwrap().coset(Fr::from(5u64)).unwrap();
    device.ntt(&mut buffer, &plan(Direction::Forward)).unwrap();
    results.push(device.download_blocking(&buffer).unwrap());
    device.mul_assign(&mut buffer, &other).unwrap();
    device.ntt(&mut buffer, &plan(Direction::Inverse)).unwrap();
    device.batch_inverse(&mut buffer).unwrap();
    let total = device.prefix_product(&mut buffer, Scan::Inclusive).unwrap();
    results.push(device.download_blocking(&buffer).unwrap());
    results.push(vec![total, device.evaluate(&buffer, total).unwrap()]);
    let bases = MsmOps::<G1>::prepare(device, &G1::all_ours(&G1::points(n, 3))).unwrap();
    let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Device(&buffer)).unwrap();
    let small: Vec<_> = (0..n as u64).map(|i| Fr::from(i * i % 97.min(n as u64))).collect();
    let small = device.upload(&small).unwrap();
    let table: Vec<_> = (0..n as u64).map(|i| Fr::from(i % 97)).collect();
    let table = device.upload(&table).unwrap();
    let counts = device.multiplicities_range(&small, RangeTable { start: 0, len: 97 }).unwrap();
    for buffer in device.permuted_pair(&small, &table).unwrap() {
        results.push(device.download_blocking(&buffer).unwrap());
    }
    (results, device.download_blocking(&counts).unwrap(), sum)
}

/// Fills memory of many sizes with what no kernel should take for a value of its own, and frees it.
fn soil<D: Conforming>(device: &D) {
    let dirt: Vec<_> = (4..14).map(|log_n| device.upload(&vec![-Fr::ONE; 1 << log_n]).unwrap()).collect();
    drop(dirt);
    drop(device.upload(&vec![u32::MAX; 1 << 14]).unwrap());
}

pub fn repetition_on_dirty_memory<D: Conforming>(device: &D) {
    // Rising and falling sizes: tables kept from one size serve the others.
    let sizes = [3, 10, 7, 13, 10, 0, 13];
    let first: Vec<_> = sizes.iter().map(|log_n| everything(device, *log_n)).collect();
    for _ in 0..2 {
        for (log_n, first) in sizes.iter().zip(&first) {
            soil(device);
            assert!(everything(device, *log_n) == *first, "2^{log_n} differs the second time");
        }
    }
}

/// Devices are shared between threads.
pub fn callers_at_the_same_time<D: Conforming>(device: &D) {
    let expected: Vec<_> = (9..13).map(|log_n| everything(device, log_n)).collect();
    std::thread::scope(|scope| {
        for start in 0..4 {
            let expected = &expected;
            scope.spawn(move || {
                for i in 0..4 {
                    let i = (start + i) % 4;
                    assert!(everything(device, 9 + i as u32) == expected[i], "2^{} differs", 9 + i);
                }
            });
        }
    });
}

/// The first transforms of a device come from many callers at once: tables are made once or more often, never waited
/// for in a circle.
pub fn first_transforms_at_the_same_time<D: Conforming>(device: &D) {
    let log_n = 17;
    let values = randoms(1 << log_n, 4);
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let values = &values;
            scope.spawn(move || {
                // Some arrive while the tables are being made.
                std::thread::sleep(Duration::from_micros(300 * caller));
                let direction = if caller % 2 == 0 { Direction::Forward } else { Direction::Inverse };
                let plan = |direction| NttPlan::new(log_n, direction).unwrap();
                let mut buffer = device.upload(values).unwrap();
                device.ntt(&mut buffer, &plan(direction)).unwrap();
                assert!(device.download_blocking(&buffer).unwrap() != *values);
                let back = if caller % 2 == 0 { Direction::Inverse } else { Direction::Forward };
                device.ntt(&mut buffer, &plan(back)).unwrap();
                assert!(device.download_blocking(&buffer).unwrap() == *values, "there and back");
            });
        }
    });
}
