//! What shaders may cost.

use crate::radv::Statistics;
use crate::report::{Error, Report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// A file of budgets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    /// The driver that the figures of GPUs are from; those of others are not compared.
    driver: String,
    /// By how much figures of GPUs may be exceeded, in hundredths.
    slack_percent: u64,
    /// Multiplications in functions, which must be exact.
    functions: BTreeMap<String, Multiplies>,
    /// By shader and family.
    shaders: BTreeMap<String, BTreeMap<String, Budget>>,
}

#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Multiplies {
    multiplies_32: u64,
    multiplies_64: u64,
}

#[derive(Copy, Clone, Serialize, Deserialize)]
struct Budget {
    instructions: u64,
    vgprs: u64,
    sgprs: u64,
}

impl From<&Statistics> for Budget {
    fn from(s: &Statistics) -> Self {
        Self { instructions: s.instructions, vgprs: s.vgprs, sgprs: s.sgprs }
    }
}

const SLACK_PERCENT: u64 = 4;

/// Registers are given out by so many: less is noise.
const REGISTERS: u64 = 4;

/// Functions whose multiplications are held.
fn held(report: &Report) -> BTreeMap<String, Multiplies> {
    let products = report
        .functions
        .iter()
        .filter(|(name, _)| name.starts_with("fe_mul ") || name.starts_with("fe_square "));
    let multiplies = |(name, o): (&String, &crate::count::Operations)| {
        (name.clone(), Multiplies { multiplies_32: o.multiplies_32, multiplies_64: o.multiplies_64 })
    };
    products.map(multiplies).collect()
}

/// Writes the budgets that `report` just keeps.
pub fn write(report: &Report, path: &Path) -> Result<(), Error> {
    let families = |line: &crate::report::Line| {
        line.radv.iter().map(|(family, statistics)| (family.to_string(), statistics.into())).collect()
    };
    let budgets = Budgets {
        driver: report.driver.clone().unwrap_or_default(),
        slack_percent: SLACK_PERCENT,
        functions: held(report),
        shaders: report.shaders.iter().map(|line| (line.shader.clone(), families(line))).collect(),
    };
    let mut text = serde_json::to_string_pretty(&budgets).map_err(Error::Json)?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| file(path, error))
}

/// Compares `report`; `whole` if it has all shaders.
pub fn check(report: &Report, path: &Path, whole: bool) -> Result<(), Error> {
    let text = std::fs::read(path).map_err(|error| file(path, error))?;
    let budgets: Budgets = serde_json::from_slice(&text).map_err(Error::Json)?;
    let mut complaints = functions(report, &budgets);
    complaints.extend(spills(report));
    if whole {
        complaints.extend(names(report, &budgets));
    }
    match &report.driver {
        None => println!("SKIPPED instructions and registers: RADV was not asked"),
        Some(driver) if *driver != budgets.driver => {
            println!(
                "SKIPPED instructions and registers: the driver is {driver}, the budgets are {}'s",
                budgets.driver
            );
        }
        Some(_) => complaints.extend(figures(report, &budgets)),
    }
    if !complaints.is_empty() {
        return Err(Error::Exceeded(complaints));
    }
    println!("{} shaders and {} products keep their budgets", report.shaders.len(), held(report).len());
    Ok(())
}

fn functions(report: &Report, budgets: &Budgets) -> Vec<String> {
    let complaint = |(name, found): (String, Multiplies)| {
        let show =
            |m: Multiplies| format!("{} of 32 bits and {} of 64 bits", m.multiplies_32, m.multiplies_64);
        let Some(budget) = budgets.functions.get(&name) else { return Some(format!("{name} has no budget")) };
        (*budget != found)
            .then(|| format!("{name} has multiplications: {}; its budget: {}", show(found), show(*budget)))
    };
    held(report).into_iter().filter_map(complaint).collect()
}

fn spills(report: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in &report.shaders {
        for (family, s) in &line.radv {
            if s.spills + s.scratch_bytes > 0 {
                complaints.push(format!(
                    "{} on {family}: {} registers spill, {} bytes of scratch memory; nothing may",
                    line.shader, s.spills, s.scratch_bytes
                ));
            }
        }
    }
    complaints
}

fn names(report: &Report, budgets: &Budgets) -> Vec<String> {
    let found: Vec<&str> = report.shaders.iter().map(|line| line.shader.as_str()).collect();
    let gone = budgets.shaders.keys().filter(|name| !found.contains(&name.as_str()));
    let new = found.iter().filter(|name| !budgets.shaders.contains_key(**name));
    let gone = gone.map(|name| format!("there is a budget for {name}, and no such shader"));
    gone.chain(new.map(|name| format!("{name} has no budget"))).collect()
}

fn figures(report: &Report, budgets: &Budgets) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in &report.shaders {
        let Some(families) = budgets.shaders.get(&line.shader) else { continue };
        for (family, statistics) in &line.radv {
            let Some(budget) = families.get(*family) else {
                complaints.push(format!("{} has no budget on {family}", line.shader));
                continue;
            };
            let found = Budget::from(statistics);
            let slack = budgets.slack_percent;
            for (what, found, budget) in [
                ("instructions", found.instructions, budget.instructions),
                ("VGPRs", found.vgprs, budget.vgprs + REGISTERS),
                ("SGPRs", found.sgprs, budget.sgprs + REGISTERS),
            ] {
                if found * 100 > budget * (100 + slack) {
                    complaints.push(format!(
                        "{} on {family}: {found} {what}, with a budget of {budget} and {slack} %",
                        line.shader
                    ));
                }
            }
        }
    }
    complaints
}

fn file(path: &Path, error: std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), error }
}
