//! Keys, the commitment scheme for upstream's prover, and links between commitments.
#![cfg(feature = "halo2")]

mod circuit;
mod keygen;
mod link;
mod scheme;

use std::sync::Arc;
use zkwatt::device::{CpuDevice, CpuOptions};
use zkwatt::halo2::{DeviceSrs, Srs};

/// A development SRS on the CPU.
fn device_srs(k: u32) -> DeviceSrs<CpuDevice> {
    let device = Arc::new(CpuDevice::new(CpuOptions::default()).unwrap());
    DeviceSrs::new(device, Arc::new(Srs::insecure(k, b"tests").unwrap())).unwrap()
}
