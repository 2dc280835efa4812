//! Eight field elements side by side: limbs of 52 bits and the multiplier of AVX-512 IFMA.
//!
//! An element of a [`Lanes`] is an integer of five limbs below 2^52, not fully reduced: 2^260 / p > 84 leaves room. The
//! lanes multiply to a·b/2^260 mod p. What lies in memory is a·2^256, so to the lanes an element a looks like a/16; each
//! kernel says how it makes up for that (mostly by a factor that costs nothing), and converts nothing.
//!
//! Names carry bounds: `_lazy` results are [`Wide`], whose limbs are signed and have carries in them.
//!
//! Cost in instructions of the vector ports (two a cycle): product 101 and 10 for carries inside, carries
//! of a result 12, from or to four limbs 8, transposition of eight elements 8.

// Iterator adaptors over vectors are not inlined into kernels.
#![allow(clippy::needless_range_loop)]

mod constant;
mod coordinate;
#[cfg(any(test, fuzzing))]
pub(crate) mod oracle;
pub mod probe;
mod product;
mod raw;
mod scalar;
mod simd;
#[cfg(test)]
mod tests;

pub(crate) use constant::{Balanced, Multiplier};
pub(crate) use coordinate::{Coordinate8, Fq2Lanes, FqLanes, WideCoordinate};
pub(crate) use raw::{Columns, Group, padded, store_first, strided_words};
pub(crate) use scalar::invert;
pub(crate) use simd::{
    Ifma, V, eight, five, kernel, low_bits_and_ones, transpose_4x8, transpose_8x4, transpose_8x8,
};

use super::params::{FieldParams, sub_if_ge, sub_raw};
use core::marker::PhantomData;

/// Bits of a limb.
const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// Lanes of a vector.
pub(crate) const LANES: usize = 8;

/// What the lanes need of a field, derived from the modulus.
pub(crate) struct LaneParams<P>(PhantomData<P>);

impl<P: FieldParams> LaneParams<P> {
    /// p.
    pub(crate) const P: [u64; 5] = to_limbs(P::MODULUS);
    /// 2^−52 mod p: t/2^52 ≡ ⌊t/2^52⌋ + (t mod 2^52)·this.
    const SHIFTED: [u64; 5] = to_limbs(pow2_neg_mod(52, P::MODULUS));
    /// −p⁻¹ mod 2^52.
    const NEG_INV: u64 = P::INV & MASK;
    /// What products need.
    const CONSTANTS: product::Constants =
        product::Constants { shifted: Self::SHIFTED, p: Self::P, neg_inv: Self::NEG_INV };
    /// 2^260 − p.
    const NEG_P: [u64; 5] = {
        let mut out = [0; 5];
        let mut borrow = 0;
        let mut i = 0;
        while i < 5 {
            let (d, b) = 0u64.overflowing_sub(Self::P[i] + borrow);
            out[i] = d & MASK;
            borrow = b as u64;
            i += 1;
        }
        out
    };
    /// ⌊2^305 / p⌋, short of 2^52.
    const RECIPROCAL: u64 = reciprocal(P::MODULUS);
    /// Multiples of p for [`Wide::to_2p33`]: of entry q mod 8, for values of q·2^254 to (q + 1)·2^254, −4 ≤ q < 4.
    const FOLDS: [[u64; 8]; 5] = {
        // m = ⌈q·2^254/p⌉ − 1 keeps v − m·p above 0 with room for carries: 2^254/p = 1.3226.
        const M: [i64; 8] = [-1, 1, 2, 3, -6, -4, -3, -2];
        let mut out = [[0; 8]; 5];
        let mut limb = 0;
        while limb < 5 {
            let mut q = 0;
            while q < 8 {
                out[limb][q] = (-M[q] * Self::P[limb] as i64) as u64;
                q += 1;
            }
            limb += 1;
        }
        out
    };
    /// 2^260 mod p: what multiplies like one.
    pub(crate) const ONE: [u64; 4] = pow2_mod(260, P::MODULUS);
}

