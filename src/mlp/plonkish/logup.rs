//! The lookup of columns in the bytes, as ordinary gates.
//!
//! With multiplicities m (first phase), a challenge β, the table t and helpers h (second phase), for each group of
//! columns f and for the columns g that the sum takes itself:
//!
//! ```text
//! h·∏(β + f) = Σ ∏_{others}(β + f)                                        h = Σ 1/(β + f)
//! φ' = φ + Σ h + Σ 1/(β + g) − m/(β + t)                                  times (β + t)·∏(β + g)
//! φ = 0 in the first and in the last row
//! ```
//!
//! Both sums of fractions are equal at a random β only if they are as rational functions, up to an error of
//! (cells + 256)/r; then every pole is one of the table's, so every cell is a byte: a cell occurs fewer times than r. The
//! multiplicities need no check. After U. Haböck, Multivariate lookups based on logarithmic derivatives, ePrint 2022/1530.

use super::layout::helper_count;
use crate::error::{Error, Result};
use crate::halo2::ColumnValues;
use crate::interop::halo2curves::halo2_scalar;
use crate::kernels::vector::batch_inverse;
use crate::kernels::{CpuPath, Field, Fr};
use halo2_axiom::halo2curves::bn256;
use halo2_axiom::plonk::{Advice, Challenge, Column, ConstraintSystem, Expression, Fixed, SecondPhase};
use halo2_axiom::poly::Rotation;

type Expr = Expression<bn256::Fr>;

/// Values of the table.
pub(super) const TABLE: usize = 256;

/// Fixed columns that the argument shares with its circuit.
#[derive(Copy, Clone, Debug)]
pub(super) struct Rows {
    /// 1 in all usable rows but the last.
    pub(super) active: Column<Fixed>,
    /// 1 in row 0.
    pub(super) first: Column<Fixed>,
    /// 1 in the last usable row.
    pub(super) last: Column<Fixed>,
    /// 0..256, then zeros.
    pub(super) table: Column<Fixed>,
}

impl Rows {
    pub(super) fn configure(meta: &mut ConstraintSystem<bn256::Fr>) -> Self {
        let [active, first, last, table] = [(); 4].map(|()| meta.fixed_column());
        Self { active, first, last, table }
    }

    /// (column, row, value) of the cells that are not zero.
    pub(super) fn cells(self, usable: usize) -> impl Iterator<Item = (Column<Fixed>, usize, u64)> {
        let active = (0..usable - 1).map(move |row| (self.active, row, 1));
        let table = (1..TABLE).map(move |row| (self.table, row, row as u64));
        active.chain(table).chain([(self.first, 0, 1), (self.last, usable - 1, 1)])
    }
}

/// ∏ of all factors but the one at `skip`; `None` if none is left.
fn product(factors: &[Expr], skip: usize) -> Option<Expr> {
    let others = factors.iter().enumerate().filter(|(i, _)| *i != skip);
    others.map(|(_, factor)| factor.clone()).reduce(|a, b| a * b)
}

/// ∏ factors and Σ_i ∏_{j≠i} factors. In: at least one.
fn product_and_numerator(factors: &[Expr]) -> (Expr, Expr) {
    let one = || Expression::Constant(bn256::Fr::one());
    let all = product(factors, usize::MAX).unwrap_or_else(one);
    let terms = (0..factors.len()).map(|i| product(factors, i).unwrap_or_else(one));
    (all, terms.reduce(|a, b| a + b).unwrap_or_else(one))
}

