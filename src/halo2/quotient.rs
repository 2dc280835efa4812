//! The quotient h = C/(X^n − 1) of the combined constraints C, in pieces of n coefficients.
//!
//! C is evaluated on cosets c_i·⟨ω⟩ of size n, one after the other, so that memory does not grow with the degree. On a
//! coset X^n is the constant t_i = c_i^n. With h = Σ_k X^(kn)·h_k for pieces h_k below degree n, the polynomial below
//! degree n that agrees with C there is
//!
//! ```text
//! r_i = (t_i − 1)·Σ_k t_i^k·h_k,
//! ```
//!
//! so d cosets determine d pieces by the inverse of a d x d matrix: d, not the next power of two.

use super::columns::Challenges;
use super::key::{Halo2Backend, PreparedKey};
use super::prover::CircuitColumns;
use crate::device::Backend;
use crate::error::{Error, Result};
use zkwatt_kernels::ntt::Direction;
use zkwatt_kernels::{Field, Fr, PrimeField};

/// Values of columns on one coset, by the columns' numbers.
pub(super) type CosetColumns<B> = Vec<(u32, <B as Backend>::Buf<Fr>)>;

/// The pieces h_0, h_1, … of the quotient, coefficients in natural order.
pub(super) fn pieces<B: Halo2Backend>(
    key: &PreparedKey<B>,
    circuits: &[CircuitColumns<B>],
    challenges: &Challenges,
) -> Result<Vec<B::Buf<Fr>>> {
    let shape = &key.shape;
    let shifts = coset_shifts(shape.k, shape.quotient_pieces)?;
    let uniforms = challenges.uniforms();
    let combined: Vec<Vec<B::Buf<Fr>>> =
        circuits.iter().map(|circuit| combine(key, circuit, &uniforms)).collect::<Result<_>>()?;
    let mut remainders = Vec::with_capacity(shifts.len());
    for (index, &shift) in shifts.iter().enumerate() {
        let mut values = constraints_on_coset(key, circuits, &combined, &uniforms, (index, shift))?;
        let back = shape.transform(Direction::Inverse)?.coset(shift)?;
        key.backend.ntt(&mut values, &back)?;
        remainders.push(values);
    }
    drop(combined);
    let matrix = inverse_matrix(&shifts, shape.n)?;
    let piece = |row: &Vec<Fr>| {
        let terms: Vec<_> = row.iter().copied().zip(&remainders).collect();
        key.backend.linear_combination(&terms, shape.n)
    };
    matrix.iter().map(piece).collect()
}

/// The coefficients of a circuit's combined columns.
fn combine<B: Halo2Backend>(
    key: &PreparedKey<B>,
    circuit: &CircuitColumns<B>,
    uniforms: &[Fr],
) -> Result<Vec<B::Buf<Fr>>> {
    let program = &key.programs.quotient;
    let combinations = program.combinations.iter().map(|combination| {
        let factors = combination.terms.iter().map(|(_, factor)| *factor);
        let factors = program.graph.evaluate_uniforms(&factors.collect::<Vec<_>>(), uniforms)?;
        let columns = combination.terms.iter().map(|(column, _)| coefficients(key, circuit, *column));
        let terms = factors.into_iter().zip(columns).map(|(factor, column)| Ok((factor, column?)));
        key.backend.linear_combination(&terms.collect::<Result<Vec<_>>>()?, key.shape.n)
    });
    combinations.collect()
}

/// The coefficients of a column by its number.
pub(super) fn coefficients<'a, B: Halo2Backend>(
    key: &'a PreparedKey<B>,
    circuit: &'a CircuitColumns<B>,
    number: u32,
) -> Result<&'a B::Buf<Fr>> {
    let columns = &key.columns;
    let n = number as usize;
    let at = |start: u32| n - start as usize;
    let found = match number {
        _ if columns.is_of_key(number) => key_coefficients(key, number),
        _ if number < columns.instance(0) => circuit.advice.get(at(columns.advice(0))),
        _ if number < columns.sigma(0) => circuit.instance.get(at(columns.instance(0))),
        _ if number < columns.lookup_product(0) => {
            circuit.permutation_products.get(at(columns.permutation_product(0)))
        }
        _ if number < columns.first_row() => {
            let i = at(columns.lookup_product(0));
            circuit.lookups.get(i / 3).map(|lookup| match i % 3 {
                0 => &lookup.product,
                1 => &lookup.permuted_input,
                _ => &lookup.permuted_table,
            })
        }
        _ => None,
    };
    found.ok_or_else(|| missing(number))
}

