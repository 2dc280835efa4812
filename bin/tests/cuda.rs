//! CUDA in the binaries: on a GPU or our emulator where there is one, and where there is none.

use std::io::Write;
use std::process::{Command, Output};
use zkwatt_harness::record::Record;

fn run(program: &str, environment: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(program).args(args).envs(environment.iter().copied()).output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(!stderr.contains("panicked"), "{stderr}");
    (status.code(), stdout, stderr)
}

/// What `zkwatt devices` lists in this environment.
fn devices(environment: &[(&str, &str)]) -> String {
    let (code, stdout, stderr) = run(env!("CARGO_BIN_EXE_zkwatt"), environment, &["devices"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");
    stdout
}

fn is_ready(listed: &str) -> bool {
    listed.lines().any(|line| line.split_whitespace().take(2).eq(["cuda", "ready"]))
}

fn bench(environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let args = ["--device", "cuda", "--log-n", "5", "--scalars", "uniform", "--samples", "1", "--json", "-"];
    run(env!("CARGO_BIN_EXE_bench-msm"), environment, &args)
}

#[test]
fn a_gpu_is_checked_and_measured_or_its_absence_explained() {
    let listed = devices(&[]);
    let (code, stdout, stderr) = bench(&[]);
    if !is_ready(&listed) {
        let required = std::env::var("ZKWATT_REQUIRE").unwrap_or_default();
        let names_emulator = required.split(',').any(|name| name.trim() == "cuda_emulator");
        assert!(!names_emulator, "ZKWATT_REQUIRE names cuda_emulator:\n{listed}");
        assert_eq!((code, stdout.as_str()), (Some(4), ""), "{stderr}");
        assert!(stderr.starts_with("error: no device `cuda`: "), "{stderr}");
        assert!(listed.contains("absent"), "{listed}");
        return;
    }
    assert!(listed.contains("GPUs of CUDA:") && listed.contains("compute capability"), "{listed}");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("agrees with the CPU in 8 operations"), "{stderr}");
    let record: Record = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    assert_eq!(record.device, "cuda");
    assert!(record.verified && record.compute_s.is_some() && record.transfer_s.is_some());
    assert!(record.uploaded_bytes > Some(0) && record.downloaded_bytes > Some(0), "{stdout}");
    if listed.contains("emulated") {
        assert!(record.device_name.ends_with("emulated on the CPU: no GPU's speed"), "{stdout}");
        assert_eq!(record.energy_source, "none: an emulated GPU takes no power");
    }
}

#[test]
fn what_cannot_be_used_is_an_error_that_says_why() {
    let listed = devices(&[]);
    if !(is_ready(&listed) && listed.contains("emulated")) {
        // To the real stderr: what is printed by macros is hidden for tests that pass. If it is closed, nobody reads it.
        let _ = writeln!(std::io::stderr(), "SKIPPED: drivers that do not do, for want of the CUDA emulator");
        return;
    }
    for (name, value, reason) in [
        ("CUDA_EMULATOR_DEVICES", "0", "no NVIDIA GPU"),
        ("CUDA_EMULATOR_DRIVER_VERSION", "11080", "CUDA 11.8"),
        ("CUDA_EMULATOR_COMPUTE_CAPABILITY", "6.1", "compute capability is 6.1"),
        ("ZKWATT_CUDA_DEVICE", "7", "there is no GPU 7"),
        ("ZKWATT_CUDA_DEVICE", "first", "`first`"),
    ] {
        let environment = [(name, value)];
        assert!(!is_ready(&devices(&environment)), "{name}={value}");
        let (code, _, stderr) = bench(&environment);
        assert_eq!(code, Some(4), "{stderr}");
        assert!(stderr.starts_with("error: no device `cuda`: ") && stderr.contains(reason), "{stderr}");
    }
}
