//! Stage `msm_scalar_digits` for lanes.

use crate::bn254::SCALAR_MODULUS;
use crate::field::ifma::{Ifma, LaneParams, Lanes, V, kernel, to_limbs};
use crate::field::{Adx, Field, Fr, FrParams};
use crate::msm::digits::{Digits, Magnitudes, Measured, SMALL_BITS, digits_with, measure_with};
use crate::msm::plan::{BitHistogram, MsmPlan};
use crate::msm::scalars::Scalars;
use crate::prefetch::prefetch_far;
use core::ops::Range;

/// Measures the scalars, except where `skip` says that the base is the identity.
pub(in crate::msm) fn measure(
    ifma: Ifma,
    scalars: Scalars<'_>,
    n: usize,
    skip: impl Fn(usize) -> bool + Sync + Send,
) -> (Magnitudes, BitHistogram) {
    let Scalars::Field(field) = scalars else {
        return crate::msm::digits::measure::<Adx>(scalars, n, skip);
    };
    measure_with(n, |chunk, range| {
        if chunk.len() < range.len() + 8 {
            // Groups of eight are written whole.
            chunk.resize(range.len() + 8, Measured::default());
        }
        measure_field(ifma, field, range, &skip, chunk)
    })
}

/// Recodes scalars into signed digits, as [`crate::msm::digits::msm_scalar_digits`] does.
pub(in crate::msm) fn msm_scalar_digits(
    ifma: Ifma,
    scalars: Scalars<'_>,
    magnitudes: Magnitudes,
    plan: &MsmPlan,
) -> Digits {
    digits_with(&magnitudes, plan, |active, offsets, digits| {
        recode(ifma, scalars, active, offsets, plan.window_bits, digits);
    })
}

/// Eight scalars by sign and magnitude, the smaller of k and r − k. In: as they lie in memory.
#[inline(always)]
fn magnitude(ifma: Ifma, raw: Lanes<FrParams>) -> (Lanes<FrParams>, u8) {
    const HALF: [u64; 5] = to_limbs({
        // (r + 1)/2 is the smallest scalar whose opposite is smaller.
        let [a, b, c, d] = SCALAR_MODULUS;
        [(a >> 1 | b << 63) + 1, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1]
    });
    let r = Lanes::splat(ifma, LaneParams::<FrParams>::P);
    // k·2^256·2^4/2^260, from 0 to 1.13·r; then below r.
    let k = raw.leave_montgomery();
    let opposite = r.wide().sub(k.wide()).carry();
    let negative = !k.wide().sub(Lanes::splat(ifma, HALF).wide()).negative_lanes();
    (k.select(negative, opposite), negative)
}

/// Bits of each lane.
#[inline(always)]
fn bits(magnitude: &Lanes<FrParams>) -> V {
    let limbs = magnitude.0;
    let ifma = limbs[0].ifma();
    let mut bits = ifma.splat(0);
    for i in 0..5 {
        let here = ifma.splat(64 + 52 * i as u64).sub(limbs[i].leading_zeros());
        bits = here.select(limbs[i].zero_lanes(), bits);
    }
    bits
}

/// Which of eight scalars are not zero.
#[inline(always)]
fn non_zero(ifma: Ifma, scalars: &[Fr; 8]) -> u8 {
    let raw = |i: usize| scalars[i].to_montgomery();
    let mut mask = 0;
    for i in 0..4 {
        let (low, high) = (raw(2 * i), raw(2 * i + 1));
        let zero = ifma.load_halves(&low, &high).zero_lanes();
        mask |= u8::from(zero & 15 != 15) << (2 * i) | u8::from(zero >> 4 != 15) << (2 * i + 1);
    }
    mask
}

/// Measures the scalars that the first `count` of `indices` name; the others of the group are zeros.
#[inline(always)]
fn measure_group(ifma: Ifma, scalars: &[Fr], indices: &[u32; 8], count: usize, group: &mut [Measured]) {
    let mut raw = [[0; 4]; 8];
    for i in 0..count.min(8) {
        raw[i] = scalars[indices[i] as usize].to_montgomery();
    }
    let (magnitude, negative) = magnitude(ifma, Lanes::load_raw(ifma, &raw));
    let bits = bits(&magnitude).to_array();
    let low = magnitude.to_words()[0];
    let low = low.select(negative, low.zero().sub(low)).to_array();
    for i in 0..8 {
        group[i] = Measured { small: low[i] as i64, index: indices[i], bits: bits[i] as u32 };
    }
}

