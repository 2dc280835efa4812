//! hwmon and batteries against simulated trees, and the choice among sensors of a host.

mod simulation;

use simulation::{Simulation, says, within_one_per_cent};
use std::time::Duration;
use zkwatt_energy::conditions::{self, Conditions};
use zkwatt_energy::{Scope, Sensor, battery, host, hwmon};

const GAUGES: [&str; 2] = ["class/hwmon/hwmon1/power1_input", "class/hwmon/hwmon1/power2_input"];

fn zenpower() -> Simulation {
    Simulation::new(&[
        ("class/hwmon/hwmon0/name", "nvme"),
        ("class/hwmon/hwmon0/power1_input", "77000000"),
        ("class/hwmon/hwmon1/name", "zenpower"),
        ("class/hwmon/hwmon1/power1_label", "SVI2_P_Core"),
        (GAUGES[0], "20000000"),
        ("class/hwmon/hwmon1/power2_label", "SVI2_P_SoC"),
        (GAUGES[1], "5000000"),
    ])
}

fn open(simulation: &Simulation) -> Result<Sensor, String> {
    Ok(hwmon::sensor(&simulation.tree(), &simulation.clock())?.expect("there is hwmon"))
}

/// Lets a sensor look, with a reading every period, while `change` writes what is shown after so many of them.
fn look(
    simulation: &Simulation,
    sensor: &mut Sensor,
    periods: u64,
    change: impl Fn(u64),
) -> Result<f64, String> {
    let period = sensor.period();
    sensor.begin();
    for step in 1..=periods {
        simulation.pass(period);
        change(step);
        sensor.sample();
    }
    sensor.end()
}

#[test]
fn power_is_sampled_and_integrated() {
    let simulation = zenpower();
    let mut sensor = open(&simulation).unwrap();
    assert!(
        sensor.detail().starts_with("zenpower SVI2_P_Core, SVI2_P_SoC, power every 50 ms"),
        "{}",
        sensor.detail()
    );
    assert_eq!(sensor.kind(), "hwmon");
    // From 20 W up to 80 W in 3 s, beside 5 W.
    let up = |step: u64| simulation.set(GAUGES[0], 20_000_000 + step * 1_000_000);
    within_one_per_cent(look(&simulation, &mut sensor, 60, up).unwrap(), 50.0 * 3.0 + 5.0 * 3.0);
}

#[test]
fn counters_of_sockets_are_preferred_to_their_cores() {
    let simulation = Simulation::new(&[
        ("class/hwmon/hwmon3/name", "amd_energy"),
        ("class/hwmon/hwmon3/energy1_label", "Ecore000"),
        ("class/hwmon/hwmon3/energy1_input", "500"),
        ("class/hwmon/hwmon3/energy65_label", "Esocket0"),
        ("class/hwmon/hwmon3/energy65_input", "9000000000000"),
        ("class/hwmon/hwmon3/energy66_label", "Esocket1"),
        ("class/hwmon/hwmon3/energy66_input", "100"),
    ]);
    let mut sensor = open(&simulation).unwrap();
    assert!(sensor.detail().starts_with("amd_energy Esocket0, Esocket1, counters"), "{}", sensor.detail());
    let count = |step: u64| {
        for (n, start, watts) in [(1, 500, 30), (65, 9_000_000_000_000, 120), (66, 100, 90)] {
            let path = format!("class/hwmon/hwmon3/energy{n}_input");
            simulation.set(&path, start + step * watts * 250_000);
        }
    };
    within_one_per_cent(look(&simulation, &mut sensor, 8, count).unwrap(), 420.0);
    simulation.set("class/hwmon/hwmon3/energy66_input", 200_000_000);
    sensor.begin();
    simulation.set("class/hwmon/hwmon3/energy66_input", 3);
    says(&sensor.end().unwrap_err(), &["hwmon: Esocket1", "ran backwards", "reset"]);
}