/// Limbs of 52 bits.
pub(crate) const fn to_limbs(a: [u64; 4]) -> [u64; 5] {
    [
        a[0] & MASK,
        (a[0] >> 52 | a[1] << 12) & MASK,
        (a[1] >> 40 | a[2] << 24) & MASK,
        (a[2] >> 28 | a[3] << 36) & MASK,
        a[3] >> 16,
    ]
}

/// 2^k mod p.
pub(crate) const fn pow2_mod(k: u32, p: [u64; 4]) -> [u64; 4] {
    let mut a = [1, 0, 0, 0];
    let mut i = 0;
    while i < k {
        let doubled = [a[0] << 1, a[1] << 1 | a[0] >> 63, a[2] << 1 | a[1] >> 63, a[3] << 1 | a[2] >> 63];
        a = sub_if_ge(doubled, p);
        i += 1;
    }
    a
}

/// 2^−k mod p, by halving.
const fn pow2_neg_mod(k: u32, p: [u64; 4]) -> [u64; 4] {
    let mut a = [1, 0, 0, 0];
    let mut i = 0;
    while i < k {
        if a[0] & 1 == 1 {
            a = super::params::add_raw(a, p).0;
        }
        a = [a[0] >> 1 | a[1] << 63, a[1] >> 1 | a[2] << 63, a[2] >> 1 | a[3] << 63, a[3] >> 1];
        i += 1;
    }
    a
}

/// ⌊2^305 / p⌋ by long division.
const fn reciprocal(p: [u64; 4]) -> u64 {
    let mut rest = [1, 0, 0, 0];
    let mut quotient = 0u64;
    let mut i = 0;
    while i < 305 {
        rest = [
            rest[0] << 1,
            rest[1] << 1 | rest[0] >> 63,
            rest[2] << 1 | rest[1] >> 63,
            rest[3] << 1 | rest[2] >> 63,
        ];
        quotient <<= 1;
        let (d, borrow) = sub_raw(rest, p);
        if !borrow {
            rest = d;
            quotient |= 1;
        }
        i += 1;
    }
    quotient
}

/// Eight elements, limbs below 2^52.
#[derive(Copy, Clone)]
pub struct Lanes<P>(pub(crate) [V; 5], PhantomData<P>);

/// Eight integers whose limbs are signed 64-bit numbers: sums and products before their carries.
#[derive(Copy, Clone)]
pub struct Wide<P>(pub(crate) [V; 5], PhantomData<P>);

/// Eight elements in memory, limb by limb.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Stored([[u64; 8]; 5]);

// SAFETY: integers.
unsafe impl bytemuck::Zeroable for Stored {}

impl Stored {
    pub(crate) const ZERO: Self = Self([[0; 8]; 5]);

    /// Lane `from` of `source` becomes lane `to`.
    #[inline(always)]
    pub(crate) fn copy_lane(&mut self, to: usize, source: &Self, from: usize) {
        for i in 0..5 {
            self.0[i][to] = source.0[i][from];
        }
    }

    #[inline(always)]
    pub(crate) fn load<P>(&self, ifma: Ifma) -> Lanes<P> {
        Lanes(five!(I => ifma.load(&self.0[I])), PhantomData)
    }

    /// As [`Stored::load`], of what was stored with carries.
    #[inline(always)]
    pub(crate) fn load_wide<P>(&self, ifma: Ifma) -> Wide<P> {
        Wide(five!(I => ifma.load(&self.0[I])), PhantomData)
    }
}

impl<P: FieldParams> Lanes<P> {
    #[inline(always)]
    pub(crate) fn splat(ifma: Ifma, limbs: [u64; 5]) -> Self {
        Self(five!(I => ifma.splat(limbs[I])), PhantomData)
    }

    #[inline(always)]
    pub(crate) fn zero(ifma: Ifma) -> Self {
        Self::splat(ifma, [0; 5])
    }

    /// The element that multiplies like one.
    #[inline(always)]
    pub(crate) fn one(ifma: Ifma) -> Self {
        Self::splat(ifma, const { to_limbs(LaneParams::<P>::ONE) })
    }

