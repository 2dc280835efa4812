//! Stages `msm_scalar_digits` and `msm_bucket_sort`.

use super::plan::{BitHistogram, MsmPlan, windows_of};
use super::scalars::{Scalars, SignedMagnitude};
use crate::field::Arith;
use crate::parallel;
use crate::scratch::Scratch;
use core::ops::Range;

/// Scalars of one chunk of work in these stages; a constant, so that results do not depend on threads.
const CHUNK: usize = 1 << 12;

/// The size of a non-zero scalar's magnitude, and its value if that is small.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Measured {
    /// The signed value if it has at most [`SMALL_BITS`] bits, so that it is converted only once.
    pub(super) small: i64,
    /// Which scalar it is.
    pub(super) index: u32,
    /// Bits of the magnitude.
    pub(super) bits: u32,
}

/// Bits of the magnitude of an `i64` that is not the smallest one.
pub(super) const SMALL_BITS: u32 = 63;

/// The scalars that count, by chunks.
pub(super) struct Magnitudes(Vec<Vec<Measured>>);

/// Measures the scalars, except where `skip` says that the base is the identity.
pub(super) fn measure<A: Arith>(
    scalars: Scalars<'_>,
    n: usize,
    skip: impl Fn(usize) -> bool + Sync + Send,
) -> (Magnitudes, BitHistogram) {
    measure_with(n, |chunk, range| {
        chunk.clear();
        scalars.for_each_magnitude::<A>(range, |i, start, scalar| {
            if !skip(start + i) {
                let low = scalar.magnitude[0] as i64;
                chunk.push(Measured {
                    small: if scalar.negative { low.wrapping_neg() } else { low },
                    index: (start + i) as u32,
                    bits: magnitude_bits(&scalar.magnitude).into(),
                });
            }
        });
        chunk.len()
    })
}

/// Measures by `fill(chunk, range)`, which leaves out zeros and what is skipped, and tells how many it put first into the chunk,
/// whatever was there.
pub(super) fn measure_with(
    n: usize,
    fill: impl Fn(&mut Vec<Measured>, Range<usize>) -> usize + Sync + Send,
) -> (Magnitudes, BitHistogram) {
    // Most scalars may be zero: only what is left of a chunk gets memory of its own.
    let chunks = parallel::map_range_with(n.div_ceil(CHUNK), Scratch::default, |scratch, i| {
        let count = fill(scratch, i * CHUNK..((i + 1) * CHUNK).min(n));
        scratch[..count].to_vec()
    });
    let mut histogram = BitHistogram([0; 256]);
    for scalar in chunks.iter().flat_map(|chunk| chunk.iter()) {
        histogram.0[scalar.bits as usize] += 1;
    }
    histogram.0[0] = (n - histogram.non_zero()) as u32;
    (Magnitudes(chunks), histogram)
}

impl Measured {
    pub(super) fn magnitude<A: Arith>(&self, scalars: &Scalars<'_>) -> SignedMagnitude {
        if self.bits <= SMALL_BITS {
            SignedMagnitude { negative: self.small < 0, magnitude: [self.small.unsigned_abs(), 0, 0, 0] }
        } else {
            scalars.signed_magnitude::<A>(self.index as usize)
        }
    }
}

/// Bits of an integer of four limbs; without branches, since sizes are mixed.
#[inline(always)]
fn magnitude_bits(magnitude: &[u64; 4]) -> u8 {
    let mut bits = 0;
    for (i, limb) in magnitude.iter().enumerate() {
        let here = 64 * (i as u32 + 1) - limb.leading_zeros();
        bits = core::hint::select_unpredictable(*limb != 0, here, bits);
    }
    bits as u8
}

/// Signed digits of the non-zero scalars, by chunks.
pub(super) struct Digits {
    chunks: Vec<DigitChunk>,
    windows: usize,
}

/// Scalars of one chunk, ordered by falling number of windows, so that the ones with a digit in window w are a prefix.
struct DigitChunk {
    /// Index of each scalar.
    indices: Vec<u32>,
    /// Digits, window after window.
    digits: Vec<i16>,
    /// Digits of window w are those from `offsets[w]` to `offsets[w + 1]`.
    offsets: Vec<usize>,
}

/// Recodes scalars into signed digits: k = ± Σ d_w·2^(c·w), d_w in −2^(c−1)..=2^(c−1).
pub(super) fn msm_scalar_digits<A: Arith>(
    scalars: Scalars<'_>,
    magnitudes: Magnitudes,
    plan: &MsmPlan,
) -> Digits {
    let c = plan.window_bits;
    digits_with(&magnitudes, plan, |active, offsets, digits| {
        for (i, scalar) in active.iter().enumerate() {
            let windows = windows_of(scalar.bits, c);
            recode(&scalar.magnitude::<A>(&scalars), c, windows, |w, digit| digits[offsets[w] + i] = digit);
        }
    })
}