/// How many groups of eight ahead scalars are asked for: processors do not look beyond a page.
const AHEAD: usize = 16;

kernel! {
    /// Measures the scalars of `range` that are not zero nor skipped into the first places of `chunk`; how many.
    fn measure_field[S: Fn(usize) -> bool](ifma: Ifma, scalars: &[Fr], range: Range<usize>, skip: &S, chunk: &mut [Measured]) -> usize {
        let mut measured = 0;
        // Eight that wait, and what the next group adds.
        let mut indices = [0u32; 16];
        let mut waiting = 0;
        for start in range.clone().step_by(8) {
            let group = &scalars[start..range.end.min(start + 8)];
            let mut mask = match <&[Fr; 8]>::try_from(group) {
                Ok(group) => {
                    prefetch_far(core::ptr::from_ref(group).wrapping_add(AHEAD));
                    non_zero(ifma, group)
                }
                Err(_) => (0..group.len()).map(|i| u8::from(!group[i].is_zero()) << i).sum(),
            };
            for i in 0..group.len() {
                mask &= !(u8::from(skip(start + i)) << i);
            }
            // At most seven wait.
            if let Some(places) = indices[waiting..].first_chunk_mut() {
                ifma.store_places(start as u32, mask, places);
            }
            waiting += mask.count_ones() as usize;
            if waiting >= 8 {
                let (first, second) = indices.split_at_mut(8);
                if let Some(first) = first.first_chunk() {
                    measure_group(ifma, scalars, first, 8, &mut chunk[measured..][..8]);
                }
                first.copy_from_slice(second);
                measured += 8;
                waiting -= 8;
            }
        }
        if waiting > 0
            && let Some(first) = indices.first_chunk()
        {
            measure_group(ifma, scalars, first, waiting, &mut chunk[measured..][..8]);
        }
        measured + waiting
    }

    /// Digits of the scalars of `active`; of those, the first ones have one in window w, which go to `offsets[w]` and up to `offsets[w + 1]`.
    fn recode(
        ifma: Ifma,
        scalars: Scalars<'_>,
        active: &[Measured],
        offsets: &[usize],
        window_bits: u32,
        digits: &mut [i16],
    ) {
        let c = window_bits;
        let (mask, half) = (ifma.splat((1 << c) - 1), ifma.splat(1 << (c - 1)));
        let (one, radix, zero) = (ifma.splat(1), ifma.splat(1 << c), ifma.splat(0));
        let mut start = 0;
        while start < active.len() {
            let group = &active[start..active.len().min(start + 8)];
            let mut words = [[0u64; 8]; 5];
            let mut negative = 0;
            let mut longest = 0;
            for i in 0..group.len() {
                longest = group[i].bits.max(longest);
            }
            match scalars {
                Scalars::Field(field) if longest > SMALL_BITS => {
                    let mut raw = [[0; 4]; 8];
                    for i in 0..group.len() {
                        raw[i] = field[group[i].index as usize].to_montgomery();
                    }
                    let (magnitude, signs) = magnitude(ifma, Lanes::load_raw(ifma, &raw));
                    let columns = magnitude.to_words();
                    for i in 0..4 {
                        columns[i].store(&mut words[i]);
                    }
                    negative = signs;
                }
                _ => {
                    for i in 0..group.len() {
                        let scalar = group[i].magnitude::<Adx>(&scalars);
                        negative |= u8::from(scalar.negative) << i;
                        for limb in 0..4 {
                            words[limb][i] = scalar.magnitude[limb];
                        }
                    }
                }
            }
            let mut carry = zero;
            for w in 0..offsets.len() - 1 {
                let count = (offsets[w + 1] - offsets[w]).saturating_sub(start).min(8);
                if count == 0 {
                    break;
                }
                let (limb, shift) = (w * c as usize / 64, w as u64 * u64::from(c) % 64);
                let (low, high) = (words[limb.min(4)], words[(limb + 1).min(4)]);
                let raw = ifma.load(&low).shr_pair_by(ifma.load(&high), ifma.splat(shift));
                let value = raw.and(mask).add(carry);
                let over = value.greater_lanes(half);
                carry = zero.select(over, one);
                let digit = value.select_sub(over, value, radix);
                let digit = digit.select_sub(negative, zero, digit);
                digit.store_i16(&mut digits[offsets[w] + start..], count);
            }
            start += 8;
        }
    }
}
