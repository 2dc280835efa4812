//! What may hold a device back while it is measured: its clock, its temperature, its governor.

use crate::environment;
use std::path::PathBuf;
use zkwatt::device::cuda::CudaDevice;
use zkwatt::device::{Backend, Device};
pub use zkwatt_energy::conditions::Conditions;
use zkwatt_energy::nvml::Gpu;
use zkwatt_energy::{Tree, conditions};

/// Degrees Celsius from which processors slow down.
const HOT_C: f64 = 90.0;
/// Of its clock, what a device loses when it slows down.
const SLOWER: f64 = 0.05;

/// `/sys`, or what `ZKWATT_SYSFS` names in its place.
pub fn tree() -> Tree {
    std::env::var_os("ZKWATT_SYSFS").map_or_else(Tree::default, |root| Tree::at(PathBuf::from(root)))
}

/// The clock and temperature of a device, as far as they can be read; `None` is the CPU.
pub fn read(device: Option<&Device>) -> Conditions {
    match device {
        Some(Device::Cuda(gpu)) => of_cuda(gpu),
        Some(Device::HybridCuda(both)) => of_cuda(both.device()),
        Some(device) if !device.info().software && device.counters().is_some() => Conditions::default(),
        _ => {
            let host = conditions::of_host(&tree());
            Conditions { clock_mhz: host.clock_mhz.or_else(environment::fastest_mhz), ..host }
        }
    }
}

/// The driver of a device and its version.
pub fn driver(device: &Device) -> Option<String> {
    match device {
        Device::Cuda(gpu) => nvml(gpu).ok()?.driver(),
        Device::HybridCuda(both) => nvml(both.device()).ok()?.driver(),
        Device::Wgpu(gpu) => Some(gpu.adapter().driver.clone()),
        Device::HybridWgpu(both) => Some(both.device().adapter().driver.clone()),
        _ => None,
    }
    .filter(|driver| !driver.is_empty())
}

/// The GPU as NVML knows it.
///
/// # Errors
/// Why it does not.
pub fn nvml(gpu: &CudaDevice) -> Result<Gpu, String> {
    if gpu.info().software {
        return Err("NVML knows no emulated GPU".into());
    }
    Gpu::open(None, gpu.pci_address().ok_or("CUDA does not say where the GPU is")?)
}

fn of_cuda(gpu: &CudaDevice) -> Conditions {
    nvml(gpu).map(|gpu| gpu.conditions()).unwrap_or_default()
}

/// Whether the device was held back between two moments, for people.
pub fn held_back(what: &str, before: Conditions, after: Conditions) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(before), Some(after)) = (before.clock_mhz, after.clock_mhz)
        && after < before * (1.0 - SLOWER)
    {
        notes.push(format!(
            "{what}: the clock fell from {before:.0} to {after:.0} MHz during the runs: times are too high"
        ));
    }
    let hottest = [before.temperature_c, after.temperature_c].into_iter().flatten().reduce(f64::max);
    if let Some(degrees) = hottest.filter(|degrees| *degrees >= HOT_C) {
        notes.push(format!(
            "{what}: {degrees:.0} °C during the runs: processors slow down when they are so hot"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_device_back_is_noted() {
        let at = |clock_mhz, temperature_c| Conditions {
            clock_mhz: Some(clock_mhz),
            temperature_c: Some(temperature_c),
        };
        assert!(held_back("x", at(3000.0, 60.0), at(2851.0, 89.9)).is_empty());
        assert!(held_back("x", Conditions::default(), at(100.0, 20.0)).is_empty());
        let slower = held_back("x", at(3000.0, 60.0), at(2849.0, 89.0));
        assert!(matches!(&slower[..], [note] if note.contains("from 3000 to 2849 MHz")), "{slower:?}");
        let hot = held_back("x", at(3000.0, 91.0), at(3000.0, 60.0));
        assert!(matches!(&hot[..], [note] if note.starts_with("x: 91 °C")), "{hot:?}");
    }
}
