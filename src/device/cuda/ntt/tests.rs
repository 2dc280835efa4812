//! Transforms against the CPU's, bit for bit.

use super::plan::Shape;
use super::*;
use crate::Error;
use crate::device::cuda::CudaOptions;
use crate::device::{Backend, CpuDevice, CpuOptions};
use zkwatt_kernels::Field;

const ORDERS: [Order; 4] = [Order::NN, Order::NR, Order::RN, Order::RR];
const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Inverse];

/// A GPU or the emulator, with poisoned memory; `None` where there is neither.
fn device(max_binding_bytes: Option<u64>) -> Option<CudaDevice> {
    match CudaDevice::new(CudaOptions { max_binding_bytes, poison: true, ..CudaOptions::default() }) {
        Ok(device) => Some(device),
        Err(Error::NoSuchDevice { reason, .. }) => {
            eprintln!("SKIPPED on cuda: {reason}");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn cpu() -> CpuDevice {
    CpuDevice::new(CpuOptions::default()).unwrap()
}

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
fn compare(device: &CudaDevice, plan: &NttPlan, columns: usize) {
    compare_in(device, plan, columns, Shape::new);
}

fn compare_in(device: &CudaDevice, plan: &NttPlan, columns: usize, shape: fn(u32, u64) -> Shape) {
    let input = values(plan.n() * columns);
    let mut expected = input.clone();
    cpu().ntt_in_place(&mut expected, plan).unwrap();
    let buffer = device.upload(&input).unwrap();
    device.transform(&[&buffer], plan, shape, |len, n| len.is_multiple_of(n)).unwrap();
    let actual = device.download_blocking(&buffer).unwrap();
    assert!(actual == expected, "{columns} columns, {plan:?}");
}

#[test]
fn all_orders_directions_generators_and_cosets() {
    let Some(device) = device(None) else { return };
    for log_n in 0..=12 {
        for direction in DIRECTIONS {
            for order in ORDERS {
                let plan = plan(log_n, direction, order);
                let shift = Fr::from(7u64);
                compare(&device, &plan, 1);
                compare(&device, &plan.clone().coset(shift).unwrap(), 1);
                compare(&device, &plan.generator(Generator::Seven).coset(shift).unwrap(), 1);
            }
        }
    }
}

#[test]
fn columns_of_one_buffer() {
    let Some(device) = device(None) else { return };
    for (log_n, columns) in [(0, 5), (1, 1000), (3, 70), (5, 33), (9, 3), (10, 3), (11, 2), (12, 2), (4, 0)] {
        for order in ORDERS {
            compare(&device, &plan(log_n, Direction::Forward, order).coset(Fr::from(3u64)).unwrap(), columns);
        }
    }
}

#[test]
fn columns_beyond_a_launch() {
    // 512 elements: one column of 2^9, 64 of 2^3 and 512 of one; and longer ones, one by one.
    let Some(device) = device(Some(1 << 14)) else { return };
    for (log_n, columns) in [(9, 3), (3, 200), (0, 1500), (8, 5), (11, 2)] {
        compare(&device, &plan(log_n, Direction::Inverse, Order::NN), columns);
    }
}

/// Tiles of 4 threads: three passes from 2^9 on, rounds of one, two and three layers.
fn small(log_n: u32, columns: u64) -> Shape {
    Shape::with_tiles(log_n, columns, 5)
}

/// Tiles of 8 threads: passes of up to 5 layers, in two rounds.
fn medium(log_n: u32, columns: u64) -> Shape {
    Shape::with_tiles(log_n, columns, 6)
}

#[test]
fn three_passes_of_small_tiles() {
    let Some(device) = device(None) else { return };
    for direction in DIRECTIONS {
        for order in ORDERS {
            for log_n in 6..=12 {
                let plan = plan(log_n, direction, order).coset(Fr::from(5u64)).unwrap();
                compare_in(&device, &plan, 1, small);
                compare_in(&device, &plan, 2, medium);
            }
        }
    }
}

#[test]
fn two_passes() {
    let Some(device) = device(None) else { return };
    for (direction, order) in [(Direction::Forward, Order::NN), (Direction::Inverse, Order::RN)] {
        compare(&device, &plan(14, direction, order).coset(Fr::from(5u64)).unwrap(), 1);
    }
}

#[test]
fn buffers_of_a_batch() {
    let Some(device) = device(None) else { return };
    let plan = plan(10, Direction::Inverse, Order::NN).coset(Fr::from(5u64)).unwrap();
    let inputs: Vec<Vec<Fr>> = (0..3).map(|i| values(1024 + i)[i..].to_vec()).collect();
    let mut buffers: Vec<_> = inputs.iter().map(|input| device.upload(input).unwrap()).collect();
    device.ntt_batch(buffers.iter_mut().collect(), &plan).unwrap();
    for (mut expected, buffer) in inputs.into_iter().zip(&buffers) {
        cpu().ntt_in_place(&mut expected, &plan).unwrap();
        assert!(device.download_blocking(buffer).unwrap() == expected);
    }
    let mut two_columns = device.upload(&values(2048)).unwrap();
    assert!(device.ntt_batch(vec![&mut two_columns], &plan).is_err());
}

#[test]
fn refusals_are_those_of_the_cpu() {
    let Some(device) = device(None) else { return };
    let plans = [
        NttPlan { log_n: 29, ..plan(3, Direction::Forward, Order::NN) },
        NttPlan { log_n: u32::MAX, ..plan(3, Direction::Forward, Order::NN) },
        plan(4, Direction::Forward, Order::NN),
        NttPlan { coset: Some(Fr::ZERO), ..plan(3, Direction::Inverse, Order::NN) },
    ];
    for plan in plans {
        let expected = cpu().ntt_in_place(&mut values(8), &plan).unwrap_err();
        let mut buffer = device.upload(&values(8)).unwrap();
        let actual = device.ntt(&mut buffer, &plan).unwrap_err();
        assert_eq!(actual.to_string(), expected.to_string());
        assert!(device.download_blocking(&buffer).unwrap() == values(8));
    }
}

#[test]
fn launches_hold_whole_alignments() {
    assert_eq!(columns_at_once(28, 4 << 30), 1);
    assert_eq!(columns_at_once(20, 4 << 30), 128);
    assert_eq!(columns_at_once(0, 4 << 30), 1 << 27);
    assert_eq!([9, 3, 0, 8].map(|log_n| columns_at_once(log_n, 1 << 14)), [1, 64, 512, 2]);
    for log_n in 0..=MAX_LOG_N {
        assert!((columns_at_once(log_n, 1 << 14) * (FE_BYTES << log_n)).is_multiple_of(ALIGNMENT));
    }
}

#[test]
fn passes_cover_all_layers_evenly() {
    for log_n in 0..=MAX_LOG_N {
        for shape in [Shape::new(log_n, 1), Shape::new(log_n, 3), small(log_n.min(12), 1)] {
            let passes = &shape.passes;
            assert_eq!(passes.iter().map(|pass| pass.layers).sum::<u32>(), shape.log_n);
            let mut next = 0;
            for pass in passes {
                assert_eq!(pass.first_layer, next);
                assert!(passes.len() == 1 || pass.layers < shape.log_tile);
                next += pass.layers;
                check_rounds(&shape, *pass);
            }
        }
    }
    let count = |log_n| Shape::new(log_n, 1).passes.len();
    assert_eq!([10, 11, 12, 18, 19, 20, 21, 26, 28].map(count), [1, 1, 2, 2, 2, 2, 3, 3, 3]);
}

/// Every layer of a pass once, in order, in windows within the tile; the first has layer 0 alone among windows at the top.
fn check_rounds(shape: &Shape, pass: Pass) {
    let tiling = pass.tiling(shape);
    assert!(tiling.tiles << shape.log_tile >= shape.columns << shape.log_n);
    let mut row_bit = shape.log_tile;
    for round in &tiling.rounds {
        assert!(round.window + 3 <= shape.log_tile);
        for k in (0..3).rev().filter(|k| round.layers >> k & 1 == 1) {
            row_bit -= 1;
            assert_eq!(round.window + k, row_bit);
        }
    }
    assert_eq!(row_bit, tiling.log_columns);
    assert!(tiling.rounds.len() <= 4, "they share a word");
    let (forward, last) = pass.packed_rounds(&tiling, false);
    assert_eq!((forward & 128 != 0, forward >> 8 & 0x80_8080), (pass.first_layer == 0, 0));
    assert_eq!(last, tiling.rounds.last().unwrap().window);
    let (backward, last) = pass.packed_rounds(&tiling, true);
    assert_eq!((backward & 15, last), (tiling.rounds.last().unwrap().window, tiling.rounds[0].window));
}

/// Eight threads that follow each other meet eight different groups of banks: `shared_place` of `cuda/ntt.cu`.
#[test]
fn shared_memory_has_no_conflicts() {
    for window in 0..=8u32 {
        for thread in (0..256u32).step_by(8) {
            let group = |t: u32| {
                let low = t & ((1 << window) - 1);
                let place = (t ^ low) << 3 | low;
                (place ^ place >> 3) & 7
            };
            let groups = (thread..thread + 8).fold(0, |groups, t| groups | 1u32 << group(t));
            assert_eq!(groups, 255, "window {window}, thread {thread}");
        }
    }
}

/// Products of butterflies: in the round of layer 0, layer l has a root that is one for the first of its 2^l blocks.
fn products(shape: &Shape) -> u64 {
    let pairs = (shape.columns << shape.log_n) / 2;
    let ones: u64 = (0..shape.log_n.min(3)).map(|layer| pairs >> layer).sum();
    pairs * u64::from(shape.log_n) - ones
}

/// Bytes that pass between memory and multiprocessors: elements twice a pass, and the roots of each block once.
fn memory_bytes(shape: &Shape) -> u64 {
    let elements = shape.columns << shape.log_n;
    let roots = |pass: &Pass| (1u64 << (pass.first_layer + pass.layers)) - (1 << pass.first_layer);
    shape.passes.iter().map(|pass| 64 * elements + FE_BYTES * roots(pass)).sum()
}

/// A GPU by its data sheet: multiprocessors, GHz, TB/s.
type DataSheet = (f64, f64, f64);
/// SXM.
const H100: DataSheet = (132.0, 1.98, 3.35);
const RTX_4090: DataSheet = (128.0, 2.52, 1.008);

/// Modelled microseconds: the longer of 131 instructions a product on the multiply pipe, four cycles for 32 threads each in
/// each quarter of a multiprocessor, and of moving all bytes.
fn modelled_us(log_n: u32, (multiprocessors, ghz, terabytes): DataSheet) -> u64 {
    let shape = Shape::new(log_n, 1);
    let products_per_us = multiprocessors * 4.0 * ghz * 1e3 * 32.0 / (131.0 * 4.0);
    let compute = products(&shape) as f64 / products_per_us;
    let memory = memory_bytes(&shape) as f64 / (terabytes * 1e6);
    compute.max(memory).round() as u64
}

#[test]
fn figures_of_the_documents() {
    assert_eq!(products(&Shape::new(3, 1)), 5);
    assert_eq!(products(&Shape::new(20, 1)), 9_568_256);
    assert_eq!([18, 20, 22, 24].map(|log_n| modelled_us(log_n, H100)), [33, 150, 665, 2923]);
    assert_eq!([18, 20, 22, 24].map(|log_n| modelled_us(log_n, RTX_4090)), [42, 166, 932, 3728]);
}
