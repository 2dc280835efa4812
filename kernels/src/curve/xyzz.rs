//! Points in extended Jacobian coordinates (X, Y, ZZ, ZZZ).
//!
//! x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ²; the identity has ZZ = 0. Formulas: Explicit-Formulas Database, "XYZZ coordinates
//! for short Weierstrass curves", with a = 0.

use super::Affine;
use crate::field::Field;
use core::ops::{Add, AddAssign, Neg};

/// A point in extended Jacobian coordinates; the cheapest form for mixed additions without an inversion.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct Xyzz<F> {
    pub(crate) x: F,
    pub(crate) y: F,
    pub(crate) zz: F,
    pub(crate) zzz: F,
}

impl<F: Field> Default for Xyzz<F> {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl<F: Field> Xyzz<F> {
    /// The identity.
    pub const IDENTITY: Self = Self { x: F::ONE, y: F::ONE, zz: F::ZERO, zzz: F::ZERO };

    /// Whether this is the identity.
    #[inline(always)]
    pub fn is_identity(&self) -> bool {
        self.zz.is_zero()
    }

    /// 2P. Cost: 6 products, 3 squares.
    pub fn double(self) -> Self {
        // y = 0 does not occur: both groups have odd order.
        let u = self.y.double();
        let v = u.square();
        let w = u * v;
        let s = self.x * v;
        let xx = self.x.square();
        let m = xx.double() + xx;
        let x = m.square() - s.double();
        let y = m * (s - x) - w * self.y;
        Self { x, y, zz: v * self.zz, zzz: w * self.zzz }
    }

    /// P + Q for affine Q. Cost: 8 products, 2 squares.
    #[inline]
    pub fn add_affine(self, q: Affine<F>) -> Self {
        if q.is_identity() {
            return self;
        }
        if self.is_identity() {
            return q.into();
        }
        let p = q.x * self.zz - self.x;
        let r = q.y * self.zzz - self.y;
        if p.is_zero() {
            return if r.is_zero() { self.double() } else { Self::IDENTITY };
        }
        let pp = p.square();
        let ppp = p * pp;
        let v = self.x * pp;
        let x = r.square() - ppp - v.double();
        let y = r * (v - x) - self.y * ppp;
        Self { x, y, zz: self.zz * pp, zzz: self.zzz * ppp }
    }

    /// k·P for a little-endian k, by double-and-add. Time depends on k.
    pub fn mul_vartime(self, k: &[u64]) -> Self {
        let mut acc = Self::IDENTITY;
        for limb in k.iter().rev() {
            for bit in (0..64).rev() {
                acc = acc.double();
                if limb >> bit & 1 == 1 {
                    acc += self;
                }
            }
        }
        acc
    }

    /// The affine form. Cost: one inversion.
    pub fn to_affine(self) -> Affine<F> {
        // (1/ZZZ) gives 1/Z = ZZ/ZZZ, hence 1/ZZ = (ZZ/ZZZ)².
        match self.zzz.inverse_vartime() {
            None => Affine::IDENTITY,
            Some(zzz_inv) => {
                let z_inv = self.zz * zzz_inv;
                Affine { x: self.x * z_inv.square(), y: self.y * zzz_inv }
            }
        }
    }
}

impl<F: Field> Add for Xyzz<F> {
    type Output = Self;
    // Cost: 12 products, 2 squares.
    #[inline]
    fn add(self, q: Self) -> Self {
        if q.is_identity() {
            return self;
        }
        if self.is_identity() {
            return q;
        }
        let u1 = self.x * q.zz;
        let s1 = self.y * q.zzz;
        let p = q.x * self.zz - u1;
        let r = q.y * self.zzz - s1;
        if p.is_zero() {
            return if r.is_zero() { self.double() } else { Self::IDENTITY };
        }
        let pp = p.square();
        let ppp = p * pp;
        let v = u1 * pp;
        let x = r.square() - ppp - v.double();
        let y = r * (v - x) - s1 * ppp;
        Self { x, y, zz: self.zz * q.zz * pp, zzz: self.zzz * q.zzz * ppp }
    }
}

impl<F: Field> AddAssign for Xyzz<F> {
    #[inline]
    fn add_assign(&mut self, q: Self) {
        *self = *self + q;
    }
}

impl<F: Field> AddAssign<Affine<F>> for Xyzz<F> {
    #[inline]
    fn add_assign(&mut self, q: Affine<F>) {
        *self = self.add_affine(q);
    }
}

impl<F: Field> Neg for Xyzz<F> {
    type Output = Self;
    fn neg(self) -> Self {
        Self { y: -self.y, ..self }
    }
}

impl<F: Field> PartialEq for Xyzz<F> {
    /// Equality of points, not of representations.
    fn eq(&self, other: &Self) -> bool {
        if self.is_identity() || other.is_identity() {
            return self.is_identity() == other.is_identity();
        }
        self.x * other.zz == other.x * self.zz && self.y * other.zzz == other.y * self.zzz
    }
}

impl<F: Field> Eq for Xyzz<F> {}

/// out_i ← the affine form of points_i, by one inversion for all (Montgomery's trick over ZZZ). Cost: 8 products a point.
pub(crate) fn normalise<F: Field>(points: &[Xyzz<F>], out: &mut [Affine<F>]) {
    let mut prefix = Vec::with_capacity(points.len());
    let mut product = F::ONE;
    for p in points {
        prefix.push(product);
        if !p.is_identity() {
            product *= p.zzz;
        }
    }
    // A product of non-zero factors.
    let mut inverse = product.inverse_vartime().unwrap_or(F::ZERO);
    for ((p, before), q) in points.iter().zip(prefix).zip(out).rev() {
        *q = if p.is_identity() {
            Affine::IDENTITY
        } else {
            let zzz_inv = inverse * before;
            inverse *= p.zzz;
            let z_inv = p.zz * zzz_inv;
            Affine { x: p.x * z_inv.square(), y: p.y * zzz_inv }
        };
    }
}
