//! Vector kernels against the reference, on every path, with one and several threads.

mod common;

use common::{CHUNK, SIZES, inputs, mixed_vec, on_every_path, random_fr, random_vec, rng};
use zkwatt_kernels::vector::{self, LengthMismatch, Scan};
use zkwatt_kernels::{CpuPath, Field, Fr, PrimeField, reference};

type Into3 = fn(CpuPath, &mut [Fr], &[Fr], &[Fr]) -> Result<(), LengthMismatch>;
type Assign = fn(CpuPath, &mut [Fr], &[Fr]) -> Result<(), LengthMismatch>;
type Reference = fn(&[Fr], &[Fr]) -> Vec<Fr>;

#[test]
fn element_wise() {
    let operations: [(Into3, Assign, Reference); 3] = [
        (vector::add, vector::add_assign, reference::add),
        (vector::sub, vector::sub_assign, reference::sub),
        (vector::mul, vector::mul_assign, reference::mul),
    ];
    for n in SIZES {
        for a in inputs(n) {
            let b = mixed_vec(&mut rng(7), n);
            for (into, assign, reference) in operations {
                let expected = reference(&a, &b);
                let out = on_every_path(|path| {
                    let mut out = vec![Fr::ONE; n];
                    into(path, &mut out, &a, &b).unwrap();
                    out
                });
                assert!(out == expected);
                let out = on_every_path(|path| {
                    let mut out = a.clone();
                    assign(path, &mut out, &b).unwrap();
                    out
                });
                assert!(out == expected);
            }
        }
    }
}

#[test]
fn scale_and_axpy() {
    for n in SIZES {
        for x in inputs(n) {
            let y = mixed_vec(&mut rng(8), n);
            for factor in [Fr::ZERO, Fr::ONE, -Fr::ONE, random_fr(&mut rng(9))] {
                let out = on_every_path(|path| {
                    let mut out = x.clone();
                    vector::scale(path, &mut out, factor);
                    out
                });
                assert!(out == reference::scale(&x, factor));
                let out = on_every_path(|path| {
                    let mut out = y.clone();
                    vector::axpy(path, &mut out, factor, &x).unwrap();
                    out
                });
                assert!(out == reference::axpy(&y, factor, &x));
            }
        }
    }
}

#[test]
fn other_lengths_are_errors() {
    let (mut two, three) = ([Fr::ONE; 2], [Fr::ONE; 3]);
    let path = CpuPath::PLAIN;
    let error = |argument| Err(LengthMismatch { argument, expected: 2, actual: 3 });
    assert_eq!(vector::add(path, &mut two.clone(), &three, &two), error("a"));
    assert_eq!(vector::sub(path, &mut two.clone(), &two, &three), error("b"));
    assert_eq!(vector::mul(path, &mut two.clone(), &two, &three), error("b"));
    assert_eq!(vector::add_assign(path, &mut two, &three), error("b"));
    assert_eq!(vector::sub_assign(path, &mut two, &three), error("b"));
    assert_eq!(vector::mul_assign(path, &mut two, &three), error("b"));
    assert_eq!(vector::axpy(path, &mut two, Fr::ONE, &three), error("x"));
    assert_eq!(vector::inner_product(path, &two, &three), Err(error("b").unwrap_err()));
    assert_eq!(two, [Fr::ONE; 2]);
}

#[test]
fn batch_inverse() {
    // Reference inversions are slow: every size once, the mixed input with its zeros.
    for n in SIZES {
        let values = mixed_vec(&mut rng(n as u64), n);
        let out = on_every_path(|path| {
            let mut out = values.clone();
            vector::batch_inverse(path, &mut out);
            out
        });
        assert!(out == reference::batch_inverse(&values));
    }
}

#[test]
fn batch_inverse_leaves_zeros_alone() {
    let random = random_vec(&mut rng(3), CHUNK + 9);
    let inverses = reference::batch_inverse(&random);
    let last = random.len() - 1;
    let all: Vec<usize> = (0..=last).collect();
    for zeros in [&[0][..], &[last], &[0, 1, 2, 3], &[CHUNK - 1, CHUNK], &[0, 4, 8, 12], &all] {
        let (mut values, mut expected) = (random.clone(), inverses.clone());
        for &i in zeros {
            (values[i], expected[i]) = (Fr::ZERO, Fr::ZERO);
        }
        let out = on_every_path(|path| {
            let mut out = values.clone();
            vector::batch_inverse(path, &mut out);
            out
        });
        assert!(out == expected);
    }
}

