//! The report for people, at most 100 columns wide.

use crate::report::{Report, Table};
use std::fmt::Write;

/// A GPU whose throughput is modelled: warps issue one instruction a cycle and scheduler, of which an SM has four.
struct Gpu {
    name: &'static str,
    architecture: &'static str,
    sms: f64,
    /// The boost clock of this product; where the data sheet has none (H100), that of its FP32 rate, two operations a cycle on
    /// each of 128 lanes of an SM: 67·10¹² a second for SXM. The PCIe card has 114 SMs at 1.755.
    gigahertz: f64,
}

const GPUS: [Gpu; 3] = [
    Gpu { name: "A100", architecture: "sm_80", sms: 108.0, gigahertz: 1.41 },
    Gpu { name: "RTX 4090", architecture: "sm_89", sms: 128.0, gigahertz: 2.52 },
    Gpu { name: "H100 SXM", architecture: "sm_90", sms: 132.0, gigahertz: 1.98 },
];

const NOTE: &str = "\
mul: products on the multiply pipe; mov: moves that ptxas gives to it; cycles: ptxas's stall counts,
summed over the code, each instruction once. Operations: what two cost more than one, in a point's
sum on its usual way. modelled: 10⁹ operations a second if every scheduler issued one warp at these
cycles, at boost clock, with no wait for memory. Nothing here is measured on a GPU.
";

pub fn table(report: &Report) -> String {
    let mut rows = vec![row(&["operation", "", "instr", "mul", "mov", "cycles", "modelled 10⁹/s"])];
    rows.extend(lines(&report.operations, |architecture, cost| {
        let mut cells =
            [cost.instructions, cost.multiplies, cost.moves, cost.cycles].map(|n| n.to_string()).to_vec();
        cells.push(modelled(architecture, cost.cycles));
        cells
    }));
    let mut text = if rows.len() > 1 { aligned(&rows) + "\n" } else { String::new() };
    let mut rows =
        vec![row(&["kernel", "", "regs", "spill", "stack", "shared", "instr", "mul", "mov", "cycles"])];
    rows.extend(lines(&report.kernels, |_, kernel| {
        let cost = &kernel.cost;
        let resources = [kernel.registers, kernel.spill_bytes, kernel.stack_bytes, kernel.shared_bytes];
        let counts = [cost.instructions, cost.multiplies, cost.moves, cost.cycles];
        resources.iter().chain(&counts).map(|n| n.to_string()).collect()
    }));
    if rows.len() > 1 {
        text.push_str(&aligned(&rows));
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{NOTE}ptxas {}", report.version);
    text
}

fn modelled(architecture: &str, cycles: u64) -> String {
    let of = |gpu: &Gpu| {
        let per_second = gpu.sms * 4.0 * 32.0 * gpu.gigahertz / cycles.max(1) as f64;
        format!("{} {per_second:.1}", gpu.name)
    };
    GPUS.iter().find(|gpu| gpu.architecture == architecture).map_or_else(String::new, of)
}

fn lines<T>(table: &Table<T>, cells: impl Fn(&str, &T) -> Vec<String>) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (name, architectures) in table {
        for (k, (architecture, found)) in architectures.iter().enumerate() {
            let name = if k == 0 { name.clone() } else { String::new() };
            rows.push([vec![name, architecture.clone()], cells(architecture, found)].concat());
        }
    }
    rows
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| cell.to_string()).collect()
}

/// Rows with their columns below each other: two to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |text: &String| text.chars().count();
    let width = |column| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(text, "{cell:width$}"),
                1 => write!(text, "  {cell:width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
