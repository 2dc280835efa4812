//! Opening devices, and what happens where there is none.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
#[cfg(feature = "cuda")]
use zkwatt::device::cuda::{CudaDevice, CudaOptions, gpus};
#[cfg(feature = "icicle")]
use zkwatt::device::icicle::{IcicleDevice, IcicleOptions};
#[cfg(feature = "wgpu")]
use zkwatt::device::wgpu::{LimbForm, WgpuDevice, WgpuOptions};
use zkwatt::device::{Backend, CostLine, Costs, CpuDevice, CpuOptions, Dual, Hybrid, Operation};
use zkwatt::kernels::CpuPath;
use zkwatt::{Error, Result};

/// A line of the suite.
pub struct Line {
    /// What `ZKWATT_REQUIRE` calls it.
    pub name: &'static str,
    /// Opens the device and closes it again.
    pub probe: fn() -> Result<()>,
}

/// The form of the CPU kernels that has this name, or that this CPU has none.
pub fn path(name: &str) -> Result<CpuPath> {
    CpuPath::from_name(name)
        .map_err(|e| Error::NoSuchDevice { device: format!("cpu ({name})"), reason: e.to_string() })
}

/// A CPU device. Without feature `parallel` all have one thread.
pub fn cpu(path: Result<CpuPath>, threads: Option<usize>) -> Result<CpuDevice> {
    let threads = if cfg!(feature = "parallel") { threads } else { None };
    CpuDevice::new(CpuOptions { path: Some(path?), threads, ..Default::default() })
}

/// Two devices that must agree.
pub fn dual<A: Backend, B: Backend>(left: Result<A>, right: Result<B>) -> Result<Dual<A, B>> {
    Ok(Dual::new(left?, right?))
}

/// A GPU with this form of products, which never gets clean memory.
#[cfg(feature = "wgpu")]
pub fn gpu(form: &str) -> Result<WgpuDevice> {
    let form = LimbForm::ALL.into_iter().find(|known| known.name() == form);
    WgpuDevice::new(WgpuOptions { form, poison: true, ..Default::default() })
}

#[cfg(not(feature = "wgpu"))]
pub fn gpu(_: &str) -> Result<CpuDevice> {
    Err(Error::NoSuchDevice { device: "wgpu".into(), reason: "built without feature `wgpu`".into() })
}

/// A GPU through CUDA's driver, or our emulator of one, which never gets clean memory.
#[cfg(feature = "cuda")]
pub fn cuda(emulated: bool) -> Result<CudaDevice> {
    let none = |reason: &str| Err(Error::NoSuchDevice { device: "cuda".into(), reason: reason.into() });
    match gpus()?.first() {
        Some(gpu) if gpu.emulated != emulated && emulated => {
            none("the driver is a real one, not the emulator")
        }
        Some(gpu) if gpu.emulated != emulated => none("there is the emulator only"),
        _ => CudaDevice::new(CudaOptions { poison: true, ..Default::default() }),
    }
}

#[cfg(not(feature = "cuda"))]
pub fn cuda(_: bool) -> Result<CpuDevice> {
    Err(Error::NoSuchDevice { device: "cuda".into(), reason: "built without feature `cuda`".into() })
}

/// An installed ICICLE, completed by the CPU.
#[cfg(feature = "icicle")]
pub fn icicle() -> Result<Hybrid<IcicleDevice>> {
    let device = IcicleDevice::new(IcicleOptions::default())?;
    Ok(Hybrid::new(Arc::new(cpu(path("portable"), None)?), Arc::new(device), IcicleDevice::costs()))
}

#[cfg(not(feature = "icicle"))]
pub fn icicle() -> Result<CpuDevice> {
    Err(Error::NoSuchDevice { device: "icicle".into(), reason: "built without feature `icicle`".into() })
}

/// The CPU with a device beside it: small work on the one and large work on the other.
pub fn hybrid<D: Backend>(device: Result<D>) -> Result<Hybrid<D>> {
    let line =
        |fixed_s, each_s| Operation::ALL.map(|operation| (operation, CostLine { fixed_s, each_s })).into();
    let transfer = CostLine { fixed_s: 10.0, each_s: 0.0 };
    let costs = Costs { cpu: line(0.0, 1.0), device: line(300.0, 0.1), transfer };
    Ok(Hybrid::new(Arc::new(cpu(path("portable"), Some(2))?), Arc::new(device?), costs))
}

/// Runs `test` on the device, or reports that it was skipped.
pub fn lent<D>(name: &'static str, open: impl FnOnce() -> Result<D>, test: impl FnOnce(&D)) {
    shared(name, open, |device: &Arc<D>| test(device));
}

/// As [`lent`], for tests that keep the device.
pub fn shared<D>(name: &'static str, open: impl FnOnce() -> Result<D>, test: impl FnOnce(&Arc<D>)) {
    match open() {
        Ok(device) => test(&Arc::new(device)),
        Err(Error::NoSuchDevice { device, reason }) => {
            assert!(!required().contains(name), "{}", missing(name, &device, &reason));
            static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
            if SAID.lock().unwrap().insert(name) {
                say(&format!("SKIPPED all tests of {name}: no device `{device}`: {reason}"));
            }
        }
        Err(e) => panic!("{name}: the device is here but cannot be opened: {e}"),
    }
}

/// Prints which lines run; fails for required ones that do not, and for required ones that do not exist.
pub fn report(lines: &[Line]) {
    let required = required();
    let mut failures = Vec::new();
    for line in lines {
        match (line.probe)() {
            Ok(()) => say(&format!("conformance: {} runs", line.name)),
            Err(Error::NoSuchDevice { device, reason }) if required.contains(line.name) => {
                failures.push(missing(line.name, &device, &reason));
            }
            Err(Error::NoSuchDevice { reason, .. }) => {
                say(&format!("conformance: {} SKIPPED: {reason}", line.name));
            }
            Err(e) => failures.push(format!("{}: {e}", line.name)),
        }
    }
    let names: Vec<_> = lines.iter().map(|line| line.name).collect();
    for unknown in required.iter().filter(|name| !names.contains(&name.as_str())) {
        failures.push(format!(
            "ZKWATT_REQUIRE names `{unknown}`, which this suite does not have; it has {}",
            names.join(", ")
        ));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn missing(name: &str, device: &str, reason: &str) -> String {
    format!(
        "ZKWATT_REQUIRE names `{name}`, which may not be skipped, but there is no device `{device}`: {reason}"
    )
}

fn required() -> BTreeSet<String> {
    let list = std::env::var("ZKWATT_REQUIRE").unwrap_or_default();
    list.split(',').map(|name| name.trim().replace('-', "_")).filter(|name| !name.is_empty()).collect()
}

/// To the real stderr: what is printed by macros is hidden for tests that pass.
fn say(line: &str) {
    // A closed stderr is no failure of a device.
    let _ = writeln!(std::io::stderr(), "{line}");
}