/// Zeros at every place of a vector of eight, at ends of chunks and in short ends; limbs that break carries.
#[test]
fn batch_inverse_of_hostile_values() {
    let edges = common::edge_vec(0, 67);
    let inverses = reference::batch_inverse(&edges);
    let at = |i: usize| i % edges.len();
    for n in (1..=17).chain(31..=49).chain(CHUNK - 17..=CHUNK + 17) {
        let zeros: &[usize] = if n < 64 { &[0, 1, 2, 3, 4, 5, 6, 7, 8] } else { &[0, 5, CHUNK - 1, CHUNK] };
        for &zero in zeros {
            let (mut values, mut expected): (Vec<_>, Vec<_>) =
                (0..n).map(|i| (edges[at(i + zero)], inverses[at(i + zero)])).unzip();
            for i in [zero, n - 1 - zero.min(n - 1)] {
                if i < n {
                    (values[i], expected[i]) = (Fr::ZERO, Fr::ZERO);
                }
            }
            let out = on_every_path(|path| {
                let mut out = values.clone();
                vector::batch_inverse(path, &mut out);
                out
            });
            assert!(out == expected, "{n} {zero}");
        }
    }
}

#[test]
fn scans() {
    for n in SIZES {
        for values in inputs(n) {
            for scan in [Scan::Inclusive, Scan::Exclusive] {
                let out = on_every_path(|path| {
                    let mut out = values.clone();
                    let total = vector::prefix_sum(path, &mut out, scan);
                    (out, total)
                });
                assert!(out == reference::prefix_sum(&values, scan));
                let out = on_every_path(|path| {
                    let mut out = values.clone();
                    let total = vector::prefix_product(path, &mut out, scan);
                    (out, total)
                });
                assert!(out == reference::prefix_product(&values, scan));
            }
        }
    }
}

#[test]
fn folds() {
    for n in SIZES {
        for values in inputs(n) {
            let other = mixed_vec(&mut rng(5), n);
            assert_eq!(on_every_path(|path| vector::sum(path, &values)), reference::sum(&values));
            let product = on_every_path(|path| vector::inner_product(path, &values, &other).unwrap());
            assert_eq!(product, reference::inner_product(&values, &other));
            // Both sides at their largest.
            let product = on_every_path(|path| vector::inner_product(path, &values, &values).unwrap());
            assert_eq!(product, reference::inner_product(&values, &values));
            for x in [Fr::ZERO, Fr::ONE, -Fr::ONE, random_fr(&mut rng(6))] {
                let y = on_every_path(|path| vector::evaluate(path, &values, x));
                assert_eq!(y, reference::evaluate(&values, x));
            }
        }
    }
}

/// Ends of vectors and of the chunks of scans; limbs that break carries; the largest values.
#[test]
fn every_kernel_on_hostile_values() {
    // Scans on lanes take 4224 elements at a time, in 16 segments.
    for n in (1..=33).chain(255..275).chain([4223, 4224, 4225, 4239, 4240, 4241, 2 * 4224 + 17]) {
        for (a, b) in [
            (common::edge_vec(n, n), common::edge_vec(3 * n + 1, n)),
            (
                vec![-Fr::ONE; n],
                vec![Fr::from_montgomery(common::edge_limbs(Fr::MODULUS)[n % 9]).unwrap(); n],
            ),
        ] {
            let x = b[0];
            let (out, folds) = on_every_path(|path| {
                let mut product = vec![Fr::ONE; n];
                vector::mul(path, &mut product, &a, &b).unwrap();
                let (mut in_place, mut sum, mut scaled) = (a.clone(), a.clone(), a.clone());
                vector::mul_assign(path, &mut in_place, &b).unwrap();
                vector::axpy(path, &mut sum, x, &b).unwrap();
                vector::scale(path, &mut scaled, x);
                let powers = vector::powers(path, a[0], x, n);
                let (mut inclusive, mut exclusive, mut quotient) = (a.clone(), a.clone(), a.clone());
                let folds = [
                    vector::inner_product(path, &a, &b).unwrap(),
                    vector::evaluate(path, &a, x),
                    vector::prefix_product(path, &mut inclusive, Scan::Inclusive),
                    vector::prefix_product(path, &mut exclusive, Scan::Exclusive),
                    vector::divide_by_linear(path, &mut quotient, x),
                ];
                (vec![product, in_place, sum, scaled, powers, inclusive, exclusive, quotient], folds)
            });
            let product = reference::mul(&a, &b);
            let inclusive = reference::prefix_product(&a, Scan::Inclusive);
            let exclusive = reference::prefix_product(&a, Scan::Exclusive);
            let quotient = reference::divide_by_linear(&a, x);
            let expected = vec![
                product.clone(),
                product,
                reference::axpy(&a, x, &b),
                reference::scale(&a, x),
                reference::powers(a[0], x, n),
                inclusive.0,
                exclusive.0,
                quotient.0,
            ];
            assert!(out == expected, "{n}");
            let inner = reference::inner_product(&a, &b);
            assert_eq!(
                folds,
                [inner, reference::evaluate(&a, x), inclusive.1, exclusive.1, quotient.1],
                "{n}"
            );
        }
    }
}

