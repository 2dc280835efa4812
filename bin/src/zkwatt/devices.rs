//! `zkwatt devices`

use crate::console::say;
use zkwatt::Result;
use zkwatt::device::cuda::{self, GpuReport};
use zkwatt::device::wgpu::{self, AdapterReport};
use zkwatt::device::{DeviceInfo, DeviceKind, discover};
use zkwatt_harness::device;
use zkwatt_harness::table::{self, Table};

fn details(info: &DeviceInfo) -> String {
    let mut parts = vec![device::name(info)];
    if let Some(path) = info.cpu_path {
        parts.push(format!("{} threads, kernels {path}", info.threads));
    }
    if info.memory_bytes < u64::MAX {
        // CUDA tells what is free only of a GPU that is open.
        let which = if info.kind == DeviceKind::Cuda { "of memory" } else { "free" };
        parts.push(format!("{} {which}", table::bytes(info.memory_bytes)));
    }
    parts.join(", ")
}

fn lines_of_adapter(adapter: &AdapterReport) -> String {
    let software = if adapter.software { ", software on the CPU" } else { "" };
    let int64 = if adapter.int64 { "64-bit integers" } else { "no 64-bit integers" };
    let clock = if adapter.timestamps { "a clock" } else { "no clock" };
    let (binding, buffer) = (table::bytes(adapter.max_binding_bytes), table::bytes(adapter.max_buffer_bytes));
    let verdict = match &adapter.rejected {
        None => format!("can be used, in the {} form", adapter.form.name()),
        Some(reason) => format!("cannot be used: {reason}"),
    };
    [
        format!("  {} ({}{software})", adapter.name, adapter.interface),
        format!("    driver {}", adapter.driver),
        format!("    {int64}, {clock}, bindings of {binding}, buffers of {buffer}"),
        format!("    {verdict}"),
    ]
    .join("\n")
}

fn lines_of_gpu(gpu: &GpuReport) -> String {
    let ((major, minor), (driver_major, driver_minor)) = (gpu.capability, gpu.driver);
    let emulated = if gpu.emulated { " (emulated on the CPU)" } else { "" };
    let (memory, multiprocessors) = (table::bytes(gpu.memory_bytes), gpu.multiprocessors);
    let verdict = match &gpu.unusable {
        None => format!("can be used; ZKWATT_CUDA_DEVICE={} chooses it", gpu.ordinal),
        Some(reason) => format!("cannot be used: {reason}"),
    };
    [
        format!("  {}: {}{emulated}", gpu.ordinal, gpu.name),
        format!("    driver of CUDA {driver_major}.{driver_minor}"),
        format!(
            "    compute capability {major}.{minor}, {multiprocessors} multiprocessors, {memory} of memory"
        ),
        format!("    {verdict}"),
    ]
    .join("\n")
}

/// Lists every kind.
pub fn run() -> Result<()> {
    let mut table = Table::new(&["device", "status", "what"]).left(&[0, 1, 2]);
    for candidate in discover() {
        let (status, what) = match &candidate.status {
            Ok(info) => ("ready", details(info)),
            Err(reason) => ("absent", reason.clone()),
        };
        table.row(vec![candidate.kind.name().into(), status.into(), what]);
    }
    say(table.render())?;
    // Where there are none the table says why.
    let gpus = cuda::gpus().unwrap_or_default();
    section("GPUs of CUDA", gpus.iter().map(lines_of_gpu))?;
    section("adapters of wgpu", wgpu::adapters_blocking().iter().map(lines_of_adapter))
}

fn section(title: &str, entries: impl Iterator<Item = String>) -> Result<()> {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() { Ok(()) } else { say(format!("\n{title}:\n{}", entries.join("\n"))) }
}
