//! Division of polynomials.

use super::fold::evaluate_chunk;
#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::{CHUNK, FrOn};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Field, Fr, cast, cast_slice_mut, uncast};
#[cfg(target_arch = "x86_64")]
use crate::field::{ifma::Ifma, words, words_mut};
use crate::parallel::{for_each_chunk_mut, map_chunks, num_threads};

/// c ← q and returns r, where c(X) = q(X)·(X − z) + r, so r = c(z). Lowest degree first; the last coefficient becomes 0.
///
/// Ruffini's rule: q_i = b_(i+1) and r = b_0, where b_i = c_i + z·b_(i+1). Zero for no coefficients.
///
/// Cost: 2n products in two passes, 3n/2 on eight lanes; n in one pass with one thread and no lanes.
pub fn divide_by_linear(path: CpuPath, coefficients: &mut [Fr], z: Fr) -> Fr {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes().filter(|_| coefficients.len() >= 8 * lanes::MIN_LEN) {
        // What 16 segments leave over comes first.
        let n = coefficients.len() / lanes::SEGMENTS * lanes::SEGMENTS;
        let (body, rest) = coefficients.split_at_mut(n);
        let carry = divide_chunk(rest, z, Fr::ZERO);
        return divide_on_lanes(ifma, body, z, carry);
    }
    with_arith!(path, A => {
        let z = cast::<Fr, A>(z);
        uncast::<Fr, A>(divide::<FrOn<A>>(cast_slice_mut::<Fr, A>(coefficients), z, |c| evaluate_chunk(c, z)))
    })
}

/// Divides whole segments, b at whose end is `carry`.
#[cfg(target_arch = "x86_64")]
fn divide_on_lanes(ifma: Ifma, coefficients: &mut [Fr], z: Fr, carry: Fr) -> Fr {
    use lanes::{Evaluation, SCAN_CHUNK, SEGMENTS};
    let full = SCAN_CHUNK / SEGMENTS;
    let at = Evaluation::of_segments(z, full);
    let step = z.pow_vartime(&[full as u64]);
    let mut b = carry;
    // From what each segment alone gives b at its start to b at its end.
    let mut carry_through = |values: &mut [Fr; SEGMENTS], len: usize| {
        let step = if len == full { step } else { z.pow_vartime(&[len as u64]) };
        for value in values.iter_mut().rev() {
            let alone = core::mem::replace(value, b);
            b = b * step + alone;
        }
    };
    if num_threads() == 1 {
        for chunk in coefficients.chunks_mut(SCAN_CHUNK).rev() {
            let len = chunk.len() / SEGMENTS;
            let mut carries = lanes::evaluate_segments(ifma, words(chunk), len, &at);
            carry_through(&mut carries, len);
            lanes::divide(ifma, words_mut(chunk), len, z, &carries);
        }
        return b;
    }
    let n = coefficients.len();
    let mut carries = {
        let coefficients = words(coefficients);
        map_chunks(n, SCAN_CHUNK, |range| {
            lanes::evaluate_segments(ifma, &coefficients[range.clone()], range.len() / SEGMENTS, &at)
        })
    };
    for (i, carries) in carries.iter_mut().enumerate().rev() {
        carry_through(carries, SCAN_CHUNK.min(n - i * SCAN_CHUNK) / SEGMENTS);
    }
    for_each_chunk_mut(words_mut(coefficients), SCAN_CHUNK, |start, chunk| {
        lanes::divide(ifma, chunk, chunk.len() / SEGMENTS, z, &carries[start / SCAN_CHUNK]);
    });
    b
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
