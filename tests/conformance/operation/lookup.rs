//! Kernels of lookup arguments.

use crate::Conforming;
use crate::support::{CHUNK, assert_same, random, randoms, rng};
use rand_core::RngCore;
use zkwatt::device::Backend;
use zkwatt::kernels::lookup::RangeTable;
use zkwatt::kernels::{Field, Fr, reference};

fn integers(start: i64, len: usize) -> Vec<Fr> {
    (0..len as i64).map(|i| Fr::from(start + i)).collect()
}

/// n values of the table, low rows far more often than high ones.
fn drawn(table: &[Fr], n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed);
    (0..n)
        .map(|_| {
            let bound = 1 + rng.next_u32() as usize % table.len();
            table[rng.next_u32() as usize % bound]
        })
        .collect()
}

pub fn range_lookups<D: Conforming>(device: &D) {
    for (start, len) in
        [(0, 1), (0, 256), (-128, 256), (-32_768, 1 << 16), (i64::MIN, 3), (i64::MAX - 2, 3), (-1, 2)]
    {
        let table = RangeTable { start, len };
        let rows = integers(start, len);
        for n in [0, 1, CHUNK, 2 * CHUNK + 1] {
            let values = drawn(&rows, n, 1);
            let buffer = device.upload(&values).unwrap();
            let counts = device.multiplicities_range(&buffer, table).unwrap();
            let expected = reference::multiplicities(&values, &rows).unwrap();
            assert_same(&device.download_blocking(&counts).unwrap(), &expected, &format!("{n} in {table:?}"));
        }
    }
    let nothing = device.upload::<Fr>(&[]).unwrap();
    let counts = device.multiplicities_range(&nothing, RangeTable { start: 7, len: 0 }).unwrap();
    assert!(device.download_blocking(&counts).unwrap().is_empty());
}

pub fn table_lookups<D: Conforming>(device: &D) {
    for len in [1, 2, 3, 255, 256, 257, CHUNK + 1] {
        // The last rows repeat the first ones.
        let mut table = randoms(len, 2);
        for i in 0..len / 4 {
            table[len - 1 - i] = table[i];
        }
        let table_buffer = device.upload(&table).unwrap();
        for n in [0, 1, 1000, 2 * CHUNK + 1] {
            let values = drawn(&table, n, 3);
            let buffer = device.upload(&values).unwrap();
            let counts = device.multiplicities_table(&buffer, &table_buffer).unwrap();
            let expected = reference::multiplicities(&values, &table).unwrap();
            assert_same(&device.download_blocking(&counts).unwrap(), &expected, &format!("{n} in {len}"));
        }
    }
}

/// Terms follow their formulas, and sums end at zero exactly when the multiplicities are right.
pub fn logup<D: Conforming>(device: &D) {
    for (rows, n) in [(1, 1), (16, 16), (256, 256), (CHUNK + 2, CHUNK + 2)] {
        let table = randoms(rows, 4);
        let values = [drawn(&table, n, 5), drawn(&table, n, 6)];
        let all = values.concat();
        let beta = random(&mut rng(7));
        let mut multiplicities = reference::multiplicities(&all, &table).unwrap();
        for valid in [true, false] {
            if !valid {
                multiplicities[rows / 2] += 1;
            }
            let up = |v: &[Fr]| device.upload(v).unwrap();
            let down = |b: &D::Buf<Fr>| device.download_blocking(b).unwrap();
            let (table_buffer, counts) = (up(&table), device.upload(&multiplicities).unwrap());
            let mut sides = vec![];
            for values in &values {
                let [inputs, terms] = device.logup_terms(&up(values), &table_buffer, &counts, beta).unwrap();
                let expected = reference::logup_terms(values, &table, &multiplicities, beta).unwrap();
                assert_same(&down(&inputs), &expected.0, "terms of the values");
                assert_same(&down(&terms), &expected.1, "terms of the table");
                sides.push((inputs, terms));
            }
            let (phi, last) = device.grand_sum(&[&sides[0].0, &sides[1].0], &sides[0].1).unwrap();
            let host = [down(&sides[0].0), down(&sides[1].0)];
            let expected = reference::grand_sum(&[&host[0], &host[1]], &down(&sides[0].1));
            assert_same(&down(&phi), &expected.0, "grand sum");
            assert_eq!(last, expected.1);
            assert_eq!(last.is_zero(), valid, "{rows} rows");
        }
    }
    // No input columns: minus the sums of the table.
    let terms = randoms(100, 8);
    let (phi, last) = device.grand_sum(&[], &device.upload(&terms).unwrap()).unwrap();
    let expected = reference::grand_sum(&[], &terms);
    assert_eq!((device.download_blocking(&phi).unwrap(), last), expected);
}