    #[inline(always)]
    pub(crate) fn ifma(&self) -> Ifma {
        self.0[0].ifma()
    }

    #[inline(always)]
    pub(crate) fn store(&self, to: &mut Stored) {
        for i in 0..5 {
            self.0[i].store(&mut to.0[i]);
        }
    }

    /// The integer of each lane as it stands.
    #[inline(always)]
    pub(crate) fn wide(self) -> Wide<P> {
        Wide(self.0, PhantomData)
    }

    /// From four words a lane, any integers below 2^256.
    #[inline(always)]
    pub(crate) fn from_words(w: [V; 4]) -> Self {
        let mask = w[0].ifma().splat(MASK);
        Self(
            [
                w[0].and(mask),
                w[0].shr_pair::<52>(w[1]).and(mask),
                w[1].shr_pair::<40>(w[2]).and(mask),
                w[2].shr_pair::<28>(w[3]).and(mask),
                w[3].shr::<16>(),
            ],
            PhantomData,
        )
    }

    /// Four words a lane. In: < 2^256.
    #[inline(always)]
    pub(crate) fn to_words(self) -> [V; 4] {
        let l = self.0;
        [
            l[0].or(l[1].shl::<52>()),
            l[1].shr::<12>().or(l[2].shl::<40>()),
            l[2].shr::<24>().or(l[3].shl::<28>()),
            l[3].shr::<36>().or(l[4].shl::<16>()),
        ]
    }

