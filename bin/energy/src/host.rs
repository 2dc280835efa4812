//! The sensor of the host: its processors and, where they are measured, their memory.

use crate::clock::Clock;
use crate::sensor::Sensor;
use crate::tree::Tree;
use crate::{battery, hwmon, powercap};

/// The host's sensor: RAPL, else hwmon, else a battery that is discharging.
///
/// # Errors
/// What was looked for and is not there; of what is there, why it cannot be read and what to do. A sensor that must not be
/// read is not replaced by a worse one.
pub fn sensor(tree: &Tree, clock: &Clock) -> Result<Sensor, String> {
    if let Some(sensor) = powercap::sensor(tree, clock)? {
        return Ok(sensor);
    }
    if let Some(sensor) = hwmon::sensor(tree, clock)? {
        return Ok(sensor);
    }
    if let Some(sensor) = battery::sensor(tree, clock)? {
        return Ok(sensor);
    }
    if !cfg!(target_os = "linux") && tree.mark().is_empty() {
        return Err("sensors of the host are read on Linux only".into());
    }
    Err(format!(
        "the host has no sensor: no {}/{}* (RAPL), no chip of {} in {}, no discharging battery in {} (is this a virtual machine?)",
        tree.path(powercap::FOLDER).display(),
        powercap::PREFIX,
        hwmon::host_drivers(),
        tree.path(hwmon::FOLDER).display(),
        tree.path(battery::FOLDER).display(),
    ))
}
