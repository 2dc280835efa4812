//! Lookup kernels against the reference, on every path, with one and several threads.

mod common;

use common::{CHUNK, canonical_key, on_every_path, random_fr, random_vec, rng};
use rand_core::RngCore;
use zkwatt_kernels::lookup::{
    self, LogupTerms, LookupError, PermutedPair, RangeTable, Side, TableIndex, plan::MAX_ROWS,
};
use zkwatt_kernels::vector::LengthMismatch;
use zkwatt_kernels::{CpuPath, Field, Fr, PrimeField, reference};

/// n values of a table, its earlier rows more often, as in zkML columns.
fn draw(rng: &mut impl RngCore, table: &[Fr], n: usize) -> Vec<Fr> {
    (0..n).map(|_| table[rng.next_u32() as usize % (rng.next_u32() as usize % table.len() + 1)]).collect()
}

fn integers(start: i64, len: usize) -> Vec<Fr> {
    (0..len as i64).map(|i| Fr::from(start + i)).collect()
}

fn table_counts(values: &[Fr], table: &[Fr]) -> Result<Vec<u32>, LookupError> {
    on_every_path(|_| lookup::multiplicities_table(values, &TableIndex::new(table)?))
}

#[test]
fn range_multiplicities() {
    let rng = &mut rng(1);
    for (start, len) in [(0, 1), (0, 256), (-128, 256), (5, 3), (-7, 4097), (0, 1 << 16)] {
        let table = integers(start, len);
        for n in [0, 1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let values = draw(rng, &table, n);
            let range = RangeTable { start, len };
            let counts = on_every_path(|path| lookup::multiplicities_range(path, &values, range)).unwrap();
            assert!(counts == reference::multiplicities(&values, &table).unwrap());
            assert!(counts == table_counts(&values, &table).unwrap());
        }
    }
}

/// Missing values at every place of a vector and of an end, and values that are near the range in their limbs only.
#[test]
fn range_multiplicities_of_hostile_values() {
    let range = RangeTable { start: -3, len: 1 << 20 };
    let missing = common::edge_vec(0, 60).into_iter().chain([
        Fr::from(-4i64),
        Fr::from((1u64 << 20) - 3),
        Fr::from(1u64 << 32),
        Fr::from(1u64 << 52),
        Fr::from((1u64 << 52) + 1),
        Fr::from(1u128 << 104),
    ]);
    let small =
        |v: &Fr| matches!(PrimeField::to_canonical(*v + Fr::from(3u64)), [row, 0, 0, 0] if row < 1 << 20);
    let present: Vec<Fr> = (0..37i64).map(|i| Fr::from([i, -3, (1 << 20) - 4][i as usize % 3])).collect();
    for (i, value) in missing.filter(|v| !small(v)).enumerate() {
        let mut values = present.clone();
        let index = i % values.len();
        values[index] = value;
        let result = on_every_path(|path| lookup::multiplicities_range(path, &values, range));
        assert_eq!(result, Err(LookupError::NotInTable { index, value }));
    }
    let counts = on_every_path(|path| lookup::multiplicities_range(path, &present, range)).unwrap();
    assert_eq!((counts[0], counts[(1 << 20) - 1], counts.iter().sum::<u32>()), (12, 12, 37));
}

/// More columns than are summed without a reduction, of the largest elements.
#[test]
fn grand_sum_of_many_columns() {
    for (n, columns) in [(1, 0), (7, 63), (8, 64), (21, 200), (CHUNK + 3, 3)] {
        let input = vec![-Fr::ONE; n];
        let inputs = vec![&input[..]; columns];
        for table in [vec![-Fr::ONE; n], vec![Fr::ZERO; n], common::edge_vec(1, n)] {
            let sum = on_every_path(|path| lookup::grand_sum(path, &inputs, &table)).unwrap();
            assert!((sum.phi, sum.last) == reference::grand_sum(&inputs, &table));
        }
    }
}

