//! Prime field elements.

use super::arith::{Arith, Plain};
use super::inverse::invert_vartime;
use super::params::{FieldParams, sub_raw};
use super::{Field, PrimeField};
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// An element of F_p in Montgomery form: the limbs hold a·2^256 mod p, always < p.
///
/// Bit for bit what arkworks and halo2curves hold. `A` says which form of the product a kernel is compiled with;
/// it does not change the representation.
#[repr(transparent)]
#[derive(Copy, Clone, PartialEq, Eq, Hash, Default)]
pub struct Fp<P, A = Plain>(pub(crate) [u64; 4], PhantomData<(P, A)>);

// SAFETY: transparent over [u64; 4]; all zero bits are the element zero.
unsafe impl<P: FieldParams, A: Arith> bytemuck::Zeroable for Fp<P, A> {}

// Secrets are wiped through this; the default value is zero.
impl<P: FieldParams, A: Arith> zeroize::DefaultIsZeroes for Fp<P, A> {}

impl<P: FieldParams, A: Arith> Fp<P, A> {
    /// From limbs that are already in Montgomery form. Returns `None` unless they are below p.
    pub const fn from_montgomery(limbs: [u64; 4]) -> Option<Self> {
        if sub_raw(limbs, P::MODULUS).1 { Some(Self::from_montgomery_unchecked(limbs)) } else { None }
    }

    /// As [`Fp::from_montgomery`]; the caller knows that the limbs are below p.
    #[inline(always)]
    pub const fn from_montgomery_unchecked(limbs: [u64; 4]) -> Self {
        Self(limbs, PhantomData)
    }

    /// The limbs in Montgomery form, little-endian.
    #[inline(always)]
    pub const fn to_montgomery(self) -> [u64; 4] {
        self.0
    }

    /// The same element for kernels of another form.
    #[inline(always)]
    pub const fn with_arith<B: Arith>(self) -> Fp<P, B> {
        Fp(self.0, PhantomData)
    }

    /// From a canonical integer. Returns `None` unless it is below p.
    pub fn from_canonical(limbs: [u64; 4]) -> Option<Self> {
        sub_raw(limbs, P::MODULUS).1.then(|| Self::from_montgomery_unchecked(A::mul::<P>(&limbs, &P::R2)))
    }

    /// From any 256-bit integer, reduced modulo p.
    pub fn from_u256_reduced(limbs: [u64; 4]) -> Self {
        // limbs·R2 < R·p, so the product is fully reduced.
        Self::from_montgomery_unchecked(A::mul::<P>(&limbs, &P::R2))
    }

    /// The canonical integer in 0..p, little-endian limbs.
    #[inline(always)]
    pub fn to_canonical(self) -> [u64; 4] {
        A::mul::<P>(&self.0, &[1, 0, 0, 0])
    }

    /// Product that may stay at p or above: in < 2p on both sides (or < 4p and < p), out < 2p.
    ///
    /// The result breaks the invariant of the type until [`Fp::reduce_once`]; it stays inside kernels.
    #[inline(always)]
    pub(crate) fn mul_lazy(self, rhs: Self) -> Self {
        Self::from_montgomery_unchecked(A::mul_lazy::<P>(&self.0, &rhs.0))
    }

    /// Sum without reduction. In: the sum of both bounds is at most 4p. Out: below that sum.
    #[inline(always)]
    pub(crate) fn add_lazy(self, rhs: Self) -> Self {
        Self::from_montgomery_unchecked(A::add_lazy(&self.0, &rhs.0))
    }

    /// The limbs, for kernels that keep lazy residues in place.
    #[inline(always)]
    pub(crate) fn limbs(&self) -> &[u64; 4] {
        &self.0
    }

    /// The limbs, for kernels that keep lazy residues in place.
    #[inline(always)]
    pub(crate) fn limbs_mut(&mut self) -> &mut [u64; 4] {
        &mut self.0
    }

    /// In: < 4p. Out: < 2p.
    #[inline(always)]
    pub(crate) fn reduce_to_2p(self) -> Self {
        Self::from_montgomery_unchecked(A::reduce(&self.0, &P::MODULUS_2))
    }

    /// In: < 2p. Out: < p.
    #[inline(always)]
    pub(crate) fn reduce_once(self) -> Self {
        Self::from_montgomery_unchecked(A::reduce(&self.0, &P::MODULUS))
    }
}

impl<P: FieldParams, A: Arith> Field for Fp<P, A> {
    const ZERO: Self = Self::from_montgomery_unchecked([0; 4]);
    const ONE: Self = Self::from_montgomery_unchecked(P::R);

    #[inline(always)]
    fn square(self) -> Self {
        Self::from_montgomery_unchecked(A::square::<P>(&self.0))
    }

