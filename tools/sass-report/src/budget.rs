//! What kernels may cost.

use crate::cost::Cost;
use crate::report::{Error, Kernel, Report, Table, is_wanted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// A file of budgets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    /// The ptxas that the figures are from; those of others are not compared.
    ptxas: String,
    /// By how much figures may differ, in hundredths.
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

/// What holds on each of [`LIMITED_ON`], whatever the budgets are.
struct Limits {
    /// The most instructions of an operation on the multiply pipe, moves among them, and of any kind: what the best
    /// public kernels take.
    operations: &'static [(&'static str, u64, u64)],
    /// The most registers of a kernel: two blocks of 256 threads on an SM.
    registers: &'static [(&'static str, u64)],
}

const LIMITS: Limits = Limits {
    operations: &[
        ("multiply_fr", 131, 205),
        ("multiply_fq", 131, 205),
        ("square_fr", 102, 205),
        ("square_fq", 102, 205),
        ("add_mixed_g1", u64::MAX, 2050),
    ],
    registers: &[("msm_bucket_accumulate_g1", 128), ("msm_bucket_merge_g1", 128)],
};

const LIMITED_ON: [&str; 3] = ["sm_80", "sm_90", "sm_120"];

impl Budgets {
    /// Those that `report` just keeps.
    fn of(report: &Report) -> Self {
        let budget = |architectures: &BTreeMap<String, Kernel>| {
            architectures.iter().map(|(architecture, kernel)| (architecture.clone(), kernel.into())).collect()
        };
        Self {
            ptxas: report.version.clone(),
            slack_percent: SLACK_PERCENT,
            operations: report.operations.clone(),
            kernels: report.kernels.iter().map(|(name, found)| (name.clone(), budget(found))).collect(),
        }
    }
}

/// Writes the budgets that `report` just keeps.
pub fn write(report: &Report, path: &Path) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(&Budgets::of(report)).map_err(Error::Json)?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| Error::file(path, error))
}

/// Compares `report`, which has what `wanted` names, with the budgets of the same and with the limits.
pub fn check(report: &Report, path: &Path, wanted: &[String]) -> Result<(), Error> {
    let text = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let mut budgets: Budgets = serde_json::from_slice(&text).map_err(Error::Json)?;
    budgets.operations.retain(|name, _| is_wanted(name, wanted));
    budgets.kernels.retain(|name, _| is_wanted(name, wanted));
    let complaints = complaints(report, &budgets, &LIMITS, wanted);
    if !complaints.is_empty() {
        return Err(Error::Exceeded(complaints));
    }
    if report.version != budgets.ptxas {
        println!("SKIPPED budgets: this is ptxas {}, they are {}'s", report.version, budgets.ptxas);
    }
    println!(
        "{} kernels and {} operations keep their budgets",
        report.kernels.len(),
        report.operations.len()
    );
    Ok(())
}

fn complaints(report: &Report, budgets: &Budgets, limits: &Limits, wanted: &[String]) -> Vec<String> {
    let mut complaints = [
        spills(report),
        over_limits(report, limits, wanted),
        names("kernel", &report.kernels, &budgets.kernels),
        names("operation", &report.operations, &budgets.operations),
    ]
    .concat();
    if report.kernels.is_empty() && report.operations.is_empty() {
        complaints.push("there is nothing to compare".into());
    }
    // Another ptxas makes other code of the same PTX.
    if report.version == budgets.ptxas {
        complaints.extend(figures(report, budgets));
    }
    complaints
}

fn each<T>(table: &Table<T>) -> impl Iterator<Item = (&String, &String, &T)> {
    table
        .iter()
        .flat_map(|(name, found)| found.iter().map(move |(architecture, one)| (name, architecture, one)))
}

fn find<'a, T>(table: &'a Table<T>, name: &str, architecture: &str) -> Option<&'a T> {
    table.get(name)?.get(architecture)
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

