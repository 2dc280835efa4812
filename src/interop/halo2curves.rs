//! Views of halo2curves-axiom 0.7.

use super::{check_once, views};
use halo2curves_axiom::bn256;
use halo2curves_axiom::group::prime::PrimeCurveAffine;
use std::mem::offset_of;
use std::sync::Once;
use zkwatt_kernels::{Fq, Fq2, Fr, G1Affine, G2Affine};

const _: () = assert!(offset_of!(bn256::G1Affine, x) == 0 && offset_of!(bn256::G1Affine, y) == 32);
const _: () = assert!(offset_of!(bn256::G2Affine, x) == 0 && offset_of!(bn256::G2Affine, y) == 64);
const _: () = assert!(offset_of!(bn256::Fq2, c0) == 0 && offset_of!(bn256::Fq2, c1) == 32);

views! {
    /// Scalars of halo2curves as ours.
    scalars, scalars_mut, halo2_scalars, scalar, halo2_scalar: bn256::Fr => Fr;
    /// Base field elements of halo2curves as ours.
    base_elements, base_elements_mut, halo2_base_elements, base_element, halo2_base_element: bn256::Fq => Fq;
    /// Points of G1 of halo2curves as ours.
    g1_points, g1_points_mut, halo2_g1_points, g1_point, halo2_g1_point: bn256::G1Affine => G1Affine;
    /// Points of G2 of halo2curves as ours.
    g2_points, g2_points_mut, halo2_g2_points, g2_point, halo2_g2_point: bn256::G2Affine => G2Affine;
}

/// Bytes of a value, for the comparison of representations.
fn bits<T: Copy, const N: usize>(value: &T) -> [u64; N] {
    assert!(size_of::<T>() == 8 * N && align_of::<T>() == align_of::<u64>());
    // SAFETY: same size and alignment (asserted), and field elements and points are made of u64 limbs only.
    unsafe { core::mem::transmute_copy(value) }
}

fn check() {
    static ONCE: Once = Once::new();
    check_once(&ONCE, "halo2curves-axiom", || {
        let (g1, g2) = (bn256::G1Affine::generator(), bn256::G2Affine::generator());
        let (zero1, zero2) = (bn256::G1Affine::identity(), bn256::G2Affine::identity());
        bits::<_, 4>(&bn256::Fr::from(7)) == bits(&Fr::from(7u64))
            && bits::<_, 4>(&bn256::Fq::from(7)) == bits(&Fq::from(7u64))
            && bits::<_, 8>(&g1) == bits(&G1Affine::generator())
            && bits::<_, 16>(&g2) == bits(&G2Affine::generator())
            && bits::<_, 8>(&zero1) == bits(&G1Affine::IDENTITY)
            && bits::<_, 16>(&zero2) == bits(&G2Affine::IDENTITY)
            && size_of::<Fq2>() == size_of::<bn256::Fq2>()
    });
}
