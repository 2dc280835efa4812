//! `zkwatt devices`

use crate::console::say;
use zkwatt::Result;
use zkwatt::device::wgpu::{self, AdapterReport};
use zkwatt::device::{DeviceInfo, discover};
use zkwatt_harness::device;
use zkwatt_harness::table::{self, Table};

fn details(info: &DeviceInfo) -> String {
    let mut parts = vec![device::name(info)];
    if let Some(path) = info.cpu_path {
        parts.push(format!("{} threads, kernels {path}", info.threads));
    }
    if info.memory_bytes < u64::MAX {
        parts.push(format!("{} free", table::bytes(info.memory_bytes)));
    }
    parts.join(", ")
}

fn lines_of(adapter: &AdapterReport) -> String {
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
    let adapters = wgpu::adapters_blocking();
    if adapters.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = adapters.iter().map(lines_of).collect();
    say(format!("\nadapters of wgpu:\n{}", lines.join("\n")))
}
