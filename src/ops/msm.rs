//! Multi-scalar multiplication Σ kᵢ·Pᵢ.

use crate::device::{Device, Group, PreparedBases};
use crate::error::Result;
use zkwatt_kernels::curve::Affine;

pub use zkwatt_kernels::msm::{BitHistogram, MsmPlan, Scalars};

/// Puts bases on a device for many MSMs.
///
/// The points must be on the curve and in the group; this is not checked. Identities are allowed and skipped.
pub fn prepare<G: Group>(device: &Device, bases: &[Affine<G::Coordinate>]) -> Result<PreparedBases<G>> {
    device.prepare(bases)
}

/// Σ kᵢ·Pᵢ over the first `scalars.len()` bases.
///
/// Errors: more scalars than bases; too little memory even for pieces. Cost: about
/// n·⌈254/c⌉ batched-affine additions of 6 field products for full-width scalars, far less for small ones; see
/// [`MsmPlan`].
pub fn msm<G: Group>(
    device: &Device,
    bases: &PreparedBases<G>,
    scalars: Scalars<'_>,
) -> Result<Affine<G::Coordinate>> {
    device.msm(bases, scalars)
}

/// One [`msm`] for each item of `batch`, over the same bases.
pub fn msm_batch<G: Group>(
    device: &Device,
    bases: &PreparedBases<G>,
    batch: &[Scalars<'_>],
) -> Result<Vec<Affine<G::Coordinate>>> {
    batch.iter().map(|scalars| device.msm(bases, *scalars)).collect()
}
