//! Linear combinations of vectors.

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::{CHUNK, FrOn, LengthMismatch};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Field, FieldParams, Fr, FrParams, cast, cast_slice, cast_slice_mut};
#[cfg(target_arch = "x86_64")]
use crate::field::{words, words_mut};
use crate::parallel::for_each_chunk_mut;

/// Elements of `out` that are summed at a time: 8 KiB, which stay in the L1 cache while all terms are added.
const BLOCK: usize = 256;

/// out_i ← Σ_j a_j·v_j\[i\] over the `terms` (a_j, v_j); what a shorter v_j lacks is zero.
///
/// Cost: one pass over all vectors, and one product for each element of a term (half of one on eight lanes); none where
/// a_j is 0, 1 or −1, and no access where it is 0.
///
/// Error: a v_j is longer than `out`, which is unchanged then.
pub fn linear_combination(
    path: CpuPath,
    out: &mut [Fr],
    terms: &[(Fr, &[Fr])],
) -> Result<(), LengthMismatch> {
    if let Some((_, longer)) = terms.iter().find(|(_, v)| v.len() > out.len()) {
        return Err(LengthMismatch { argument: "terms", expected: out.len(), actual: longer.len() });
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let terms = terms.iter().filter(|(a, _)| !a.is_zero());
        let terms: Vec<_> = terms.map(|&(a, v)| (lanes::Factor::of(a), words(v))).collect();
        for_each_chunk_mut(words_mut(out), CHUNK, |start, chunk| lanes::combine(ifma, chunk, start, &terms));
        return Ok(());
    }
    with_arith!(path, A => {
        let terms: Vec<_> = terms
            .iter()
            .filter(|(a, _)| !a.is_zero())
            .map(|&(a, v)| (Factor::<A>::of(a), cast_slice::<Fr, A>(v)))
            .collect();
        for_each_chunk_mut(cast_slice_mut::<Fr, A>(out), CHUNK, |start, chunk| {
            for (i, block) in chunk.chunks_mut(BLOCK).enumerate() {
                combine_block(block, start + i * BLOCK, &terms);
            }
        });
    });
    Ok(())
}

/// A coefficient that is not zero.
enum Factor<A: Arith> {
    One,
    MinusOne,
    Other(FrOn<A>),
}

impl<A: Arith> Factor<A> {
    fn of(a: Fr) -> Self {
        match a {
            _ if a == Fr::ONE => Self::One,
            _ if a == -Fr::ONE => Self::MinusOne,
            _ => Self::Other(cast::<Fr, A>(a)),
        }
    }
}

fn combine_block<A: Arith>(block: &mut [FrOn<A>], start: usize, terms: &[(Factor<A>, &[FrOn<A>])]) {
    block.fill(FrOn::<A>::ZERO);
    for (factor, v) in terms {
        let values = block.iter_mut().zip(v.get(start..).unwrap_or_default());
        // A sum < 2p and what is added < 2p are < 4p together.
        match factor {
            Factor::One => values.for_each(|(sum, &v)| *sum = sum.add_lazy(v).reduce_to_2p()),
            Factor::MinusOne => values.for_each(|(sum, v)| {
                let difference = A::sub_lazy(sum.limbs(), v.limbs(), &FrParams::MODULUS_2);
                *sum = FrOn::<A>::from_montgomery_unchecked(difference).reduce_to_2p();
            }),
            Factor::Other(a) => {
                values.for_each(|(sum, &v)| *sum = sum.add_lazy(v.mul_lazy(*a)).reduce_to_2p());
            }
        }
    }
    block.iter_mut().for_each(|sum| *sum = sum.reduce_once());
}
