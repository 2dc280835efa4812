//! Stage `msm_scalar_digits` for lanes.

use crate::bn254::SCALAR_MODULUS;
use crate::field::ifma::{Ifma, LaneParams, Lanes, V, kernel, to_limbs};
use crate::field::{Adx, Fr, FrParams};
use crate::msm::digits::{Digits, Magnitudes, digits_with, measure_with};
use crate::msm::plan::{BitHistogram, MsmPlan};
use crate::msm::scalars::Scalars;

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
    measure_with(n, |range, bits, small| {
        measure_field(ifma, &field[range.clone()], bits, small);
        for (i, bits) in range.zip(bits) {
            if skip(i) {
                *bits = 0;
            }
        }
    })
}

/// Recodes scalars into signed digits, as [`crate::msm::digits::msm_scalar_digits`] does.
pub(in crate::msm) fn msm_scalar_digits(
    ifma: Ifma,
    scalars: Scalars<'_>,
    magnitudes: &Magnitudes,
    plan: &MsmPlan,
) -> Digits {
    digits_with(magnitudes, plan, |active, in_window, offsets, digits| {
        recode(ifma, scalars, magnitudes, active, in_window, offsets, plan.window_bits, digits);
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
    let limbs = magnitude.limbs();
    let ifma = limbs[0].ifma();
    let mut bits = ifma.splat(0);
    for i in 0..5 {
        let here = ifma.splat(64 + 52 * i as u64).sub(limbs[i].leading_zeros());
        bits = here.select(limbs[i].zero_lanes(), bits);
    }
    bits
}

kernel! {
    /// Bits of each scalar's magnitude, and the low 64 bits of its signed value.
    fn measure_field(ifma: Ifma, scalars: &[Fr], bits_out: &mut [u8], small: &mut [i64]) {
        let mut start = 0;
        while start < scalars.len() {
            let count = (scalars.len() - start).min(8);
            let mut raw = [[0; 4]; 8];
            for i in 0..count {
                raw[i] = scalars[start + i].to_montgomery();
            }
            let (magnitude, negative) = magnitude(ifma, Lanes::load_raw(ifma, &raw));
            let bits = bits(&magnitude).to_array();
            let low = magnitude.to_words()[0];
            let low = low.select(negative, low.zero().sub(low)).to_array();
            for i in 0..count {
                bits_out[start + i] = bits[i] as u8;
                small[start + i] = low[i] as i64;
            }
            start += 8;
        }
    }

    /// Digits of the scalars of `active`; `in_window[w]` of them have one in window w, which goes to `offsets[w]` on.
    fn recode(
        ifma: Ifma,
        scalars: Scalars<'_>,
        magnitudes: &Magnitudes,
        active: &[u32],
        in_window: &[usize],
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
            let negative = match scalars {
                Scalars::Field(field) => {
                    let mut raw = [[0; 4]; 8];
                    for i in 0..group.len() {
                        raw[i] = field[group[i] as usize].to_montgomery();
                    }
                    let (magnitude, negative) = magnitude(ifma, Lanes::load_raw(ifma, &raw));
                    let columns = magnitude.to_words();
                    for i in 0..4 {
                        columns[i].store(&mut words[i]);
                    }
                    negative
                }
                _ => {
                    let mut negative = 0;
                    for i in 0..group.len() {
                        let scalar = magnitudes.of::<Adx>(&scalars, group[i] as usize);
                        negative |= u8::from(scalar.negative) << i;
                        for limb in 0..4 {
                            words[limb][i] = scalar.magnitude[limb];
                        }
                    }
                    negative
                }
            };
            let mut carry = zero;
            for w in 0..in_window.len() {
                let count = in_window[w].saturating_sub(start).min(8);
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
