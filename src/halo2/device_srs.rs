//! An SRS whose bases are on a device.

use super::srs::Srs;
use crate::device::{G1, MsmOps, MsmScalars};
use crate::error::Result;
use std::fmt;
use std::sync::Arc;
use zkwatt_kernels::G1Affine;
use zkwatt_kernels::msm::Scalars;

/// An SRS and its two bases, prepared for MSMs on one device.
pub struct DeviceSrs<B: MsmOps<G1>> {
    device: Arc<B>,
    srs: Arc<Srs>,
    powers: B::Bases,
    lagrange: B::Bases,
}

impl<B: MsmOps<G1>> DeviceSrs<B> {
    /// Puts both bases on the device.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Error::OutOfMemory), and those of the device.
    pub fn new(device: Arc<B>, srs: Arc<Srs>) -> Result<Self> {
        let powers = device.prepare(srs.g())?;
        let lagrange = device.prepare(srs.g_lagrange())?;
        Ok(Self { device, srs, powers, lagrange })
    }

    /// The device.
    pub fn device(&self) -> &Arc<B> {
        &self.device
    }

    /// The SRS.
    pub fn srs(&self) -> &Arc<Srs> {
        &self.srs
    }

    /// \[p(τ)\]G for the polynomial with these coefficients, lowest degree first. Errors: more than n; of the device.
    pub fn commit(&self, coefficients: Scalars<'_>) -> Result<G1Affine> {
        self.device.msm(&self.powers, MsmScalars::Host(coefficients))
    }

    /// \[p(τ)\]G for the polynomial with these values at the powers of Halo2's root; values that are left out are zero.
    /// Errors: more than n; of the device.
    pub fn commit_lagrange(&self, values: Scalars<'_>) -> Result<G1Affine> {
        self.device.msm(&self.lagrange, MsmScalars::Host(values))
    }
}

impl<B: MsmOps<G1>> fmt::Debug for DeviceSrs<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSrs")
            .field("device", self.device.info())
            .field("k", &self.srs.k())
            .finish_non_exhaustive()
    }
}
