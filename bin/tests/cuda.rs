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

fn bench(device: &str, environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let args = ["--device", device, "--log-n", "5", "--scalars", "uniform", "--samples", "1", "--json", "-"];
    run(env!("CARGO_BIN_EXE_bench-msm"), environment, &args)
}

/// Whether there is the emulator; if not, that is said, and fails the test where `ZKWATT_REQUIRE` names it.
fn is_emulated() -> bool {
    let listed = devices(&[]);
    let found = is_ready(&listed) && listed.contains("emulated");
    if !found {
        let required = std::env::var("ZKWATT_REQUIRE").unwrap_or_default().replace('-', "_");
        let is_required = required.split(',').any(|name| name.trim() == "cuda_emulator");
        assert!(!is_required, "ZKWATT_REQUIRE names cuda_emulator:\n{listed}");
        // To the real stderr: what is printed by macros is hidden for tests that pass. If it is closed, nobody reads it.
        let _ = writeln!(std::io::stderr(), "SKIPPED: CUDA in the binaries, for want of the emulator");
    }
    found
}

/// Environments in which CUDA cannot be used, and what is said.
const UNUSABLE: [(&str, &str, &str); 5] = [
    ("CUDA_EMULATOR_DEVICES", "0", "no NVIDIA GPU"),
    ("CUDA_EMULATOR_DRIVER_VERSION", "11080", "CUDA 11.8"),
    ("CUDA_EMULATOR_COMPUTE_CAPABILITY", "6.1", "compute capability is 6.1"),
    ("ZKWATT_CUDA_DEVICE", "7", "there is no GPU 7"),
    ("ZKWATT_CUDA_DEVICE", "first", "`first`"),
];

#[test]
fn a_gpu_is_checked_and_measured_or_its_absence_explained() {
    let is_emulated = is_emulated();
    let listed = devices(&[]);
    let (code, stdout, stderr) = bench("cuda", &[]);
    if !is_ready(&listed) {
        assert_eq!((code, stdout.as_str()), (Some(4), ""), "{stderr}");
        assert!(stderr.starts_with("error: no device `cuda`: "), "{stderr}");
        assert!(listed.contains("absent"), "{listed}");
        return;
    }
    assert!(listed.contains("GPUs of CUDA:") && listed.contains("compute capability"), "{listed}");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("agrees with the CPU in 8 operations"), "{stderr}");
    let record = record(&stdout);
    assert_eq!(record.device, "cuda");
    assert!(record.verified && record.compute_s.is_some() && record.transfer_s.is_some());
    assert!(record.uploaded_bytes > Some(0) && record.downloaded_bytes > Some(0), "{stdout}");
    if is_emulated {
        assert!(record.device_name.ends_with("emulated on the CPU: no GPU's speed"), "{stdout}");
        assert_eq!(record.energy_source, "none: an emulated GPU takes no power");
    }
}

fn record(stdout: &str) -> Record {
    serde_json::from_str(stdout.lines().next().unwrap_or_default()).expect(stdout)
}

#[test]
fn what_cannot_be_used_is_an_error_that_says_why() {
    if !is_emulated() {
        return;
    }
    for (name, value, reason) in UNUSABLE {
        let environment = [(name, value)];
        assert!(!is_ready(&devices(&environment)), "{name}={value}");
        let (code, _, stderr) = bench("cuda", &environment);
        assert_eq!(code, Some(4), "{stderr}");
        assert!(stderr.starts_with("error: no device `cuda`: ") && stderr.contains(reason), "{stderr}");
    }
}

/// Nobody asked for CUDA: something else computes, and `zkwatt devices` says why.
#[test]
fn auto_does_without_cuda() {
    if !is_emulated() {
        return;
    }
    let fine = ("CUDA_EMULATOR_DEVICES", "1", "emulated on the CPU");
    for (name, value, reason) in UNUSABLE.into_iter().chain([fine]) {
        let (code, stdout, stderr) = bench("auto", &[(name, value)]);
        assert_eq!(code, Some(0), "{name}={value}: {stderr}");
        let record = record(&stdout);
        assert!(record.verified && !record.device.contains("cuda"), "{name}={value}: {stdout}");
        let listed = devices(&[(name, value)]).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(listed.contains(reason), "{name}={value}: {listed}");
    }
}

/// Whatever allocation is refused, the run ends with an error that says so, or with a checked result.
#[test]
fn refused_memory_is_an_error() {
    if !is_emulated() {
        return;
    }
    let mut failed = 0;
    for at in [1, 2, 3, 5, 8, 13, 21] {
        // Twice: what is refused is tried once more after kept memory has been given back.
        let fault = format!("alloc:{at},alloc:{}", at + 1);
        let (code, stdout, stderr) = bench("cuda", &[("CUDA_EMULATOR_FAULT", &fault)]);
        if code == Some(0) {
            assert!(record(&stdout).verified, "{fault}: {stdout}");
        } else {
            failed += 1;
            assert!(stderr.contains("error: ") && stderr.contains("memory"), "{fault}: {stderr}");
            assert!(!stdout.contains("\"verified\":true"), "{fault}: {stdout}");
        }
    }
    assert!(failed > 0, "no allocation was refused");
}