/// Digits by `fill(active, offsets, digits)`: scalars of one chunk by falling number of windows, and where the digits of each window
/// go, which are as many as there are scalars with one.
pub(super) fn digits_with(
    magnitudes: &Magnitudes,
    plan: &MsmPlan,
    fill: impl Fn(&[Measured], &[usize], &mut [i16]) + Sync + Send,
) -> Digits {
    let windows = plan.window_scalars.len();
    let windows_of_bits: [u8; 256] =
        core::array::from_fn(|bits| windows_of(bits as u32, plan.window_bits) as u8);
    let chunks = &magnitudes.0;
    let chunks =
        parallel::map_range_with(chunks.len(), Scratch::default, |active: &mut Scratch<Measured>, i| {
            // Not even what is no element of the field has none.
            let windows_of = |scalar: &Measured| usize::from(windows_of_bits[scalar.bits as usize]).max(1);
            let chunk = &chunks[i];
            // Counting sort. longer[k]: scalars with more than k windows.
            let mut longer = vec![0usize; windows + 1];
            for scalar in chunk.iter() {
                longer[windows_of(scalar) - 1] += 1;
            }
            for k in (0..windows).rev() {
                longer[k] += longer[k + 1];
            }
            let mut offsets = vec![0; windows + 1];
            for w in 0..windows {
                offsets[w + 1] = offsets[w] + longer[w];
            }
            if active.len() < chunk.len() {
                active.resize(chunk.len(), Measured::default());
            }
            let active = &mut active[..chunk.len()];
            // Scalars with k windows come after those with more.
            for scalar in chunk.iter() {
                let place = &mut longer[windows_of(scalar)];
                active[*place] = *scalar;
                *place += 1;
            }
            let mut digits = vec![0i16; offsets[windows]];
            fill(active, &offsets, &mut digits);
            let indices = active.iter().map(|scalar| scalar.index).collect();
            DigitChunk { indices, digits, offsets }
        });
    Digits { chunks, windows }
}

/// Calls `emit(window, digit)` for each window, lowest first.
#[inline(always)]
fn recode(scalar: &SignedMagnitude, c: u32, windows: u32, mut emit: impl FnMut(usize, i16)) {
    let (mask, half) = ((1u64 << c) - 1, 1u64 << (c - 1));
    let mut carry = 0u64;
    for w in 0..windows {
        let (limb, shift) = ((w * c / 64) as usize, w * c % 64);
        let mut raw = scalar.magnitude.get(limb).map_or(0, |l| l >> shift);
        if shift + c > 64 {
            raw |= scalar.magnitude.get(limb + 1).map_or(0, |l| l << (64 - shift));
        }
        let value = (raw & mask) + carry;
        carry = u64::from(value > half);
        let digit = value as i32 - ((carry as i32) << c);
        emit(w as usize, if scalar.negative { -digit } else { digit } as i16);
    }
    debug_assert_eq!(carry, 0, "the top window takes the last carry");
}

/// The non-zero digits of windows that share buckets, sorted by bucket.
pub(super) struct SortedWindow {
    /// Index of the base, or of its multiple, shifted left by one, with the sign in bit 0.
    pub(super) entries: Vec<u32>,
    /// Bucket b (digit magnitude b + 1) holds entries `ends[b − 1]..ends[b]`.
    pub(super) ends: Vec<u32>,
}

/// Counting sort of (bucket, ±index) pairs of windows `set`, `set` + `sets`, …; stable, so the order does not depend
/// on threads. Level j of these windows reads bases from `stride`·j on.
pub(super) fn msm_bucket_sort(
    digits: &Digits,
    set: usize,
    sets: usize,
    stride: usize,
    buckets: usize,
) -> SortedWindow {
    let windows = || (set..digits.windows).step_by(sets);
    let mut next = vec![0u32; buckets + 1];
    for window in windows() {
        digits.for_each(digits.all(), window, |_, digit| next[digit.unsigned_abs() as usize] += 1);
    }
    // Exclusive prefix over magnitudes 1.. ; slot 0 holds the zero digits and is dropped.
    let mut sum = 0;
    for slot in &mut next[1..] {
        let count = *slot;
        *slot = sum;
        sum += count;
    }
    let mut entries = vec![0u32; sum as usize];
    for (level, window) in windows().enumerate() {
        let first = (level * stride) as u32;
        digits.for_each(digits.all(), window, |index, digit| {
            if digit != 0 {
                let slot = &mut next[digit.unsigned_abs() as usize];
                entries[*slot as usize] = (first + index) << 1 | u32::from(digit < 0);
                *slot += 1;
            }
        });
    }
    next.remove(0);
    SortedWindow { entries, ends: next }
}

impl Digits {
    /// Number of windows.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn windows(&self) -> usize {
        self.windows
    }

    /// All chunks.
    pub(super) fn all(&self) -> Range<usize> {
        0..self.chunks.len()
    }

    /// Digits of each chunk.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn of_chunks(&self) -> Vec<usize> {
        self.chunks.iter().map(|chunk| chunk.digits.len()).collect()
    }

    /// Calls `f(scalar index, digit)` for every scalar of `chunks` with a digit in `window`.
    #[inline(always)]
    pub(super) fn for_each(&self, chunks: Range<usize>, window: usize, mut f: impl FnMut(u32, i16)) {
        for chunk in &self.chunks[chunks] {
            let digits = &chunk.digits[chunk.offsets[window]..chunk.offsets[window + 1]];
            for (&index, &digit) in chunk.indices.iter().zip(digits) {
                f(index, digit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_recompose_to_the_magnitude() {
        let magnitudes =
            [[1, 0, 0, 0], [u64::MAX; 4].map(|l| l >> 2), [u64::MAX, u64::MAX, u64::MAX, (1 << 61) - 1]];
        for magnitude in magnitudes {
            for c in 2..=15 {
                let bits = u32::from(magnitude_bits(&magnitude));
                // Σ d·2^(c·w) in 320-bit two's complement.
                let mut sum = [0i128; 5];
                recode(&SignedMagnitude { negative: false, magnitude }, c, windows_of(bits, c), |w, d| {
                    assert!(i32::from(d).abs() <= 1 << (c - 1));
                    let at = w * c as usize;
                    sum[at / 64] += i128::from(d) << (at % 64);
                });
                let mut carry = 0i128;
                for (limb, total) in magnitude.iter().zip(sum) {
                    let total = total + carry;
                    assert_eq!(total as u64, *limb, "c = {c}");
                    carry = total >> 64;
                }
                assert_eq!(sum[4] + carry, 0);
            }
        }
    }
}
