//! BN254's groups in short Weierstrass form y² = x³ + b: G1 over F_q, G2 over F_q².

mod affine;
pub mod fixed_base;
mod xyzz;

pub use affine::Affine;
pub use xyzz::Xyzz;
pub(crate) use xyzz::normalise;

use crate::bn254;
use crate::field::{Arith, Field, Fp, Fp2, Fq, Fq2, FqParams, OnArith};

/// A point of G1 (or of the curve it lies on) in affine coordinates.
pub type G1Affine = Affine<Fq>;
/// A point of G2 (or of the twist it lies on) in affine coordinates.
pub type G2Affine = Affine<Fq2>;

/// A field over which one of BN254's curves is defined.
pub trait CurveField: Field {
    /// The constant b of y² = x³ + b.
    fn curve_b() -> Self;
    /// The coordinates of the group's generator.
    fn group_generator() -> (Self, Self);
}

/// A coordinate field under every form of the product; what makes a curve kernel enterable by a run-time choice.
///
/// # Safety
/// `Self` and `Self::Under<A>` have the same layout, and every valid value of one is a valid value of the other.
pub unsafe trait Coordinate: CurveField {
    /// The same field for kernels of the form `A`.
    type Under<A: Arith>: CurveField;
    /// Eight elements side by side.
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    type Lanes: crate::field::ifma::Coordinate8<Single = Self>;
}

// SAFETY: the form occurs in a `PhantomData` only.
unsafe impl Coordinate for Fq {
    type Under<A: Arith> = Fp<FqParams, A>;
    #[cfg(target_arch = "x86_64")]
    type Lanes = crate::field::ifma::FqLanes;
}

// SAFETY: a `repr(C)` pair of values for which the contract holds.
unsafe impl Coordinate for Fq2 {
    type Under<A: Arith> = Fp2<Fp<FqParams, A>>;
    #[cfg(target_arch = "x86_64")]
    type Lanes = crate::field::ifma::Fq2Lanes;
}

// SAFETY: `Affine` is a `repr(C)` pair of coordinates, for which the contract of `Coordinate` holds.
unsafe impl<F: Coordinate> OnArith for Affine<F> {
    type On<A: Arith> = Affine<F::Under<A>>;
}

impl<A: Arith> CurveField for Fp<FqParams, A> {
    fn curve_b() -> Self {
        Self::from(bn254::CURVE_B)
    }

    fn group_generator() -> (Self, Self) {
        let [x, y] = bn254::G1_GENERATOR;
        (Self::from(x), Self::from(y))
    }
}

impl<A: Arith> CurveField for Fp2<Fp<FqParams, A>> {
    // b' = b/ξ
    fn curve_b() -> Self {
        let [c0, c1] = bn254::TWIST_XI;
        // ξ is a non-zero constant.
        let xi_inv = Self::new(c0.into(), c1.into()).inverse_vartime().unwrap_or(Self::ZERO);
        xi_inv * Self::new(bn254::CURVE_B.into(), Fp::ZERO)
    }

    fn group_generator() -> (Self, Self) {
        let [x0, x1, y0, y1] = bn254::G2_GENERATOR.map(Fp::from_u256_reduced);
        (Self::new(x0, x1), Self::new(y0, y1))
    }
}
