//! Products by constants that are known beforehand.
//!
//! A constant w comes with w' = ⌊w·2^260/p⌋ (Shoup's trick; Harvey, "Faster arithmetic for number-theoretic transforms",
//! 2014): the quotient of y·w by p is the upper half of y·w', and of y·w − q·p, which is small, the lower half is all there
//! is. The lower columns of y·w' are left out: each unit that q lacks leaves one more p in the result.
//!
//! Cost: 84 instructions of the vector ports (two a cycle), and 8 for the carries of y; [`Lanes::mul_lazy`] has 111.

use super::simd::V;
use super::{Ifma, LaneParams, Lanes, MASK, Stored, Wide, five, subtract_quotient, to_limbs};
use crate::field::Fp;
use crate::field::params::FieldParams;
use core::arch::asm;
use core::arch::x86_64::__m512i;
use core::marker::PhantomData;

/// A constant w to multiply with.
#[derive(Copy, Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Multiplier {
    /// w, below p.
    w: [u64; 5],
    /// w' = ⌊w·2^260/p⌋.
    ratio: [u64; 5],
    /// 5 − ⌈w'/2⌉ mod 2^260: the upper half of (y + 2^259)·w' has ⌈w'/2⌉ too much, and lacks 5 in the middle.
    offset: [u64; 5],
    /// Of the top limb: 2^259.
    half: u64,
}

impl Multiplier {
    /// Products by `w`, whatever the representation of the other factor.
    pub(crate) fn new<P: FieldParams>(w: Fp<P>) -> Self {
        // w·2^260 = w'·p + r, thus w' = −r/p mod 2^260, digit by digit: each clears a limb of r + w'·p.
        let mut rest = to_limbs((w * Fp::from(16u64)).to_montgomery()).map(u128::from);
        let mut ratio = [0; 5];
        for i in 0..5 {
            ratio[i] = (rest[i] as u64).wrapping_mul(LaneParams::<P>::NEG_INV) & MASK;
            for j in 0..5 - i {
                rest[i + j] += u128::from(ratio[i]) * u128::from(LaneParams::<P>::P[j]);
            }
            if i < 4 {
                rest[i + 1] += rest[i] >> 52;
            }
        }
        let mut offset = [0; 5];
        let mut carry = 5 - i64::from(ratio[0] as u32 & 1 == 1);
        for i in 0..5 {
            let half = ratio[i] >> 1 | if i < 4 { ratio[i + 1] << 51 & MASK } else { 0 };
            carry -= half as i64;
            offset[i] = carry as u64 & MASK;
            carry >>= 52;
        }
        Self { w: to_limbs(w.to_canonical()), ratio, offset, half: 1 << 51 }
    }
}

/// Eight integers modulo 2^260, of which each stands for one in −2^259..2^259, that is ±42·p.
///
/// Limbs are 64-bit numbers with carries in them; bits of the top limb above 2^52 say nothing.
#[derive(Copy, Clone)]
pub(crate) struct Balanced<P>([V; 5], PhantomData<P>);

impl<P: FieldParams> Balanced<P> {
    #[inline(always)]
    pub(crate) fn load(ifma: Ifma, from: &Stored) -> Self {
        Self(from.load_wide::<P>(ifma).0, PhantomData)
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut Stored) {
        Wide::<P>(self.0, PhantomData).store_wide(to);
    }

    #[inline(always)]
    pub(crate) fn add(self, b: Self) -> Self {
        Self(five!(I => self.0[I].add(b.0[I])), PhantomData)
    }

    #[inline(always)]
    pub(crate) fn sub(self, b: Self) -> Self {
        Self(five!(I => self.0[I].sub(b.0[I])), PhantomData)
    }

    /// Carries, but bits above 2^52 stay in the limbs; the multiplier does not read them.
    #[inline(always)]
    fn carry(self) -> [V; 5] {
        let mut r = self.0;
        for i in 0..4 {
            r[i + 1] = r[i + 1].add(r[i].sar::<52>());
        }
        r
    }

    /// w·self. Out: ±5.5·p.
    #[inline(always)]
    pub(crate) fn mul(self, w: &Multiplier) -> Self {
        let y = self.carry();
        // SAFETY: a `V` proves the features.
        let product = unsafe { compiled(five!(I => y[I].raw()), w, const { &LaneParams::<P>::NEG_P }) };
        Self(product, PhantomData)
    }

    /// The same residue, 0 to 2·p, in limbs below 2^55. In: ±42·p. Cost: 28.
    #[inline(always)]
    pub(crate) fn shrink(self) -> Self {
        let r = self.to_lanes::<42>().0;
        Self(subtract_quotient::<P>(r, r[4]), PhantomData)
    }