/// A counter that moves every 100 ms, read right before one step and right after another, or the other way round.
#[test]
fn a_window_holds_many_steps_of_a_counter() {
    const STEP_MS: u64 = 100;
    let counter = "class/hwmon/hwmon3/energy1_input";
    let simulation = Simulation::new(&[
        ("class/hwmon/hwmon3/name", "amd_energy"),
        ("class/hwmon/hwmon3/energy1_label", "Esocket0"),
        (counter, "1"),
    ]);
    let mut sensor = open(&simulation).unwrap();
    assert_eq!(sensor.scope(), Scope::Processor);
    let window = sensor.window().measure;
    for (start, time) in
        [(STEP_MS - 1, window + Duration::from_millis(1)), (0, window - Duration::from_millis(1))]
    {
        // 120 W.
        let show = |passed: Duration| {
            let ms = 7000 + start + passed.as_millis() as u64;
            simulation.set(counter, (ms - ms % STEP_MS) * 120_000);
        };
        show(Duration::ZERO);
        sensor.begin();
        simulation.pass(time);
        show(time);
        within_one_per_cent(sensor.end().unwrap(), 120.0 * time.as_secs_f64());
    }
}

#[test]
fn a_board_counts_what_goes_into_it() {
    let mut files = vec![("class/hwmon/hwmon2/name".to_owned(), "ina3221")];
    for (n, label, millivolts, milliamperes) in [
        (1, "VDD_IN", "19000", "1000"),
        (2, "VDD_CPU_GPU_CV", "19000", "400"),
        (3, "VDD_SOC", "19000", "200"),
    ] {
        files.push((format!("class/hwmon/hwmon2/in{n}_label"), label));
        files.push((format!("class/hwmon/hwmon2/in{n}_input"), millivolts));
        files.push((format!("class/hwmon/hwmon2/curr{n}_input"), milliamperes));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let simulation = Simulation::new(&files);
    let mut sensor = open(&simulation).unwrap();
    assert_eq!(sensor.scope(), Scope::Machine);
    within_one_per_cent(look(&simulation, &mut sensor, 40, |_| ()).unwrap(), 38.0);
}

#[test]
fn gauges_that_nobody_read_for_long_give_no_joules() {
    let simulation = zenpower();
    let mut sensor = open(&simulation).unwrap();
    sensor.begin();
    simulation.pass(Duration::from_secs(2));
    says(&sensor.end().unwrap_err(), &["SVI2_P_Core", "not read for 2.0 s"]);
}

#[test]
fn gauges_that_fail_give_no_joules() {
    let simulation = zenpower();
    let mut sensor = open(&simulation).unwrap();
    let vanish = |step| {
        if step == 3 {
            simulation.remove(GAUGES[1]);
        }
    };
    says(
        &look(&simulation, &mut sensor, 5, vanish).unwrap_err(),
        &["SVI2_P_SoC", GAUGES[1], "is not there any more"],
    );

    let simulation = zenpower();
    simulation.deny(GAUGES[0]);
    let command = format!("sudo chmod a+r {}", simulation.path(GAUGES[0]).display());
    says(&open(&simulation).err().unwrap(), &["may not read", "run as root", &command]);

    let simulation = zenpower();
    simulation.set(GAUGES[1], 0);
    let mut sensor = open(&simulation).unwrap();
    says(&look(&simulation, &mut sensor, 5, |_| ()).unwrap_err(), &["SVI2_P_SoC: shows no power"]);
}

#[test]
fn a_gpu_is_measured_if_it_is_certain_which() {
    let gpu = |simulation: &Simulation| hwmon::gpu(&simulation.tree(), &simulation.clock(), "amdgpu");
    let simulation = zenpower();
    says(&gpu(&simulation).err().unwrap(), &["class/hwmon has no GPU of the driver amdgpu"]);
    for (file, text) in [("name", "amdgpu"), ("power1_average", "200000000"), ("power1_input", "999000000")] {
        simulation.set(&format!("class/hwmon/hwmon5/{file}"), text);
    }
    // Graphics within the processor.
    for (file, text) in [("name", "amdgpu"), ("in1_label", "vddnb"), ("power1_input", "15000000")] {
        simulation.set(&format!("class/hwmon/hwmon4/{file}"), text);
    }
    let mut sensor = gpu(&simulation).unwrap();
    within_one_per_cent(look(&simulation, &mut sensor, 20, |_| ()).unwrap(), 200.0);
    simulation.set("class/hwmon/hwmon6/name", "amdgpu");
    says(&gpu(&simulation).err().unwrap(), &["2 GPUs of the driver amdgpu", "not known which"]);
}

fn laptop(files: &[(&str, &str)]) -> Simulation {
    let simulation = Simulation::new(&[("class/power_supply/AC/online", "0")]);
    for (file, text) in files {
        simulation.set(&format!("class/power_supply/BAT0/{file}"), text);
    }
    simulation
}

#[test]
fn a_battery_is_measured_while_it_discharges() {
    let status = "class/power_supply/BAT0/status";
    for files in [
        &[("status", "Discharging"), ("power_now", "12000000")][..],
        &[("status", "Discharging"), ("current_now", "1000000"), ("voltage_now", "12000000")],
        // Some drivers say by the sign which way it flows.
        &[("status", "Discharging"), ("power_now", "-12000000")],
        &[("status", "Discharging"), ("current_now", "-1000000"), ("voltage_now", "12000000")],
    ] {
        let simulation = laptop(files);
        let open = || battery::sensor(&simulation.tree(), &simulation.clock()).unwrap();
        let mut sensor = open().unwrap();
        says(sensor.detail(), &["BAT0, of the whole machine"]);
        assert_eq!(sensor.scope(), Scope::Machine);
        within_one_per_cent(look(&simulation, &mut sensor, 12, |_| ()).unwrap(), 72.0);
        let plug_in = |step| simulation.set(status, if step < 6 { "Discharging" } else { "Charging" });
        let reason = look(&simulation, &mut sensor, 12, plug_in).unwrap_err();
        assert_eq!(reason, "battery: BAT0: it is not discharging any more");
        assert!(open().is_none());
    }
}

#[test]
fn without_a_sensor_it_says_what_was_looked_for() {
    let simulation = laptop(&[("status", "Full"), ("power_now", "0")]);
    simulation.set("class/hwmon/hwmon0/name", "nvme");
    let reason = host::sensor(&simulation.tree(), &simulation.clock()).err().unwrap();
    let root = simulation.path("class");
    let rapl = format!("{}/powercap/intel-rapl:*", root.display());
    let chips = format!("{}/hwmon", root.display());
    let batteries = format!("no discharging battery in {}/power_supply", root.display());
    says(&reason, &[&rapl, "zenpower", &chips, &batteries]);
}

#[test]
fn hosts_have_one_sensor_the_best() {
    let simulation = zenpower();
    let kind = || host::sensor(&simulation.tree(), &simulation.clock()).unwrap().kind();
    simulation.set("class/power_supply/BAT1/status", "Discharging");
    simulation.set("class/power_supply/BAT1/power_now", 1);
    assert_eq!(kind(), "hwmon");
    simulation.set("class/powercap/intel-rapl:0/name", "package-0");
    simulation.set("class/powercap/intel-rapl:0/max_energy_range_uj", 1_000_000);
    simulation.set("class/powercap/intel-rapl:0/energy_uj", 1);
    assert_eq!(kind(), "rapl");
    simulation.remove("class/powercap/intel-rapl:0/name");
    simulation.remove("class/hwmon/hwmon1/name");
    assert_eq!(kind(), "battery");
}

#[test]
fn clock_governor_and_temperature_are_those_of_the_cpu() {
    let simulation = zenpower();
    let read = || conditions::of_host(&simulation.tree());
    assert_eq!((read(), conditions::governor(&simulation.tree())), (Conditions::default(), None));
    for (cpu, khz) in [(0, 1_200_000), (1, 3_450_000), (10, 800_000)] {
        simulation.set(&format!("devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"), khz);
    }
    simulation.set("devices/system/cpu/cpufreq/boost", 1);
    simulation.set("devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave");
    simulation.set("class/thermal/thermal_zone0/type", "acpitz");
    simulation.set("class/thermal/thermal_zone0/temp", 99_000);
    simulation.set("class/thermal/thermal_zone1/type", "x86_pkg_temp");
    simulation.set("class/thermal/thermal_zone1/temp", 61_500);
    assert_eq!(read(), Conditions { clock_mhz: Some(3450.0), temperature_c: Some(61.5) });
    assert_eq!(conditions::governor(&simulation.tree()).as_deref(), Some("powersave"));
    // A chip of the CPU is better than a zone, and Tctl is beside the point where there is Tdie.
    for (file, text) in [
        ("name", "k10temp"),
        ("temp1_label", "Tctl"),
        ("temp1_input", "95000"),
        ("temp2_label", "Tdie"),
        ("temp2_input", "68000"),
    ] {
        simulation.set(&format!("class/hwmon/hwmon7/{file}"), text);
    }
    assert_eq!(read().temperature_c, Some(68.0));
}
