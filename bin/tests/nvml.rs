//! Energy by NVML, against a library of our own in its place.
#![cfg(unix)]

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zkwatt_harness::energy::Meter;
use zkwatt_harness::energy::nvml::NvmlMeter;

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

/// Asserts that a run's joules are those of `watts`, within what passes around the readings and `granularity`.
fn takes(meter: &mut NvmlMeter, watts: f64, granularity: f64) {
    let outer = Instant::now();
    meter.begin();
    let inner = Instant::now();
    std::thread::sleep(Duration::from_millis(150));
    let least = inner.elapsed().as_secs_f64();
    let joules = meter.end(least).unwrap();
    let most = outer.elapsed().as_secs_f64();
    assert!(joules >= watts * least - granularity, "{joules} J in {least} s or more");
    assert!(joules <= watts * most + granularity, "{joules} J in {most} s or less");
}

#[test]
fn a_counter_is_preferred() {
    let Some(folder) = libraries() else { return };
    let mut meter = NvmlMeter::open(Some(&library(&folder, &[])), ADDRESS).unwrap();
    assert_eq!(meter.source(), "nvml: energy counter, of the GPU alone");
    // It counts in steps of a millisecond.
    takes(&mut meter, 250.0, 0.26);
    takes(&mut meter, 250.0, 0.26);
}

#[test]
fn power_is_sampled_where_there_is_no_counter() {
    let Some(folder) = libraries() else { return };
    for definition in ["NO_COUNTER", "OLD"] {
        let mut meter = NvmlMeter::open(Some(&library(&folder, &[definition])), ADDRESS).unwrap();
        assert_eq!(meter.source(), "nvml: power every 20 ms, of the GPU alone");
        // The thread may start late.
        takes(&mut meter, 300.0, 30.0);
        takes(&mut meter, 300.0, 30.0);
    }
}

#[test]
fn what_cannot_be_told_is_not() {
    let Some(folder) = libraries() else { return };
    for (definitions, address, reason) in [
        (&["NO_DRIVER"][..], ADDRESS, "NVML does not start"),
        (&["NO_SENSOR"], ADDRESS, "neither energy nor power"),
        (&["MIG"], ADDRESS, "is divided (MIG), and"),
        (&["MIG_HIDDEN"], ADDRESS, "does not say whether"),
        (&[], "00000000:66:00.0", "does not know the GPU at 00000000:66:00.0"),
    ] {
        let refused = NvmlMeter::open(Some(&library(&folder, definitions)), address).err().unwrap();
        assert!(refused.contains(reason), "{refused}");
    }
    let absent = NvmlMeter::open(Some(&folder.path().join("absent.so")), ADDRESS).err().unwrap();
    assert!(absent.contains("is not here"), "{absent}");
}

#[test]
fn a_sensor_that_fails_later_gives_no_joules() {
    let Some(folder) = libraries() else { return };
    for (definitions, reason) in [
        (&["STUCK"][..], "stands still"),
        (&["LOSES=1"], "NVML fails"),
        (&["LOSES=2"], "NVML fails"),
        (&["LOSES=2", "NO_COUNTER"], "NVML fails"),
    ] {
        let mut meter = NvmlMeter::open(Some(&library(&folder, definitions)), ADDRESS).unwrap();
        assert_eq!(meter.end(0.0), None, "no run has begun");
        meter.begin();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(meter.end(0.05), None, "{definitions:?}");
        let source = meter.source();
        assert!(source.starts_with("none: ") && source.contains(reason), "{source}");
    }
}
