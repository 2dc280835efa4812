//! The Lagrange basis from the powers.

use crate::interop::halo2curves as interop;
use halo2_axiom::arithmetic::g_to_lagrange;
use zkwatt_kernels::G1Affine;

/// L_i = 1/n·Σ_j ω^(−ij)·G_j: an inverse transform over the group. `g` has 2^k points.
pub(super) fn from_powers(g: &[G1Affine], k: u32) -> Vec<G1Affine> {
    let points = interop::halo2_g1_points(g).iter().map(|p| (*p).into()).collect();
    interop::g1_points(&g_to_lagrange::<halo2curves_axiom::bn256::G1Affine>(points, k)).to_vec()
}
