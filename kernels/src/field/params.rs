//! Moduli, and what Montgomery arithmetic needs of them, derived at compile time.

use crate::bn254;
use core::fmt::Debug;

/// A 254-bit prime and the constants that are derived from it.
///
/// The kernels rely on 4p < 2^256 (see [`FieldParams::MODULUS`]), which every implementation must satisfy.
pub trait FieldParams: Copy + Clone + Debug + Default + Eq + Send + Sync + 'static {
    /// p, little-endian limbs; odd, and 4p < 2^256.
    const MODULUS: [u64; 4];
    /// A generator of the multiplicative group.
    const GENERATOR: u64;
    /// Largest k such that 2^k divides p − 1.
    const TWO_ADICITY: u32;
    /// Short name for errors and debug output.
    const NAME: &'static str;

    /// 2p.
    const MODULUS_2: [u64; 4] = double_raw(Self::MODULUS);
    /// −p⁻¹ mod 2^64.
    const INV: u64 = neg_inverse(Self::MODULUS[0]);
    /// R mod p, R = 2^256: the Montgomery form of one.
    const R: [u64; 4] = pow2_mod(256, Self::MODULUS);
    /// R² mod p.
    const R2: [u64; 4] = pow2_mod(512, Self::MODULUS);
    /// R³ mod p.
    const R3: [u64; 4] = pow2_mod(768, Self::MODULUS);
    /// p, `INV` and 2p side by side, so that the assembly needs one pointer.
    const MODULUS_INV_2P: [u64; 9] = {
        let (p, pp) = (Self::MODULUS, Self::MODULUS_2);
        [p[0], p[1], p[2], p[3], Self::INV, pp[0], pp[1], pp[2], pp[3]]
    };
}

/// Parameters of the base field F_q.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FqParams;

impl FieldParams for FqParams {
    const MODULUS: [u64; 4] = bn254::BASE_MODULUS;
    const GENERATOR: u64 = bn254::BASE_GENERATOR;
    const TWO_ADICITY: u32 = 1;
    const NAME: &'static str = "Fq";
}

/// Parameters of the scalar field F_r.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FrParams;

impl FieldParams for FrParams {
    const MODULUS: [u64; 4] = bn254::SCALAR_MODULUS;
    const GENERATOR: u64 = bn254::SCALAR_GENERATOR;
    const TWO_ADICITY: u32 = bn254::SCALAR_TWO_ADICITY;
    const NAME: &'static str = "Fr";
}

/// 2a; the caller knows that it fits 256 bits.
const fn double_raw(a: [u64; 4]) -> [u64; 4] {
    [a[0] << 1, a[1] << 1 | a[0] >> 63, a[2] << 1 | a[1] >> 63, a[3] << 1 | a[2] >> 63]
}

/// −m⁻¹ mod 2^64 for odd m, by Newton's iteration (each step doubles the correct bits).
const fn neg_inverse(m: u64) -> u64 {
    let mut inv = 1u64;
    let mut step = 0;
    while step < 6 {
        inv = inv.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(inv)));
        step += 1;
    }
    inv.wrapping_neg()
}

/// 2^k mod m for a 254-bit m, by doubling.
const fn pow2_mod(k: u32, m: [u64; 4]) -> [u64; 4] {
    let mut a = [1u64, 0, 0, 0];
    let mut i = 0;
    while i < k {
        a = double_raw(a);
        a = sub_if_ge(a, m);
        i += 1;
    }
    a
}

/// a − m if a ≥ m, else a.
pub(crate) const fn sub_if_ge(a: [u64; 4], m: [u64; 4]) -> [u64; 4] {
    let (d, borrow) = sub_raw(a, m);
    if borrow { a } else { d }
}

/// a − b mod 2^256, and whether it borrowed.
#[inline(always)]
pub(crate) const fn sub_raw(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let (d0, c) = a[0].overflowing_sub(b[0]);
    let (d1, c) = sub_with_borrow(a[1], b[1], c);
    let (d2, c) = sub_with_borrow(a[2], b[2], c);
    let (d3, c) = sub_with_borrow(a[3], b[3], c);
    ([d0, d1, d2, d3], c)
}

/// a + b mod 2^256, and whether it carried.
#[inline(always)]
pub(crate) const fn add_raw(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let (s0, c) = a[0].overflowing_add(b[0]);
    let (s1, c) = add_with_carry(a[1], b[1], c);
    let (s2, c) = add_with_carry(a[2], b[2], c);
    let (s3, c) = add_with_carry(a[3], b[3], c);
    ([s0, s1, s2, s3], c)
}

// `u64::borrowing_sub` and `u64::carrying_add` are not yet `const`.
#[inline(always)]
const fn sub_with_borrow(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (d, b0) = a.overflowing_sub(b);
    let (d, b1) = d.overflowing_sub(borrow as u64);
    (d, b0 | b1)
}

#[inline(always)]
const fn add_with_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (s, c0) = a.overflowing_add(b);
    let (s, c1) = s.overflowing_add(carry as u64);
    (s, c0 | c1)
}