#[test]
fn integer_multiplicities() {
    let mut bytes = vec![0u8; 3 * CHUNK + 1];
    rng(2).fill_bytes(&mut bytes);
    let values: Vec<i8> = bytes.iter().map(|&b| b as i8).collect();
    let range = RangeTable { start: -128, len: 256 };
    let counts = on_every_path(|_| lookup::multiplicities_integers(&values, range)).unwrap();
    let scalars: Vec<Fr> = values.iter().map(|&v| Fr::from(i64::from(v))).collect();
    assert_eq!(counts, reference::multiplicities(&scalars, &integers(-128, 256)).unwrap());
    let range = RangeTable { start: 0, len: 256 };
    assert_eq!(
        lookup::multiplicities_integers(&bytes, range).unwrap().iter().sum::<u32>(),
        bytes.len() as u32
    );
}

#[test]
fn integers_far_from_the_range_are_missing() {
    for (value, start) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (i64::MAX, 0), (-1, 0), (4, 0)] {
        let range = RangeTable { start, len: 4 };
        let missing = Err(LookupError::NotInTable { index: 1, value: Fr::from(value) });
        assert_eq!(lookup::multiplicities_integers(&[start, value], range), missing);
        let scalars = [Fr::from(start), Fr::from(value)];
        assert_eq!(lookup::multiplicities_range(CpuPath::PLAIN, &scalars, range), missing);
    }
    // The ends of i64 themselves.
    let range = RangeTable { start: i64::MAX - 1, len: 2 };
    assert_eq!(lookup::multiplicities_integers(&[i64::MAX], range).unwrap(), [0, 1]);
}

#[test]
fn first_missing_value_is_named() {
    let table = integers(0, 100);
    let mut values = draw(&mut rng(3), &table, 3 * CHUNK);
    let range = RangeTable { start: 0, len: 100 };
    for (index, value) in [
        (3 * CHUNK - 1, Fr::from(100u64)),
        (CHUNK, -Fr::ONE),
        (CHUNK - 1, Fr::from(1u128 << 64)),
        (0, random_fr(&mut rng(4))),
    ] {
        values[index] = value;
        let missing = Err(LookupError::NotInTable { index, value });
        assert_eq!(on_every_path(|path| lookup::multiplicities_range(path, &values, range)), missing);
        assert_eq!(table_counts(&values, &table), missing);
        assert_eq!(reference::multiplicities(&values, &table), None);
    }
    let message = table_counts(&values, &table).unwrap_err().to_string();
    assert!(message.starts_with("value Fr(0x") && message.ends_with("at index 0 is not in the table"));
}

#[test]
fn empty_tables() {
    let range = RangeTable { start: 0, len: 0 };
    assert_eq!(lookup::multiplicities_range(CpuPath::PLAIN, &[], range), Ok(vec![]));
    assert_eq!(table_counts(&[], &[]), Ok(vec![]));
    let missing = Err(LookupError::NotInTable { index: 0, value: Fr::ZERO });
    assert_eq!(lookup::multiplicities_range(CpuPath::PLAIN, &[Fr::ZERO], range), missing);
    assert_eq!(table_counts(&[Fr::ZERO], &[]), missing);
}

#[test]
fn too_long_a_range_is_an_error() {
    let range = RangeTable { start: 0, len: MAX_ROWS + 1 };
    let error = Err(LookupError::TooManyRows { argument: "table", actual: MAX_ROWS + 1 });
    assert_eq!(lookup::multiplicities_range(CpuPath::PLAIN, &[], range), error);
    assert_eq!(lookup::multiplicities_integers::<u32>(&[], range), error);
}

#[test]
fn duplicates_count_at_their_first_row() {
    let [a, b, c] = [3u64, 1, 2].map(Fr::from);
    assert_eq!(table_counts(&[a, b, a, a], &[a, b, a, c, b]), Ok(vec![3, 1, 0, 0, 0]));
    // A padded table.
    let rng = &mut rng(5);
    let mut table = random_vec(rng, CHUNK);
    table.resize(3 * CHUNK + 5, table[17]);
    let values = draw(rng, &table, 2 * CHUNK + 1);
    assert!(table_counts(&values, &table).unwrap() == reference::multiplicities(&values, &table).unwrap());
}

