//! Multi-scalar multiplication Σ kᵢ·Pᵢ.

use crate::device::{Device, Group, MsmOps, MsmScalars, PreparedBases};
use crate::error::Result;
use zkwatt_kernels::curve::Affine;

pub use zkwatt_kernels::msm::{BitHistogram, MsmPlan, Scalars};

/// Puts bases on a device for many MSMs.
///
/// The points must be on the curve and in the group; this is not checked. Identities are allowed and skipped.
pub fn prepare<G: Group>(device: &Device, bases: &[Affine<G::Coordinate>]) -> Result<PreparedBases<G>> {
    MsmOps::<G>::prepare(device, bases)
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
    MsmOps::<G>::msm(device, bases, MsmScalars::Host(scalars))
}

/// One [`msm`] for each item of `batch`, over the same bases.
pub fn msm_batch<G: Group>(
    device: &Device,
    bases: &PreparedBases<G>,
    batch: &[Scalars<'_>],
) -> Result<Vec<Affine<G::Coordinate>>> {
    MsmOps::<G>::msm_batch(device, bases, batch.iter().map(|scalars| MsmScalars::Host(*scalars)).collect())
}
