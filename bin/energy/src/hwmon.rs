//! Linux's hwmon: counters and gauges of processors, boards and GPUs that have a driver there.

use crate::clock::Clock;
use crate::sensor::{Channel, Scope, Sensor, Window};
use crate::tree::Tree;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const FOLDER: &str = "class/hwmon";

const MICRO: f64 = 1e-6;
const PERIOD: Duration = Duration::from_millis(50);

/// Drivers add up their counters every 100 ms or oftener: over ten seconds that is 1 % at most.
const COUNTED: Window = Window::millis(200, 10_000);
/// Gauges tell the mean of up to a second.
const SAMPLED: Window = Window::millis(1200, 3000);

/// Which channels of a chip count.
enum Pick {
    /// All of them.
    All,
    /// Those whose label begins so; all of them if there is none.
    Rather(&'static [&'static str]),
    /// Those whose label begins so; else the chip is of no use.
    Only(&'static str),
}

/// Chips of hosts by the names of their drivers, the better ones first.
const HOSTS: [(&str, Pick, Scope); 6] = [
    // Its cores are parts of its sockets.
    ("amd_energy", Pick::Only("Esocket"), Scope::Processor),
    ("zenpower", Pick::Rather(&["RAPL_P_Package"]), Scope::Processor),
    ("fam15h_power", Pick::All, Scope::Processor),
    // Jetson: what goes into the board, of which the other rails are parts; its GPU has one of them.
    ("ina3221", Pick::Rather(&["VDD_IN", "POM_5V_IN"]), Scope::Machine),
    // Apple.
    ("macsmc_hwmon", Pick::Only("Total System Power"), Scope::Machine),
    // ACPI's.
    ("power_meter", Pick::All, Scope::Machine),
];

/// Drivers that [`sensor`] looks for, for messages.
pub(crate) fn host_drivers() -> String {
    HOSTS.map(|(driver, ..)| driver).join(", ")
}

/// The first of the drivers of hosts, in all of its chips. `None` if there is none.
///
/// # Errors
/// Why what is there cannot be read, and what to do.
pub fn sensor(tree: &Tree, clock: &Clock) -> Result<Option<Sensor>, String> {
    for (driver, pick, scope) in &HOSTS {
        let mut inputs = Vec::new();
        for chip in chips(tree, driver)? {
            inputs.extend(inputs_of(tree, &chip)?);
        }
        let inputs = picked(inputs, pick);
        if !inputs.is_empty() {
            return Ok(Some(open(tree, clock, driver, inputs)?.of(*scope)));
        }
    }
    Ok(None)
}

/// The GPU of a driver (`amdgpu`, `i915`, `xe`), where it is certain which one is meant.
///
/// # Errors
/// Why there is none.
pub fn gpu(tree: &Tree, clock: &Clock, driver: &str) -> Result<Sensor, String> {
    let mut cards = chips(tree, driver)?;
    // amdgpu shows the voltage of a north bridge only for graphics that are a part of the processor; their power is that of both.
    cards.retain(|chip| tree.text(&chip.join("in1_label")).as_deref() != Some("vddnb"));
    let folder = tree.path(FOLDER);
    match &cards[..] {
        [] => Err(format!("{} has no GPU of the driver {driver}", folder.display())),
        [card] => {
            let mut inputs = picked(inputs_of(tree, card)?, &Pick::Rather(&["card"]));
            inputs.truncate(1);
            match inputs.is_empty() {
                true => Err(format!("{} has neither energy nor power", card.display())),
                false => open(tree, clock, driver, inputs),
            }
        }
        several => Err(format!(
            "{} GPUs of the driver {driver} are here, and it is not known which one computes",
            several.len()
        )),
    }
}

/// Folders of the chips of a driver.
pub(crate) fn chips(tree: &Tree, driver: &str) -> Result<Vec<PathBuf>, String> {
    let mut chips = tree.entries(&tree.path(FOLDER), "hwmon")?;
    chips.retain(|chip| tree.text(&chip.join("name")).as_deref() == Some(driver));
    Ok(chips)
}

