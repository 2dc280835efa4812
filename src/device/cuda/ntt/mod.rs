//! Number-theoretic transforms.

use super::{CudaBuffer, CudaDevice};
use crate::device::NttOps;
use crate::error::{Error, Result};
use zkwatt_kernels::Fr;
use zkwatt_kernels::ntt::NttPlan;

/// Roots of unity on the device.
#[derive(Default)]
pub(super) struct RootTables;

impl NttOps for CudaDevice {
    fn ntt(&self, _: &mut CudaBuffer<Fr>, _: &NttPlan) -> Result<()> {
        Err(Error::Unsupported { what: "a transform on cuda".into(), reason: "it is not written yet".into() })
    }
}
