//! Stage `ntt_coset_scale`: x\[j\] ← first·ratio^j·x\[j\].

use super::plan::{Direction, NttError, NttPlan};
use crate::dispatch::CpuPath;
use crate::field::{Arith, Field, Fp, Fr, FrParams};
use crate::parallel;
use crate::vector::powers;

/// Factors first·ratio^j of coefficient j.
pub(super) struct Factors {
    pub(super) first: Fr,
    pub(super) ratio: Fr,
}

impl Factors {
    /// What a plan multiplies coefficients with: g^j before a forward transform, g^−j/n after an inverse one.
    pub(super) fn of(plan: &NttPlan) -> Result<Option<Self>, NttError> {
        let shift = plan.coset.unwrap_or(Fr::ONE);
        match plan.direction {
            Direction::Forward => Ok(plan.coset.map(|ratio| Self { first: Fr::ONE, ratio })),
            Direction::Inverse => {
                let n = Fr::from(plan.n() as u64);
                let ratio = shift.inverse_vartime().ok_or(NttError::ZeroCoset)?;
                // n is a power of two below r.
                Ok(Some(Self { first: n.inverse_vartime().unwrap_or(Fr::ONE), ratio }))
            }
        }
    }
}

impl Factors {
    /// The factors of all places where a transform of this plan multiplies; `None` if all are the same.
    pub(super) fn table(&self, path: CpuPath, plan: &NttPlan) -> Option<Vec<Fr>> {
        if self.ratio == Fr::ONE {
            return None;
        }
        let mut table = powers(path, self.first, self.ratio, plan.n());
        // Butterflies that start in natural order end in bit-reversed order, which is where an inverse one scales.
        let (from_natural, _) = plan.order.ends();
        if from_natural != (plan.direction == Direction::Forward) {
            super::ntt_bit_reverse(&mut table);
        }
        Some(table)
    }
}

/// Multiplies place by place. In: < 2p. Out: < p.
pub(super) fn ntt_scale_by_table<A: Arith>(data: &mut [Fp<FrParams, A>], table: &[Fp<FrParams, A>]) {
    parallel::for_each_chunk_mut(data, 1 << CHUNK_LOG, |start, chunk| {
        for (value, factor) in chunk.iter_mut().zip(&table[start..]) {
            *value *= *factor;
        }
    });
}

/// Elements of one chunk; the powers within a chunk are computed once.
const CHUNK_LOG: u32 = 10;

/// Multiplies coefficient j by first·ratio^j. In: < 2p. Out: < p. With `reversed`, coefficient j lies at rev(j).
pub(super) fn ntt_coset_scale<A: Arith>(
    data: &mut [Fp<FrParams, A>],
    first: Fp<FrParams, A>,
    ratio: Fp<FrParams, A>,
    reversed: bool,
) {
    if ratio == Fp::ONE {
        parallel::for_each_chunk_mut(data, 1 << CHUNK_LOG, |_, chunk| {
            for value in chunk {
                *value *= first;
            }
        });
        return;
    }
    let log_n = data.len().ilog2();
    let chunk_log = CHUNK_LOG.min(log_n);
    let reverse = |i: usize, bits: u32| if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - bits) };
    // Position p = chunk·2^c + offset. The exponent of the position is a sum of one part for each:
    // natural: chunk·2^c + offset; reversed: rev(chunk) + rev(offset)·n/2^c.
    let offset_ratio = if reversed { ratio.pow_vartime(&[(data.len() >> chunk_log) as u64]) } else { ratio };
    let mut powers = vec![Fp::ONE; 1 << chunk_log];
    for i in 1..powers.len() {
        powers[i] = powers[i - 1] * offset_ratio;
    }
    if reversed {
        super::ntt_bit_reverse(&mut powers);
    }
    parallel::for_each_chunk_mut(data, 1 << chunk_log, |start, chunk| {
        let exponent = if reversed { reverse(start >> chunk_log, log_n - chunk_log) } else { start };
        let base = first * ratio.pow_vartime(&[exponent as u64]);
        for (value, power) in chunk.iter_mut().zip(&powers) {
            *value *= base * *power;
        }
    });
}
