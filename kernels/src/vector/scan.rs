//! Prefix sums and products.

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::{CHUNK, LANES};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Field, Fr, cast_slice_mut, uncast};
#[cfg(target_arch = "x86_64")]
use crate::field::{cast, ifma::Ifma, words, words_mut};
use crate::parallel::{for_each_chunk_mut, map_chunks, num_threads};

/// Whether a prefix contains the element at its own place.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// out_i = v_0 ∘ … ∘ v_i.
    Inclusive,
    /// out_i = v_0 ∘ … ∘ v_{i−1}; out_0 is the identity.
    Exclusive,
}

/// Replaces each element by the sum of its prefix; returns the sum of all.
///
/// Cost: 2n additions in two passes; n in one pass with one thread. No form on lanes: bound by memory.
pub fn prefix_sum(path: CpuPath, values: &mut [Fr], scan: Scan) -> Fr {
    with_arith!(path, A => {
        uncast::<Fr, A>(prefix(cast_slice_mut::<Fr, A>(values), scan, Field::ZERO, |a, b| a + b))
    })
}

/// Replaces each element by the product of its prefix; returns the product of all.
///
/// Cost: 2n products in two passes; n in one pass with one thread and no lanes.
pub fn prefix_product(path: CpuPath, values: &mut [Fr], scan: Scan) -> Fr {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        // What 16 segments leave over comes last.
        let (body, rest) = values.split_at_mut(values.len() / lanes::SEGMENTS * lanes::SEGMENTS);
        let carry = products_on_lanes(ifma, body, scan);
        return with_arith!(path, A => {
            let carry = cast::<Fr, A>(carry);
            uncast::<Fr, A>(prefix_chunk(cast_slice_mut::<Fr, A>(rest), scan, carry, |a, b| a * b))
        });
    }
    with_arith!(path, A => {
        uncast::<Fr, A>(prefix(cast_slice_mut::<Fr, A>(values), scan, Field::ONE, |a, b| a * b))
    })
}

/// The product scan of whole segments.
#[cfg(target_arch = "x86_64")]
fn products_on_lanes(ifma: Ifma, values: &mut [Fr], scan: Scan) -> Fr {
    use lanes::{SCAN_CHUNK, SEGMENTS, products, scan_products};
    let mut total = Fr::ONE;
    if num_threads() == 1 {
        for chunk in values.chunks_mut(SCAN_CHUNK) {
            let len = chunk.len() / SEGMENTS;
            let mut carries = products(ifma, words(chunk), len);
            total = prefix_chunk(&mut carries, Scan::Exclusive, total, |a, b| a * b);
            scan_products(ifma, words_mut(chunk), len, &carries, scan);
        }
        return total;
    }
    let mut carries = {
        let values = words(values);
        map_chunks(values.len(), SCAN_CHUNK, |range| {
            products(ifma, &values[range.clone()], range.len() / SEGMENTS)
        })
    };
    for carries in &mut carries {
        total = prefix_chunk(carries, Scan::Exclusive, total, |a, b| a * b);
    }
    for_each_chunk_mut(words_mut(values), SCAN_CHUNK, |start, chunk| {
        scan_products(ifma, chunk, chunk.len() / SEGMENTS, &carries[start / SCAN_CHUNK], scan);
    });
    total
}

/// The scan for a commutative and associative `op`.
fn prefix<F: Field>(
    values: &mut [F],
    scan: Scan,
    identity: F,
    op: impl Fn(F, F) -> F + Copy + Send + Sync,
) -> F {
    // `op` is exact, so one pass and two give the same bits.
    if num_threads() == 1 || values.len() <= CHUNK {
        return prefix_chunk(values, scan, identity, op);
    }
    let mut carries = {
        let values = &*values;
        map_chunks(values.len(), CHUNK, |range| fold_lanes(&values[range], identity, op))
    };
    let total = prefix_chunk(&mut carries, Scan::Exclusive, identity, op);
    for_each_chunk_mut(values, CHUNK, |start, chunk| {
        prefix_chunk(chunk, scan, carries[start / CHUNK], op);
    });
    total
}

/// Scans in order, from `carry`; returns `carry` ∘ all elements.
fn prefix_chunk<F: Field>(values: &mut [F], scan: Scan, carry: F, op: impl Fn(F, F) -> F) -> F {
    let mut acc = carry;
    for v in values {
        let next = op(acc, *v);
        *v = match scan {
            Scan::Inclusive => next,
            Scan::Exclusive => acc,
        };
        acc = next;
    }
    acc
}

/// Folds in independent chains.
fn fold_lanes<F: Field>(values: &[F], identity: F, op: impl Fn(F, F) -> F) -> F {
    let mut acc = [identity; LANES];
    for group in values.chunks(LANES) {
        for (acc, &v) in acc.iter_mut().zip(group) {
            *acc = op(*acc, v);
        }
    }
    acc.into_iter().fold(identity, op)
}
