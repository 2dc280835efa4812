//! Clock and temperature of a processor, which tell whether it was held back.

use crate::hwmon;
use crate::tree::Tree;
use std::path::PathBuf;

/// What a device shows of itself at one moment; `None` where it does not.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Clock in MHz: on a CPU the fastest one of its cores.
    pub clock_mhz: Option<f64>,
    /// Temperature in degrees Celsius: the hottest that is shown.
    pub temperature_c: Option<f64>,
}

const CPUS: &str = "devices/system/cpu";

/// Drivers whose temperatures are those of a CPU.
const THERMOMETERS: [&str; 5] = ["coretemp", "k10temp", "zenpower", "fam15h_power", "cpu_thermal"];

/// Of the host's processors.
pub fn of_host(tree: &Tree) -> Conditions {
    let clocks = numbers(tree, cpus(tree).into_iter().map(|cpu| cpu.join("cpufreq/scaling_cur_freq")));
    Conditions {
        clock_mhz: clocks.into_iter().reduce(f64::max).map(|kilohertz| kilohertz * 1e-3),
        temperature_c: host_temperature(tree),
    }
}

/// The frequency governor of the first core.
pub fn governor(tree: &Tree) -> Option<String> {
    tree.text(&tree.path(CPUS).join("cpu0/cpufreq/scaling_governor")).filter(|text| !text.is_empty())
}

fn cpus(tree: &Tree) -> Vec<PathBuf> {
    let mut cpus = tree.entries(&tree.path(CPUS), "cpu").unwrap_or_default();
    cpus.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok())
    });
    cpus
}

fn host_temperature(tree: &Tree) -> Option<f64> {
    let mut millidegrees = Vec::new();
    for driver in THERMOMETERS {
        for chip in hwmon::chips(tree, driver).unwrap_or_default() {
            let mut inputs = tree.entries(&chip, "temp").unwrap_or_default();
            inputs.retain(|path| path.to_string_lossy().ends_with("_input"));
            // k10temp's Tctl is no temperature where it has an offset; Tdie is what it stands for.
            let is_die = |path: &PathBuf| {
                let label = path.to_string_lossy().replace("_input", "_label");
                tree.text(label.as_ref()).as_deref() == Some("Tdie")
            };
            if inputs.iter().any(is_die) {
                inputs.retain(is_die);
            }
            millidegrees.extend(numbers(tree, inputs));
        }
    }
    if millidegrees.is_empty() {
        let mut zones = tree.entries(&tree.path("class/thermal"), "thermal_zone").unwrap_or_default();
        zones.retain(|zone| {
            tree.text(&zone.join("type"))
                .is_some_and(|kind| kind == "x86_pkg_temp" || kind.starts_with("cpu"))
        });
        millidegrees = numbers(tree, zones.into_iter().map(|zone| zone.join("temp")));
    }
    millidegrees.into_iter().reduce(f64::max).map(|millidegrees| millidegrees * 1e-3)
}

/// What these files hold, without those that hold no number.
fn numbers(tree: &Tree, paths: impl IntoIterator<Item = PathBuf>) -> Vec<f64> {
    paths.into_iter().filter_map(|path| tree.text(&path)?.parse::<i64>().ok()).map(|n| n as f64).collect()
}