/// Limits that are exceeded, and those of what is not there.
fn over_limits(report: &Report, limits: &Limits, wanted: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut hold = |place: String, found: Option<&[(&str, u64, u64)]>| match found {
        None => complaints.push(format!("{place}: it has a limit, and is not there")),
        Some(figures) => {
            for (what, figure, limit) in figures.iter().filter(|(_, figure, limit)| figure > limit) {
                complaints.push(format!("{place}: {figure} {what}, with a limit of {limit}"));
            }
        }
    };
    for architecture in LIMITED_ON {
        for (name, pipe, instructions) in
            limits.operations.iter().filter(|(name, ..)| is_wanted(name, wanted))
        {
            let figures = find(&report.operations, name, architecture).map(|cost| {
                [(PIPE, cost.on_multiply_pipe(), *pipe), ("instructions", cost.instructions, *instructions)]
            });
            hold(format!("{name} on {architecture}"), figures.as_ref().map(<[_; 2]>::as_slice));
        }
        for (name, limit) in limits.registers.iter().filter(|(name, _)| is_wanted(name, wanted)) {
            let figures = find(&report.kernels, name, architecture)
                .map(|kernel| [("registers", kernel.registers, *limit)]);
            hold(format!("{name} on {architecture}"), figures.as_ref().map(<[_; 1]>::as_slice));
        }
    }
    complaints
}

const PIPE: &str = "instructions on the multiply pipe";

/// What has a budget and is not there, or is there and has none.
fn names<A, B>(what: &str, found: &Table<A>, budgets: &Table<B>) -> Vec<String> {
    let gone = each(budgets).filter(|(name, architecture, _)| find(found, name, architecture).is_none());
    let gone = gone.map(|(name, architecture, _)| {
        format!("{name} on {architecture}: it has a budget, and there is no such {what}")
    });
    let new = each(found).filter(|(name, architecture, _)| find(budgets, name, architecture).is_none());
    gone.chain(new.map(|(name, architecture, _)| format!("{name} on {architecture}: it has no budget")))
        .collect()
}

