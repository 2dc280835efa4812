//! What kernels may cost.

use crate::cost::Cost;
use crate::report::{Error, Kernel, Report, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// A file of budgets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    /// The ptxas that the figures are from; those of others are not compared.
    ptxas: String,
    /// By how much figures may be exceeded, in hundredths.
    slack_percent: u64,
    operations: Table<Cost>,
    kernels: Table<Budget>,
}

#[derive(Copy, Clone, Serialize, Deserialize)]
struct Budget {
    registers: u64,
    instructions: u64,
    cycles: u64,
}

impl From<&Kernel> for Budget {
    fn from(kernel: &Kernel) -> Self {
        let Cost { instructions, cycles, .. } = kernel.cost;
        Self { registers: kernel.registers, instructions, cycles }
    }
}

const SLACK_PERCENT: u64 = 2;

/// Registers are given out by so many: less is noise.
const REGISTERS: u64 = 8;

/// The most multiplies and instructions of an operation on any architecture, whatever its budget: what the best public
/// kernels take.
const LIMITS: [(&str, u64, u64); 5] = [
    ("multiply_fr", 131, 205),
    ("multiply_fq", 131, 205),
    ("square_fr", 102, 205),
    ("square_fq", 102, 205),
    ("add_mixed_g1", u64::MAX, 2050),
];

/// The most registers of a kernel: two blocks of 256 threads on an SM.
const REGISTER_LIMITS: [(&str, u64); 1] = [("msm_bucket_accumulate_g1", 128)];

/// Writes the budgets that `report` just keeps.
pub fn write(report: &Report, path: &Path) -> Result<(), Error> {
    let budget = |architectures: &BTreeMap<String, Kernel>| {
        architectures.iter().map(|(architecture, kernel)| (architecture.clone(), kernel.into())).collect()
    };
    let budgets = Budgets {
        ptxas: report.version.clone(),
        slack_percent: SLACK_PERCENT,
        operations: report.operations.clone(),
        kernels: report.kernels.iter().map(|(name, found)| (name.clone(), budget(found))).collect(),
    };
    let mut text = serde_json::to_string_pretty(&budgets).map_err(Error::Json)?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| Error::file(path, error))
}

/// Compares `report`; `whole` if it has all kernels.
pub fn check(report: &Report, path: &Path, whole: bool) -> Result<(), Error> {
    let text = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let budgets: Budgets = serde_json::from_slice(&text).map_err(Error::Json)?;
    let mut complaints = [spills(report), limits(report)].concat();
    if whole {
        complaints.extend(names("kernel", &report.kernels, &budgets.kernels));
        complaints.extend(names("operation", &report.operations, &budgets.operations));
    }
    if report.version == budgets.ptxas {
        complaints.extend(figures(report, &budgets));
    } else {
        println!("SKIPPED budgets: this is ptxas {}, they are {}'s", report.version, budgets.ptxas);
    }
    if !complaints.is_empty() {
        return Err(Error::Exceeded(complaints));
    }
    println!(
        "{} kernels and {} operations keep their budgets",
        report.kernels.len(),
        report.operations.len()
    );
    Ok(())
}

fn each<T>(table: &Table<T>) -> impl Iterator<Item = (&String, &String, &T)> {
    table
        .iter()
        .flat_map(|(name, found)| found.iter().map(move |(architecture, one)| (name, architecture, one)))
}

fn spills(report: &Report) -> Vec<String> {
    let spilling = each(&report.kernels).filter(|(.., kernel)| kernel.spill_bytes + kernel.stack_bytes > 0);
    let complaint = |(name, architecture, kernel): (&String, &String, &Kernel)| {
        let Kernel { spill_bytes, stack_bytes, .. } = kernel;
        format!(
            "{name} on {architecture}: {spill_bytes} bytes of spills, {stack_bytes} of stack; nothing may"
        )
    };
    spilling.map(complaint).collect()
}

fn limits(report: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, architecture, cost) in each(&report.operations) {
        for (_, multiplies, instructions) in LIMITS.iter().filter(|(limited, ..)| limited == name) {
            for (what, found, limit) in [
                ("multiplies", cost.multiplies, *multiplies),
                ("instructions", cost.instructions, *instructions),
            ] {
                if found > limit {
                    complaints
                        .push(format!("{name} on {architecture}: {found} {what}, with a limit of {limit}"));
                }
            }
        }
    }
    for (name, architecture, kernel) in each(&report.kernels) {
        for (_, limit) in
            REGISTER_LIMITS.iter().filter(|(limited, limit)| limited == name && kernel.registers > *limit)
        {
            complaints.push(format!(
                "{name} on {architecture}: {} registers, with a limit of {limit}",
                kernel.registers
            ));
        }
    }
    complaints
}

fn names<A, B>(what: &str, found: &Table<A>, budgets: &Table<B>) -> Vec<String> {
    let gone = budgets.keys().filter(|name| !found.contains_key(*name));
    let new = found.keys().filter(|name| !budgets.contains_key(*name));
    let gone = gone.map(|name| format!("there is a budget for {name}, and no such {what}"));
    gone.chain(new.map(|name| format!("{name} has no budget"))).collect()
}

fn figures(report: &Report, budgets: &Budgets) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut compare = |place: String, figures: &[(&str, u64, u64)]| {
        let slack = budgets.slack_percent;
        for (what, found, budget) in
            figures.iter().filter(|(_, found, budget)| found * 100 > budget * (100 + slack))
        {
            complaints.push(format!("{place}: {found} {what}, with a budget of {budget} and {slack} %"));
        }
    };
    for (name, architecture, found) in each(&report.operations) {
        let Some(budget) = budgets.operations.get(name).and_then(|of| of.get(architecture)) else { continue };
        compare(
            format!("{name} on {architecture}"),
            &[
                ("instructions", found.instructions, budget.instructions),
                ("multiplies", found.multiplies, budget.multiplies),
                ("cycles", found.cycles, budget.cycles),
            ],
        );
    }
    for (name, architecture, found) in each(&report.kernels) {
        let Some(budget) = budgets.kernels.get(name).and_then(|of| of.get(architecture)) else { continue };
        compare(
            format!("{name} on {architecture}"),
            &[
                ("instructions", found.cost.instructions, budget.instructions),
                ("cycles", found.cost.cycles, budget.cycles),
                ("registers", found.registers, budget.registers + REGISTERS),
            ],
        );
    }
    complaints
}
