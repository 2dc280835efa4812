//! A prover on a device that is chosen at run time.

use super::{Assignment, Proof, ProveReport, Prover, ProverOptions, ProverPlan, ProvingKey, R1cs};
use crate::device::{CpuDevice, Device};
use crate::error::Result;
use rand_core::{CryptoRng, RngCore};
use std::sync::Arc;

/// A [`Prover`] on whichever device a [`Device`] is. Shares the device.
#[non_exhaustive]
pub enum DeviceProver {
    /// On the CPU.
    Cpu(Prover<CpuDevice>),
}

impl DeviceProver {
    /// As [`Prover::with_options`].
    pub fn new(device: &Device, key: &ProvingKey, r1cs: Arc<R1cs>, options: ProverOptions) -> Result<Self> {
        match device {
            Device::Cpu(device) => Prover::with_options(device.clone(), key, r1cs, options).map(Self::Cpu),
        }
    }

    /// As [`Prover::prove_with_report`].
    pub fn prove_with_report(
        &self,
        assignment: &Assignment,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Proof, ProveReport)> {
        match self {
            Self::Cpu(prover) => prover.prove_with_report(assignment, rng),
        }
    }

    /// As [`Prover::prove`].
    pub fn prove(&self, assignment: &Assignment, rng: &mut (impl RngCore + CryptoRng)) -> Result<Proof> {
        self.prove_with_report(assignment, rng).map(|(proof, _)| proof)
    }

    /// As [`Prover::plan`].
    pub fn plan(&self) -> &ProverPlan {
        match self {
            Self::Cpu(prover) => prover.plan(),
        }
    }
}
