//! Energy by NVML, against a library of our own in its place.
#![cfg(unix)]

mod simulation;

use simulation::{Simulation, says, within_one_per_cent};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zkwatt_energy::conditions::Conditions;
use zkwatt_energy::nvml::Gpu;
use zkwatt_energy::{Clock, Meters, Parts, Sampler, Scope, Sensor, battery, powercap, system_clock};

const ADDRESS: &str = "00000000:65:00.0";

/// Where the compiled libraries are; `None`, after a line that says so, without a C compiler.
fn libraries() -> Option<TempDir> {
    if Command::new("cc").arg("--version").output().is_err() {
        // To the real stderr: what is printed by macros is hidden for tests that pass. If it is closed, nobody reads it.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there is no C compiler (cc) to build a stand-in of NVML with"
        );
        return None;
    }
    Some(tempfile::tempdir().unwrap())
}

/// The stand-in, with what these definitions take from it.
fn library(folder: &TempDir, definitions: &[&str]) -> PathBuf {
    let path = folder.path().join(format!("nvml-{}.so", definitions.join("-")));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nvml.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(&path).arg(source);
    cc.args(definitions.iter().map(|definition| format!("-D{definition}")));
    let output = cc.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

fn gpu(folder: &TempDir, definitions: &[&str]) -> Gpu {
    Gpu::open(Some(&library(folder, definitions)), ADDRESS).unwrap()
}

fn sensor(folder: &TempDir, definitions: &[&str]) -> Sensor {
    gpu(folder, definitions).sensor(&system_clock()).unwrap()
}

/// Asserts that the joules of a run of 150 ms are those of `watts`, within what passes around the readings and `granularity`.
fn takes(sampler: &mut Sampler, watts: f64, granularity: f64) {
    takes_for(Duration::from_millis(150), sampler, watts, granularity);
}

fn takes_for(time: Duration, sampler: &mut Sampler, watts: f64, granularity: f64) {
    let outer = Instant::now();
    sampler.begin();
    let inner = Instant::now();
    std::thread::sleep(time);
    let least = inner.elapsed().as_secs_f64();
    let joules = sampler.end().unwrap();
    let most = outer.elapsed().as_secs_f64();
    assert!(joules >= watts * least - granularity, "{joules} J in {least} s or more");
    assert!(joules <= watts * most + granularity, "{joules} J in {most} s or less");
}

#[test]
fn a_counter_is_preferred() {
    let Some(folder) = libraries() else { return };
    let sensor = sensor(&folder, &[]);
    assert_eq!((sensor.kind(), sensor.detail()), ("nvml", "energy counter"));
    let mut sampler = Sampler::new(sensor);
    // It counts in steps of a millisecond.
    takes(&mut sampler, 250.0, 0.26);
    takes(&mut sampler, 250.0, 0.26);
}

/// The window is long enough for the slowest counter to be right within 1 %.
#[test]
fn a_counter_of_long_steps_is_looked_at_for_long() {
    let Some(folder) = libraries() else { return };
    let sensor = sensor(&folder, &["STEP_MS=100"]);
    let window = sensor.window().measure;
    takes_for(window, &mut Sampler::new(sensor), 250.0, 0.01 * 250.0 * window.as_secs_f64());
}

#[test]
fn power_is_sampled_where_there_is_no_counter() {
    let Some(folder) = libraries() else { return };
    for definition in ["NO_COUNTER", "OLD"] {
        let sensor = sensor(&folder, &[definition]);
        assert_eq!(sensor.detail(), "power every 20 ms");
        let mut sampler = Sampler::new(sensor);
        takes(&mut sampler, 300.0, 0.01);
        takes(&mut sampler, 300.0, 0.01);
    }
}

#[test]
fn what_cannot_be_told_is_not() {
    let Some(folder) = libraries() else { return };
    for (definitions, address, reason) in [
        (&["NO_SENSOR"][..], ADDRESS, "neither energy nor power"),
        (&["DENIED"], ADDRESS, "this user may not read the sensor; run as root"),
        (&["MIG"], ADDRESS, "is divided (MIG), and"),
        (&["MIG_HIDDEN"], ADDRESS, "does not say whether"),
        (&[], "00000000:66:00.0", "does not know the GPU at 00000000:66:00.0"),
    ] {
        let gpu = Gpu::open(Some(&library(&folder, definitions)), address).unwrap();
        says(&gpu.sensor(&system_clock()).err().unwrap(), &[reason]);
    }
    let idle = Gpu::open(Some(&library(&folder, &["NO_DRIVER"])), ADDRESS).err().unwrap();
    says(&idle, &["NVML does not start"]);
    let absent = Gpu::open(Some(&folder.path().join("absent.so")), ADDRESS).err().unwrap();
    says(&absent, &["is not here"]);
}

#[test]
fn a_sensor_that_fails_later_gives_no_joules() {
    let Some(folder) = libraries() else { return };
    // The first reading is that of opening, the second that of the run's begin.
    for (definitions, reason) in [
        (&["STUCK"][..], "energy counter: the counter stands still"),
        (&["LOSES=1"], "the GPU is lost"),
        (&["LOSES=2"], "the GPU is lost"),
        (&["LOSES=2", "NO_COUNTER"], "the GPU is lost"),
        (&["DENIES=2"], "may not read the sensor"),
        (&["RESETS=2"], "ran backwards, from 1000002 to 3"),
    ] {
        let mut sampler = Sampler::new(sensor(&folder, definitions));
        assert_eq!(sampler.end(), Err("no run has begun".into()));
        sampler.begin();
        std::thread::sleep(Duration::from_millis(50));
        let failure = sampler.end().unwrap_err();
        says(&failure, &["nvml: ", reason]);
    }
}

#[test]
fn driver_clock_and_temperature_are_told() {
    let Some(folder) = libraries() else { return };
    let gpu = gpu(&folder, &[]);
    assert_eq!(gpu.driver().as_deref(), Some("NVIDIA 570.1"));
    let conditions = Conditions { clock_mhz: Some(1980.0), temperature_c: Some(64.0) };
    assert_eq!(gpu.conditions(), conditions);
}

/// A host whose package takes 40 W.
struct Host {
    simulation: Simulation,
}

const PACKAGE: &str = "class/powercap/intel-rapl:0/energy_uj";

impl Host {
    fn new() -> Self {
        let simulation = Simulation::new(&[
            ("class/powercap/intel-rapl:0/name", "package-0"),
            ("class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850"),
            (PACKAGE, "1"),
        ]);
        Self { simulation }
    }

    fn sensor(&self) -> Result<Sensor, String> {
        Ok(powercap::sensor(&self.simulation.tree(), &system_clock())?.expect("there is RAPL"))
    }

    /// Lets time pass, and writes what the package took meanwhile.
    fn work(&self, time: Duration) {
        let start = Instant::now();
        std::thread::sleep(time);
        self.show(start.elapsed());
    }

    /// Writes what the package has taken after `time`.
    fn show(&self, time: Duration) {
        self.simulation.replace(PACKAGE, time.as_micros() as u64 * 40 + 1);
    }
}

#[test]
fn a_gpu_and_its_host_are_counted_together() {
    let Some(folder) = libraries() else { return };
    let host = Host::new();
    let mut meters = Meters::of_device(Ok(sensor(&folder, &[])), host.sensor());
    assert!(
        meters.source().starts_with("nvml+rapl: energy counter; package-0 below "),
        "{}",
        meters.source()
    );
    assert_eq!(meters.window().map(|window| window.measure), Some(Duration::from_secs(10)));
    let outer = Instant::now();
    meters.begin();
    let inner = Instant::now();
    host.work(Duration::from_millis(200));
    let least = inner.elapsed().as_secs_f64();
    let parts = meters.end();
    let most = outer.elapsed().as_secs_f64();
    let (gpu, package) = (parts.device.unwrap(), parts.host.unwrap());
    assert!(gpu >= 250.0 * least - 0.26 && gpu <= 250.0 * most + 0.26, "{gpu} J in {least} to {most} s");
    assert!(package >= 40.0 * 0.2 && package <= 40.0 * most, "{package} J in 0.2 to {most} s");
    assert_eq!(meters.joules(), Some(parts.device.unwrap() + parts.host.unwrap()));

    // A peer on the CPU is charged with the host's alone.
    meters.choose(false);
    assert!(meters.source().starts_with("rapl: package-0"), "{}", meters.source());
    host.simulation.set(PACKAGE, 1);
    meters.begin();
    host.work(Duration::from_millis(20));
    meters.end();
    assert_eq!(meters.joules(), meters.parts().host);
    assert!(meters.joules().is_some() && meters.parts().device.is_none());
}

#[test]
fn one_sensor_that_fails_leaves_the_other_and_no_sum() {
    let Some(folder) = libraries() else { return };
    let host = Host::new();
    let mut meters = Meters::of_device(Ok(sensor(&folder, &["LOSES=2"])), host.sensor());
    meters.begin();
    host.work(Duration::from_millis(20));
    meters.end();
    assert_eq!((meters.joules(), meters.parts().device), (None, None));
    assert!(meters.parts().host.is_some());
    says(&meters.source(), &["none: nvml: ", "the GPU is lost"]);

    host.simulation.set(PACKAGE, 1);
    let mut meters = Meters::of_device(Ok(sensor(&folder, &[])), host.sensor());
    meters.begin();
    std::thread::sleep(Duration::from_millis(20));
    host.simulation.remove(PACKAGE);
    meters.end();
    assert_eq!((meters.joules(), meters.parts().host), (None, None));
    assert!(meters.parts().device.is_some());
    says(&meters.source(), &["none: rapl: package-0", "is not there any more"]);
}

/// A laptop that draws 400 W from its battery, 250 W of them for the GPU.
#[test]
fn a_gpu_is_not_added_to_the_machine_that_holds_it() {
    let Some(folder) = libraries() else { return };
    let simulation = Simulation::new(&[
        ("class/power_supply/BAT0/status", "Discharging"),
        ("class/power_supply/BAT0/power_now", "400000000"),
    ]);
    let machine =
        || Ok::<_, String>(battery::sensor(&simulation.tree(), &system_clock())?.expect("there is one"));
    assert_eq!(machine().unwrap().scope(), Scope::Machine);
    assert_eq!(sensor(&folder, &[]).scope(), Scope::Processor);
    let run = |meters: &mut Meters| {
        let outer = Instant::now();
        meters.begin();
        let inner = Instant::now();
        std::thread::sleep(Duration::from_millis(200));
        let least = inner.elapsed().as_secs_f64();
        meters.end();
        let joules = meters.joules().unwrap();
        let most = outer.elapsed().as_secs_f64();
        // With the GPU's 250 W it would be more by half.
        assert!(joules >= 399.0 * least && joules <= 401.0 * most, "{joules} J in {least} to {most} s");
        assert_eq!(meters.parts().host, Some(joules));
        meters.parts().device
    };
    for of in [Meters::of_device, Meters::of_both] {
        let mut meters = of(Ok(sensor(&folder, &[])), machine());
        let source = meters.source();
        assert!(source.starts_with("battery: BAT0, of the whole machine"), "{source}");
        assert!(source.ends_with("; nvml within it: energy counter"), "{source}");
        assert!(run(&mut meters).is_some_and(|gpu| gpu > 0.0 && gpu < meters.joules().unwrap()));
        meters.set_idle(Parts { device: Some(30.0), host: Some(90.0) });
        assert_eq!(meters.idle_watts(), Some(90.0));

        // The machine's figure holds the GPU, whether its own sensor is there or not.
        for gpu in [Ok(sensor(&folder, &["LOSES=2"])), Err("nothing".to_owned())] {
            let mut meters = of(gpu, machine());
            assert_eq!(run(&mut meters), None);
            assert!(meters.source().starts_with("battery: "), "{}", meters.source());
            assert!(!meters.source().contains("nvml"), "{}", meters.source());
        }
    }
    // Without the machine's figure there is none.
    let mut meters = Meters::of_device(Ok(sensor(&folder, &[])), machine());
    meters.begin();
    simulation.set("class/power_supply/BAT0/status", "Charging");
    meters.end();
    assert_eq!(meters.joules(), None);
    says(&meters.source(), &["none: battery: BAT0: it is not discharging any more"]);
}

#[test]
fn what_no_sensor_sees_is_not_counted() {
    let Some(folder) = libraries() else { return };
    let nothing = || Err::<Sensor, _>("nothing to read".to_owned());
    // A GPU without its host is counted alone, and the CPU's peers are not.
    let mut meters = Meters::of_device(Ok(sensor(&folder, &[])), nothing());
    assert_eq!(meters.source(), "nvml: energy counter, of the GPU alone");
    assert_eq!(meters.host_is_missing(), Some("nothing to read"));
    meters.begin();
    std::thread::sleep(Duration::from_millis(20));
    let parts = meters.end();
    assert!(parts.device.is_some() && meters.joules() == parts.device);
    meters.choose(false);
    assert_eq!(meters.source(), "none: nothing to read");
    meters.begin();
    meters.end();
    assert_eq!(meters.joules(), None);
    // Work that both share needs both.
    let meters = Meters::of_both(Ok(sensor(&folder, &[])), nothing());
    assert_eq!(meters.source(), "none: the CPU shares the work: nothing to read");
    let meters = Meters::of_device(nothing(), Host::new().sensor());
    assert_eq!((meters.source().as_str(), meters.joules()), ("none: nothing to read", None));
}

#[test]
fn idle_power_is_told_of_the_sensors_that_count() {
    let Some(folder) = libraries() else { return };
    let host = Host::new();
    let mut meters = Meters::of_device(Ok(sensor(&folder, &[])), host.sensor());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let start = Instant::now();
            while !done.load(Ordering::Relaxed) {
                host.show(start.elapsed());
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        meters.look_at_idle();
        done.store(true, Ordering::Relaxed);
    });
    // What the host shows is older than a millisecond.
    assert!((meters.idle_watts().unwrap() / 290.0 - 1.0).abs() < 0.1, "{:?}", meters.idle());
    // The counter's clock and ours may be read far apart on a busy machine.
    let gpu = meters.idle().device.unwrap();
    assert!((gpu / 250.0 - 1.0).abs() < 0.1, "{gpu} W");
    meters.choose(false);
    assert_eq!(meters.idle_watts(), meters.idle().host);
    assert_eq!(meters.joules(), None, "idleness is not a run");
}

/// The clock is the sensor's, not the reader's: a power of 300 W for what it calls ten seconds is 3 kJ.
#[test]
fn power_is_integrated_over_the_clock_that_is_given() {
    let Some(folder) = libraries() else { return };
    let simulation = Simulation::new(&[]);
    let clock: Clock = simulation.clock();
    let mut sensor = gpu(&folder, &["NO_COUNTER"]).sensor(&Arc::clone(&clock)).unwrap();
    sensor.begin();
    for _ in 0..100 {
        simulation.pass(Duration::from_millis(100));
        sensor.sample();
    }
    within_one_per_cent(sensor.end().unwrap(), 3000.0);
}
