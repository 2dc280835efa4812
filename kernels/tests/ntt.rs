//! NTT against arkworks and the definition: directions, orders, cosets, columns, threads.

use ark_ff::PrimeField as _;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt_kernels::ntt::{
    Direction, Generator, NttError, NttPlan, Order, Twiddles, ntt, ntt_batch, ntt_bit_reverse,
};
use zkwatt_kernels::{CpuPath, Field, Fr, PrimeField};

fn random(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    (0..n)
        .map(|i| match i % 7 {
            // p − 1 and 0 keep lazy sums at their bounds.
            0 => -Fr::ONE,
            1 => Fr::ZERO,
            _ => Fr::from_u256_reduced([rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64()]),
        })
        .collect()
}

fn to_ark(x: &Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::from_bigint(ark_ff::BigInt(x.to_canonical())).unwrap()
}

fn from_ark(x: &ark_bn254::Fr) -> Fr {
    Fr::from_canonical(x.into_bigint().0).unwrap()
}

/// What arkworks computes, natural order on both ends.
fn judge(data: &[Fr], direction: Direction, coset: Option<Fr>) -> Vec<Fr> {
    let domain = Radix2EvaluationDomain::<ark_bn254::Fr>::new(data.len()).unwrap();
    let domain = coset.map_or(domain, |g| domain.get_coset(to_ark(&g)).unwrap());
    let data: Vec<_> = data.iter().map(to_ark).collect();
    let out = if direction == Direction::Forward { domain.fft(&data) } else { domain.ifft(&data) };
    out.iter().map(from_ark).collect()
}

#[test]
fn the_root_of_unity_is_arkworks() {
    for log_n in [1, 2, 10, 28] {
        let domain = Radix2EvaluationDomain::<ark_bn254::Fr>::new(1 << log_n);
        let root = domain.map(|d| from_ark(&d.group_gen)).unwrap();
        assert_eq!(Fr::root_of_unity(log_n), Some(root));
    }
    assert_eq!(Fr::root_of_unity(29), None);
}

#[test]
fn every_size_direction_order_and_coset() {
    let shift = Fr::generator();
    for path in CpuPath::available() {
        let twiddles = Twiddles::new(path, 18, Generator::Five).unwrap();
        for log_n in (0..=14).chain([17, 18]) {
            for direction in [Direction::Forward, Direction::Inverse] {
                for coset in [None, Some(shift)] {
                    let input = random(1 << log_n, u64::from(log_n));
                    let expected = judge(&input, direction, coset);
                    for order in [Order::NN, Order::NR, Order::RN, Order::RR] {
                        if log_n > 14 && order == Order::RR {
                            continue;
                        }
                        let mut plan = NttPlan::new(log_n, direction).unwrap().order(order);
                        if let Some(g) = coset {
                            plan = plan.coset(g).unwrap();
                        }
                        let mut data = input.clone();
                        if matches!(order, Order::RN | Order::RR) {
                            ntt_bit_reverse(&mut data);
                        }
                        ntt(path, &mut data, &plan, &twiddles).unwrap();
                        if matches!(order, Order::NR | Order::RR) {
                            ntt_bit_reverse(&mut data);
                        }
                        assert!(data == expected, "2^{log_n} {direction:?} {order:?} {coset:?} {path}");
                    }
                }
            }
        }
    }
}

/// Inputs whose sums and products reach the bounds of lazy forms, and ordinary ones.
fn hostile(n: usize) -> Vec<Vec<Fr>> {
    let saturated = Fr::from_montgomery([u64::MAX, u64::MAX, u64::MAX, (1 << 61) - 1]).unwrap();
    let unit = |at: usize| (0..n).map(|i| if i == at { -Fr::ONE } else { Fr::ZERO }).collect::<Vec<_>>();
    // Integers p − 1 and 1 as they lie in memory.
    let last = Fr::from_montgomery({
        let [a, b, c, d] = zkwatt_kernels::bn254::SCALAR_MODULUS;
        [a - 1, b, c, d]
    });
    let last = last.unwrap();
    vec![
        vec![-Fr::ONE; n],
        vec![saturated; n],
        vec![last; n],
        (0..n).map(|i| if i % 2 == 0 { last } else { -last }).collect(),
        unit(0),
        unit(1),
        unit(n - 1),
        random(n, n as u64),
    ]
}