/// Adds second-phase columns and gates for the `looked` columns. Degree: `degree`.
pub(super) fn configure(
    meta: &mut ConstraintSystem<bn256::Fr>,
    rows: Rows,
    looked: &[Column<Advice>],
    multiplicities: Column<Advice>,
    beta: Challenge,
    degree: usize,
) -> (Vec<Column<Advice>>, Column<Advice>) {
    let (inline, grouped) = looked.split_at(looked.len().min(degree - 3));
    let helpers: Vec<_> =
        (0..helper_count(looked.len(), degree)).map(|_| meta.advice_column_in(SecondPhase)).collect();
    let sum = meta.advice_column_in(SecondPhase);
    let cur = Rotation::cur();
    meta.create_gate("logup", |meta| {
        let active = meta.query_fixed(rows.active, cur);
        let poles = |meta: &mut halo2_axiom::plonk::VirtualCells<'_, bn256::Fr>,
                     columns: &[Column<Advice>]| {
            columns.iter().map(|c| meta.query_advice(*c, cur) + beta.expr()).collect::<Vec<Expr>>()
        };
        let mut gates = Vec::new();
        let phi = meta.query_advice(sum, cur);
        let mut step = meta.query_advice(sum, Rotation::next()) - phi.clone();
        for (group, helper) in grouped.chunks(degree - 2).zip(&helpers) {
            let (all, numerator) = product_and_numerator(&poles(meta, group));
            let helper = meta.query_advice(*helper, cur);
            gates.push(active.clone() * (helper.clone() * all - numerator));
            step = step - helper;
        }
        let table = meta.query_fixed(rows.table, cur) + beta.expr();
        let m = meta.query_advice(multiplicities, cur);
        let own = poles(meta, inline);
        gates.push(if own.is_empty() {
            active * (step * table + m)
        } else {
            let (all, numerator) = product_and_numerator(&own);
            active * ((step * all.clone() - numerator) * table + m * all)
        });
        gates.push((meta.query_fixed(rows.first, cur) + meta.query_fixed(rows.last, cur)) * phi);
        gates
    });
    (helpers, sum)
}

/// How often each byte occurs in the first `active` rows of `columns`; other values are passed over, for the argument
/// to fail on.
pub(super) fn multiplicities(columns: &[&[i32]], active: usize) -> Vec<i32> {
    let mut counts = vec![0i32; TABLE];
    for column in columns {
        for value in column.iter().take(active) {
            if let Some(count) = usize::try_from(*value).ok().and_then(|v| counts.get_mut(v)) {
                *count += 1;
            }
        }
        if let Some(zeros) = counts.first_mut() {
            *zeros += active.saturating_sub(column.len()) as i32;
        }
    }
    counts
}

/// The helper columns, then φ.
///
/// Cost: 256 inversions in one batch, an addition for each cell, a product for each byte of the table.
///
/// Error: β is the negative of a value, which happens with probability 2^−246 for bytes.
pub(super) fn second_phase(
    columns: &[&[i32]],
    multiplicities: &[i32],
    active: usize,
    degree: usize,
    beta: Fr,
) -> Result<Vec<ColumnValues>> {
    let pole = || Error::SelfCheck("a LogUp challenge hit a pole".into());
    let mut inverses: Vec<Fr> = (0..TABLE as u64).map(|v| beta + Fr::from(v)).collect();
    batch_inverse(CpuPath::active(), &mut inverses);
    if inverses.iter().any(Field::is_zero) {
        return Err(pole());
    }
    let inverse = |value: i32| -> Result<Fr> {
        let known = usize::try_from(value).ok().and_then(|v| inverses.get(v));
        // Only a witness that is wrong has others.
        known.copied().or_else(|| (beta + Fr::from(i64::from(value))).inverse_vartime()).ok_or_else(pole)
    };
    let fractions = |group: &[&[i32]]| -> Result<Vec<Fr>> {
        (0..active)
            .map(|row| {
                let cells = group.iter().map(|c| c.get(row).copied().unwrap_or(0));
                cells.map(inverse).try_fold(Fr::ZERO, |sum, term| Ok(sum + term?))
            })
            .collect()
    };
    let (inline, grouped) = columns.split_at(columns.len().min(degree - 3));
    let helpers: Vec<Vec<Fr>> = grouped.chunks(degree - 2).map(fractions).collect::<Result<_>>()?;
    let own = fractions(inline)?;
    let mut sum = Vec::with_capacity(active + 1);
    let mut phi = Fr::ZERO;
    sum.push(phi);
    for (row, own) in own.iter().enumerate() {
        phi += *own;
        helpers.iter().filter_map(|h| h.get(row)).for_each(|h| phi += *h);
        if let (Some(m), Some(inverse)) = (multiplicities.get(row), inverses.get(row)) {
            phi += -(Fr::from(i64::from(*m)) * *inverse);
        }
        sum.push(phi);
    }
    Ok(helpers.into_iter().chain([sum]).map(ColumnValues::Field).collect())
}

/// v as an element of the proof system's field type.
pub(super) fn constant(value: i128) -> bn256::Fr {
    halo2_scalar(&Fr::from(value))
}
