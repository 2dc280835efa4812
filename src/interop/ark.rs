//! Views of ark-bn254 0.6.

use super::{check_once, views};
use ark_ec::AffineRepr;
use std::mem::offset_of;
use std::sync::Once;
use zkwatt_kernels::{Fq, Fq2, Fr, G1Affine, G2Affine};

// Points: x at the start and y behind it, nothing else.
const _: () = assert!(offset_of!(ark_bn254::G1Affine, x) == 0 && offset_of!(ark_bn254::G1Affine, y) == 32);
const _: () = assert!(offset_of!(ark_bn254::G2Affine, x) == 0 && offset_of!(ark_bn254::G2Affine, y) == 64);
const _: () = assert!(offset_of!(ark_bn254::Fq2, c0) == 0 && offset_of!(ark_bn254::Fq2, c1) == 32);

views! {
    /// Scalars of arkworks as ours.
    scalars, scalars_mut, ark_scalars, scalar, ark_scalar: ark_bn254::Fr => Fr;
    /// Base field elements of arkworks as ours.
    base_elements, base_elements_mut, ark_base_elements, base_element, ark_base_element: ark_bn254::Fq => Fq;
    /// Points of G1 of arkworks as ours.
    g1_points, g1_points_mut, ark_g1_points, g1_point, ark_g1_point: ark_bn254::G1Affine => G1Affine;
    /// Points of G2 of arkworks as ours.
    g2_points, g2_points_mut, ark_g2_points, g2_point, ark_g2_point: ark_bn254::G2Affine => G2Affine;
}

fn check() {
    static ONCE: Once = Once::new();
    check_once(&ONCE, "ark-bn254", || {
        let fr = ark_bn254::Fr::from(7u64).0.0 == Fr::from(7u64).to_montgomery();
        let fq = |ark: &ark_bn254::Fq, ours: &Fq| ark.0.0 == ours.to_montgomery();
        let fq2 = |ark: &ark_bn254::Fq2, ours: &Fq2| fq(&ark.c0, &ours.c0) && fq(&ark.c1, &ours.c1);
        let (g1, g2) = (ark_bn254::G1Affine::generator(), ark_bn254::G2Affine::generator());
        let (our_g1, our_g2) = (G1Affine::generator(), G2Affine::generator());
        let (zero1, zero2) = (ark_bn254::G1Affine::identity(), ark_bn254::G2Affine::identity());
        let (our_zero1, our_zero2) = (G1Affine::IDENTITY, G2Affine::IDENTITY);
        fr && fq(&g1.x, &our_g1.x)
            && fq(&g1.y, &our_g1.y)
            && fq2(&g2.x, &our_g2.x)
            && fq2(&g2.y, &our_g2.y)
            && fq(&zero1.x, &our_zero1.x)
            && fq(&zero1.y, &our_zero1.y)
            && fq2(&zero2.x, &our_zero2.x)
            && fq2(&zero2.y, &our_zero2.y)
    });
}