fn plans(log_n: u32, generator: Generator) -> impl Iterator<Item = NttPlan> {
    let shifts = [None, Some(Fr::generator()), Some(-Fr::from(3u64).double())];
    let ends = [Direction::Forward, Direction::Inverse];
    let orders = [Order::NN, Order::NR, Order::RN, Order::RR];
    ends.into_iter().flat_map(move |direction| {
        orders.into_iter().flat_map(move |order| {
            shifts.into_iter().map(move |coset| {
                let plan = NttPlan::new(log_n, direction).unwrap().order(order).generator(generator);
                coset.map_or(plan.clone(), |g| plan.coset(g).unwrap())
            })
        })
    })
}

#[test]
fn every_path_agrees_on_hostile_input() {
    for generator in [Generator::Five, Generator::Seven] {
        let judge = Twiddles::new(CpuPath::PLAIN, 18, generator).unwrap();
        for path in CpuPath::available().filter(|path| *path != CpuPath::PLAIN) {
            let twiddles = Twiddles::new(path, 18, generator).unwrap();
            for log_n in (5..=14).chain([15, 16, 17, 18]) {
                for (i, input) in hostile(1 << log_n).iter().enumerate() {
                    // Large ones: all p − 1, and random.
                    if log_n > 11 && i != 2 && i != 7
                        || log_n > 14 && (i != 7 || generator == Generator::Five)
                    {
                        continue;
                    }
                    for plan in plans(log_n, generator) {
                        let (mut data, mut expected) = (input.clone(), input.clone());
                        ntt(path, &mut data, &plan, &twiddles).unwrap();
                        ntt(CpuPath::PLAIN, &mut expected, &plan, &judge).unwrap();
                        assert!(data == expected, "{plan:?} {path}, input {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn both_generators_by_the_definition() {
    for path in CpuPath::available() {
        for generator in [Generator::Five, Generator::Seven] {
            let twiddles = Twiddles::new(path, 7, generator).unwrap();
            for log_n in [6, 7] {
                let n = 1usize << log_n;
                let root = generator.root_of_unity(log_n).unwrap();
                let shift = Fr::from(11u64);
                let input = random(n, 7);
                let expected: Vec<Fr> = (0..n as u64)
                    .map(|k| {
                        let x = shift * root.pow_vartime(&[k]);
                        input.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + *c)
                    })
                    .collect();
                let plan = NttPlan::new(log_n, Direction::Forward).unwrap().generator(generator);
                let plan = plan.coset(shift).unwrap();
                let mut data = input.clone();
                ntt(path, &mut data, &plan, &twiddles).unwrap();
                assert_eq!(data, expected);
                let back = NttPlan { direction: Direction::Inverse, ..plan };
                ntt(path, &mut data, &back, &twiddles).unwrap();
                assert_eq!(data, input);
            }
        }
    }
}

#[test]
fn batches_of_columns_on_any_number_of_threads() {
    for log_n in [6, 9, 14] {
        let n = 1usize << log_n;
        let judge = Twiddles::new(CpuPath::PLAIN, log_n, Generator::Five).unwrap();
        let columns: Vec<Vec<Fr>> = (0..5).map(|seed| random(n, seed)).collect();
        for path in CpuPath::available() {
            let twiddles = Twiddles::new(path, log_n, Generator::Five).unwrap();
            for plan in plans(log_n, Generator::Five) {
                let expected: Vec<Vec<Fr>> = columns
                    .iter()
                    .map(|column| {
                        let mut column = column.clone();
                        ntt(CpuPath::PLAIN, &mut column, &plan, &judge).unwrap();
                        column
                    })
                    .collect();
                for threads in [1, 3] {
                    let mut columns = columns.clone();
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let batch = columns.iter_mut().map(Vec::as_mut_slice).collect();
                    pool.install(|| ntt_batch(path, batch, &plan, &twiddles)).unwrap();
                    assert!(columns == expected, "{plan:?} {path} on {threads} threads");
                }
            }
        }
    }
}

#[test]
fn columns_are_independent_and_threads_do_not_matter() {
    let path = CpuPath::active();
    let twiddles = Twiddles::new(path, 13, Generator::Five).unwrap();
    let plan = NttPlan::new(13, Direction::Forward).unwrap();
    let input = random(3 << 13, 3);
    let on = |threads| {
        let mut data = input.clone();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| ntt(path, &mut data, &plan, &twiddles)).unwrap();
        data
    };
    let together = on(1);
    assert_eq!(together, on(3));
    for (column, expected) in input.chunks(1 << 13).zip(together.chunks(1 << 13)) {
        let mut column = column.to_vec();
        ntt(path, &mut column, &plan, &twiddles).unwrap();
        assert_eq!(column, expected);
    }
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let path = CpuPath::active();
    assert_eq!(NttPlan::new(29, Direction::Forward), Err(NttError::TooLarge { log_n: 29 }));
    assert!(Twiddles::new(path, 29, Generator::Five).is_err());
    let twiddles = Twiddles::new(path, 3, Generator::Five).unwrap();
    let plan = NttPlan::new(4, Direction::Forward).unwrap();
    assert!(matches!(ntt(path, &mut [Fr::ONE; 16], &plan, &twiddles), Err(NttError::Twiddles { .. })));
    let plan = NttPlan::new(3, Direction::Forward).unwrap();
    assert!(matches!(ntt(path, &mut [Fr::ONE; 12], &plan, &twiddles), Err(NttError::Length { .. })));
    assert_eq!(plan.coset(Fr::ZERO), Err(NttError::ZeroCoset));
}

#[test]
fn bit_reversal_is_its_own_inverse_and_exact() {
    for log_n in 0..=15u32 {
        let n = 1usize << log_n;
        let mut data: Vec<u32> = (0..n as u32).collect();
        ntt_bit_reverse(&mut data);
        for (i, value) in data.iter().enumerate() {
            let reversed = if log_n == 0 { 0 } else { (i as u32).reverse_bits() >> (32 - log_n) };
            assert_eq!(*value, reversed);
        }
        ntt_bit_reverse(&mut data);
        assert!(data.is_sorted());
    }
}

/// Transforms that find the tables empty, begun at nearly the same time in one pool: whoever waits for the parallel
/// fill of a table may take up another transform, and must not wait there for itself.
#[cfg(feature = "parallel")]
#[test]
fn first_transforms_at_the_same_time_do_not_wait_for_each_other() {
    use std::time::Duration;
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let plan = NttPlan::new(6, Direction::Forward).unwrap();
        for round in 0..100 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            let twiddles = Twiddles::new(CpuPath::active(), 16, Generator::Five).unwrap();
            std::thread::scope(|scope| {
                for caller in 0..6 {
                    let (pool, twiddles, plan) = (&pool, &twiddles, &plan);
                    scope.spawn(move || {
                        // Some arrive while the table is being filled.
                        std::thread::sleep(Duration::from_micros(caller * (50 + round)));
                        let mut data = [Fr::ONE; 64];
                        pool.install(|| ntt(CpuPath::active(), &mut data, plan, twiddles)).unwrap();
                    });
                }
            });
        }
        let _ = done.send(());
    });
    finished.recv_timeout(Duration::from_secs(60)).expect("a deadlock");
}
