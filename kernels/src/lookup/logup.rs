//! LogUp: Σ_i 1/(β + f_i) = Σ_j m_j/(β + t_j) as rational functions of β exactly if the values f, with multiplicities
//! m, come from the table t. Source: U. Haböck, Multivariate lookups based on logarithmic derivatives, ePrint 2022/1530.

#[cfg(target_arch = "x86_64")]
use super::lanes as lookup_lanes;
use super::{LookupError, Side};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Field, FieldParams, Fr, FrParams, cast, cast_slice, cast_slice_mut};
#[cfg(target_arch = "x86_64")]
use crate::field::{ifma::Ifma, words, words_mut};
use crate::parallel::for_each_chunk_mut;
#[cfg(target_arch = "x86_64")]
use crate::parallel::for_each_chunk_mut_with;
#[cfg(target_arch = "x86_64")]
use crate::vector::lanes;
use crate::vector::{CHUNK, FrOn, LengthMismatch, Scan, invert_chunk, prefix_sum};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Both sides of the logUp relation, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogupTerms {
    /// h_i = 1/(β + f_i).
    pub inputs: Vec<Fr>,
    /// m_j/(β + t_j).
    pub table: Vec<Fr>,
}

/// h_i = 1/(β + `values`_i) and m_j/(β + `table`_j).
///
/// Cost: 3 products a value, 4 a table row, one inversion each 4096.
///
/// Errors: [`LookupError::Pole`] if a denominator is zero; [`LookupError::Length`] if `multiplicities` is not as long
/// as `table`.
pub fn logup_terms(
    path: CpuPath,
    values: &[Fr],
    table: &[Fr],
    multiplicities: &[u32],
    beta: Fr,
) -> Result<LogupTerms, LookupError> {
    let inputs = logup_input_terms(path, values, beta)?;
    let table = logup_table_terms(path, table, multiplicities, beta)?;
    Ok(LogupTerms { inputs, table })
}

/// h_i = 1/(β + `values`_i): the input side of [`logup_terms`] for one of several columns.
///
/// Error: [`LookupError::Pole`].
pub fn logup_input_terms(path: CpuPath, values: &[Fr], beta: Fr) -> Result<Vec<Fr>, LookupError> {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| values.len() >= lanes::MIN_LEN) {
        return on_lanes(ifma, values, beta, None)
            .map_err(|index| LookupError::Pole { side: Side::Input, index });
    }
    with_arith!(path, A => shifted_inverses::<A>(values, beta, FrOn::<A>::ONE, |_, _| ()))
        .map_err(|index| LookupError::Pole { side: Side::Input, index })
}

/// m_j/(β + `table`_j): the table side of [`logup_terms`].
///
/// Errors: as for [`logup_terms`].
pub fn logup_table_terms(
    path: CpuPath,
    table: &[Fr],
    multiplicities: &[u32],
    beta: Fr,
) -> Result<Vec<Fr>, LookupError> {
    LengthMismatch::check("multiplicities", multiplicities.len(), table.len())?;
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| table.len() >= lanes::MIN_LEN) {
        return on_lanes(ifma, table, beta, Some(multiplicities))
            .map_err(|index| LookupError::Pole { side: Side::Table, index });
    }
    with_arith!(path, A => {
        // The limbs (m, 0, 0, 0) are the Montgomery form of m/R. Inverting to R/(β + t) instead of 1/(β + t), which
        // is free, makes up for R, so no m has to be converted.
        let r = FrOn::<A>::from_montgomery_unchecked(FrParams::R2);
        shifted_inverses::<A>(table, beta, r, |start, chunk| {
            for (term, &m) in chunk.iter_mut().zip(&multiplicities[start..]) {
                *term *= FrOn::<A>::from_montgomery_unchecked([m.into(), 0, 0, 0]);
            }
        })
    })
    .map_err(|index| LookupError::Pole { side: Side::Table, index })
}