/// Figures beyond their budgets, and those so far below that the budgets say nothing any more.
fn figures(report: &Report, budgets: &Budgets) -> Vec<String> {
    let mut complaints = Vec::new();
    let percent = budgets.slack_percent;
    let mut compare = |place: String, what: &str, found: u64, budget: u64, slack: u64| {
        if found.abs_diff(budget) > slack {
            let remedy = if found < budget { ": an improvement; write new budgets" } else { "" };
            complaints.push(format!("{place}: {found} {what}, with a budget of {budget} ± {slack}{remedy}"));
        }
    };
    for (name, architecture, found) in each(&report.operations) {
        let Some(budget) = find(&budgets.operations, name, architecture) else { continue };
        for (what, found, budget) in [
            ("instructions", found.instructions, budget.instructions),
            (PIPE, found.on_multiply_pipe(), budget.on_multiply_pipe()),
            ("cycles", found.cycles, budget.cycles),
        ] {
            compare(format!("{name} on {architecture}"), what, found, budget, budget * percent / 100);
        }
    }
    for (name, architecture, found) in each(&report.kernels) {
        let Some(budget) = find(&budgets.kernels, name, architecture) else { continue };
        for (what, found, budget, slack) in [
            (
                "instructions",
                found.cost.instructions,
                budget.instructions,
                budget.instructions * percent / 100,
            ),
            ("cycles", found.cost.cycles, budget.cycles, budget.cycles * percent / 100),
            ("registers", found.registers, budget.registers, REGISTERS),
        ] {
            compare(format!("{name} on {architecture}"), what, found, budget, slack);
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITED: Limits = Limits { operations: &[("product", 131, 205)], registers: &[("stage", 128)] };

    fn on_all<T: Clone>(name: &str, found: T) -> Table<T> {
        [(name.to_string(), LIMITED_ON.map(|architecture| (architecture.to_string(), found.clone())).into())]
            .into()
    }

    /// An operation and a kernel, both at their limits.
    fn report() -> Report {
        let cost = Cost { instructions: 200, multiplies: 128, moves: 3, cycles: 500 };
        let kernel = Kernel {
            registers: 128,
            spill_bytes: 0,
            stack_bytes: 0,
            shared_bytes: 0,
            cost,
            loops: Vec::new(),
        };
        Report { version: "1".into(), operations: on_all("product", cost), kernels: on_all("stage", kernel) }
    }

    /// Complaints about the report that `change` makes, with the budgets of the one before.
    fn found(change: impl Fn(&mut Report)) -> Vec<String> {
        let mut report = report();
        let budgets = Budgets::of(&report);
        change(&mut report);
        complaints(&report, &budgets, &LIMITED, &[])
    }

    fn operation(report: &mut Report) -> &mut Cost {
        report.operations.get_mut("product").unwrap().get_mut("sm_90").unwrap()
    }

    fn kernel(report: &mut Report) -> &mut Kernel {
        report.kernels.get_mut("stage").unwrap().get_mut("sm_120").unwrap()
    }

    #[test]
    fn what_keeps_its_budgets_and_limits_passes() {
        assert_eq!(found(|_| ()), [""; 0]);
        // Within the slack.
        assert_eq!(found(|report| operation(report).cycles = 510), [""; 0]);
        assert_eq!(found(|report| kernel(report).registers -= REGISTERS), [""; 0]);
    }

    #[test]
    fn a_missing_architecture_is_found() {
        let missing = found(|report| {
            report.kernels.get_mut("stage").unwrap().remove("sm_80");
        });
        assert_eq!(
            missing,
            [
                "stage on sm_80: it has a limit, and is not there",
                "stage on sm_80: it has a budget, and there is no such kernel"
            ]
        );
    }

    #[test]
    fn a_missing_operation_is_found() {
        let missing = found(|report| report.operations.clear());
        assert_eq!(missing.len(), 6, "{missing:?}");
        assert!(
            missing.contains(&"product on sm_90: it has a budget, and there is no such operation".into())
        );
        assert!(missing.contains(&"product on sm_90: it has a limit, and is not there".into()));
    }

    #[test]
    fn a_limit_of_something_unknown_is_found() {
        let limits = Limits { operations: &[], registers: &[("stages", 128)] };
        let report = report();
        assert_eq!(complaints(&report, &Budgets::of(&report), &limits, &[]).len(), LIMITED_ON.len());
    }

    #[test]
    fn what_has_no_budget_is_found() {
        let report = report();
        let mut budgets = Budgets::of(&report);
        budgets.operations.get_mut("product").unwrap().remove("sm_120");
        budgets.kernels.clear();
        let missing = complaints(&report, &budgets, &LIMITED, &[]);
        assert_eq!(missing.len(), 4, "{missing:?}");
        assert!(missing.contains(&"product on sm_120: it has no budget".into()));
    }

    #[test]
    fn an_exceeded_limit_is_found_whatever_the_budget() {
        // Moves count, and budgets that follow change nothing.
        let mut report = report();
        operation(&mut report).moves += 1;
        kernel(&mut report).registers += 1;
        assert_eq!(
            complaints(&report, &Budgets::of(&report), &LIMITED, &[]),
            [
                "product on sm_90: 132 instructions on the multiply pipe, with a limit of 131",
                "stage on sm_120: 129 registers, with a limit of 128"
            ]
        );
    }

    #[test]
    fn a_spill_is_found_whatever_ptxas() {
        let spilling = found(|report| {
            report.version = "2".into();
            kernel(report).spill_bytes = 8;
        });
        assert_eq!(spilling, ["stage on sm_120: 8 bytes of spills, 0 of stack; nothing may"]);
    }

    #[test]
    fn figures_beyond_the_slack_are_found_in_both_directions() {
        assert_eq!(
            found(|report| operation(report).cycles = 511),
            ["product on sm_90: 511 cycles, with a budget of 500 ± 10"]
        );
        assert_eq!(
            found(|report| operation(report).moves = 0),
            [
                "product on sm_90: 128 instructions on the multiply pipe, with a budget of 131 ± 2: an improvement; write \
              new budgets"
            ]
        );
        assert_eq!(
            found(|report| kernel(report).registers -= REGISTERS + 1),
            ["stage on sm_120: 119 registers, with a budget of 128 ± 8: an improvement; write new budgets"]
        );
    }

    #[test]
    fn a_part_is_compared_with_its_part() {
        let mut report = report();
        let mut budgets = Budgets::of(&report);
        report.kernels.clear();
        budgets.kernels.clear();
        assert_eq!(complaints(&report, &budgets, &LIMITED, &["prod".into()]), [""; 0]);
        report.operations.clear();
        budgets.operations.clear();
        assert_eq!(
            complaints(&report, &budgets, &LIMITED, &["nothing".into()]),
            ["there is nothing to compare"]
        );
    }
}
