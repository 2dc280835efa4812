//! Whether points are the powers of one secret.
//!
//! Both checks take random combinations with 128-bit coefficients that are a hash of all points involved, so that no
//! file can be made to fit them: a wrong one passes with probability 2^−128 a try.

use super::{Parts, points};
use crate::interop::halo2curves as interop;
use halo2curves_axiom::bn256::{Bn256, G2Affine as HaloG2};
use halo2curves_axiom::group::Group;
use halo2curves_axiom::pairing::{Engine, MillerLoopResult, MultiMillerLoop};
use sha2::{Digest, Sha256};
use zkwatt_kernels::curve::Xyzz;
use zkwatt_kernels::msm::{self, MsmBases, Scalars};
use zkwatt_kernels::ntt::{self, Direction, Generator, NttPlan, Twiddles};
use zkwatt_kernels::{CpuPath, Fr, G1Affine, G2Affine, bn254, parallel};

/// Points that are hashed at once.
const CHUNK: usize = 1024;

/// SHA-256 of k, the powers and \[τ\]H.
pub(super) fn digest(k: u32, g: &[G1Affine], s_g2: &G2Affine) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"zkwatt srs v1\0");
    hash.update(k.to_le_bytes());
    update(&mut hash, g);
    let mut bytes = Vec::new();
    points::write_g2(s_g2, &mut bytes);
    hash.update(&bytes);
    hash.finalize().into()
}

fn update(hash: &mut Sha256, points: &[G1Affine]) {
    let mut bytes = Vec::with_capacity(CHUNK * super::halo2::RAW_G1);
    for chunk in points.chunks(CHUNK) {
        bytes.clear();
        points::write_g1(chunk, &mut bytes);
        hash.update(&bytes);
    }
}

/// SHA-256(seed, i) in halves.
fn coefficients(seed: &[u8; 32], n: usize) -> Vec<i128> {
    let pairs = parallel::map_range(n.div_ceil(2), |i| {
        let hash: [u8; 32] =
            Sha256::new_with_prefix(seed).chain_update((i as u64).to_le_bytes()).finalize().into();
        let (low, high) = hash.split_at(16);
        [low, high].map(|half| half.iter().fold(0, |acc, byte| acc << 8 | i128::from(*byte)))
    });
    pairs.into_iter().flatten().take(n).collect()
}

fn msm(bases: &[G1Affine], scalars: Scalars<'_>) -> G1Affine {
    msm::msm(CpuPath::active(), &MsmBases::new(bases.to_vec()), scalars)
}

/// Whether a point of the twist is in the group of order r.
pub(super) fn in_group(p: &G2Affine) -> bool {
    Xyzz::from(*p).mul_vartime(&bn254::SCALAR_MODULUS).is_identity()
}

/// e(Σ ρ_i·G_i, \[τ\]H) = e(Σ ρ_i·G_{i+1}, H) over i < n − 1: with G_0 = G, which the caller knows, all G_i are \[τ^i\]G.
pub(super) fn powers(parts: &Parts) -> Result<(), String> {
    if !in_group(&parts.s_g2) {
        return Err("τ in G2 is not in the group of order r".into());
    }
    let (Some((_, lower)), Some((_, upper))) = (parts.g.split_last(), parts.g.split_first()) else {
        return Err("has no powers".into());
    };
    let rho = coefficients(&digest(parts.k, &parts.g, &parts.s_g2), lower.len());
    let left = msm(lower, Scalars::I128(&rho));
    let right = msm(upper, Scalars::I128(&rho));
    if !pairings_agree(left, parts.s_g2, right, G2Affine::generator()) {
        return Err("the points are not the powers of one τ".into());
    }
    Ok(())
}

/// e(a, b) = e(c, d)
pub(in crate::halo2) fn pairings_agree(a: G1Affine, b: G2Affine, c: G1Affine, d: G2Affine) -> bool {
    let prepared = |p: &G2Affine| <Bn256 as MultiMillerLoop>::G2Prepared::from(halo2_g2(p));
    let terms = [(interop::halo2_g1_point(&a), prepared(&b)), (interop::halo2_g1_point(&-c), prepared(&d))];
    let [(p, q), (r, s)] = &terms;
    let product = <Bn256 as MultiMillerLoop>::multi_miller_loop(&[(p, q), (r, s)]).final_exponentiation();
    bool::from(<Bn256 as Engine>::Gt::is_identity(&product))
}

fn halo2_g2(p: &G2Affine) -> HaloG2 {
    interop::halo2_g2_point(p)
}

/// Σ ρ_i·L_i = Σ c_j·G_j, where c are the coefficients of the polynomial with the values ρ. Nothing to do for a file
/// without a Lagrange basis.
pub(super) fn lagrange(parts: &Parts) -> Result<(), String> {
    let Some(basis) = &parts.g_lagrange else {
        return Ok(());
    };
    let mut hash = Sha256::new_with_prefix(b"zkwatt lagrange v1\0");
    hash.update(digest(parts.k, &parts.g, &parts.s_g2));
    update(&mut hash, basis);
    let rho = coefficients(&hash.finalize().into(), basis.len());
    let mut c: Vec<Fr> = rho.iter().map(|rho| signed(*rho)).collect();
    let path = CpuPath::active();
    let plan =
        NttPlan::new(parts.k, Direction::Inverse).map_err(|e| e.to_string())?.generator(Generator::Seven);
    let twiddles = Twiddles::new(path, parts.k, Generator::Seven).map_err(|e| e.to_string())?;
    ntt::ntt(path, &mut c, &plan, &twiddles).map_err(|e| e.to_string())?;
    if msm(basis, Scalars::I128(&rho)) != msm(&parts.g, Scalars::Field(&c)) {
        return Err("the Lagrange basis does not belong to the powers of τ".into());
    }
    Ok(())
}

fn signed(value: i128) -> Fr {
    let magnitude = value.unsigned_abs();
    let x = Fr::from_u256_reduced([magnitude as u64, (magnitude >> 64) as u64, 0, 0]);
    if value < 0 { -x } else { x }
}
