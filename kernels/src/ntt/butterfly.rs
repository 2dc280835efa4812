//! Lazy butterflies: residues stay below 4p (Cooley–Tukey) or 2p (Gentleman–Sande) between layers.

use crate::field::{Arith, Fp, FrParams};

/// (x, y) → (x + w·y, x − w·y). In: < 4p, w < p. Out: < 4p.
#[inline(always)]
pub(super) fn cooley_tukey_4p<A: Arith>(
    x: &mut Fp<FrParams, A>,
    y: &mut Fp<FrParams, A>,
    w: &Fp<FrParams, A>,
) {
    A::butterfly_ct_4p::<FrParams>(x.limbs_mut(), y.limbs_mut(), w.limbs());
}

/// (x, y) → (x + y, (x − y)·w). In: < 2p, w < p. Out: < 2p.
#[inline(always)]
pub(super) fn gentleman_sande_2p<A: Arith>(
    x: &mut Fp<FrParams, A>,
    y: &mut Fp<FrParams, A>,
    w: &Fp<FrParams, A>,
) {
    A::butterfly_gs_2p::<FrParams>(x.limbs_mut(), y.limbs_mut(), w.limbs());
}
