//! Opening the device that a command line names.

use crate::args::DeviceArg;
use crate::record::Record;
use crate::table;
use zkwatt::device::icicle::IcicleOptions;
use zkwatt::device::wgpu::WgpuOptions;
use zkwatt::device::{Backend, CpuOptions, Device, DeviceInfo, DeviceKind};
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
        DeviceArg::Wgpu => Device::wgpu(WgpuOptions { timestamps: true, ..WgpuOptions::default() }),
        DeviceArg::Icicle => {
            let cpu = CpuOptions { threads: Some(threads), ..CpuOptions::default() };
            Device::icicle(IcicleOptions::default(), cpu)
        }
        DeviceArg::Auto => Device::auto_with(CpuOptions { threads: Some(threads), ..CpuOptions::default() })
            .map(|(device, _)| device),
    }
}

/// Writes what a record says of the device.
pub fn fill(device: &Device, threads: usize, record: &mut Record) {
    let info = device.info();
    record.device = info.kind.name().into();
    record.device_name = name(info);
    if let Device::HybridWgpu(hybrid) = device {
        record.device = "auto".into();
        record.device_name = format!("{} with {}", hybrid.cpu().info().name, record.device_name);
    }
    record.threads = threads;
}

/// The name of a device, with what must be known of its times.
pub fn name(info: &DeviceInfo) -> String {
    let software = match info.kind {
        _ if !info.software => "",
        DeviceKind::Icicle => ", its CPU backend: no GPU's speed",
        _ => ", software Vulkan on the CPU: no GPU's speed",
    };
    format!("{}{software}", info.name)
}

/// What a device other than the CPU has moved and run since it was opened.
pub fn traffic(device: &Device) -> Option<String> {
    let counters = device.counters()?;
    let (up, down) = (table::bytes(counters.uploaded_bytes), table::bytes(counters.downloaded_bytes));
    Some(format!(
        "{up} to it, {down} back, {} dispatches in {} submits",
        counters.dispatches, counters.submits
    ))
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
