//! `zkwatt report` and `zkwatt compare`, and by the latter: no operation counts more than the committed baseline of its
//! device says. After a change that is meant to: `ZKWATT_WRITE_BASELINES=1 cargo test -p zkwatt-cli --test counts`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ZKWATT: &str = env!("CARGO_BIN_EXE_zkwatt");
const MSM: &str = env!("CARGO_BIN_EXE_bench-msm");
const NTT: &str = env!("CARGO_BIN_EXE_bench-ntt");
const PROVE: &str = env!("CARGO_BIN_EXE_bench-prove");

fn run(program: &str, args: &[&str]) -> Output {
    // The form of the kernels that is the same on every processor.
    Command::new(program).args(args).env("ZKWATT_CPU", "plain").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Measures in a hurry: what is counted does not depend on it.
fn measure(program: &str, device: &str, args: &[&str], out: &Path) {
    let hurried = ["--device", device, "--threads", "1", "--samples", "1", "--json", out.to_str().unwrap()];
    let output = run(program, &[&hurried, args].concat());
    assert!(output.status.success(), "{program} {args:?}: {}", text(&output.stderr));
}

/// Compares what `records` holds with the committed baseline, or writes that.
fn hold_against(baseline: &str, records: &Path) {
    let baseline = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../bench/baselines").join(baseline);
    let (baseline, records) = (baseline.to_str().unwrap(), records.to_str().unwrap());
    if std::env::var_os("ZKWATT_WRITE_BASELINES").is_some() {
        let written = run(ZKWATT, &["compare", records, records, "--write-baseline", baseline]);
        assert!(written.status.success(), "{}", text(&written.stderr));
    }
    let output = run(ZKWATT, &["compare", baseline, records, "--across-machines", "--require-partners"]);
    assert!(
        output.status.success(),
        "{}{}\nif that is meant: ZKWATT_WRITE_BASELINES=1 cargo test -p zkwatt-cli --test counts",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn counts_of_the_cpu_are_those_of_the_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let msm = ["--log-n", "6,10,13", "--group", "g1,g2", "--scalars", "uniform,zkml", "--no-check"];
    measure(MSM, "cpu", &msm, &file("msm.jsonl"));
    measure(NTT, "cpu", &["--log-n", "6,12", "--no-check"], &file("ntt.jsonl"));
    let model = ["--model", "mnist-196-25-10", "--input", "committed,private"];
    measure(PROVE, "cpu", &[&model[..], &["--system", "groth16"]].concat(), &file("groth16.jsonl"));
    measure(PROVE, "cpu", &[&model[..], &["--system", "halo2"]].concat(), &file("halo2.jsonl"));
    hold_against("cpu-plain.jsonl", folder.path());
}

/// Whether there is the emulator; if not, that is said, and fails the test where `ZKWATT_REQUIRE` names it.
fn is_emulated() -> bool {
    let listed = text(&run(ZKWATT, &["devices"]).stdout);
    let ready = listed.lines().any(|line| line.split_whitespace().take(2).eq(["cuda", "ready"]));
    let found = ready && listed.contains("emulated");
    if !found {
        let required = std::env::var("ZKWATT_REQUIRE").unwrap_or_default().replace('-', "_");
        let is_required = required.split(',').any(|name| name.trim() == "cuda_emulator");
        assert!(!is_required, "ZKWATT_REQUIRE names cuda_emulator:\n{listed}");
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: bytes moved to CUDA's devices, for want of the emulator");
    }
    found
}

#[test]
fn bytes_moved_to_the_emulator_are_those_of_the_baseline() {
    if !is_emulated() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    measure(MSM, "cuda", &["--log-n", "5", "--scalars", "uniform", "--no-check"], &file("msm.jsonl"));
    measure(NTT, "cuda", &["--log-n", "6", "--transform", "forward", "--no-check"], &file("ntt.jsonl"));
    hold_against("cuda-emulator.jsonl", folder.path());
}

fn line(modmul: u32, median_s: f64) -> String {
    let samples: Vec<f64> = [1.0, 1.01, 0.99, 1.02, 1.0, 0.98, 1.0].iter().map(|s| s * median_s).collect();
    format!(
        r#"{{"schema":"zkwatt-bench/1","op":"ntt","variant":"forward","log_n":20,"device":"cpu","device_name":"A CPU","threads":16,"implementation":"zkwatt","cpu_path":"avx512ifma","median_s":{median_s},"samples_s":{samples:?},"modmul":{modmul},"per_second":{},"energy_source":"none: x"}}"#,
        1e6 / median_s
    ) + "\n"
}

#[test]
fn compare_says_what_became_slower_and_fails_for_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let old = file("old.jsonl", line(1000, 1.0));
    let slower = file("slower.jsonl", line(1000, 1.5));
    let more = file("more.jsonl", line(1100, 0.5) + "{\"schema\":");

    let output = run(ZKWATT, &["compare", &old, &slower]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(
        shown.contains("slower") && shown.contains("+50.0%") && shown.contains("no regression"),
        "{shown}"
    );
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    assert_eq!(run(ZKWATT, &["compare", &old, &slower, "--gate-time"]).status.code(), Some(1));
    assert_eq!(run(ZKWATT, &["compare", &slower, &old, "--gate-time"]).status.code(), Some(0));

    let output = run(ZKWATT, &["compare", &old, &more]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("REGRESSION"));
    assert!(text(&output.stderr).contains("more.jsonl:2: "), "{}", text(&output.stderr));
    assert_eq!(run(ZKWATT, &["compare", &old, &more, "--tolerance", "10%"]).status.code(), Some(0));
    let json: serde_json::Value =
        serde_json::from_slice(&run(ZKWATT, &["compare", &old, &more, "--json"]).stdout).unwrap();
    assert_eq!((&json["regressions"], &json["pairs"][0]["verdict"]), (&1.into(), &"faster".into()));

    assert_eq!(run(ZKWATT, &["compare", &old, "/no/such.jsonl"]).status.code(), Some(3));
    assert_eq!(run(ZKWATT, &["compare", &old, &file("empty.jsonl", String::new())]).status.code(), Some(3));
    assert_eq!(run(ZKWATT, &["compare", &old]).status.code(), Some(2));
    assert_eq!(run(ZKWATT, &["compare", &old, &old, "--tolerance", "-1"]).status.code(), Some(2));
}

#[test]
fn report_writes_all_its_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(folder.path().join("runs")).unwrap();
    std::fs::write(folder.path().join("runs/a.jsonl"), line(1000, 1.0) + "nonsense\n").unwrap();
    let (runs, out, markdown, csv, zkalc) =
        (path("runs"), path("r.html"), path("r.md"), path("r.csv"), path("zkalc"));
    let output = run(
        ZKWATT,
        &["report", &runs, "--out", &out, "--markdown", &markdown, "--csv", &csv, "--zkalc", &zkalc],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("a.jsonl:2: "), "{}", text(&output.stderr));
    assert!(std::fs::read_to_string(&out).unwrap().contains("ntt forward"));
    assert!(std::fs::read_to_string(&markdown).unwrap().contains("ntt forward"));
    assert_eq!(std::fs::read_to_string(&csv).unwrap().lines().count(), 2);
    // The curve is not told.
    assert!(folder.path().join("zkalc/unnamed/zkwatt/a_cpu_avx512ifma_16t.json").exists());

    assert_eq!(run(ZKWATT, &["report"]).status.code(), Some(2));
    assert_eq!(run(ZKWATT, &["report", &path("no")]).status.code(), Some(3));
    assert_eq!(run(ZKWATT, &["report", &runs, "--out", &path("no/r.html")]).status.code(), Some(3));
}