pub fn permuted_pairs<D: Conforming>(device: &D) {
    for n in [0, 1, 2, 3, 64, 1000, 2 * CHUNK + 5] {
        let distinct = randoms(n, 9);
        let repeated: Vec<_> = (0..n).map(|i| distinct[i % (n / 3).max(1)]).collect();
        let small = integers(-3, n);
        for table in [distinct, repeated, small] {
            for input in [
                table.clone(),
                if n == 0 { vec![] } else { drawn(&table, n, 10) },
                vec![table.last().copied().unwrap_or_default(); n],
            ] {
                check_pair(device, &input, &table);
            }
        }
    }
}

fn check_pair<D: Conforming>(device: &D, input: &[Fr], table: &[Fr]) {
    let [a, s] =
        device.permuted_pair(&device.upload(input).unwrap(), &device.upload(table).unwrap()).unwrap();
    let (a, s) = (device.download_blocking(&a).unwrap(), device.download_blocking(&s).unwrap());
    let sorted = |values: &[Fr]| {
        let mut keys: Vec<_> = values.iter().map(|v| v.to_canonical()).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(sorted(&a), sorted(input), "A′ is a permutation of the input");
    assert_eq!(sorted(&s), sorted(table), "S′ is a permutation of the table");
    for i in 0..a.len() {
        assert!(a[i] == s[i] || i > 0 && a[i] == a[i - 1], "row {i} of {}", a.len());
    }
    // One filling order on all devices. The obvious form takes quadratic time.
    if table.len() <= 1000 {
        let expected = reference::permuted_pair(input, table).unwrap();
        assert_same(&a, &expected.0, "A′");
        assert_same(&s, &expected.1, "S′");
    }
}

/// What is not in the table is named, the first such row; a pole too.
pub fn lookups_refuse<D: Conforming>(device: &D) {
    let text = |result: zkwatt::Result<()>| result.unwrap_err().to_string();
    let up = |v: &[Fr]| device.upload(v).unwrap();
    let mut values = integers(0, 2 * CHUNK);
    (values[CHUNK + 9], values[CHUNK + 3]) = (-Fr::ONE, Fr::from(1u64 << 40));
    let (first, rows) = (format!("index {}", CHUNK + 3), integers(0, 2 * CHUNK));
    let table = RangeTable { start: 0, len: 2 * CHUNK };
    let (values_buffer, rows_buffer) = (up(&values), up(&rows));
    for error in [
        text(device.multiplicities_range(&values_buffer, table).map(drop)),
        text(device.multiplicities_table(&values_buffer, &rows_buffer).map(drop)),
        text(device.permuted_pair(&values_buffer, &rows_buffer).map(drop)),
    ] {
        assert!(error.contains(&first) && error.contains("not in the table"), "{error}");
    }
    for (start, len) in [(1, 2 * CHUNK), (0, 2 * CHUNK - 1), (0, 0), (i64::MIN, 1 << 12), (i64::MAX, 1)] {
        assert!(device.multiplicities_range(&rows_buffer, RangeTable { start, len }).is_err());
    }
    let too_long = device.multiplicities_range(&rows_buffer, RangeTable { start: 0, len: usize::MAX });
    assert!(text(too_long.map(drop)).contains(&usize::MAX.to_string()));
    let counts = device.upload(&vec![1u32; rows.len()]).unwrap();
    let pole = device.logup_terms(&rows_buffer, &rows_buffer, &counts, -Fr::from(77u64)).map(drop);
    let pole = text(pole);
    assert!(pole.contains("index 77") && pole.contains("another challenge"), "{pole}");
    let one = up(&[Fr::ONE]);
    let short = device.upload(&[1u32]).unwrap();
    for mismatch in [
        text(device.permuted_pair(&one, &rows_buffer).map(drop)),
        text(device.logup_terms(&one, &rows_buffer, &short, Fr::from(1u64 << 50)).map(drop)),
        text(device.grand_sum(&[&rows_buffer, &one], &rows_buffer).map(drop)),
    ] {
        assert!(mismatch.contains("8192") && mismatch.contains(" 1 "), "{mismatch}");
    }
    let _: Vec<u32> = Backend::download_blocking(device, &counts).unwrap();
}
