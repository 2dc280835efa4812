//! Batch inversion.

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::{CHUNK, LANES};
use crate::dispatch::{CpuPath, with_arith};
#[cfg(target_arch = "x86_64")]
use crate::field::words_mut;
use crate::field::{Field, Fr, cast_slice_mut};
use crate::parallel::for_each_chunk_mut;
#[cfg(target_arch = "x86_64")]
use crate::parallel::for_each_chunk_mut_with;

/// v_i ← 1/v_i; zeros stay zero and disturb no other element.
///
/// Cost: 3n products, one inversion a chunk of 4096, scratch of one chunk a thread (on eight lanes 2.5 times that). Montgomery's trick (Speeding the
/// Pollard and elliptic curve methods of factorization, 1987), over interleaved chains. Time depends on where zeros
/// are.
pub fn batch_inverse(path: CpuPath, values: &mut [Fr]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| values.len() >= lanes::MIN_LEN) {
        for_each_chunk_mut_with(words_mut(values), CHUNK, lanes::Scratch::default, |scratch, _, chunk| {
            lanes::invert(ifma, chunk, scratch);
        });
        return;
    }
    with_arith!(path, A => {
        for_each_chunk_mut(cast_slice_mut::<Fr, A>(values), CHUNK, |_, chunk| invert_chunk(chunk, Field::ONE));
    });
}

/// v_i ← `factor`/v_i for non-zero v_i; zeros stay zero. One inversion, in the calling thread.
///
/// Element i belongs to chain i mod `LANES`.
pub(crate) fn invert_chunk<F: Field>(values: &mut [F], factor: F) {
    // before[i]: the product of the non-zero elements of the chain that precede i.
    let mut before = Vec::with_capacity(values.len());
    let mut product = [F::ONE; LANES];
    for group in values.chunks(LANES) {
        for (product, &v) in product.iter_mut().zip(group) {
            before.push(*product);
            if !v.is_zero() {
                *product *= v;
            }
        }
    }

    // Montgomery's trick once more, over the chains.
    let mut lane_before = [F::ONE; LANES];
    let mut all = F::ONE;
    for (before, &product) in lane_before.iter_mut().zip(&product) {
        *before = all;
        all *= product;
    }
    // Products of non-zero elements are not zero.
    let mut rest = all.inverse_vartime().unwrap_or(F::ZERO) * factor;
    let mut inverse = [F::ZERO; LANES];
    for lane in (0..LANES).rev() {
        inverse[lane] = rest * lane_before[lane];
        rest *= product[lane];
    }

    // Going back, inverse[lane] is `factor` over the product of the chain up to and including the element.
    for (group, before) in values.chunks_mut(LANES).zip(before.chunks(LANES)).rev() {
        for ((v, &before), inverse) in group.iter_mut().zip(before).zip(&mut inverse) {
            if !v.is_zero() {
                let result = *inverse * before;
                *inverse *= *v;
                *v = result;
            }
        }
    }
}
