//! Opening the device that a command line names.

use crate::args::DeviceArg;
use crate::record::Record;
use crate::table;
use zkwatt::device::cuda::CudaOptions;
use zkwatt::device::icicle::IcicleOptions;
use zkwatt::device::wgpu::WgpuOptions;
use zkwatt::device::{Backend, CpuDevice, CpuOptions, Device, DeviceInfo, DeviceKind, check_kernels};
use zkwatt::{Error, Result};

/// The device of `--device`, with `threads` CPU threads where it computes on the CPU.
///
/// # Errors
/// [`Error::NoSuchDevice`]; nothing is ever replaced.
pub fn open(device: DeviceArg, threads: usize) -> Result<Device> {
    let cpu = || Device::cpu(CpuOptions { threads: Some(threads), ..CpuOptions::default() });
    match device {
        DeviceArg::Cpu => cpu(),
        DeviceArg::Cuda => Device::cuda(CudaOptions { timestamps: true, ..CudaOptions::default() }),
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
    if let Some(cpu) = cpu_beside(device) {
        record.device = "auto".into();
        record.device_name = format!("{} with {}", cpu.info().name, record.device_name);
    }
    record.threads = threads;
}

/// The CPU that shares the work of a GPU.
pub fn cpu_beside(device: &Device) -> Option<&CpuDevice> {
    match device {
        Device::HybridCuda(hybrid) => Some(hybrid.cpu()),
        Device::HybridWgpu(hybrid) => Some(hybrid.cpu()),
        _ => None,
    }
}

/// Base-two logarithm of the inputs of a comparison.
const COMPARED_LOG_N: u32 = 9;

/// The same on our emulator, which interprets every instruction.
const EMULATED_LOG_N: u32 = 5;

/// Compares every kind of operation with the CPU, on random inputs.
///
/// # Errors
/// [`Error::SelfCheck`] if results differ; what the device reports.
pub fn compare(device: &Device, seed: u64) -> Result<()> {
    let cpu = CpuDevice::new(CpuOptions::default())?;
    let info = device.info();
    let emulated = info.software && info.kind == DeviceKind::Cuda;
    let log_n = if emulated { EMULATED_LOG_N } else { COMPARED_LOG_N };
    match device {
        // A hybrid would do so little on the CPU itself.
        Device::HybridCuda(hybrid) => check_kernels(&cpu, &**hybrid.device(), log_n, seed),
        Device::HybridWgpu(hybrid) => check_kernels(&cpu, &**hybrid.device(), log_n, seed),
        other => check_kernels(&cpu, other, log_n, seed),
    }
}

/// The name of a device, with what must be known of its times.
pub fn name(info: &DeviceInfo) -> String {
    let software = match info.kind {
        _ if !info.software => "",
        DeviceKind::Cuda => ", emulated on the CPU: no GPU's speed",
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
