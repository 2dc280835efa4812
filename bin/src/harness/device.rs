//! Opening the device that a command line names.

use crate::args::DeviceArg;
use crate::record::Record;
use std::sync::Arc;
use zkwatt::device::{CpuDevice, CpuOptions, Device, DeviceKind};
use zkwatt::{Error, Result};

/// The device of `--device`, with `threads` CPU threads where it computes on the CPU.
///
/// # Errors
/// [`Error::NoSuchDevice`]; nothing is ever replaced.
pub fn open(device: DeviceArg, threads: usize) -> Result<Device> {
    let cpu = || Device::cpu(CpuOptions { threads: Some(threads), ..CpuOptions::default() });
    match device {
        DeviceArg::Cpu => cpu(),
        DeviceArg::Cuda => Device::only(DeviceKind::Cuda),
        DeviceArg::Wgpu => Device::only(DeviceKind::Wgpu),
        DeviceArg::Icicle => Device::only(DeviceKind::Icicle),
        DeviceArg::Auto => match Device::auto()? {
            (_, report) if report.chosen == DeviceKind::Cpu => cpu(),
            (device, _) => Ok(device),
        },
    }
}

/// The CPU, for what this version does nowhere else.
///
/// # Errors
/// [`Error::Unsupported`] for other devices.
pub fn cpu(device: &Device) -> Result<Arc<CpuDevice>> {
    match device {
        Device::Cpu(cpu) => Ok(cpu.clone()),
        other => Err(Error::Unsupported {
            what: format!("Halo2 on {}", other.info().kind),
            reason: "this version proves with Halo2 on the CPU only; use --device cpu".into(),
        }),
    }
}

/// Writes what a record says of the device.
pub fn fill(device: &Device, threads: usize, record: &mut Record) {
    let info = device.info();
    record.device = info.kind.name().into();
    record.device_name = info.name.clone();
    record.threads = threads;
}

/// Refuses a device other than the CPU, for what runs nowhere else.
///
/// # Errors
/// [`Error::NoSuchDevice`].
pub fn cpu_only(device: DeviceArg, what: &str) -> Result<()> {
    match device {
        DeviceArg::Auto | DeviceArg::Cpu => Ok(()),
        other => Err(Error::NoSuchDevice {
            device: other.name().into(),
            reason: format!("{what} is measured on the CPU only; use --device cpu"),
        }),
    }
}