    #[inline(always)]
    fn double(self) -> Self {
        Self::from_montgomery_unchecked(A::add::<P>(&self.0, &self.0))
    }

    #[inline(always)]
    fn mul_loose(self, rhs: Self) -> Self {
        self.mul_lazy(rhs)
    }

    #[inline(always)]
    fn sub_loose(self, rhs: Self) -> Self {
        Self::from_montgomery_unchecked(A::sub_lazy(&self.0, &rhs.0, &P::MODULUS))
    }

    #[inline(always)]
    fn sub_two_tight(self, b: Self, c: Self) -> Self {
        // In (0, 4p).
        let sum = A::add_lazy(&b.0, &c.0);
        let difference = A::sub_lazy(&self.0, &sum, &P::MODULUS_2);
        Self::from_montgomery_unchecked(difference).reduce_to_2p().reduce_once()
    }

    #[inline(always)]
    fn tighten(self) -> Self {
        self.reduce_once()
    }

    fn inverse_vartime(self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        // (aR)⁻¹ = a⁻¹R⁻¹; the product with R³ takes it to a⁻¹R.
        let inverse = invert_vartime(&self.0, &P::MODULUS, P::INV);
        Some(Self::from_montgomery_unchecked(A::mul::<P>(&inverse, &P::R3)))
    }
}

impl<P: FieldParams, A: Arith> PrimeField for Fp<P, A> {
    const TWO_ADICITY: u32 = P::TWO_ADICITY;
    const MODULUS: [u64; 4] = P::MODULUS;

    fn generator() -> Self {
        Self::from(P::GENERATOR)
    }

    fn to_canonical(self) -> [u64; 4] {
        self.to_canonical()
    }
}

impl<P: FieldParams, A: Arith> From<u64> for Fp<P, A> {
    fn from(value: u64) -> Self {
        Self::from_u256_reduced([value, 0, 0, 0])
    }
}

impl<P: FieldParams, A: Arith> From<i64> for Fp<P, A> {
    fn from(value: i64) -> Self {
        let magnitude = Self::from(value.unsigned_abs());
        if value < 0 { -magnitude } else { magnitude }
    }
}

impl<P: FieldParams, A: Arith> From<u128> for Fp<P, A> {
    fn from(value: u128) -> Self {
        Self::from_u256_reduced([value as u64, (value >> 64) as u64, 0, 0])
    }
}

impl<P: FieldParams, A: Arith> From<i128> for Fp<P, A> {
    fn from(value: i128) -> Self {
        let magnitude = Self::from(value.unsigned_abs());
        if value < 0 { -magnitude } else { magnitude }
    }
}

impl<P: FieldParams, A: Arith> From<bool> for Fp<P, A> {
    fn from(value: bool) -> Self {
        if value { Self::ONE } else { Self::ZERO }
    }
}

impl<P: FieldParams, A: Arith> Add for Fp<P, A> {
    type Output = Self;
    #[inline(always)]
    fn add(self, rhs: Self) -> Self {
        Self::from_montgomery_unchecked(A::add::<P>(&self.0, &rhs.0))
    }
}

impl<P: FieldParams, A: Arith> Sub for Fp<P, A> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, rhs: Self) -> Self {
        Self::from_montgomery_unchecked(A::sub::<P>(&self.0, &rhs.0))
    }
}

impl<P: FieldParams, A: Arith> Mul for Fp<P, A> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, rhs: Self) -> Self {
        Self::from_montgomery_unchecked(A::mul::<P>(&self.0, &rhs.0))
    }
}

impl<P: FieldParams, A: Arith> Neg for Fp<P, A> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::from_montgomery_unchecked(A::sub::<P>(&[0; 4], &self.0))
    }
}

impl<P: FieldParams, A: Arith> AddAssign for Fp<P, A> {
    #[inline(always)]
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl<P: FieldParams, A: Arith> SubAssign for Fp<P, A> {
    #[inline(always)]
    fn sub_assign(&mut self, rhs: Self) {
        *self = *self - rhs;
    }
}

impl<P: FieldParams, A: Arith> MulAssign for Fp<P, A> {
    #[inline(always)]
    fn mul_assign(&mut self, rhs: Self) {
        *self = *self * rhs;
    }
}

impl<P: FieldParams, A: Arith> core::iter::Sum for Fp<P, A> {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |a, b| a + b)
    }
}

impl<P: FieldParams, A: Arith> core::iter::Product for Fp<P, A> {
    fn product<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ONE, |a, b| a * b)
    }
}

impl<P: FieldParams, A: Arith> fmt::Debug for Fp<P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.to_canonical();
        write!(f, "{}(0x{d:016x}{c:016x}{b:016x}{a:016x})", P::NAME)
    }
}
