//! Lookups against the CPU's: results, and errors with the rows they name.

use crate::device::gpu::Gpu;
use crate::device::gpu::testing::{numbers, on_every_gpu, random};
use crate::device::{Backend, CpuDevice, CpuOptions, Elem, LookupOps};
use crate::error::Result;
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::{Field, Fr};

fn randoms(n: usize, seed: u64) -> Vec<Fr> {
    let mut numbers = numbers(seed);
    (0..n).map(|_| random(&mut numbers)).collect()
}

fn integers(start: i64, n: usize) -> Vec<Fr> {
    (0..n as i64).map(|i| Fr::from(start + i)).collect()
}

/// n values of the table, low rows far more often than high ones.
fn drawn(table: &[Fr], n: usize, seed: u64) -> Vec<Fr> {
    let mut numbers = numbers(seed);
    let mut below = |bound: usize| numbers() as usize % bound;
    (0..n).map(|_| table[below(table.len()).min(below(table.len())).min(below(table.len()))]).collect()
}

fn cpu() -> CpuDevice {
    CpuDevice::new(CpuOptions::default()).unwrap()
}

fn text<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn down<D: Backend, T: Elem>(device: &D, buffer: D::Buf<T>) -> Vec<T> {
    device.download_blocking(&buffer).unwrap()
}

fn range<D: LookupOps>(device: &D, values: &[Fr], table: RangeTable) -> Result<Vec<u32>, String> {
    let values = device.upload(values).unwrap();
    text(device.multiplicities_range(&values, table)).map(|counts| down(device, counts))
}

fn table<D: LookupOps>(device: &D, values: &[Fr], table: &[Fr]) -> Result<Vec<u32>, String> {
    let (values, table) = (device.upload(values).unwrap(), device.upload(table).unwrap());
    text(device.multiplicities_table(&values, &table)).map(|counts| down(device, counts))
}

fn pair<D: LookupOps>(device: &D, input: &[Fr], table: &[Fr]) -> Result<[Vec<Fr>; 2], String> {
    let (input, table) = (device.upload(input).unwrap(), device.upload(table).unwrap());
    text(device.permuted_pair(&input, &table)).map(|pair| pair.map(|column| down(device, column)))
}

fn terms<D: LookupOps>(
    device: &D,
    values: &[Fr],
    table: &[Fr],
    counts: &[u32],
    beta: Fr,
) -> Result<[Vec<Fr>; 2], String> {
    let (values, table) = (device.upload(values).unwrap(), device.upload(table).unwrap());
    let counts = device.upload(counts).unwrap();
    text(device.logup_terms(&values, &table, &counts, beta)).map(|terms| terms.map(|side| down(device, side)))
}

fn sum<D: LookupOps>(device: &D, inputs: &[Vec<Fr>], table: &[Fr]) -> Result<(Vec<Fr>, Fr), String> {
    let inputs: Vec<_> = inputs.iter().map(|column| device.upload(column).unwrap()).collect();
    let inputs: Vec<_> = inputs.iter().collect();
    let table = device.upload(table).unwrap();
    text(device.grand_sum(&inputs, &table)).map(|(phi, last)| (down(device, phi), last))
}

const BOUNDS: [Option<u64>; 2] = [None, Some(1 << 16)];

on_every_gpu! {
    ranges with super::BOUNDS;
    tables_and_pairs with super::BOUNDS;
    values_that_are_missing with super::BOUNDS;
    logup with super::BOUNDS;
    grand_sums with super::BOUNDS;
}

fn ranges<D: Gpu>(device: &D) {
    let cpu = cpu();
    for (start, len) in [(0, 1), (0, 256), (-128, 256), (i64::MIN, 3), (i64::MAX - 2, 3), (-1, 20_000)] {
        let rows = integers(start, len);
        for n in [0, 1, 255, 256, 257, 5000] {
            let values = drawn(&rows, n, 1);
            let range_table = RangeTable { start, len };
            let expected = range(&cpu, &values, range_table);
            assert!(
                expected.is_ok() && range(device, &values, range_table) == expected,
                "{n}, {start}+{len}"
            );
        }
    }
    for (start, len) in [(1, 3000), (0, 2999), (0, 0), (i64::MIN, 1 << 12), (i64::MAX, 1)] {
        let range_table = RangeTable { start, len };
        for values in [integers(0, 3000), vec![], vec![Fr::ZERO - Fr::from(1u64)]] {
            assert_eq!(range(device, &values, range_table), range(&cpu, &values, range_table));
        }
    }
}

/// Tables that sorts find hard or easy, each of n rows.
fn tables(n: usize) -> Vec<Vec<Fr>> {
    let distinct = randoms(n, 2);
    let mut sorted = distinct.clone();
    sorted.sort_by_key(|value| {
        let [a, b, c, d] = value.to_canonical();
        [d, c, b, a]
    });
    let reversed = sorted.iter().rev().copied().collect();
    let repeated = (0..n).map(|i| distinct[i % (n / 3).max(1)]).collect();
    // A range that is filled up with its first value, as circuits do.
    let padded = (0..n).map(|i| Fr::from(if i < n / 2 { i as u64 } else { 0 })).collect();
    let descending = integers(0, n).into_iter().rev().collect();
    let equal = vec![Fr::from(7u64); n];
    let mut tables =
        vec![distinct, sorted, reversed, repeated, padded, integers(-3, n), descending, equal, extremes(n)];
    // One word alone is out of order.
    if (2..4).contains(&n) {
        let power = |k: u32| Fr::from(2u64).pow_vartime(&[32 * u64::from(k)]);
        tables.extend((0..8).map(|k| [vec![power(k)], vec![Fr::ZERO; n - 1]].concat()));
    }
    tables
}

