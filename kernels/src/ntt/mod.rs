//! Number-theoretic transforms over F_r: X\[k\] = Σ_j x\[j\]·(g·ω^k)^j for k in 0..n, n = 2^`log_n` ≤ 2^28.
//!
//! Stages: `ntt_coset_scale`, `ntt_pass` (several layers in one pass over memory), `ntt_leaf` (all remaining layers of
//! a block that fits the cache), `ntt_bit_reverse`. Cooley–Tukey butterflies lead from natural to bit-reversed order,
//! Gentleman–Sande ones back; both read twiddles in bit-reversed order, so that a block needs one contiguous piece of
//! the table (Harvey, "Faster arithmetic for number-theoretic transforms", 2014, for the lazy butterflies).

mod butterfly;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod passes;
mod permute;
mod plan;
mod scale;
mod twiddles;

pub use permute::ntt_bit_reverse;
pub use plan::{Direction, Generator, MAX_LOG_N, NttError, NttPlan, Order};
pub use twiddles::Twiddles;

use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Fp, Fr, FrParams, cast, cast_slice, cast_slice_mut};
use crate::parallel;

/// Transforms every column of `data` in place.
///
/// `data` holds columns of `plan.n()` elements one after the other; `twiddles` must reach `plan.log_n`
/// and be of its generator. With a coset
/// shift g the forward transform evaluates on g·⟨ω⟩ and the inverse interpolates from there. Cost: n/2·log2 n products
/// a column, n more for a coset or an inverse. The result is the same bit for bit for every path and thread count.
pub fn ntt(path: CpuPath, data: &mut [Fr], plan: &NttPlan, twiddles: &Twiddles) -> Result<(), NttError> {
    let n = plan.n();
    if !data.len().is_multiple_of(n) {
        return Err(NttError::Length { len: data.len(), n });
    }
    ntt_batch(path, data.chunks_exact_mut(n).collect(), plan, twiddles)
}

/// As [`ntt`], on columns that lie apart, each of `plan.n()` elements.
///
/// Several columns are scaled by one table of the powers of the coset's shift: one product an element instead of two.
pub fn ntt_batch(
    path: CpuPath,
    columns: Vec<&mut [Fr]>,
    plan: &NttPlan,
    twiddles: &Twiddles,
) -> Result<(), NttError> {
    let n = plan.n();
    if let Some(column) = columns.iter().find(|column| column.len() != n) {
        return Err(NttError::Length { len: column.len(), n });
    }
    if twiddles.log_n() < plan.log_n {
        return Err(NttError::Twiddles { log_n: twiddles.log_n(), needed: plan.log_n });
    }
    if twiddles.generator() != plan.generator {
        return Err(NttError::Generator { twiddles: twiddles.generator(), needed: plan.generator });
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| plan.log_n >= lanes::MIN_LOG_N) {
        return lanes::ntt_batch((path, ifma), columns, plan, twiddles);
    }
    let scale = scale::Factors::of(plan)?;
    let table = scale.as_ref().filter(|_| columns.len() > 1).and_then(|factors| factors.table(path, plan));
    with_arith!(path, A => {
        let roots = cast_slice::<Fr, A>(twiddles.of(plan.direction));
        let scale = scale.as_ref().map(|factors| match &table {
            Some(table) => Scale::Table(cast_slice::<Fr, A>(table)),
            None => Scale::Factors(cast::<Fr, A>(factors.first), cast::<Fr, A>(factors.ratio)),
        });
        parallel::for_each_owned(columns, |column| {
            transform(cast_slice_mut::<Fr, A>(column), plan, roots, scale);
        });
    });
    Ok(())
}

/// What coefficients are multiplied with.
#[derive(Copy, Clone)]
enum Scale<'a, A: Arith> {
    /// The factor of each place.
    Table(&'a [Fp<FrParams, A>]),
    /// The first factor and the ratio of each to the one before, in natural order.
    Factors(Fp<FrParams, A>, Fp<FrParams, A>),
}

fn transform<A: Arith>(
    column: &mut [Fp<FrParams, A>],
    plan: &NttPlan,
    roots: &[Fp<FrParams, A>],
    scale: Option<Scale<'_, A>>,
) {
    // Which core runs, and in which order its input and output are; a permutation supplies the rest.
    let (from_natural, to_natural) = plan.order.ends();
    if from_natural {
        scale_if(column, scale, plan.direction == Direction::Forward, false);
        passes::natural_to_reversed(column, 0, roots);
        scale_if(column, scale, plan.direction == Direction::Inverse, true);
        if to_natural {
            ntt_bit_reverse(column);
        }
    } else {
        scale_if(column, scale, plan.direction == Direction::Forward, true);
        passes::reversed_to_natural(column, 0, roots);
        scale_if(column, scale, plan.direction == Direction::Inverse, false);
        if !to_natural {
            ntt_bit_reverse(column);
        }
    }
}

fn scale_if<A: Arith>(
    column: &mut [Fp<FrParams, A>],
    scale: Option<Scale<'_, A>>,
    now: bool,
    reversed: bool,
) {
    match scale.filter(|_| now) {
        None => (),
        Some(Scale::Table(table)) => scale::ntt_scale_by_table(column, table),
        Some(Scale::Factors(first, ratio)) => scale::ntt_coset_scale(column, first, ratio, reversed),
    }
}
