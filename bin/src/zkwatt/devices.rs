//! `zkwatt devices`

use crate::console::say;
use zkwatt::Result;
use zkwatt::device::{DeviceInfo, discover, wgpu};
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
    let lines: Vec<_> = adapters.iter().map(|adapter| format!("  {adapter}")).collect();
    say(format!("\nadapters of wgpu:\n{}", lines.join("\n")))
}