/// The coefficients of one of the key's columns by its number.
fn key_coefficients<B: Halo2Backend>(key: &PreparedKey<B>, number: u32) -> Option<&B::Buf<Fr>> {
    let columns = &key.columns;
    match number {
        _ if number < columns.advice(0) => key.fixed.get(number as usize),
        _ if number < columns.permutation_product(0) => {
            key.sigma.get(number.checked_sub(columns.sigma(0))? as usize)
        }
        _ if number == columns.first_row() => Some(&key.first_row),
        _ if number == columns.last_row() => Some(&key.last_row),
        _ if number == columns.active_rows() => Some(&key.active_rows),
        _ if number == columns.x() => Some(&key.x),
        _ => None,
    }
}

fn missing(number: u32) -> Error {
    Error::SelfCheck(format!("the constraints read column {number}, which does not exist"))
}

/// The values of all circuits' constraints on coset `index`, shift·⟨ω⟩.
fn constraints_on_coset<B: Halo2Backend>(
    key: &PreparedKey<B>,
    circuits: &[CircuitColumns<B>],
    combined: &[Vec<B::Buf<Fr>>],
    uniforms: &[Fr],
    (index, shift): (usize, Fr),
) -> Result<B::Buf<Fr>> {
    let (backend, shape) = (&key.backend, &key.shape);
    let program = &key.programs.quotient.program;
    let (accumulator, end) = (key.columns.accumulator(), key.columns.end());
    // Columns of the key are the same for all circuits, and the same in all proofs.
    let of_key = match key.cosets.get(index) {
        Some(_) => Vec::new(),
        None => key_columns_on_coset(key, shift)?,
    };
    let of_key = key.cosets.get(index).unwrap_or(&of_key);
    let own =
        || program.columns().keys().copied().filter(|n| !key.columns.is_of_key(*n) && *n != accumulator);
    let mut sum = backend.alloc(shape.n)?;
    for (circuit, combined) in circuits.iter().zip(combined) {
        let read = own().map(|number| match number.checked_sub(end).and_then(|i| combined.get(i as usize)) {
            Some(combined) => Ok((number, combined)),
            None => Ok((number, coefficients(key, circuit, number)?)),
        });
        let of_circuit = on_coset(key, read.collect::<Result<Vec<_>>>()?, shift)?;
        let mut columns: Vec<&B::Buf<Fr>> = vec![&sum; end as usize + combined.len()];
        for (number, values) in of_key.iter().chain(&of_circuit) {
            if let Some(slot) = columns.get_mut(*number as usize) {
                *slot = values;
            }
        }
        let mut out = backend.alloc(shape.n)?;
        backend.run_program(program, &columns, uniforms, &mut [&mut out])?;
        drop(columns);
        sum = out;
    }
    Ok(sum)
}

/// The values of columns, given by number and coefficients, on shift·⟨ω⟩.
fn on_coset<B: Halo2Backend>(
    key: &PreparedKey<B>,
    columns: Vec<(u32, &B::Buf<Fr>)>,
    shift: Fr,
) -> Result<CosetColumns<B>> {
    let plan = key.shape.transform(Direction::Forward)?.coset(shift)?;
    let copy = |(number, buffer)| Ok((number, key.backend.resized(buffer, key.shape.n)?));
    let mut columns = columns.into_iter().map(copy).collect::<Result<Vec<_>>>()?;
    key.backend.ntt_batch(columns.iter_mut().map(|(_, values)| values).collect(), &plan)?;
    Ok(columns)
}