#[test]
fn index_finds_first_rows() {
    let table = random_vec(&mut rng(6), 1000);
    let index = TableIndex::new(&table).unwrap();
    for (row, value) in table.iter().enumerate() {
        assert_eq!(index.find(value), Some(row as u32));
        assert_eq!(index.find(&(*value + Fr::ONE)), None);
    }
}

#[test]
fn logup_terms_and_grand_sum() {
    let rng = &mut rng(7);
    for n in [0, 1, 2, 3, 4, 5, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3] {
        let table = random_vec(rng, n);
        let columns = [draw_or_empty(rng, &table, n), draw_or_empty(rng, &table, n)];
        let beta = random_fr(rng);
        let both = columns.concat();
        let m = table_counts(&both, &table).unwrap();

        let expected = reference::logup_terms(&both, &table, &m, beta).unwrap();
        let terms = on_every_path(|path| lookup::logup_terms(path, &both, &table, &m, beta)).unwrap();
        assert!((&terms.inputs, &terms.table) == (&expected.0, &expected.1));

        let inputs = [&terms.inputs[..n], &terms.inputs[n..]];
        let sum = on_every_path(|path| lookup::grand_sum(path, &inputs, &terms.table)).unwrap();
        let expected = reference::grand_sum(&inputs, &terms.table);
        assert!((&sum.phi, sum.last) == (&expected.0, expected.1));
        assert_eq!(sum.last, Fr::ZERO);
    }
}

fn draw_or_empty(rng: &mut impl RngCore, table: &[Fr], n: usize) -> Vec<Fr> {
    if table.is_empty() { vec![] } else { draw(rng, table, n) }
}

#[test]
fn wrong_multiplicities_do_not_cancel() {
    let table = integers(0, 8);
    let values = [table[1], table[1], table[5]];
    let mut m = table_counts(&values, &table).unwrap();
    m[3] += 1;
    let beta = random_fr(&mut rng(8));
    let terms = lookup::logup_terms(CpuPath::PLAIN, &values, &table, &m, beta).unwrap();
    let mut inputs = terms.inputs;
    inputs.resize(8, Fr::ZERO);
    assert_ne!(lookup::grand_sum(CpuPath::PLAIN, &[&inputs], &terms.table).unwrap().last, Fr::ZERO);
}

#[test]
fn largest_multiplicity() {
    let (table, m, beta) = (integers(0, 3), [u32::MAX, 0, 1], Fr::from(9u64));
    let expected = reference::logup_terms(&[], &table, &m, beta).unwrap();
    let LogupTerms { inputs, table } =
        on_every_path(|path| lookup::logup_terms(path, &[], &table, &m, beta)).unwrap();
    assert_eq!((inputs, table), expected);
}

#[test]
fn poles_are_named() {
    let rng = &mut rng(9);
    let (mut values, mut table) = (random_vec(rng, 3 * CHUNK), random_vec(rng, 2 * CHUNK));
    let (beta, m) = (random_fr(rng), vec![1; 2 * CHUNK]);
    let run = |values: &[Fr], table: &[Fr]| {
        on_every_path(|path| lookup::logup_terms(path, values, table, &m, beta)).unwrap_err()
    };
    for index in [2 * CHUNK - 1, CHUNK, 0] {
        table[index] = -beta;
        assert_eq!(run(&values, &table), LookupError::Pole { side: Side::Table, index });
    }
    for index in [3 * CHUNK - 1, CHUNK + 1, 5] {
        values[index] = -beta;
        assert_eq!(run(&values, &table), LookupError::Pole { side: Side::Input, index });
    }
}

