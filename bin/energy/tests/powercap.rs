//! RAPL against simulated trees.

mod simulation;

use simulation::{Simulation, says, within_one_per_cent};
use std::time::Duration;
use zkwatt_energy::{Sampler, Scope, Sensor, host, powercap};

const RANGE: u64 = 262_143_328_850;

/// Two sockets; cores are parts of a package, and psys holds all of it.
fn server() -> Simulation {
    let simulation = Simulation::new(&[]);
    for (folder, name, energy) in [
        ("intel-rapl:0", "package-0", 5_000_000_000),
        ("intel-rapl:0:0", "core", 1_000_000),
        ("intel-rapl:0:1", "dram", 3_000_000),
        ("intel-rapl:1", "package-1", 7_000_000_000_u64),
        ("intel-rapl:1:0", "dram", 4_000_000),
        ("intel-rapl:2", "psys", 9_000_000),
    ] {
        simulation.set(&format!("class/powercap/{folder}/name"), name);
        simulation.set(&format!("class/powercap/{folder}/max_energy_range_uj"), RANGE);
        simulation.set(&energy_of(folder), energy);
    }
    simulation.set("class/powercap/intel-rapl/enabled", 1);
    simulation.set("class/powercap/intel-rapl-mmio:0/name", "package-0");
    simulation
}

fn energy_of(folder: &str) -> String {
    format!("class/powercap/{folder}/energy_uj")
}

fn open(simulation: &Simulation) -> Result<Sensor, String> {
    Ok(powercap::sensor(&simulation.tree(), &simulation.clock())?.expect("there is RAPL"))
}

/// One socket with this counter and range.
fn laptop(energy: u64, range: u64) -> Simulation {
    let simulation = Simulation::new(&[("class/powercap/intel-rapl:0/name", "package-0")]);
    simulation.set("class/powercap/intel-rapl:0/max_energy_range_uj", range);
    simulation.set(&energy_of("intel-rapl:0"), energy);
    simulation
}

#[test]
fn packages_and_memory_of_all_sockets_are_counted_once() {
    let simulation = server();
    let mut sensor = open(&simulation).unwrap();
    let expected = "package-0, package-1, dram of package-0, dram of package-1";
    assert!(sensor.detail().starts_with(expected), "{}", sensor.detail());
    assert_eq!((sensor.kind(), sensor.scope()), ("rapl", Scope::Processor));
    says(sensor.detail(), &[" below "]);
    sensor.begin();
    // In watts: 100, 50, 10 and 5 that count, 80 and 200 that do not.
    for tenths in 1..=10_u64 {
        simulation.pass(Duration::from_millis(100));
        for (folder, start, watts) in [
            ("intel-rapl:0", 5_000_000_000, 100),
            ("intel-rapl:0:0", 1_000_000, 80),
            ("intel-rapl:0:1", 3_000_000, 10),
            ("intel-rapl:1", 7_000_000_000, 50),
            ("intel-rapl:1:0", 4_000_000, 5),
            ("intel-rapl:2", 9_000_000, 200),
        ] {
            simulation.set(&energy_of(folder), start + tenths * watts * 100_000);
        }
        sensor.sample();
    }
    within_one_per_cent(sensor.end().unwrap(), 165.0);
}

#[test]
fn the_platform_stands_in_for_packages_that_are_not_there() {
    let simulation = laptop(1_000_000, RANGE);
    simulation.set("class/powercap/intel-rapl:0/name", "psys");
    let mut sensor = open(&simulation).unwrap();
    says(sensor.detail(), &["psys"]);
    assert_eq!(sensor.scope(), Scope::Machine);
    sensor.begin();
    simulation.pass(Duration::from_secs(1));
    simulation.set(&energy_of("intel-rapl:0"), 21_000_000);
    within_one_per_cent(sensor.end().unwrap(), 20.0);
}

#[test]
fn memory_that_is_not_measured_is_left_out() {
    let simulation = server();
    simulation.set(&energy_of("intel-rapl:0:1"), 0);
    let sensor = open(&simulation).unwrap();
    assert!(sensor.detail().starts_with("package-0, package-1, dram of package-1"), "{}", sensor.detail());
}

/// 400 W for 60 s on a counter that goes around every 2.5 s, read as often as the sensor asks for.
#[test]
fn many_wraps_are_bridged() {
    const WATTS: u64 = 400;
    const SMALL: u64 = 999_999_999;
    let start = SMALL - 3;
    let simulation = laptop(start, SMALL);
    let mut sensor = open(&simulation).unwrap();
    // 333 ms at 3 kW, four times.
    let period = sensor.period();
    assert!(period <= Duration::from_millis(84), "{period:?}");
    sensor.begin();
    let steps = (Duration::from_secs(60).as_micros() / period.as_micros()) as u64;
    for step in 1..=steps {
        simulation.pass(period);
        let counted = step * period.as_micros() as u64 * WATTS;
        simulation.set(&energy_of("intel-rapl:0"), (start + counted) % (SMALL + 1));
        sensor.sample();
    }
    within_one_per_cent(sensor.end().unwrap(), 24_000.0);
}

