//! The quadratic extension F_q² = F_q\[u\]/(u² + 1).

use super::{Field, Fp};
use super::{arith::Arith, params::FieldParams};
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// c0 + c1·u with u² = −1.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Fp2<F> {
    /// Coefficient of 1.
    pub c0: F,
    /// Coefficient of u.
    pub c1: F,
}

// SAFETY: a plain pair of zeroable values.
unsafe impl<F: bytemuck::Zeroable> bytemuck::Zeroable for Fp2<F> {}

impl<F> Fp2<F> {
    /// c0 + c1·u.
    pub const fn new(c0: F, c1: F) -> Self {
        Self { c0, c1 }
    }
}

impl<P: FieldParams, A: Arith> Field for Fp2<Fp<P, A>> {
    const ZERO: Self = Self::new(Fp::ZERO, Fp::ZERO);
    const ONE: Self = Self::new(Fp::ONE, Fp::ZERO);

    // (a + bu)² = (a + b)(a − b) + 2ab·u
    #[inline(always)]
    fn square(self) -> Self {
        let ab = self.c0 * self.c1;
        Self::new((self.c0 + self.c1) * (self.c0 - self.c1), ab.double())
    }

    #[inline(always)]
    fn double(self) -> Self {
        Self::new(self.c0.double(), self.c1.double())
    }

    // (a + bu)⁻¹ = (a − bu)/(a² + b²)
    fn inverse_vartime(self) -> Option<Self> {
        let norm = self.c0.square() + self.c1.square();
        norm.inverse_vartime().map(|inv| Self::new(self.c0 * inv, -(self.c1 * inv)))
    }
}

impl<P: FieldParams, A: Arith> Mul for Fp2<Fp<P, A>> {
    type Output = Self;
    // Karatsuba: three products.
    #[inline(always)]
    fn mul(self, rhs: Self) -> Self {
        let v0 = self.c0 * rhs.c0;
        let v1 = self.c1 * rhs.c1;
        let cross = (self.c0 + self.c1) * (rhs.c0 + rhs.c1);
        Self::new(v0 - v1, cross - v0 - v1)
    }
}

impl<F: Add<Output = F>> Add for Fp2<F> {
    type Output = Self;
    #[inline(always)]
    fn add(self, rhs: Self) -> Self {
        Self::new(self.c0 + rhs.c0, self.c1 + rhs.c1)
    }
}

impl<F: Sub<Output = F>> Sub for Fp2<F> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, rhs: Self) -> Self {
        Self::new(self.c0 - rhs.c0, self.c1 - rhs.c1)
    }
}

impl<F: Neg<Output = F>> Neg for Fp2<F> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.c0, -self.c1)
    }
}

impl<F: Copy> AddAssign for Fp2<F>
where
    Self: Add<Output = Self>,
{
    #[inline(always)]
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl<F: Copy> SubAssign for Fp2<F>
where
    Self: Sub<Output = Self>,
{
    #[inline(always)]
    fn sub_assign(&mut self, rhs: Self) {
        *self = *self - rhs;
    }
}

impl<F: Copy> MulAssign for Fp2<F>
where
    Self: Mul<Output = Self>,
{
    #[inline(always)]
    fn mul_assign(&mut self, rhs: Self) {
        *self = *self * rhs;
    }
}