/// Denominators of hostile limbs, short ends, and poles at every place of a vector and of an end.
#[test]
fn terms_of_hostile_values() {
    let edges = common::edge_vec(0, 67);
    for beta in [Fr::ZERO, -Fr::ONE, edges[edges.len() / 2]] {
        let values: Vec<Fr> = edges.iter().copied().filter(|&x| x != -beta).collect();
        let m: Vec<u32> = (0..values.len() as u32).map(|i| [0, 1, i, u32::MAX - i][i as usize % 4]).collect();
        for n in (values.len() - 17..=values.len()).chain(30..50) {
            let (mut values, m) = (values[..n].to_vec(), &m[..n]);
            let run =
                |values: &[Fr]| on_every_path(|path| lookup::logup_terms(path, values, values, m, beta));
            let expected = reference::logup_terms(&values, &values, m, beta).unwrap();
            let terms = run(&values).unwrap();
            assert!((&terms.inputs, &terms.table) == (&expected.0, &expected.1), "{n}");
            for index in (n - 17..n).rev() {
                values[index] = -beta;
                assert_eq!(run(&values), Err(LookupError::Pole { side: Side::Input, index }));
                let table = on_every_path(|path| lookup::logup_table_terms(path, &values, m, beta));
                assert_eq!(table, Err(LookupError::Pole { side: Side::Table, index }));
            }
        }
    }
}

#[test]
fn other_lengths_are_errors() {
    let path = CpuPath::PLAIN;
    let ones = [Fr::ONE; 3];
    let error = |argument, actual| Some(LengthMismatch { argument, expected: 3, actual }.into());
    assert_eq!(lookup::logup_terms(path, &[], &ones, &[1], Fr::ONE).err(), error("multiplicities", 1));
    assert_eq!(lookup::grand_sum(path, &[&ones, &ones[..2]], &ones).err(), error("inputs", 2));
    assert_eq!(lookup::permuted_pair(path, &ones, &ones[..2]).err(), error("table", 2));
}

fn check_permuted(input: &[Fr], table: &[Fr]) {
    let PermutedPair { input: a, table: s } =
        on_every_path(|path| lookup::permuted_pair(path, input, table)).unwrap();
    // What the argument's gates ask for.
    for i in 0..a.len() {
        assert!(a[i] == s[i] || (i > 0 && a[i] == a[i - 1]));
    }
    // Permutations of the arguments, A' ascending.
    let sorted = |v: &[Fr]| {
        let mut v = v.to_vec();
        v.sort_by_key(canonical_key);
        v
    };
    assert!(a == sorted(input));
    assert!(sorted(&s) == sorted(table));
    // Left-over values ascend from the first row on.
    let left: Vec<Fr> = (1..a.len()).filter(|&i| a[i] == a[i - 1]).map(|i| s[i]).collect();
    assert!(left == sorted(&left));
    if table.len() <= 2 * CHUNK {
        assert!((a, s) == reference::permuted_pair(input, table).unwrap());
    }
}

#[test]
fn permuted_pairs() {
    let rng = &mut rng(10);
    check_permuted(&[], &[]);
    for n in [1, 2, 3, 4, 31, 32, 33, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 1] {
        for table in [integers(-3, n), integers(0, n).into_iter().rev().collect(), random_vec(rng, n)] {
            check_permuted(&draw(rng, &table, n), &table);
            check_permuted(&table, &table);
            check_permuted(&vec![table[n / 2]; n], &table);
        }
        // Duplicates on both sides.
        let few = random_vec(rng, n.div_ceil(8));
        let table: Vec<Fr> = (0..n).map(|i| few[i % few.len()]).collect();
        check_permuted(&draw(rng, &table, n), &table);
    }
}

#[test]
fn permuted_pair_by_hand() {
    let v = |values: [u64; 6]| values.map(Fr::from).to_vec();
    let pair = lookup::permuted_pair(CpuPath::PLAIN, &v([2, 5, 2, 2, 5, 9]), &v([9, 1, 2, 5, 5, 0])).unwrap();
    assert_eq!(pair.input, v([2, 2, 2, 5, 5, 9]));
    assert_eq!(pair.table, v([2, 0, 1, 5, 5, 9]));
}

#[test]
fn permuted_pair_names_missing_values() {
    let table = integers(0, 64);
    let mut input = table.clone();
    (input[40], input[63]) = (-Fr::ONE, Fr::from(64u64));
    let missing = LookupError::NotInTable { index: 40, value: -Fr::ONE };
    assert_eq!(on_every_path(|path| lookup::permuted_pair(path, &input, &table)), Err(missing));
}