#[test]
fn readings_too_far_apart_are_an_error() {
    let simulation = laptop(5, 999_999_999);
    let mut sensor = open(&simulation).unwrap();
    sensor.begin();
    simulation.pass(Duration::from_secs(3));
    simulation.set(&energy_of("intel-rapl:0"), 1_000_000);
    says(&sensor.end().unwrap_err(), &["rapl: package-0", "not read for 3.0 s", "every 0.3 s", "suspended?"]);
}

#[test]
fn a_counter_that_was_reset_gives_no_joules() {
    let simulation = laptop(90_000_000_000, RANGE);
    let mut sensor = open(&simulation).unwrap();
    sensor.begin();
    simulation.pass(Duration::from_millis(250));
    simulation.set(&energy_of("intel-rapl:0"), 20_000);
    sensor.sample();
    // What is counted after it is not the run's energy.
    simulation.pass(Duration::from_millis(250));
    simulation.set(&energy_of("intel-rapl:0"), 20_000_000);
    says(&sensor.end().unwrap_err(), &["rapl: package-0", "from 90000000000 to 20000", "was reset"]);
    // The next run is measured again.
    sensor.begin();
    simulation.pass(Duration::from_secs(1));
    simulation.set(&energy_of("intel-rapl:0"), 35_000_000);
    within_one_per_cent(sensor.end().unwrap(), 15.0);
}

#[test]
fn a_missing_permission_says_what_to_do() {
    let simulation = server();
    simulation.deny(&energy_of("intel-rapl:1"));
    let reason = open(&simulation).err().unwrap();
    let folder = simulation.path("class/powercap");
    let command = format!("sudo chmod a+r {}/intel-rapl:*/energy_uj", folder.display());
    let file = format!("{}/intel-rapl:1/energy_uj", folder.display());
    says(&reason, &["rapl: package-1", "may not read", &file, "run as root", &command]);
    // It is not replaced by a worse sensor.
    simulation.set("class/hwmon/hwmon0/name", "power_meter");
    simulation.set("class/hwmon/hwmon0/power1_average", 1_000_000);
    let found = host::sensor(&simulation.tree(), &simulation.clock());
    assert_eq!(found.err(), Some(reason));
}

#[test]
fn a_permission_that_is_taken_away_ends_the_run() {
    let simulation = laptop(1, RANGE);
    let mut sensor = open(&simulation).unwrap();
    sensor.begin();
    simulation.deny(&energy_of("intel-rapl:0"));
    says(&sensor.end().unwrap_err(), &["rapl: package-0", "may not read", "chmod"]);
}

#[test]
fn a_sensor_that_vanishes_gives_no_joules() {
    let simulation = server();
    let mut sensor = open(&simulation).unwrap();
    sensor.begin();
    simulation.pass(Duration::from_millis(100));
    simulation.remove(&energy_of("intel-rapl:1:0"));
    sensor.sample();
    // It comes back, and still nobody knows what passed meanwhile.
    simulation.set(&energy_of("intel-rapl:1:0"), 5_000_000);
    let file = simulation.path(&energy_of("intel-rapl:1:0"));
    says(
        &sensor.end().unwrap_err(),
        &["rapl: dram of package-1", file.to_str().unwrap(), "is not there any more"],
    );
}

#[test]
fn a_counter_that_stands_still_gives_no_joules() {
    let simulation = laptop(77, RANGE);
    let mut sensor = open(&simulation).unwrap();
    assert_eq!(sensor.end(), Err("no run has begun".into()));
    sensor.begin();
    simulation.pass(Duration::from_secs(1));
    assert_eq!(sensor.end(), Err("rapl: package-0: the counter stands still".into()));
}

#[test]
fn what_is_no_number_is_an_error() {
    for text in ["", "-5", "12 34", "4.5"] {
        let simulation = laptop(1, RANGE);
        simulation.set(&energy_of("intel-rapl:0"), text);
        says(&open(&simulation).err().unwrap(), &["rapl: package-0", "energy_uj", &format!("`{text}`")]);
    }
    says(&open(&laptop(1, 0)).err().unwrap(), &["max_energy_range_uj is 0"]);
}

/// Nobody but the sampler's thread reads here, while a counter goes around 40 times.
#[test]
fn a_sampler_bridges_wraps_by_itself() {
    // 10 ms at 3 kW.
    const SMALL: u64 = 29_999_999;
    let simulation = laptop(0, SMALL);
    let mut sampler = Sampler::new(open(&simulation).unwrap());
    sampler.begin();
    // 2 kW.
    let step = Duration::from_millis(2);
    for n in 1..=300 {
        simulation.pass(step);
        simulation.replace(&energy_of("intel-rapl:0"), n * 4_000_000 % (SMALL + 1));
        simulation.wait_for_a_reading();
    }
    within_one_per_cent(sampler.end().unwrap(), 1200.0);
    // It reads no more.
    simulation.remove(&energy_of("intel-rapl:0"));
    says(&sampler.end().unwrap_err(), &["no run has begun"]);
}