    /// Eight consecutive elements of memory.
    #[inline(always)]
    pub(crate) fn load_raw(ifma: Ifma, from: &[[u64; 4]; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = from;
        let rows =
            [ifma.load_halves(a, b), ifma.load_halves(c, d), ifma.load_halves(e, f), ifma.load_halves(g, h)];
        Self::from_words(transpose_8x4(rows))
    }

    /// Eight consecutive elements of memory. In: < 2^256.
    #[inline(always)]
    pub(crate) fn store_raw(self, to: &mut [[u64; 4]; 8]) {
        let rows = transpose_4x8(self.to_words());
        let [a, b, c, d, e, f, g, h] = to;
        rows[0].store_halves(a, b);
        rows[1].store_halves(c, d);
        rows[2].store_halves(e, f);
        rows[3].store_halves(g, h);
    }

    /// Lane i of `other` where bit i of `mask` is set, else of self.
    #[inline(always)]
    pub(crate) fn select(self, mask: u8, other: Self) -> Self {
        Self(five!(I => self.0[I].select(mask, other.0[I])), PhantomData)
    }

    /// a·b/2^260 mod p, with carries. In: A·p and B·p, below 2^260. Out: < (A·B/84 + 1.13)·p.
    ///
    /// Row by row. What is left of a row's low limb m is divided by 2^52: for four rows by adding m·(2^−52 mod p), which
    /// needs no quotient digit; for the last by adding a multiple of p, after which the result is below p and a little.
    #[inline(always)]
    pub(crate) fn mul_lazy(self, b: Self) -> Wide<P> {
        Wide(product::product(&self.0, &b.0, const { &LaneParams::<P>::CONSTANTS }), PhantomData)
    }

    /// a·b + c·d over 2^260 mod p: one reduction. In: A·p to D·p. Out: < ((A·B + C·D)/84 + 1.13)·p.
    #[inline(always)]
    pub(crate) fn mul_add_mul_lazy(self, b: Self, c: Self, d: Self) -> Wide<P> {
        let k = const { &LaneParams::<P>::CONSTANTS };
        Wide(product::product_sum(&self.0, &b.0, &c.0, &d.0, k), PhantomData)
    }

    /// a²/2^260 mod p, with carries. In: A·p. Out: < (A²/84 + 1.13)·p.
    #[inline(always)]
    pub(crate) fn square_lazy(self) -> Wide<P> {
        self.mul_lazy(self)
    }

    /// (Σ t_j·2^52j)/2^52 mod p, by the low limb times 2^−52.
    #[inline(always)]
    fn shift_row(t: [V; 6]) -> [V; 6] {
        let ifma = t[0].ifma();
        let zero = t[0].zero();
        let m = t[0];
        let mut u = [t[1].add(m.shr::<52>()), t[2], t[3], t[4], t[5], zero];
        for j in 0..5 {
            u[j] = u[j].madd_lo(m, ifma.splat(LaneParams::<P>::SHIFTED[j]));
        }
        for j in 0..5 {
            u[j + 1] = u[j + 1].madd_hi(m, ifma.splat(LaneParams::<P>::SHIFTED[j]));
        }
        u
    }

    /// (Σ t_j·2^52j + m·p)/2^52 for the m that makes it an integer.
    #[inline(always)]
    fn reduce_row(t: [V; 6]) -> [V; 6] {
        let ifma = t[0].ifma();
        let zero = t[0].zero();
        let p = five!(I => ifma.splat(LaneParams::<P>::P[I]));
        let m = zero.madd_lo(t[0], ifma.splat(LaneParams::<P>::NEG_INV));
        let low = t[0].madd_lo(m, p[0]);
        let mut u = [t[1].add(low.shr::<52>()), t[2], t[3], t[4], t[5], zero];
        for j in 0..5 {
            u[j] = u[j].madd_hi(m, p[j]);
        }
        for j in 1..5 {
            u[j - 1] = u[j - 1].madd_lo(m, p[j]);
        }
        u
    }

    /// Σ t_j·2^52j/2^260 mod p for ten columns below 2^62. Out: < (Σ t/2^260/p + 1.13)·p.
    #[inline(always)]
    fn reduce_columns(t: [V; 10]) -> Wide<P> {
        let mut u = [t[0], t[1], t[2], t[3], t[4], t[5]];
        for i in 0..5 {
            u = if i < 4 { Self::shift_row(u) } else { Self::reduce_row(u) };
            if i < 4 {
                u[5] = u[5].add(t[6 + i]);
            }
        }
        Wide([u[0], u[1], u[2], u[3], u[4]], PhantomData)
    }

    /// As [`Lanes::mul_lazy`], carried.
    #[inline(always)]
    pub(crate) fn mul(self, b: Self) -> Self {
        self.mul_lazy(b).carry()
    }

    /// a/2^260 mod p for a of five limbs below 2^63. Out: < (a/2^260/p + 1.13)·p.
    #[inline(always)]
    pub(crate) fn divide_by_r_lazy(limbs: [V; 5]) -> Wide<P> {
        let zero = limbs[0].zero();
        let [a, b, c, d, e] = limbs;
        Self::reduce_columns([a, b, c, d, e, zero, zero, zero, zero, zero])
    }

    /// The canonical integer a < p of elements as they lie in memory, a·2^256.
    #[inline(always)]
    pub(crate) fn leave_montgomery(self) -> Self {
        let limbs = self.wide().shl::<4>();
        Self::divide_by_r_lazy(limbs.0).carry().reduce_once()
    }

    /// The residue below p. In: < 2p.
    #[inline(always)]
    pub(crate) fn reduce_once(self) -> Self {
        let p = Self::splat(self.ifma(), LaneParams::<P>::P);
        let reduced = self.wide().sub(p.wide()).carry_signed();
        reduced.select(reduced.0[4].negative_lanes(), self)
    }

    /// The residue below p. In: any.
    #[inline(always)]
    pub(crate) fn reduce(self) -> Self {
        let mut carried = Wide::<P>(subtract_quotient::<P>(self.0, self.0[4]), PhantomData).carry_signed();
        carried.0[4] = carried.0[4].and(self.ifma().splat(MASK));
        carried.reduce_once()
    }

    /// Lanes whose residue is zero. In: any.
    #[inline(always)]
    pub(crate) fn zero_lanes(self) -> u8 {
        let [a, b, c, d, e] = self.reduce().0;
        a.or(b).or(c.or(d)).or(e).zero_lanes()
    }

    /// Integer of one lane; for the few that leave the lanes. In: < 2^256.
    #[inline(always)]
    pub(crate) fn lanes_to_words(self) -> [[u64; 4]; 8] {
        let mut out = [[0; 4]; 8];
        self.store_raw(&mut out);
        out
    }
}

/// t − q·p mod 2^260 with carries, where q is ⌊t/p⌋ or one less; bits above 2^260 say nothing. `top` is t/2^208.
///
/// ⌊top·⌊2^305/p⌋/2^97⌋: both roundings cut off less than 2^-40. Adds q·(2^260 − p).
#[inline(always)]
fn subtract_quotient<P: FieldParams>(mut t: [V; 5], top: V) -> [V; 5] {
    let ifma = top.ifma();
    let quotient = top.zero().madd_hi(top, ifma.splat(LaneParams::<P>::RECIPROCAL)).shr::<45>();
    for j in 0..5 {
        t[j] = t[j].madd_lo(quotient, ifma.splat(LaneParams::<P>::NEG_P[j]));
    }
    for j in 0..4 {
        t[j + 1] = t[j + 1].madd_hi(quotient, ifma.splat(LaneParams::<P>::NEG_P[j]));
    }
    t
}

impl<P: FieldParams> Wide<P> {
    #[inline(always)]
    pub(crate) fn add(self, b: Self) -> Self {
        Self(five!(I => self.0[I].add(b.0[I])), PhantomData)
    }