/// Numbers of words that are 0, 1 or all ones: comparisons borrow from one word to the next.
fn extremes(n: usize) -> Vec<Fr> {
    let mut numbers = numbers(8);
    let mut word = || [0, 1, u64::from(u32::MAX)][numbers() as usize % 3];
    let mut limb = || word() | word() << 32;
    (0..n).filter_map(|_| Fr::from_canonical([limb(), limb(), limb(), limb() & ((1 << 60) - 1)])).collect()
}

fn tables_and_pairs<D: Gpu>(device: &D) {
    let cpu = cpu();
    for n in [0, 1, 2, 3, 63, 64, 65, 129, 1000, 2047] {
        for rows in tables(n) {
            let n = rows.len();
            let last = vec![rows.last().copied().unwrap_or_default(); n];
            let some = if n == 0 { vec![] } else { drawn(&rows, n, 3) };
            for values in [rows.clone(), some, last] {
                let expected = table(&cpu, &values, &rows);
                assert!(expected.is_ok() && table(device, &values, &rows) == expected, "{n} rows");
                assert!(pair(device, &values, &rows) == pair(&cpu, &values, &rows), "{n} rows");
            }
            if n > 0 {
                let many = drawn(&rows, 3 * n + 5, 4);
                assert_eq!(table(device, &many, &rows), table(&cpu, &many, &rows));
            }
        }
    }
}

fn values_that_are_missing<D: Gpu>(device: &D) {
    let cpu = cpu();
    let rows = randoms(900, 5);
    let mut values = drawn(&rows, 900, 6);
    (values[701], values[300], values[899]) = (Fr::from(1u64), Fr::from(2u64), Fr::from(3u64));
    let largest = vec![-Fr::ONE; 900];
    for values in [&values, &largest] {
        for rows in [&rows[..], &rows[..1], &[]] {
            let expected = table(&cpu, values, rows);
            assert!(expected.is_err());
            assert_eq!(table(device, values, rows), expected);
            // Lengths that differ, too.
            assert_eq!(pair(device, values, rows), pair(&cpu, values, rows));
        }
    }
    // Each of the values that one thread counts, between the rows' values and above them.
    let range_table = RangeTable { start: 0, len: 300 };
    for at in [0, 64, 128, 192] {
        for missing in [rows[5] + Fr::ONE, -Fr::ONE] {
            let mut values = drawn(&rows, 256, 7);
            values[at] = missing;
            assert_eq!(table(device, &values, &rows), table(&cpu, &values, &rows));
        }
        let mut values = drawn(&integers(0, 300), 256, 8);
        values[at] = Fr::from(300u64);
        assert_eq!(range(device, &values, range_table), range(&cpu, &values, range_table));
    }
    assert_eq!(table(device, &[], &rows), Ok(vec![0; 900]));
    assert_eq!(table(device, &[], &[]), Ok(vec![]));
}

fn logup<D: Gpu>(device: &D) {
    let cpu = cpu();
    for (n, rows) in [(0, 0), (0, 5), (5, 0), (1, 1), (100, 17), (17, 5000), (5000, 3000)] {
        let (values, table) = (randoms(n, 7), randoms(rows, 8));
        let counts: Vec<_> = (0..rows as u32).map(|i| if i % 3 == 0 { 0 } else { u32::MAX - i }).collect();
        let beta = randoms(1, 9)[0];
        let expected = terms(&cpu, &values, &table, &counts, beta);
        assert!(expected.is_ok() && terms(device, &values, &table, &counts, beta) == expected, "{n} {rows}");
    }
    // Poles on either side, alone and with lengths that differ.
    let (a, b) = (integers(0, 3000), integers(5000, 2500));
    for (values, table) in [(&a, &b), (&b, &a), (&a, &a)] {
        for counts in [table.len(), 3] {
            for pole in [0u64, 77, 2049, 6001] {
                let args = (vec![1; counts], -Fr::from(pole));
                let expected = terms(&cpu, values, table, &args.0, args.1);
                assert_eq!(terms(device, values, table, &args.0, args.1), expected);
            }
        }
    }
}

fn grand_sums<D: Gpu>(device: &D) {
    let cpu = cpu();
    for n in [0, 1, 2, 64, 1025, 5000] {
        let table = randoms(n, 10);
        for columns in [0, 1, 2, 3, 4, 5, 8, 9] {
            let inputs: Vec<_> = (0..columns).map(|c| randoms(n, 20 + c)).collect();
            assert!(sum(device, &inputs, &table) == sum(&cpu, &inputs, &table), "{columns} x {n}");
        }
    }
    let unequal = [randoms(4, 1), randoms(3, 1)];
    assert_eq!(sum(device, &unequal, &randoms(4, 2)), sum(&cpu, &unequal, &randoms(4, 2)));
}
