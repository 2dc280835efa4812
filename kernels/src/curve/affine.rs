//! Points in affine coordinates.

use super::{CurveField, Xyzz};
use crate::field::Field;
use core::ops::Neg;

/// A point (x, y) with y² = x³ + b, or the identity ("infinity"), written (0, 0), which is not on the curve.
///
/// Bit for bit the affine points of ark-bn254 0.6 and halo2curves.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Affine<F> {
    /// First coordinate.
    pub x: F,
    /// Second coordinate.
    pub y: F,
}

// SAFETY: a plain pair of zeroable values.
unsafe impl<F: bytemuck::Zeroable> bytemuck::Zeroable for Affine<F> {}

impl<F: Field> Affine<F> {
    /// The identity.
    pub const IDENTITY: Self = Self { x: F::ZERO, y: F::ZERO };

    /// The point (x, y); not checked to be on the curve.
    #[inline(always)]
    pub const fn new_unchecked(x: F, y: F) -> Self {
        Self { x, y }
    }

    /// Whether this is the identity.
    #[inline(always)]
    pub fn is_identity(&self) -> bool {
        self.x.is_zero() && self.y.is_zero()
    }

    /// The point with the sign of a digit applied.
    #[inline(always)]
    pub fn negate_if(self, negative: bool) -> Self {
        if negative { -self } else { self }
    }
}

impl<F: CurveField> Affine<F> {
    /// The standard generator of the group.
    pub fn generator() -> Self {
        let (x, y) = F::group_generator();
        Self { x, y }
    }

    /// Whether the point satisfies the curve equation or is the identity. Says nothing about the subgroup.
    pub fn is_on_curve(&self) -> bool {
        self.is_identity() || self.y.square() == self.x.square() * self.x + F::curve_b()
    }
}

impl<F: Field> Neg for Affine<F> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // (0, 0) stays itself.
        Self { x: self.x, y: -self.y }
    }
}

impl<F: Field> From<Affine<F>> for Xyzz<F> {
    #[inline(always)]
    fn from(p: Affine<F>) -> Self {
        if p.is_identity() { Self::IDENTITY } else { Self { x: p.x, y: p.y, zz: F::ONE, zzz: F::ONE } }
    }
}