/// `factor`/(β + x_i), each chunk then through `finish(first index, chunk)`. The first i with β + x_i = 0 is the error.
fn shifted_inverses<A: Arith>(
    x: &[Fr],
    beta: Fr,
    factor: FrOn<A>,
    finish: impl Fn(usize, &mut [FrOn<A>]) + Send + Sync,
) -> Result<Vec<Fr>, usize> {
    let mut out = vec![Fr::ZERO; x.len()];
    let (x, beta) = (cast_slice::<Fr, A>(x), cast::<Fr, A>(beta));
    let pole = AtomicUsize::new(usize::MAX);
    for_each_chunk_mut(cast_slice_mut::<Fr, A>(&mut out), CHUNK, |start, chunk| {
        for (out, &x) in chunk.iter_mut().zip(&x[start..]) {
            *out = beta + x;
        }
        if let Some(i) = chunk.iter().position(Field::is_zero) {
            // The minimum over all chunks is the same in any order.
            pole.fetch_min(start + i, Ordering::Relaxed);
            return;
        }
        invert_chunk(chunk, factor);
        finish(start, chunk);
    });
    match pole.into_inner() {
        usize::MAX => Ok(out),
        index => Err(index),
    }
}

/// As [`shifted_inverses`], times the multiplicities if there are any.
///
/// Only the shared inversion of a chunk tells that there is a pole, so a search for it costs nothing where there is none.
#[cfg(target_arch = "x86_64")]
fn on_lanes(ifma: Ifma, x: &[Fr], beta: Fr, multiplicities: Option<&[u32]>) -> Result<Vec<Fr>, usize> {
    let mut out = vec![Fr::ZERO; x.len()];
    let pole = AtomicUsize::new(usize::MAX);
    for_each_chunk_mut_with(&mut out, CHUNK, lanes::Scratch::default, |scratch, start, chunk| {
        let range = start..start + chunk.len();
        let m = multiplicities.map(|m| &m[range.clone()]);
        let x = &x[range];
        if !lanes::invert_shifted(ifma, words_mut(chunk), words(x), beta.to_montgomery(), m, scratch) {
            let i = x.iter().position(|&x| x == -beta).unwrap_or_default();
            pole.fetch_min(start + i, Ordering::Relaxed);
        }
    });
    match pole.into_inner() {
        usize::MAX => Ok(out),
        index => Err(index),
    }
}

/// The running sum of a logUp argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrandSum {
    /// φ_0 … φ_{n−1}.
    pub phi: Vec<Fr>,
    /// φ_n; zero for a valid lookup.
    pub last: Fr,
}

/// φ_0 = 0, φ_{i+1} = φ_i + Σ_c `inputs`_{c,i} − `table`_i over the terms of [`logup_terms`].
///
/// Cost: one addition an input term and three a row.
///
/// Error: [`LookupError::Length`] if an input column is not as long as `table`.
pub fn grand_sum(path: CpuPath, inputs: &[&[Fr]], table: &[Fr]) -> Result<GrandSum, LookupError> {
    for column in inputs {
        LengthMismatch::check("inputs", column.len(), table.len())?;
    }
    let mut phi = vec![Fr::ZERO; table.len()];
    add_columns(path, &mut phi, inputs, table);
    let last = prefix_sum(path, &mut phi, Scan::Exclusive);
    Ok(GrandSum { phi, last })
}

/// φ_i ← Σ_c `inputs`_{c,i} − `table`_i.
fn add_columns(path: CpuPath, phi: &mut [Fr], inputs: &[&[Fr]], table: &[Fr]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        for_each_chunk_mut(words_mut(phi), CHUNK, |start, chunk| {
            let range = start..start + chunk.len();
            let columns: Vec<_> = inputs.iter().map(|column| words(&column[range.clone()])).collect();
            lookup_lanes::differences(ifma, chunk, &columns, words(&table[range]));
        });
        return;
    }
    // Additions have one form.
    let _ = path;
    for_each_chunk_mut(phi, CHUNK, |start, chunk| {
        for (phi, &t) in chunk.iter_mut().zip(&table[start..]) {
            *phi = -t;
        }
        for column in inputs {
            chunk.iter_mut().zip(&column[start..]).for_each(|(phi, &h)| *phi += h);
        }
    });
}
