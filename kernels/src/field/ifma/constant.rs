//! Products by constants that are known beforehand.
//!
//! A constant w comes with w' = ⌊w·2^260/p⌋ (Shoup's trick; Harvey, "Faster arithmetic for number-theoretic transforms",
//! 2014): the quotient of y·w by p is the upper half of y·w', and of y·w − q·p, which is small, the lower half is all there
//! is. The lower columns of y·w' are left out: each unit that q lacks leaves one more p in the result.
//!
//! Cost: 84 instructions of the vector ports (two a cycle), and 8 for the carries of y; [`Lanes::mul_lazy`] has 111.

use super::simd::V;
use super::{Ifma, LaneParams, Lanes, MASK, Stored, Wide, five, to_limbs};
use crate::field::params::FieldParams;
use crate::field::Fp;
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
        let n = five!(I => self.0[0].ifma().splat(LaneParams::<P>::NEG_P[I]));
        let y = self.carry();
        // SAFETY: a `V` proves the features.
        let product = unsafe { compiled(five!(I => y[I].raw()), w, five!(I => n[I].raw())) };
        Self(product, PhantomData)
    }

    /// The same residue, 0 to 2·p, in limbs below 2^55. In: ±42·p. Cost: 28.
    #[inline(always)]
    pub(crate) fn shrink(self) -> Self {
        let Lanes(mut r, _) = self.to_lanes::<42>();
        let ifma = r[0].ifma();
        // ⌊top·⌊2^305/p⌋/2^97⌋ is ⌊value/p⌋ or one less: both roundings cut off less than 2^-40.
        let quotient = r[0].zero().madd_hi(r[4], ifma.splat(LaneParams::<P>::RECIPROCAL)).shr::<45>();
        for j in 0..5 {
            r[j] = r[j].madd_lo(quotient, ifma.splat(LaneParams::<P>::NEG_P[j]));
        }
        for j in 0..4 {
            r[j + 1] = r[j + 1].madd_hi(quotient, ifma.splat(LaneParams::<P>::NEG_P[j]));
        }
        Self(r, PhantomData)
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

// `$to` += low or high half of `$y` times a limb of the constant.
macro_rules! lo {
    ($to:literal, $y:literal, $w:literal) => {
        concat!("vpmadd52luq {", $to, "}, {", $y, "}, qword ptr ", $w, "{{1to8}}\n")
    };
}
macro_rules! hi {
    ($to:literal, $y:literal, $w:literal) => {
        concat!("vpmadd52huq {", $to, "}, {", $y, "}, qword ptr ", $w, "{{1to8}}\n")
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
fn compiled(y: [__m512i; 5], w: &Multiplier, n: [__m512i; 5]) -> [V; 5] {
    // An unnamed output has no type, and would get a register of another kind.
    let (l0, l1, l2, l3, l4): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_q0, _q1, _q2, _q3, _q4): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_b, _c): (__m512i, __m512i);
    // SAFETY: pure; reads no memory but the constant.
    unsafe {
        asm!(
            "vpaddq {b}, {y4}, qword ptr [{w} + 120]{{1to8}}",
            "vpbroadcastq {q0}, qword ptr [{w} + 80]",
            "vpbroadcastq {q1}, qword ptr [{w} + 88]",
            "vpbroadcastq {q2}, qword ptr [{w} + 96]",
            "vpbroadcastq {q3}, qword ptr [{w} + 104]",
            "vpbroadcastq {q4}, qword ptr [{w} + 112]",
            "vpxorq {l0}, {l0}, {l0}",
            "vpxorq {l1}, {l1}, {l1}",
            "vpxorq {l2}, {l2}, {l2}",
            "vpxorq {l3}, {l3}, {l3}",
            "vpxorq {l4}, {l4}, {l4}",
            // Columns 5 to 9 of (y + 2^259)·w' in q, columns 0 to 4 of y·w in l.
            hi!("q0", "y0", "[{w} + 72]"),
            lo!("l4", "y0", "[{w} + 32]"),
            hi!("q1", "y1", "[{w} + 72]"),
            lo!("l3", "y0", "[{w} + 24]"),
            hi!("q2", "y2", "[{w} + 72]"),
            lo!("l2", "y0", "[{w} + 16]"),
            hi!("q3", "y3", "[{w} + 72]"),
            lo!("l1", "y0", "[{w} + 8]"),
            hi!("q4", "b", "[{w} + 72]"),
            lo!("l0", "y0", "[{w} + 0]"),
            lo!("q0", "y1", "[{w} + 72]"),
            hi!("l4", "y0", "[{w} + 24]"),
            lo!("q1", "y2", "[{w} + 72]"),
            hi!("l3", "y0", "[{w} + 16]"),
            lo!("q2", "y3", "[{w} + 72]"),
            hi!("l2", "y0", "[{w} + 8]"),
            lo!("q3", "b", "[{w} + 72]"),
            hi!("l1", "y0", "[{w} + 0]"),
            hi!("q0", "y1", "[{w} + 64]"),
            lo!("l4", "y1", "[{w} + 24]"),
            hi!("q1", "y2", "[{w} + 64]"),
            lo!("l3", "y1", "[{w} + 16]"),
            hi!("q2", "y3", "[{w} + 64]"),
            lo!("l2", "y1", "[{w} + 8]"),
            hi!("q3", "b", "[{w} + 64]"),
            lo!("l1", "y1", "[{w} + 0]"),
            lo!("q0", "y2", "[{w} + 64]"),
            hi!("l4", "y1", "[{w} + 16]"),
            lo!("q1", "y3", "[{w} + 64]"),
            hi!("l3", "y1", "[{w} + 8]"),
            lo!("q2", "b", "[{w} + 64]"),
            hi!("l2", "y1", "[{w} + 0]"),
            hi!("q0", "y2", "[{w} + 56]"),
            lo!("l4", "y2", "[{w} + 16]"),
            hi!("q1", "y3", "[{w} + 56]"),
            lo!("l3", "y2", "[{w} + 8]"),
            hi!("q2", "b", "[{w} + 56]"),
            lo!("l2", "y2", "[{w} + 0]"),
            lo!("q0", "y3", "[{w} + 56]"),
            hi!("l4", "y2", "[{w} + 8]"),
            lo!("q1", "b", "[{w} + 56]"),
            hi!("l3", "y2", "[{w} + 0]"),
            hi!("q0", "y3", "[{w} + 48]"),
            lo!("l4", "y3", "[{w} + 8]"),
            hi!("q1", "b", "[{w} + 48]"),
            lo!("l3", "y3", "[{w} + 0]"),
            lo!("q0", "b", "[{w} + 48]"),
            hi!("l4", "y3", "[{w} + 0]"),
            hi!("q0", "b", "[{w} + 40]"),
            lo!("l4", "y4", "[{w} + 0]"),
            // l − q·p.
            carry!("q0" "q1"),
            madd!("l" "l4" "q0" "n4"),
            madd!("l" "l3" "q0" "n3"),
            madd!("h" "l4" "q0" "n3"),
            madd!("l" "l2" "q0" "n2"),
            madd!("h" "l3" "q0" "n2"),
            madd!("l" "l1" "q0" "n1"),
            madd!("h" "l2" "q0" "n1"),
            madd!("l" "l0" "q0" "n0"),
            madd!("h" "l1" "q0" "n0"),
            carry!("q1" "q2"),
            madd!("l" "l4" "q1" "n3"),
            madd!("l" "l3" "q1" "n2"),
            madd!("h" "l4" "q1" "n2"),
            madd!("l" "l2" "q1" "n1"),
            madd!("h" "l3" "q1" "n1"),
            madd!("l" "l1" "q1" "n0"),
            madd!("h" "l2" "q1" "n0"),
            carry!("q2" "q3"),
            madd!("l" "l4" "q2" "n2"),
            madd!("l" "l3" "q2" "n1"),
            madd!("h" "l4" "q2" "n1"),
            madd!("l" "l2" "q2" "n0"),
            madd!("h" "l3" "q2" "n0"),
            carry!("q3" "q4"),
            madd!("l" "l4" "q3" "n1"),
            madd!("l" "l3" "q3" "n0"),
            madd!("h" "l4" "q3" "n0"),
            madd!("l" "l4" "q4" "n0"),
            y0 = in(zmm_reg) y[0], y1 = in(zmm_reg) y[1], y2 = in(zmm_reg) y[2], y3 = in(zmm_reg) y[3],
            y4 = in(zmm_reg) y[4],
            n0 = in(zmm_reg) n[0], n1 = in(zmm_reg) n[1], n2 = in(zmm_reg) n[2], n3 = in(zmm_reg) n[3],
            n4 = in(zmm_reg) n[4],
            w = in(reg) w,
            l0 = out(zmm_reg) l0, l1 = out(zmm_reg) l1, l2 = out(zmm_reg) l2, l3 = out(zmm_reg) l3,
            l4 = out(zmm_reg) l4,
            q0 = out(zmm_reg) _q0, q1 = out(zmm_reg) _q1, q2 = out(zmm_reg) _q2, q3 = out(zmm_reg) _q3,
            q4 = out(zmm_reg) _q4, b = out(zmm_reg) _b, c = out(zmm_reg) _c,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [V::from_raw(l0), V::from_raw(l1), V::from_raw(l2), V::from_raw(l3), V::from_raw(l4)]
}
