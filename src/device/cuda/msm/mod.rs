//! Multi-scalar multiplication.

use super::{CudaBuffer, CudaDevice};
use crate::device::{Backend, Group, MsmOps, MsmScalars};
use crate::error::{Error, Result};
use zkwatt_kernels::curve::Affine;

/// Bases on a device.
pub struct CudaBases<F> {
    points: CudaBuffer<Affine<F>>,
}

impl<G: Group> MsmOps<G> for CudaDevice {
    type Bases = CudaBases<G::Coordinate>;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        Ok(CudaBases { points: self.upload(bases)? })
    }

    fn msm(&self, bases: &Self::Bases, _: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let _ = &bases.points;
        Err(Error::Unsupported { what: "a sum on cuda".into(), reason: "it is not written yet".into() })
    }
}
