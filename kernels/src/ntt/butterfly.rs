//! Lazy butterflies: residues stay below 4p (Cooley–Tukey) or 2p (Gentleman–Sande) between layers.

use crate::field::{Arith, Fp, FrParams};

/// (x, y) → (x + w·y, x − w·y). In: < 4p, w < p. Out: < 4p.
#[inline(always)]
pub(super) fn cooley_tukey_4p<A: Arith>(
    x: &mut Fp<FrParams, A>,
    y: &mut Fp<FrParams, A>,
    w: Fp<FrParams, A>,
) {
    let a = x.reduce_to_2p();
    let b = y.mul_lazy(w);
    *x = a.add_lazy(b);
    *y = a.sub_lazy_4p(b);
}

/// (x, y) → (x + y, (x − y)·w). In: < 2p, w < p. Out: < 2p.
#[inline(always)]
pub(super) fn gentleman_sande_2p<A: Arith>(
    x: &mut Fp<FrParams, A>,
    y: &mut Fp<FrParams, A>,
    w: Fp<FrParams, A>,
) {
    let (a, b) = (*x, *y);
    *x = a.add_lazy(b).reduce_to_2p();
    *y = a.sub_lazy_4p(b).mul_lazy(w);
}