/// Something that a chip measures.
struct Input {
    label: String,
    quantity: Shown,
}

enum Shown {
    /// Microjoules.
    Energy(PathBuf),
    /// Microwatts.
    Power(PathBuf),
    /// Milliamperes and millivolts.
    Current(PathBuf, PathBuf),
}

/// The counters of a chip; its gauges of power if it has none; else what its currents and voltages are together.
fn inputs_of(tree: &Tree, chip: &Path) -> Result<Vec<Input>, String> {
    let numbered = |prefix: &str, suffixes: &[&str]| -> Result<Vec<(String, PathBuf)>, String> {
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        for suffix in suffixes {
            for path in tree.entries(chip, prefix)? {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                let number = file.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
                if let Some(number) = number.filter(|number| number.parse::<u32>().is_ok())
                    && !found.iter().any(|(other, _)| other == number)
                {
                    found.push((number.to_owned(), path.clone()));
                }
            }
        }
        Ok(found)
    };
    let label = |kind: &str, number: &str| {
        tree.text(&chip.join(format!("{kind}{number}_label"))).unwrap_or_else(|| format!("{kind}{number}"))
    };
    let energies = numbered("energy", &["_input"])?;
    if !energies.is_empty() {
        let input =
            |(n, path): (String, _)| Input { label: label("energy", &n), quantity: Shown::Energy(path) };
        return Ok(energies.into_iter().map(input).collect());
    }
    // A mean, where there is one, misses nothing between two samples.
    let powers = numbered("power", &["_average", "_input"])?;
    if !powers.is_empty() {
        let input =
            |(n, path): (String, _)| Input { label: label("power", &n), quantity: Shown::Power(path) };
        return Ok(powers.into_iter().map(input).collect());
    }
    let rail = |(number, current): (String, _)| {
        let voltage = chip.join(format!("in{number}_input"));
        let quantity = Shown::Current(current, voltage.clone());
        tree.has(&voltage).then(|| Input { label: label("in", &number), quantity })
    };
    Ok(numbered("curr", &["_input"])?.into_iter().filter_map(rail).collect())
}

fn picked(mut inputs: Vec<Input>, pick: &Pick) -> Vec<Input> {
    let (wanted, only) = match pick {
        Pick::All => return inputs,
        Pick::Rather(labels) => (*labels, false),
        Pick::Only(label) => (std::slice::from_ref(label), true),
    };
    let is_wanted = |input: &Input| wanted.iter().any(|label| input.label.starts_with(label));
    if only || inputs.iter().any(is_wanted) {
        inputs.retain(is_wanted);
    }
    inputs
}

fn open(tree: &Tree, clock: &Clock, driver: &str, inputs: Vec<Input>) -> Result<Sensor, String> {
    let counted = inputs.iter().all(|input| matches!(input.quantity, Shown::Energy(_)));
    let reader = |path: PathBuf| {
        let permission = format!("run as root, or `sudo chmod a+r {}`", path.display());
        tree.reader(path, permission)
    };
    let channel = |Input { label, quantity }| match quantity {
        Shown::Energy(path) => Channel::energy(label, MICRO, None, reader(path)),
        Shown::Power(path) => Channel::power(label, MICRO, PERIOD, reader(path)),
        Shown::Current(current, voltage) => {
            let (mut current, mut voltage) = (reader(current), reader(voltage));
            Channel::power(label, MICRO, PERIOD, move || {
                current()?
                    .checked_mul(voltage()?)
                    .ok_or_else(|| "current times voltage is beyond all power".into())
            })
        }
    };
    let channels: Vec<_> = inputs.into_iter().map(channel).collect();
    let names: Vec<_> = channels.iter().map(Channel::name).collect();
    let how = if counted { "counters".to_owned() } else { format!("power every {} ms", PERIOD.as_millis()) };
    let detail = format!("{driver} {}, {how}{}", names.join(", "), tree.mark());
    Sensor::open("hwmon", detail, channels, if counted { COUNTED } else { SAMPLED }, clock.clone())
}
