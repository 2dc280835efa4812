//! `zkwatt devices`

use crate::console::say;
use zkwatt::Result;
use zkwatt::device::{DeviceInfo, discover};
use zkwatt_harness::table::{self, Table};

fn details(info: &DeviceInfo) -> String {
    let mut text = format!("{} threads", info.threads);
    if let Some(path) = info.cpu_path {
        text.push_str(&format!(", kernels {path}"));
    }
    text + &format!(", {} free", table::bytes(info.memory_bytes))
}

/// Lists every kind.
pub fn run() -> Result<()> {
    let mut table = Table::new(&["device", "status", "what"]).left(&[0, 1, 2]);
    for candidate in discover() {
        let (status, what) = match &candidate.status {
            Ok(info) => ("ready", format!("{}, {}", info.name, details(info))),
            Err(reason) => ("absent", reason.clone()),
        };
        table.row(vec![candidate.kind.name().into(), status.into(), what]);
    }
    say(table.render())
}
