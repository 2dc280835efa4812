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
    let mut before = [Fp::ONE; LANES];
    let mut product = a[0];
    for i in 1..LANES {
        before[i] = product;
        product *= a[i];
    }
    let mut rest = product.inverse_vartime()? * Fp::from_montgomery_unchecked(scale);
    let mut out = [[0; 4]; LANES];
    for i in (1..LANES).rev() {
        out[i] = (rest * before[i]).to_montgomery();
        rest *= a[i];
    }
    out[0] = rest.to_montgomery();
    Some(Lanes::load_raw(ifma, &out))
}