    #[inline(always)]
    pub(crate) fn sub(self, b: Self) -> Self {
        Self(five!(I => self.0[I].sub(b.0[I])), PhantomData)
    }

    /// 2^BITS times the value.
    #[inline(always)]
    pub(crate) fn shl<const BITS: u32>(self) -> Self {
        Self(five!(I => self.0[I].shl::<BITS>()), PhantomData)
    }

    /// a − b in the lanes of `mask`, else self.
    #[inline(always)]
    pub(crate) fn select_sub(self, mask: u8, a: Self, b: Self) -> Self {
        Self(five!(I => self.0[I].select_sub(mask, a.0[I], b.0[I])), PhantomData)
    }

    /// The value plus K·p. K·2^52 must stay below 2^63.
    #[inline(always)]
    pub(crate) fn add_p<const K: u64>(self) -> Self {
        let ifma = self.0[0].ifma();
        Self(five!(I => self.0[I].add(ifma.splat(K * LaneParams::<P>::P[I]))), PhantomData)
    }

    /// Carries. The value must be at least 0 and below 2^260.
    #[inline(always)]
    pub(crate) fn carry(self) -> Lanes<P> {
        let carried = self.carry_signed();
        debug_assert_eq!(carried.0[4].shr::<52>().zero_lanes(), 0xff, "a value left 0..2^260");
        carried
    }

    /// As [`Wide::carry`], for values whose sign is looked at: it is that of the top limb.
    #[inline(always)]
    fn carry_signed(self) -> Lanes<P> {
        let mask = self.0[0].ifma().splat(MASK);
        let mut r = self.0;
        for i in 0..4 {
            r[i + 1] = r[i + 1].add(r[i].sar::<52>());
            r[i] = r[i].and(mask);
        }
        Lanes(r, PhantomData)
    }

    /// Lanes whose value is negative.
    #[inline(always)]
    pub(crate) fn negative_lanes(self) -> u8 {
        self.carry_signed().0[4].negative_lanes()
    }

    /// Limbs as they are, into memory.
    #[inline(always)]
    pub(crate) fn store_wide(&self, to: &mut Stored) {
        for i in 0..5 {
            self.0[i].store(&mut to.0[i]);
        }
    }

    /// A residue below 2.33·p. In: −5.2·p to 5.2·p, limbs of at most 62 bits.
    #[inline(always)]
    pub(crate) fn to_2p33(self) -> Lanes<P> {
        let ifma = self.0[0].ifma();
        // Multiples of 2^254, up to what the carries of the lower limbs will change: less than 2^-35 of one.
        let q = self.0[4].sar::<46>();
        let mut t = self.0;
        for i in 0..5 {
            t[i] = t[i].add(q.look_up(ifma.load(&LaneParams::<P>::FOLDS[i])));
        }
        Wide(t, PhantomData).carry()
    }
}