/// Those of the key's columns that the quotient reads, by number, on shift·⟨ω⟩.
fn key_columns_on_coset<B: Halo2Backend>(key: &PreparedKey<B>, shift: Fr) -> Result<CosetColumns<B>> {
    let numbers = key.programs.quotient.program.columns().keys().copied();
    let read = numbers.filter(|n| key.columns.is_of_key(*n)).map(|number| {
        let column = key_coefficients(key, number).ok_or_else(|| missing(number))?;
        Ok((number, column))
    });
    on_coset(key, read.collect::<Result<Vec<_>>>()?, shift)
}

/// The key's columns on as many of the quotient's cosets as fit `bytes`, from the first on.
pub(super) fn key_cosets<B: Halo2Backend>(key: &PreparedKey<B>, bytes: u64) -> Result<Vec<CosetColumns<B>>> {
    let columns =
        key.programs.quotient.program.columns().keys().filter(|n| key.columns.is_of_key(**n)).count();
    let each = (columns * key.shape.n * size_of::<Fr>()) as u64;
    let fitting = usize::try_from(bytes.checked_div(each).unwrap_or(0)).unwrap_or(usize::MAX);
    let shifts = coset_shifts(key.shape.k, key.shape.quotient_pieces)?;
    shifts.into_iter().take(fitting).map(|shift| key_columns_on_coset(key, shift)).collect()
}

/// Shifts c_i = g·w^i of `count` different cosets of the 2^k-th roots of unity, for a generator g and a root of unity w
/// of order 2^k·2^⌈log2 count⌉. The t_i = c_i^n are different, and none of them is 1: g is in no proper subgroup.
fn coset_shifts(k: u32, count: usize) -> Result<Vec<Fr>> {
    let log_order = k + count.next_power_of_two().ilog2();
    let root = Fr::root_of_unity(log_order)
        .ok_or(Error::DomainTooLarge { log_n: log_order, max: Fr::TWO_ADICITY })?;
    let mut shift = Fr::generator();
    Ok((0..count)
        .map(|_| {
            let this = shift;
            shift *= root;
            this
        })
        .collect())
}

/// Row k, column i: what remainder r_i contributes to piece h_k; the inverse of ((t_i − 1)·t_i^k)_{i,k}.
///
/// By Lagrange: with ℓ_i the polynomial of degree d − 1 that is 1 at t_i and 0 at the other t_j, the entry is the k-th
/// coefficient of ℓ_i/(t_i − 1).
fn inverse_matrix(shifts: &[Fr], n: usize) -> Result<Vec<Vec<Fr>>> {
    let points: Vec<Fr> = shifts.iter().map(|shift| shift.pow_vartime(&[n as u64])).collect();
    let mut rows = vec![vec![Fr::ZERO; points.len()]; points.len()];
    for (i, &point) in points.iter().enumerate() {
        let mut basis = vec![Fr::ONE];
        let mut denominator = point - Fr::ONE;
        for &other in points.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, other)| other) {
            // basis·(X − other)
            basis.push(Fr::ZERO);
            for k in (0..basis.len()).rev() {
                let below = if k == 0 { Fr::ZERO } else { basis[k - 1] };
                basis[k] = below - other * basis[k];
            }
            denominator *= point - other;
        }
        let inverse = denominator.inverse_vartime();
        let inverse =
            inverse.ok_or_else(|| Error::SelfCheck("two cosets of the quotient are the same".into()))?;
        for (row, coefficient) in rows.iter_mut().zip(basis) {
            row[i] = coefficient * inverse;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_the_inverse() {
        for count in 1..=9 {
            let (k, n) = (3, 8);
            let shifts = coset_shifts(k, count).unwrap();
            let inverse = inverse_matrix(&shifts, n).unwrap();
            for (j, row) in inverse.iter().enumerate() {
                for k in 0..count {
                    let product = row.iter().zip(&shifts).fold(Fr::ZERO, |sum, (entry, shift)| {
                        let t = shift.pow_vartime(&[n as u64]);
                        sum + *entry * (t - Fr::ONE) * t.pow_vartime(&[k as u64])
                    });
                    assert_eq!(product, if j == k { Fr::ONE } else { Fr::ZERO }, "{count} {j} {k}");
                }
            }
        }
    }
}