    #[inline(always)]
    fn add_p<const K: u64>(self) -> Self {
        Self(Wide::<P>(self.0, PhantomData).add_p::<K>().0, PhantomData)
    }

    /// The same residue, K·p more. In: at least −K·p, below (84 − K)·p.
    #[inline(always)]
    pub(crate) fn to_lanes<const K: u64>(self) -> Lanes<P> {
        let mut r = self.add_p::<K>().carry();
        let mask = r[0].ifma().splat(MASK);
        for limb in &mut r {
            *limb = limb.and(mask);
        }
        Lanes(r, PhantomData)
    }
}

impl<P> From<Lanes<P>> for Balanced<P> {
    #[inline(always)]
    fn from(lanes: Lanes<P>) -> Self {
        Self(lanes.0, PhantomData)
    }
}

impl<P> From<Wide<P>> for Balanced<P> {
    #[inline(always)]
    fn from(wide: Wide<P>) -> Self {
        Self(wide.0, PhantomData)
    }
}

macro_rules! madd {
    ($half:literal $to:literal $a:literal $b:literal) => {
        concat!("vpmadd52", $half, "uq {", $to, "}, {", $a, "}, {", $b, "}\n")
    };
}

// The carry of `$from`, which nothing else needs.
macro_rules! carry {
    ($from:literal $to:literal) => {
        concat!("vpsrlq {c}, {", $from, "}, 52\nvpaddq {", $to, "}, {", $to, "}, {c}\n")
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn compiled(y: [__m512i; 5], w: &Multiplier, n: &'static [u64; 5]) -> [V; 5] {
    // An unnamed output has no type, and would get a register of another kind.
    let (l0, l1, l2, l3, l4): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_q0, _q1, _q2, _q3, _q4): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_w0, _w1, _w2, _w3, _w4): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_r0, _r1, _r2, _r3, _r4): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_b, _c): (__m512i, __m512i);
    // SAFETY: pure; reads no memory but the constants.
    unsafe {
        asm!(
            "vpaddq {b}, {y4}, qword ptr [{m} + 120]{{1to8}}",
            "vpbroadcastq {q0}, qword ptr [{m} + 80]",
            "vpbroadcastq {q1}, qword ptr [{m} + 88]",
            "vpbroadcastq {q2}, qword ptr [{m} + 96]",
            "vpbroadcastq {q3}, qword ptr [{m} + 104]",
            "vpbroadcastq {q4}, qword ptr [{m} + 112]",
            "vpbroadcastq {r4}, qword ptr [{m} + 72]",
            "vpbroadcastq {w4}, qword ptr [{m} + 32]",
            "vpbroadcastq {r3}, qword ptr [{m} + 64]",
            "vpbroadcastq {w3}, qword ptr [{m} + 24]",
            "vpbroadcastq {r2}, qword ptr [{m} + 56]",
            "vpbroadcastq {w2}, qword ptr [{m} + 16]",
            "vpbroadcastq {r1}, qword ptr [{m} + 48]",
            "vpbroadcastq {w1}, qword ptr [{m} + 8]",
            "vpbroadcastq {r0}, qword ptr [{m} + 40]",
            "vpbroadcastq {w0}, qword ptr [{m} + 0]",
            "vpxorq {l0}, {l0}, {l0}",
            "vpxorq {l1}, {l1}, {l1}",
            "vpxorq {l2}, {l2}, {l2}",
            "vpxorq {l3}, {l3}, {l3}",
            "vpxorq {l4}, {l4}, {l4}",
            // Columns 5 to 9 of (y + 2^259)·w' in q, columns 0 to 4 of y·w in l.
            madd!("h" "q0" "y0" "r4"),
            madd!("l" "l4" "y0" "w4"),
            madd!("h" "q1" "y1" "r4"),
            madd!("l" "l3" "y0" "w3"),
            madd!("h" "q2" "y2" "r4"),
            madd!("l" "l2" "y0" "w2"),
            madd!("h" "q3" "y3" "r4"),
            madd!("l" "l1" "y0" "w1"),
            madd!("h" "q4" "b" "r4"),
            madd!("l" "l0" "y0" "w0"),
            madd!("l" "q0" "y1" "r4"),
            madd!("h" "l4" "y0" "w3"),
            madd!("l" "q1" "y2" "r4"),
            madd!("h" "l3" "y0" "w2"),
            madd!("l" "q2" "y3" "r4"),
            madd!("h" "l2" "y0" "w1"),
            madd!("l" "q3" "b" "r4"),
            madd!("h" "l1" "y0" "w0"),
            madd!("h" "q0" "y1" "r3"),
            madd!("l" "l4" "y1" "w3"),
            madd!("h" "q1" "y2" "r3"),
            madd!("l" "l3" "y1" "w2"),
            madd!("h" "q2" "y3" "r3"),
            madd!("l" "l2" "y1" "w1"),
            madd!("h" "q3" "b" "r3"),
            madd!("l" "l1" "y1" "w0"),
            madd!("l" "q0" "y2" "r3"),
            madd!("h" "l4" "y1" "w2"),
            madd!("l" "q1" "y3" "r3"),
            madd!("h" "l3" "y1" "w1"),
            madd!("l" "q2" "b" "r3"),
            madd!("h" "l2" "y1" "w0"),
            madd!("h" "q0" "y2" "r2"),
            madd!("l" "l4" "y2" "w2"),
            madd!("h" "q1" "y3" "r2"),
            madd!("l" "l3" "y2" "w1"),
            madd!("h" "q2" "b" "r2"),
            madd!("l" "l2" "y2" "w0"),
            madd!("l" "q0" "y3" "r2"),
            madd!("h" "l4" "y2" "w1"),
            madd!("l" "q1" "b" "r2"),
            madd!("h" "l3" "y2" "w0"),
            madd!("h" "q0" "y3" "r1"),
            madd!("l" "l4" "y3" "w1"),
            madd!("h" "q1" "b" "r1"),
            madd!("l" "l3" "y3" "w0"),
            madd!("l" "q0" "b" "r1"),
            madd!("h" "l4" "y3" "w0"),
            madd!("h" "q0" "b" "r0"),
            madd!("l" "l4" "y4" "w0"),
            // l − q·p.
            "vpbroadcastq {r4}, qword ptr [{n} + 32]",
            "vpbroadcastq {r3}, qword ptr [{n} + 24]",
            "vpbroadcastq {r2}, qword ptr [{n} + 16]",
            "vpbroadcastq {r1}, qword ptr [{n} + 8]",
            "vpbroadcastq {r0}, qword ptr [{n} + 0]",
            carry!("q0" "q1"),
            madd!("l" "l4" "q0" "r4"),
            madd!("l" "l3" "q0" "r3"),
            madd!("h" "l4" "q0" "r3"),
            madd!("l" "l2" "q0" "r2"),
            madd!("h" "l3" "q0" "r2"),
            madd!("l" "l1" "q0" "r1"),
            madd!("h" "l2" "q0" "r1"),
            madd!("l" "l0" "q0" "r0"),
            madd!("h" "l1" "q0" "r0"),
            carry!("q1" "q2"),
            madd!("l" "l4" "q1" "r3"),
            madd!("l" "l3" "q1" "r2"),
            madd!("h" "l4" "q1" "r2"),
            madd!("l" "l2" "q1" "r1"),
            madd!("h" "l3" "q1" "r1"),
            madd!("l" "l1" "q1" "r0"),
            madd!("h" "l2" "q1" "r0"),
            carry!("q2" "q3"),
            madd!("l" "l4" "q2" "r2"),
            madd!("l" "l3" "q2" "r1"),
            madd!("h" "l4" "q2" "r1"),
            madd!("l" "l2" "q2" "r0"),
            madd!("h" "l3" "q2" "r0"),
            carry!("q3" "q4"),
            madd!("l" "l4" "q3" "r1"),
            madd!("l" "l3" "q3" "r0"),
            madd!("h" "l4" "q3" "r0"),
            madd!("l" "l4" "q4" "r0"),
            y0 = in(zmm_reg) y[0], y1 = in(zmm_reg) y[1], y2 = in(zmm_reg) y[2], y3 = in(zmm_reg) y[3],
            y4 = in(zmm_reg) y[4],
            m = in(reg) w, n = in(reg) n,
            w0 = out(zmm_reg) _w0, w1 = out(zmm_reg) _w1, w2 = out(zmm_reg) _w2, w3 = out(zmm_reg) _w3,
            w4 = out(zmm_reg) _w4, r0 = out(zmm_reg) _r0, r1 = out(zmm_reg) _r1, r2 = out(zmm_reg) _r2,
            r3 = out(zmm_reg) _r3, r4 = out(zmm_reg) _r4,
            l0 = out(zmm_reg) l0, l1 = out(zmm_reg) l1, l2 = out(zmm_reg) l2, l3 = out(zmm_reg) l3,
            l4 = out(zmm_reg) l4,
            q0 = out(zmm_reg) _q0, q1 = out(zmm_reg) _q1, q2 = out(zmm_reg) _q2, q3 = out(zmm_reg) _q3,
            q4 = out(zmm_reg) _q4, b = out(zmm_reg) _b, c = out(zmm_reg) _c,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [V::from_raw(l0), V::from_raw(l1), V::from_raw(l2), V::from_raw(l3), V::from_raw(l4)]
}
