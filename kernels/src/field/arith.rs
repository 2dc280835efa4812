//! The Montgomery product, in the forms among which a kernel is compiled.
//!
//! A form is a type parameter of the field element, so a whole kernel is compiled for one form and the choice is
//! made once, where the kernel is entered (see [`crate::dispatch`]).

use super::params::{FieldParams, add_raw, sub_raw};
use core::fmt::Debug;

/// A form of the Montgomery product over 4x64-bit limbs, R = 2^256.
pub trait Arith: Copy + Clone + Debug + Default + Eq + Send + Sync + 'static {
    /// a·b/R mod p, not fully reduced.
    ///
    /// In: any a < 2^256, and b + p < 2^256. Out: < p + a·b/R; for a < 4p, b < p this is < 2p, for a, b < 2p too.
    fn mul_lazy<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4];

    /// a − m if a ≥ m, else a; m is one of p and 2p.
    ///
    /// Without a branch: which of the two holds is a coin toss, and a wrong guess costs as much as half a product.
    #[inline(always)]
    fn reduce(a: &[u64; 4], m: &[u64; 4]) -> [u64; 4] {
        let (d, borrow) = sub_raw(*a, *m);
        core::array::from_fn(|i| core::hint::select_unpredictable(borrow, a[i], d[i]))
    }

    /// a + b mod p. In: a, b < p. Out: < p.
    #[inline(always)]
    fn add<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        // No carry out: 2p < 2^256.
        Self::reduce(&add_raw(*a, *b).0, &P::MODULUS)
    }

    /// a + b. In: a + b < 2^256.
    #[inline(always)]
    fn add_lazy(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        add_raw(*a, *b).0
    }

    /// a + m − b. In: 0 ≤ a + m − b < 2^256 and a + m < 2^256.
    #[inline(always)]
    fn sub_lazy(a: &[u64; 4], b: &[u64; 4], m: &[u64; 4]) -> [u64; 4] {
        sub_raw(add_raw(*a, *m).0, *b).0
    }

    /// a − b mod p. In: a, b < p. Out: < p.
    #[inline(always)]
    fn sub<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let (d, borrow) = sub_raw(*a, *b);
        let mask = u64::from(borrow).wrapping_neg();
        add_raw(d, P::MODULUS.map(|limb| limb & mask)).0
    }

    /// a·b/R mod p. In: a·b < R·p. Out: < p.
    #[inline(always)]
    fn mul<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        Self::reduce(&Self::mul_lazy::<P>(a, b), &P::MODULUS)
    }

    /// a²/R mod p. In: a < p. Out: < p.
    #[inline(always)]
    fn square<P: FieldParams>(a: &[u64; 4]) -> [u64; 4] {
        Self::mul::<P>(a, a)
    }

    /// Cooley–Tukey: (x, y) ← (x + w·y, x − w·y). In: x, y < 4p, w < p. Out: < 4p.
    #[inline(always)]
    fn butterfly_ct_4p<P: FieldParams>(x: &mut [u64; 4], y: &mut [u64; 4], w: &[u64; 4]) {
        let a = Self::reduce(x, &P::MODULUS_2);
        let b = Self::mul_lazy::<P>(y, w);
        *x = Self::add_lazy(&a, &b);
        *y = Self::sub_lazy(&a, &b, &P::MODULUS_2);
    }

    /// Gentleman–Sande: (x, y) ← (x + y, (x − y)·w). In: x, y < 2p, w < p. Out: < 2p.
    #[inline(always)]
    fn butterfly_gs_2p<P: FieldParams>(x: &mut [u64; 4], y: &mut [u64; 4], w: &[u64; 4]) {
        let difference = Self::sub_lazy(x, y, &P::MODULUS_2);
        *x = Self::reduce(&Self::add_lazy(x, y), &P::MODULUS_2);
        *y = Self::mul_lazy::<P>(&difference, w);
    }
}

/// Plain Rust; correct on every target.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plain;

impl Arith for Plain {
    // Coarsely integrated operand scanning (Koç, Acar, Kaliski 1996). Four result limbs suffice between rows
    // because t < b + p < 2^256 after each of them.
    #[inline(always)]
    fn mul_lazy<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let p = P::MODULUS;
        let mut t = [0u64; 4];
        for &ai in a {
            let (t0, c) = ai.carrying_mul_add(b[0], t[0], 0);
            let (t1, c) = ai.carrying_mul_add(b[1], t[1], c);
            let (t2, c) = ai.carrying_mul_add(b[2], t[2], c);
            let (t3, t4) = ai.carrying_mul_add(b[3], t[3], c);
            let m = t0.wrapping_mul(P::INV);
            let (_, c) = m.carrying_mul_add(p[0], t0, 0);
            let (u0, c) = m.carrying_mul_add(p[1], t1, c);
            let (u1, c) = m.carrying_mul_add(p[2], t2, c);
            let (u2, c) = m.carrying_mul_add(p[3], t3, c);
            t = [u0, u1, u2, t4.wrapping_add(c)];
        }
        t
    }
}