/// More terms than share a reduction, all at their largest.
#[test]
fn combinations_of_many_terms() {
    let long = vec![-Fr::ONE; 300];
    let hostile = common::edge_vec(5, 289);
    for (a, v) in [(Fr::ONE, &long), (-Fr::ONE, &long), (-Fr::ONE, &hostile), (-Fr::ONE.double(), &long)] {
        for count in [1, 31, 32, 33, 63, 64, 65, 66, 200] {
            let terms = vec![(a, &v[..]); count];
            let sum = on_every_path(|path| {
                let mut out = vec![Fr::ONE; 300];
                vector::linear_combination(path, &mut out, &terms).unwrap();
                out
            });
            assert!(sum == reference::linear_combination(300, &terms), "{count}");
        }
    }
}

/// Few chains, all coefficients at their largest: lazy sums come near their bounds at some of many points.
#[test]
fn evaluate_at_many_points() {
    let coefficients = [-Fr::ONE; 8];
    for x in random_vec(&mut rng(12), 20_000) {
        let expected = reference::evaluate(&coefficients, x);
        for path in CpuPath::available() {
            assert_eq!(vector::evaluate(path, &coefficients, x), expected);
        }
    }
}

#[test]
fn evaluations_of_many() {
    let rng = &mut rng(13);
    let polynomials: Vec<_> = SIZES.iter().map(|&n| mixed_vec(rng, n)).collect();
    let views: Vec<_> = polynomials.iter().map(Vec::as_slice).collect();
    for x in [Fr::ZERO, Fr::ONE, random_fr(rng)] {
        let values = on_every_path(|path| vector::evaluate_many(path, &views, x));
        let expected: Vec<_> = views.iter().map(|p| reference::evaluate(p, x)).collect();
        assert_eq!(values, expected);
    }
    assert!(vector::evaluate_many(CpuPath::PLAIN, &[], Fr::ONE).is_empty());
}

#[test]
fn linear_combinations() {
    let special = [Fr::ZERO, Fr::ONE, -Fr::ONE];
    for n in SIZES {
        let rng = &mut rng(n as u64);
        let mut vectors = vec![vec![-Fr::ONE; n]; 4];
        // Shorter ones, down to nothing, and with ends inside blocks and at their seams.
        for shorter in [0, 1, n / 2, n - n % 256, n - n % CHUNK, n] {
            vectors.push(mixed_vec(rng, n.saturating_sub(shorter)));
        }
        let random = random_vec(rng, vectors.len());
        for first in [&special[..], &[], &[-Fr::ONE; 8], &[Fr::ONE; 8], &[Fr::ZERO; 10]] {
            let factors = first.iter().chain(&random);
            let terms: Vec<_> = factors.copied().zip(vectors.iter().map(Vec::as_slice)).collect();
            let sum = on_every_path(|path| {
                let mut out = random_vec(&mut common::rng(1), n);
                vector::linear_combination(path, &mut out, &terms).unwrap();
                out
            });
            assert!(sum == reference::linear_combination(n, &terms), "{n}");
        }
    }
    let (mut out, three) = ([Fr::ONE; 2], [Fr::ONE; 3]);
    let error = Err(LengthMismatch { argument: "terms", expected: 2, actual: 3 });
    let result = vector::linear_combination(CpuPath::PLAIN, &mut out, &[(Fr::ZERO, &three)]);
    assert_eq!((result, out), (error, [Fr::ONE; 2]));
    vector::linear_combination(CpuPath::PLAIN, &mut out, &[]).unwrap();
    assert_eq!(out, [Fr::ZERO; 2]);
}

#[test]
fn divisions() {
    for n in SIZES {
        for coefficients in inputs(n) {
            for z in [Fr::ZERO, Fr::ONE, -Fr::ONE, random_fr(&mut rng(14))] {
                let (quotient, remainder) = on_every_path(|path| {
                    let mut out = coefficients.clone();
                    let remainder = vector::divide_by_linear(path, &mut out, z);
                    (out, remainder)
                });
                let expected = reference::divide_by_linear(&coefficients, z);
                assert!((&quotient, remainder) == (&expected.0, expected.1));
                // q·(X − z) + r is c again.
                let product = |i: usize| {
                    let below = if i == 0 { remainder } else { quotient[i - 1] };
                    below - z * quotient[i]
                };
                assert!((0..n).all(|i| product(i) == coefficients[i]));
                assert_eq!(quotient.last().copied().unwrap_or_default(), Fr::ZERO);
            }
        }
    }
}

#[test]
fn powers() {
    let random = random_fr(&mut rng(4));
    for n in SIZES {
        for ratio in [Fr::ZERO, Fr::ONE, -Fr::ONE, random] {
            for first in [Fr::ONE, random] {
                let out = on_every_path(|path| vector::powers(path, first, ratio, n));
                assert!(out == reference::powers(first, ratio, n));
            }
        }
    }
}
