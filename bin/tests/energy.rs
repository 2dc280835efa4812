//! Energy in a bench, from a simulated tree of sensors.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zkwatt_harness::record::{FIELD_BITS, Record};

const PACKAGE: &str = "class/powercap/intel-rapl:0";

/// A socket whose counter shows this.
fn tree(energy_uj: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        (format!("{PACKAGE}/name"), "package-0"),
        (format!("{PACKAGE}/max_energy_range_uj"), "262143328850"),
        (format!("{PACKAGE}/energy_uj"), energy_uj),
        ("devices/system/cpu/cpu0/cpufreq/scaling_governor".into(), "schedutil"),
        ("devices/system/cpu/cpu0/cpufreq/scaling_cur_freq".into(), "3100000"),
        ("class/thermal/thermal_zone0/type".into(), "x86_pkg_temp"),
        ("class/thermal/thermal_zone0/temp".into(), "91000"),
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{text}\n")).unwrap();
    }
    folder
}

/// Modular products, one thread, on the machine that the folder shows.
fn bench(folder: &Path, args: &[&str]) -> Output {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench-field"));
    bench.args(["--log-n", "16", "--samples", "3", "--json", "-"]).args(args).env("ZKWATT_SYSFS", folder);
    let output = bench.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn records(output: &Output) -> Vec<Record> {
    let text = String::from_utf8_lossy(&output.stdout);
    let records: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!records.is_empty());
    records
}

/// Lines of the table and its notes, with those that were wrapped in one.
fn shown(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    text.replace("\n      ", " ")
}

#[test]
fn joules_of_the_host_are_counted() {
    let folder = tree("5000000");
    let (counter, new) = (folder.path().join(PACKAGE).join("energy_uj"), folder.path().join("new"));
    let done = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        // 100 W, whatever is done.
        scope.spawn(|| {
            let start = Instant::now();
            while !done.load(Ordering::Relaxed) {
                let counted = 5_000_000 + start.elapsed().as_micros() * 100;
                std::fs::write(&new, format!("{counted}\n")).unwrap();
                // Replaced at once: the bench may read meanwhile.
                std::fs::rename(&new, &counter).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let output = bench(folder.path(), &["--peers", "arkworks"]);
        done.store(true, Ordering::Relaxed);
        output
    });
    let records = records(&output);
    for record in &records {
        let expected = format!("rapl: package-0 below {}", folder.path().display());
        assert_eq!((record.energy_source.as_str(), record.device_joules), (expected.as_str(), None));
        let joules = record.joules.unwrap();
        assert_eq!(record.host_joules, Some(joules));
        assert!(joules > 0.0 && joules.is_finite());
        let idle = record.idle_watts.unwrap();
        // The simulation may wait for a busy processor; figures within 1 % are a matter of zkwatt-energy's tests.
        assert!((idle / 100.0 - 1.0).abs() < 0.3, "{idle} W");
        assert_eq!((record.governor.as_deref(), record.clock_mhz), (Some("schedutil"), Some(3100.0)));
        assert_eq!((record.temperature_c, record.field_bits), (Some(91.0), Some(FIELD_BITS)));
        let score = record.modmul_per_joule.unwrap();
        assert!((score * joules / record.modmul.unwrap() - 1.0).abs() < 1e-9);
    }
    assert!(records.iter().any(|record| record.implementation == "arkworks"));
    let text = shown(&output);
    for part in [
        "state    governor schedutil, 91 °C now",
        "ZK-Score: modular multiplications per joule",
        "bits of the field: 254",
        "/J",
        "note: energy by rapl: package-0 below",
        "; idle: ",
        "field_mul dependent: 91 °C during the runs",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn without_joules_the_reason_and_the_way_out_are_told() {
    let unreadable = tree("1");
    let counter = unreadable.path().join(PACKAGE).join("energy_uj");
    std::fs::remove_file(&counter).unwrap();
    std::fs::create_dir(&counter).unwrap();
    let empty = tempfile::tempdir().unwrap();
    for (folder, reason) in [
        (&tree("7"), "rapl: package-0: the counter stands still".to_owned()),
        (&unreadable, format!("rapl: package-0: {} cannot be read: ", counter.display())),
        (
            &empty,
            format!("the host has no sensor: no {}/class/powercap/intel-rapl:*", empty.path().display()),
        ),
    ] {
        let output = bench(folder.path(), &[]);
        for record in records(&output) {
            assert!(record.energy_source.starts_with(&format!("none: {reason}")), "{}", record.energy_source);
            let energy = [record.joules, record.host_joules, record.idle_watts, record.modmul_per_joule];
            assert_eq!(energy, [None; 4]);
        }
        let text = shown(&output);
        assert!(
            text.contains(&format!("note: no energy: {reason}")) && text.contains("; --watts W"),
            "{text}"
        );
    }
}

#[test]
fn a_figure_of_the_user_is_taken_instead_of_a_sensor() {
    let output = bench(tree("7").path(), &["--watts", "20"]);
    for record in records(&output) {
        assert_eq!((record.energy_source.as_str(), record.idle_watts), ("user", None));
        assert!((record.joules.unwrap() / record.median_s - 20.0).abs() < 1e-6);
        assert!(record.modmul_per_joule.is_some());
    }
}
