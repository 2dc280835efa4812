//! Transforms against the CPU's, bit for bit.

use super::plan::passes;
use super::*;
use crate::device::wgpu::WgpuOptions;
use crate::device::wgpu::tests::{devices, devices_with};
use crate::device::{Backend, CpuDevice, CpuOptions};
use zkwatt_kernels::{Field, Fr};

const ORDERS: [Order; 4] = [Order::NN, Order::NR, Order::RN, Order::RR];
const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Inverse];

fn values(n: usize) -> Vec<Fr> {
    let mut next = Fr::from(11u64);
    let step = |_| {
        next = next.square() + Fr::ONE;
        next
    };
    (0..n).map(step).collect()
}

fn plan(log_n: u32, direction: Direction, order: Order) -> NttPlan {
    NttPlan::new(log_n, direction).unwrap().order(order)
}

/// Transforms `columns` columns on a device and on the CPU.
fn compare(device: &WgpuDevice, cpu: &CpuDevice, plan: &NttPlan, columns: usize) {
    let input = values(plan.n() * columns);
    let mut expected = input.clone();
    cpu.ntt_in_place(&mut expected, plan).unwrap();
    let mut buffer = device.upload(&input).unwrap();
    device.ntt(&mut buffer, plan).unwrap();
    let actual = device.download_blocking(&buffer).unwrap();
    assert!(actual == expected, "{columns} columns, {plan:?}, {:?}", device.form());
}

fn cpu() -> CpuDevice {
    CpuDevice::new(CpuOptions::default()).unwrap()
}

#[test]
fn all_orders_directions_generators_and_cosets() {
    let cpu = cpu();
    for device in devices() {
        for log_n in 0..=12 {
            for direction in DIRECTIONS {
                for order in ORDERS {
                    let plan = plan(log_n, direction, order);
                    let shift = Fr::from(7u64);
                    compare(&device, &cpu, &plan, 1);
                    compare(&device, &cpu, &plan.clone().coset(shift).unwrap(), 1);
                    compare(&device, &cpu, &plan.generator(Generator::Seven).coset(shift).unwrap(), 1);
                }
            }
        }
    }
}

#[test]
fn columns_of_one_buffer() {
    let cpu = cpu();
    for device in devices() {
        for (log_n, columns) in [(0, 5), (1, 1000), (3, 70), (5, 33), (9, 3), (10, 3), (13, 2), (4, 0)] {
            for order in ORDERS {
                let plan = plan(log_n, Direction::Forward, order).coset(Fr::from(3u64)).unwrap();
                compare(&device, &cpu, &plan, columns);
            }
        }
    }
}

#[test]
fn columns_beyond_a_binding() {
    let cpu = cpu();
    let options = WgpuOptions { max_binding_bytes: Some(1 << 14), ..Default::default() };
    for device in devices_with(&options) {
        // 512 elements fit: one column of 2^9, 64 of 2^3 and 512 of one.
        for (log_n, columns) in [(9, 3), (3, 200), (0, 1500), (8, 5)] {
            compare(&device, &cpu, &plan(log_n, Direction::Inverse, Order::NN), columns);
        }
        let mut buffer = device.upload(&values(1024)).unwrap();
        let error = device.ntt(&mut buffer, &plan(10, Direction::Forward, Order::NN)).unwrap_err();
        assert!(error.to_string().contains("16384"), "{error}");
    }
}

#[test]
fn two_to_the_sixteenth() {
    let cpu = cpu();
    for device in devices() {
        for (direction, order) in [
            (Direction::Forward, Order::NN),
            (Direction::Inverse, Order::NR),
            (Direction::Forward, Order::RN),
            (Direction::Inverse, Order::RR),
        ] {
            compare(&device, &cpu, &plan(16, direction, order).coset(Fr::from(5u64)).unwrap(), 1);
        }
    }
}

#[test]
fn three_passes() {
    let cpu = cpu();
    for device in devices() {
        compare(&device, &cpu, &plan(17, Direction::Forward, Order::NN), 1);
        compare(&device, &cpu, &plan(17, Direction::Inverse, Order::RN), 1);
    }
}

#[test]
fn buffers_of_a_batch() {
    let cpu = cpu();
    for device in devices() {
        let plan = plan(10, Direction::Inverse, Order::NN).coset(Fr::from(5u64)).unwrap();
        let inputs: Vec<Vec<Fr>> = (0..3).map(|i| values(1024 + i)[i..].to_vec()).collect();
        let mut buffers: Vec<_> = inputs.iter().map(|input| device.upload(input).unwrap()).collect();
        device.ntt_batch(buffers.iter_mut().collect(), &plan).unwrap();
        for (mut expected, buffer) in inputs.into_iter().zip(&buffers) {
            cpu.ntt_in_place(&mut expected, &plan).unwrap();
            assert!(device.download_blocking(buffer).unwrap() == expected, "{:?}", device.form());
        }
        let mut two_columns = device.upload(&values(2048)).unwrap();
        assert!(device.ntt_batch(vec![&mut two_columns], &plan).is_err());
    }
}

#[test]
fn refusals_are_those_of_the_cpu() {
    let cpu = cpu();
    for device in devices() {
        let zero = Some(Fr::ZERO);
        let plans = [
            NttPlan { log_n: 29, ..plan(3, Direction::Forward, Order::NN) },
            NttPlan { log_n: u32::MAX, ..plan(3, Direction::Forward, Order::NN) },
            plan(4, Direction::Forward, Order::NN),
            NttPlan { coset: zero, ..plan(3, Direction::Inverse, Order::NN) },
        ];
        for plan in plans {
            let expected = cpu.ntt_in_place(&mut values(8), &plan).unwrap_err();
            let mut buffer = device.upload(&values(8)).unwrap();
            let actual = device.ntt(&mut buffer, &plan).unwrap_err();
            assert_eq!(actual.to_string(), expected.to_string());
            assert!(device.download_blocking(&buffer).unwrap() == values(8));
        }
    }
}

#[test]
fn passes_cover_all_layers_evenly() {
    for log_n in 0..=MAX_LOG_N {
        let passes = passes(log_n);
        assert_eq!(passes.iter().map(|pass| pass.layers).sum::<u32>(), log_n);
        let mut next = 0;
        for pass in &passes {
            assert_eq!(pass.first_layer, next);
            assert!(pass.layers <= LOG_TILE && (passes.len() == 1 || pass.layers < LOG_TILE));
            next += pass.layers;
            let tiling = pass.tiling(log_n, 3);
            let elements = u64::from(tiling.rows * tiling.columns);
            assert!(elements == 1 << LOG_TILE && elements * tiling.tiles >= 3 << log_n, "{tiling:?}");
        }
    }
    assert_eq!([9, 16, 18, 20, 28].map(|log_n| passes(log_n).len()), [1, 2, 3, 3, 4]);
}
