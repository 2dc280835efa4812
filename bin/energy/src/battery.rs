//! What a laptop draws from its batteries.

use crate::clock::Clock;
use crate::sensor::{Channel, Scope, Sensor, Window};
use crate::tree::Tree;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const FOLDER: &str = "class/power_supply";

/// Gauges of batteries move every second or slower.
const PERIOD: Duration = Duration::from_millis(500);
const WINDOW: Window = Window::millis(3000, 6000);

const MICROWATT: f64 = 1e-6;

/// The power of all batteries together: of the whole machine, its screen included. `None` if none is discharging.
///
/// # Errors
/// Why a battery that is discharging cannot be read.
pub fn sensor(tree: &Tree, clock: &Clock) -> Result<Option<Sensor>, String> {
    let mut batteries = tree.entries(&tree.path(FOLDER), "BAT")?;
    batteries.retain(|path| discharging(tree, path));
    if batteries.is_empty() {
        return Ok(None);
    }
    let channels: Vec<_> = batteries.into_iter().map(|path| channel(tree.clone(), path)).collect();
    let names: Vec<_> = channels.iter().map(Channel::name).collect();
    let detail = format!("{}, of the whole machine{}", names.join(", "), tree.mark());
    let sensor = Sensor::open("battery", detail, channels, WINDOW, clock.clone())?;
    Ok(Some(sensor.of(Scope::Machine)))
}

fn discharging(tree: &Tree, path: &Path) -> bool {
    tree.text(&path.join("status")).is_some_and(|status| status == "Discharging")
}

fn channel(tree: Tree, path: PathBuf) -> Channel {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Channel::power(name, MICROWATT, PERIOD, move || {
        if !discharging(&tree, &path) {
            return Err("it is not discharging any more".into());
        }
        // What flows out of a battery is below zero for some drivers and above it for others.
        let number = |file: &str| {
            let path = path.join(file);
            tree.magnitude(&path, &format!("run as root, or `sudo chmod a+r {}`", path.display()))
        };
        if tree.has(&path.join("power_now")) {
            return number("power_now");
        }
        // Microamperes times microvolts.
        let picowatts = u128::from(number("current_now")?) * u128::from(number("voltage_now")?);
        u64::try_from(picowatts / 1_000_000).map_err(|_| "current times voltage is beyond all power".into())
    })
}
