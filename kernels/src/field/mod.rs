//! BN254's fields: F_r (scalars), F_q (coordinates of G1) and F_q² (coordinates of G2).

#[cfg(target_arch = "x86_64")]
mod adx;
mod arith;
mod cast;
mod fp;
mod fp2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod ifma;
mod inverse;
mod params;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub use adx::Adx;
pub use arith::{Arith, Plain};
pub use cast::{OnArith, cast, cast_slice, cast_slice_mut, uncast};
#[cfg(target_arch = "x86_64")]
pub(crate) use cast::{words, words_mut};
pub use fp::Fp;
pub use fp2::Fp2;
#[cfg(target_arch = "x86_64")]
#[doc(hidden)]
pub use ifma::probe;
pub(crate) use params::sub_raw;
pub use params::{FieldParams, FqParams, FrParams};

use core::fmt::Debug;
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// The scalar field F_r.
pub type Fr = Fp<FrParams>;
/// The base field F_q.
pub type Fq = Fp<FqParams>;
/// The quadratic extension of the base field.
pub type Fq2 = Fp2<Fq>;

/// A finite field whose elements are always fully reduced.
pub trait Field:
    Copy
    + Clone
    + Debug
    + Default
    + Eq
    + Send
    + Sync
    + 'static
    + bytemuck::Zeroable
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// The additive identity; all bits zero.
    const ZERO: Self;
    /// The multiplicative identity.
    const ONE: Self;

    /// a².
    fn square(self) -> Self;

    /// 2a.
    fn double(self) -> Self;

    /// a⁻¹, or `None` for zero. Time depends on the value.
    fn inverse_vartime(self) -> Option<Self>;

    /// a·b that may stay at or above p. In: a, b < 2p. Out: < 2p.
    ///
    /// The loose forms save reductions inside kernels; by default they are the exact ones.
    #[doc(hidden)]
    #[inline(always)]
    fn mul_loose(self, rhs: Self) -> Self {
        self * rhs
    }

    /// a − b + p. In: a, b < p. Out: < 2p.
    #[doc(hidden)]
    #[inline(always)]
    fn sub_loose(self, rhs: Self) -> Self {
        self - rhs
    }

    /// a − b − c. In: a < 2p, b, c < p. Out: < p.
    #[doc(hidden)]
    #[inline(always)]
    fn sub_two_tight(self, b: Self, c: Self) -> Self {
        self - b - c
    }

    /// The same element. In: < 2p. Out: < p.
    #[doc(hidden)]
    #[inline(always)]
    fn tighten(self) -> Self {
        self
    }

    /// Whether this is the additive identity.
    #[inline(always)]
    fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// a^e for a little-endian exponent, four bits at a time. Time depends on the exponent.
    fn pow_vartime(self, exponent: &[u64]) -> Self {
        let mut table = [Self::ONE; 16];
        for i in 1..16 {
            table[i] = table[i - 1] * self;
        }
        let mut acc = Self::ONE;
        for limb in exponent.iter().rev() {
            for shift in (0..64).step_by(4).rev() {
                acc = acc.square().square().square().square();
                let nibble = (limb >> shift & 15) as usize;
                if nibble != 0 {
                    acc *= table[nibble];
                }
            }
        }
        acc
    }
}

/// A prime field with a large power of two in its multiplicative order.
pub trait PrimeField: Field + From<u64> {
    /// Largest k such that 2^k divides p − 1.
    const TWO_ADICITY: u32;
    /// p, little-endian limbs.
    const MODULUS: [u64; 4];

    /// A generator of the multiplicative group.
    fn generator() -> Self;

    /// The canonical integer in 0..p, little-endian limbs.
    fn to_canonical(self) -> [u64; 4];

    /// A primitive 2^`log_n`-th root of unity, g^((p−1)/2^`log_n`), or `None` beyond the two-adicity.
    fn root_of_unity(log_n: u32) -> Option<Self> {
        Self::root_of_unity_by(Self::generator(), log_n)
    }

    /// As [`PrimeField::root_of_unity`], for another generator of the multiplicative group.
    fn root_of_unity_by(generator: Self, log_n: u32) -> Option<Self> {
        if log_n > Self::TWO_ADICITY {
            return None;
        }
        let mut exponent = Self::MODULUS;
        exponent[0] -= 1;
        for _ in 0..log_n {
            for i in 0..4 {
                let above = if i < 3 { exponent[i + 1] } else { 0 };
                exponent[i] = exponent[i] >> 1 | above << 63;
            }
        }
        Some(generator.pow_vartime(&exponent))
    }
}
