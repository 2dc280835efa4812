//! Division of polynomials.

use super::fold::evaluate_chunk;
use super::{CHUNK, FrOn};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Field, Fr, cast, cast_slice_mut, uncast};
use crate::parallel::{for_each_chunk_mut, map_chunks, num_threads};

/// c ← q and returns r, where c(X) = q(X)·(X − z) + r, so r = c(z). Lowest degree first; the last coefficient becomes 0.
///
/// Ruffini's rule: q_i = b_(i+1) and r = b_0, where b_i = c_i + z·b_(i+1). Zero for no coefficients.
///
/// Cost: 2n products in two passes; n in one pass with one thread.
pub fn divide_by_linear(path: CpuPath, coefficients: &mut [Fr], z: Fr) -> Fr {
    with_arith!(path, A => {
        let z = cast::<Fr, A>(z);
        uncast::<Fr, A>(divide::<FrOn<A>>(cast_slice_mut::<Fr, A>(coefficients), z, |c| evaluate_chunk(c, z)))
    })
}

fn divide<F: Field>(coefficients: &mut [F], z: F, evaluate: impl Fn(&[F]) -> F + Send + Sync) -> F {
    let n = coefficients.len();
    if num_threads() == 1 || n <= CHUNK {
        return divide_chunk(coefficients, z, F::ZERO);
    }
    // First what each chunk alone gives b at its start, then b at its end.
    let mut carries = {
        let coefficients = &*coefficients;
        map_chunks(n, CHUNK, |range| evaluate(&coefficients[range]))
    };
    let step = z.pow_vartime(&[CHUNK as u64]);
    let mut b = F::ZERO;
    for slot in carries.iter_mut().rev() {
        let alone = core::mem::replace(slot, b);
        // Only the last chunk may be shorter, and nothing follows it.
        b = b * step + alone;
    }
    for_each_chunk_mut(coefficients, CHUNK, |start, chunk| {
        divide_chunk(chunk, z, carries[start / CHUNK]);
    });
    b
}

/// From the last coefficient to the first; returns b at the start.
fn divide_chunk<F: Field>(coefficients: &mut [F], z: F, carry: F) -> F {
    let mut b = carry;
    for c in coefficients.iter_mut().rev() {
        let next = *c + z * b;
        *c = b;
        b = next;
    }
    b
}
