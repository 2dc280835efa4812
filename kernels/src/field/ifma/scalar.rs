//! Inversion, in which the lanes meet.

use super::{Ifma, LANES, Lanes};
use crate::field::params::FieldParams;
use crate::field::{Adx, Field, Fp};

/// `scale`/2^256·2^512/a of each lane as an integer mod p, or `None` if a lane is zero. In: any. Out: < p.
///
/// One inversion for all lanes, by Montgomery's trick over single elements. With `scale` = 2^264 mod p the result and a
/// multiply to what multiplies like one.
#[inline(always)]
pub(crate) fn invert<P: FieldParams>(lanes: Lanes<P>, scale: [u64; 4]) -> Option<Lanes<P>> {
    let ifma: Ifma = lanes.ifma();
    let words = lanes.reduce().lanes_to_words();
    let a = words.map(Fp::<P, Adx>::from_montgomery_unchecked);
    // Products of neighbours, and of those: what depends on each other is three products deep, each way.
    let pairs: [_; 4] = core::array::from_fn(|i| a[2 * i] * a[2 * i + 1]);
    let (low, high) = (pairs[0] * pairs[1], pairs[2] * pairs[3]);
    let rest = (low * high).inverse_vartime()? * Fp::from_montgomery_unchecked(scale);
    let (of_low, of_high) = (rest * high, rest * low);
    let of_pairs = [of_low * pairs[1], of_low * pairs[0], of_high * pairs[3], of_high * pairs[2]];
    let out: [_; LANES] = core::array::from_fn(|i| (of_pairs[i / 2] * a[i ^ 1]).to_montgomery());
    Some(Lanes::load_raw(ifma, &out))
}
