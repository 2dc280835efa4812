//! Measuring what operations cost, and keeping it.

use super::backend::{AllOps, DeviceInfo};
use super::costs::{CostLine, Costs, Operation};
use super::cpu::CpuDevice;
use super::trial::{Trial, median};
use crate::error::{Error, Result};
use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Sizes to measure: 2^small and 2^large items.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TuneSizes {
    /// Base-two logarithm of the smaller size.
    pub small: u32,
    /// Base-two logarithm of the larger size, 20 at most.
    pub large: u32,
}

/// Measures every operation on the CPU and on `device` at two sizes, results compared, and the way between them.
///
/// # Errors
/// [`Error::InvalidArgument`] for sizes out of order; [`Error::SelfCheck`] if the devices disagree; what the device
/// reports.
pub fn tune<B: AllOps>(
    cpu: &CpuDevice,
    device: &B,
    sizes: TuneSizes,
    mut progress: impl FnMut(Operation),
) -> Result<Costs> {
    if sizes.small >= sizes.large || sizes.large > 20 {
        let reason = format!(
            "2^{} and 2^{}: expected a small one, a larger one, at most 2^20",
            sizes.small, sizes.large
        );
        return Err(Error::invalid("sizes", reason));
    }
    let inputs = [sizes.small, sizes.large].map(|log_n| Trial::new(log_n, 1));
    let mut costs =
        Costs { cpu: BTreeMap::new(), device: BTreeMap::new(), transfer: transfer(device, &inputs)? };
    for operation in Operation::ALL {
        progress(operation);
        let mut points = [[(0.0, 0.0); 2]; 2];
        for (i, input) in inputs.iter().enumerate() {
            let [cpu_s, device_s] = input.compare(cpu, device, operation)?;
            points[0][i] = (input.items(operation), cpu_s);
            points[1][i] = (input.items(operation), device_s);
        }
        let [on_cpu, on_device] = points.map(|[small, large]| CostLine::through(small, large));
        costs.cpu.insert(operation, on_cpu);
        costs.device.insert(operation, on_device);
    }
    Ok(costs)
}

/// Seconds to bring bytes to the device and back, halved.
fn transfer<B: AllOps>(device: &B, inputs: &[Trial; 2]) -> Result<CostLine> {
    let mut points = [(0.0, 0.0); 2];
    for (point, input) in points.iter_mut().zip(inputs) {
        let seconds = median(|| {
            let start = Instant::now();
            let buffer = device.upload(input.values())?;
            device.download_blocking(&buffer)?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        *point = (size_of_val(input.values()) as f64, seconds / 2.0);
    }
    Ok(CostLine::through(points[0], points[1]))
}

/// What is known of one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// The library that measured.
    version: String,
    costs: Costs,
}

/// One GPU has the same name through CUDA and through wgpu, and other costs.
fn key(device: &DeviceInfo) -> String {
    format!("{}: {}", device.kind, device.name)
}

/// Where costs are kept: the file that `ZKWATT_TUNING` names, or `zkwatt/tuning.json` where the user's configuration is.
pub fn file() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("ZKWATT_TUNING").or_else(|| {
        let home = || named("HOME").map(|home| home.join(".config"));
        let base = named("XDG_CONFIG_HOME").or_else(|| named("APPDATA")).or_else(home)?;
        Some(base.join("zkwatt").join("tuning.json"))
    })
}

/// The costs that were measured for a device by this version, if any are kept.
pub fn stored(device: &DeviceInfo) -> Option<Costs> {
    let entry = read(&file()?).ok()?.remove(&key(device))?;
    (entry.version == env!("CARGO_PKG_VERSION")).then_some(entry.costs)
}

/// Keeps costs for a device, beside those of others; returns the file.
///
/// # Errors
/// [`Error::Io`]; [`Error::InvalidArgument`] where there is no place for it; [`Error::Format`] if the file there is none of
/// ours, which is left as it is.
pub fn store(device: &DeviceInfo, costs: &Costs) -> Result<PathBuf> {
    let path = file().ok_or_else(|| {
        Error::invalid(
            "ZKWATT_TUNING",
            "neither it nor HOME is set; name a file for the measured costs in it",
        )
    })?;
    let mut entries = if path.exists() { read(&path)? } else { BTreeMap::new() };
    let entry = Entry { version: env!("CARGO_PKG_VERSION").into(), costs: costs.clone() };
    entries.insert(key(device), entry);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let text = serde_json::to_vec_pretty(&entries).map_err(|e| Error::format("costs", e.to_string()))?;
    files::write_atomic(&path, &text)?;
    Ok(path)
}

/// Far more than the costs of any number of devices.
const MAX_FILE_BYTES: u64 = 1 << 20;

fn read(path: &std::path::Path) -> Result<BTreeMap<String, Entry>> {
    let bytes = files::read_at_most(path, MAX_FILE_BYTES)?;
    let reason =
        |e: serde_json::Error| Error::format(path.display().to_string(), format!("{e}; move it away"));
    serde_json::from_slice(&bytes).map_err(reason)
}
