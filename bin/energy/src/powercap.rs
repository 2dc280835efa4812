//! Linux's powercap: the energy counters (RAPL) of Intel's and AMD's processors and of the memory beside them.

use crate::clock::Clock;
use crate::sensor::{Channel, Scope, Sensor, Window};
use crate::tree::Tree;
use std::path::{Path, PathBuf};

pub(crate) const FOLDER: &str = "class/powercap";
pub(crate) const PREFIX: &str = "intel-rapl:";

const MICROJOULE: f64 = 1e-6;

/// Counters move about every millisecond: over a second that is 0.1 %.
const WINDOW: Window = Window::millis(50, 1000);

/// The counters of all sockets, package and DRAM; of the whole platform (psys) if no package has one. `None` without any.
///
/// Cores and graphics are parts of a package and are not counted again.
///
/// # Errors
/// Why what is there cannot be read, and what to do.
pub fn sensor(tree: &Tree, clock: &Clock) -> Result<Option<Sensor>, String> {
    let named = |path: PathBuf| Some((tree.text(&path.join("name"))?, path));
    let domains: Vec<_> = tree.entries(&tree.path(FOLDER), PREFIX)?.into_iter().filter_map(named).collect();
    let of = |wanted: &str| -> Vec<_> {
        domains.iter().filter(|(name, _)| name.split('-').next() == Some(wanted)).collect()
    };
    let packages = of("package");
    let (counted, scope) =
        if packages.is_empty() { (of("psys"), Scope::Machine) } else { (packages, Scope::Processor) };
    let mut channels = counted
        .into_iter()
        .map(|(name, path)| channel(tree, name.clone(), path))
        .collect::<Result<Vec<_>, _>>()?;
    if channels.is_empty() {
        return Ok(None);
    }
    for (name, path) in of("dram") {
        // A counter of nothing: firmware that does not measure memory leaves it at 0.
        if tree.text(&path.join("energy_uj")).as_deref() != Some("0") {
            channels.push(channel(tree, format!("{name} of {}", parent(path, &domains)), path)?);
        }
    }
    let detail = channels.iter().map(Channel::name).collect::<Vec<_>>().join(", ") + &tree.mark();
    let sensor = Sensor::open("rapl", detail, channels, WINDOW, clock.clone())?;
    Ok(Some(sensor.of(scope)))
}

fn channel(tree: &Tree, name: String, path: &Path) -> Result<Channel, String> {
    let permission = format!(
        "run as root, or once after each start of the machine `sudo chmod a+r {}/{PREFIX}*/energy_uj`",
        tree.path(FOLDER).display()
    );
    let range = tree
        .number(&path.join("max_energy_range_uj"), &permission)
        .map_err(|reason| format!("rapl: {name}: {reason}"))?;
    if range == 0 {
        return Err(format!("rapl: {name}: max_energy_range_uj is 0, so that wraps cannot be told"));
    }
    let read = tree.reader(path.join("energy_uj"), permission);
    Ok(Channel::energy(name, MICROJOULE, Some(range), read))
}

/// The name of the domain of `intel-rapl:0` that `intel-rapl:0:1` is a part of.
fn parent(path: &Path, domains: &[(String, PathBuf)]) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let above = file.rsplit_once(':').map_or("", |(above, _)| above);
    let named = domains.iter().find(|(_, path)| path.file_name().is_some_and(|name| name == above));
    named.map_or(above, |(name, _)| name).to_owned()
}
