//! `bench-prove`: its records, its tables, and how it refuses nonsense.

use std::process::{Command, Output};
use zkwatt_harness::record::{Record, SCHEMA};

const MODEL: &str = "mnist-196-25-10";
const CONSTRAINTS: std::ops::Range<u64> = 2000..3500;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench-prove")).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn records(output: &Output) -> Vec<Record> {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn peers_prove_the_same_model() {
    let peers = ["--peers", "arkworks,arkworks-per-product", "--phases"];
    let args = ["--model", MODEL, "--samples", "1", "--threads", "1,2", "--json", "-"];
    let output = run(&[&args[..], &peers].concat());
    let records = records(&output);
    assert_eq!(records.len(), 6);
    for record in &records {
        assert_eq!((record.schema.as_str(), record.op.as_str()), (SCHEMA, "prove"));
        assert_eq!(record.model.as_deref(), Some(MODEL));
        assert_eq!((record.system.as_deref(), record.weights.as_deref()), (Some("groth16"), Some("public")));
        assert_eq!((record.proof_bytes, record.batch), (Some(128), Some(1)));
        assert!(record.verified && record.median_s > 0.0 && record.cpu_s.is_some());
        assert!(record.setup_s.unwrap() > 0.0 && record.key_bytes.unwrap() > 1 << 18);
        assert!(record.accuracy_float.unwrap() > 0.9 && record.accuracy_quantised.unwrap() > 0.9);
        assert!(record.accuracy_images.unwrap() >= 100 && record.argmax_disagreements.is_some());
    }
    let of = |name: &str| -> Vec<&Record> {
        records.iter().filter(|record| record.implementation == name).collect()
    };
    for (ours, ark) in of("zkwatt").into_iter().zip(of("arkworks")) {
        assert_eq!((ours.constraints, ours.key_bytes), (ark.constraints, ark.key_bytes));
        assert_eq!(ours.input.as_deref(), Some("committed"));
        assert!(CONSTRAINTS.contains(&ours.constraints.unwrap()), "{:?}", ours.constraints);
        assert!(ours.verify_s.unwrap() > 0.0 && ours.witness_s.unwrap() > 0.0);
        assert!(ours.phases_s.as_ref().unwrap()["msm_h"] > 0.0 && ours.cpu_path.is_some());
        assert!(ark.version.contains("asm") && ark.cpu_path.is_none());
    }
    for record in of("arkworks-per-product") {
        // 196·25 + 25·10 products
        assert!(record.constraints.unwrap() > 5150);
        assert_eq!(record.input.as_deref(), Some("private"));
    }
    let shown = stderr(&output);
    for part in ["Circuits and keys", "Accuracy on test images", "time for one proof goes", "vs ours"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
}

#[test]
fn every_statement_can_be_measured() {
    let args = ["--model", "synthetic-12-9-5", "--samples", "1", "--json", "-", "--batch", "3", "--no-check"];
    let statement = ["--input", "committed,private,public", "--output", "class"];
    let records = records(&run(&[&args[..], &statement].concat()));
    let inputs: Vec<&str> = records.iter().filter_map(|record| record.input.as_deref()).collect();
    assert_eq!(inputs, ["committed", "private", "public"]);
    for record in &records {
        assert_eq!((record.output.as_deref(), record.batch), (Some("class"), Some(3)));
        assert!(record.accuracy_float.is_none() && record.accuracy_images.is_none());
        assert!((record.per_second.unwrap() * record.median_s - 3.0).abs() < 1e-9);
        assert!(!record.verified);
    }
}

#[test]
fn a_circuit_is_proved_with_halo2() {
    let args = ["--system", "halo2", "--model", "synthetic-lookups-8", "--peers", "halo2-axiom", "--phases"];
    let options = ["--samples", "1", "--threads", "2", "--json", "-", "--table-mib", "8", "--coset-mib", "8"];
    let output = run(&[&args[..], &options].concat());
    let records = records(&output);
    let names: Vec<&str> = records.iter().map(|record| record.implementation.as_str()).collect();
    assert_eq!(names, ["zkwatt", "halo2-axiom"]);
    for record in &records {
        assert_eq!(
            (record.system.as_deref(), record.log_n, record.rows),
            (Some("halo2"), Some(8), Some(256))
        );
        assert!(record.verified && record.median_s > 0.0 && record.proof_bytes.unwrap() > 2000);
    }
    assert!(records[0].phases_s.as_ref().unwrap()["quotient"] > 0.0 && records[1].phases_s.is_none());
    assert!(stderr(&output).contains("Halo2: where zkwatt's time"));
}

#[test]
fn a_network_is_proved_with_halo2() {
    let args =
        ["--system", "halo2", "--model", "synthetic-12-9-5", "--samples", "1", "--json", "-", "--batch", "2"];
    let output = run(&[&args[..], &["--input", "committed,private", "--plan", "small"]].concat());
    let records = records(&output);
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!((record.system.as_deref(), record.plan.as_deref()), (Some("halo2"), Some("small")));
        assert!(record.verified && record.proof_bytes.unwrap() > 1000 && record.verify_s.unwrap() > 0.0);
    }
    let shown = stderr(&output);
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
}

/// The folder `tools`.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools");

/// Whether a program of tools/peers is installed. If not, that is said, and fails the test where `ZKWATT_REQUIRE` names it;
/// snarkjs is a part of what it calls circom.
fn is_installed(peer: &str) -> bool {
    let name = if peer == "snarkjs" { "circom" } else { peer };
    let program = format!("{TOOLS}/peers/{peer}");
    if Command::new(program).arg("version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    // tools/test takes its own names out of `ZKWATT_REQUIRE`.
    let lists = ["ZKWATT_REQUIRE", "ZKWATT_REQUIRE_ALL"].map(|name| std::env::var(name).unwrap_or_default());
    let required = lists.iter().flat_map(|list| list.split(',')).any(|listed| listed.trim() == name);
    assert!(!required, "ZKWATT_REQUIRE names {name}: {peer} is not installed");
    eprintln!("SKIPPED with {peer}: `tools/peers/install {peer}` installs it");
    false
}

#[test]
fn other_frameworks_prove_a_tiny_model() {
    let model = format!("{TOOLS}/peers/fixtures/4-3-2.onnx");
    for (peer, names) in [("ezkl", &["ezkl"][..]), ("snarkjs", &["snarkjs", "snarkjs-weights-as-inputs"])] {
        if !is_installed(peer) {
            continue;
        }
        let args = ["--model", &model, "--input", "private", "--peers", peer, "--threads", "1"];
        let output = run(&[&args[..], &["--samples", "1", "--json", "-"]].concat());
        let records = records(&output);
        assert_eq!(records.len(), 1 + names.len());
        for (record, name) in records[1..].iter().zip(names) {
            assert_eq!((record.implementation.as_str(), record.failure.as_deref()), (*name, None));
            assert_eq!((record.samples, record.device.as_str()), (1, "cpu"));
            assert!(record.verified && record.median_s > 0.0 && record.cpu_s.unwrap() > 0.0);
            assert!(record.setup_s.unwrap() > 0.0 && record.verify_s.unwrap() > 0.0);
            assert!(record.peak_rss_bytes.unwrap() > 10 << 20 && record.proof_bytes.unwrap() >= 128);
            assert!(record.phases_s.as_ref().unwrap()["process"] >= record.median_s);
        }
        let ours = &records[0];
        match peer {
            "ezkl" => assert!(records[1].log_n.is_some() && records[1].version.contains("; calibrated for ")),
            _ => assert_eq!(records[1].constraints, ours.constraints),
        }
        let shown = stderr(&output);
        assert!(shown.contains("beside other frameworks"), "{shown}");
    }
}

/// A folder that stands for `tools`, with one program for both peers.
fn tools(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let make = "mkdir -p \"$1/peers\" && printf '%s\\n' '#!/usr/bin/env bash' \"$0\" >\"$1/peers/ezkl\" &&
        chmod +x \"$1/peers/ezkl\" && cp \"$1/peers/ezkl\" \"$1/peers/snarkjs\"";
    let status = Command::new("bash").args(["-c", make, script]).arg(folder.path()).status().unwrap();
    assert!(status.success());
    folder
}

#[test]
fn a_framework_that_fails_has_a_row() {
    let script = r#"
        case $1 in
            version) echo '{"version":"9"}' ;;
            setup) [[ -e $2/model.onnx ]] || sleep 60; kill -9 $$ ;;
        esac"#;
    let tools = tools(script);
    let model = format!("{TOOLS}/peers/fixtures/4-3-2.onnx");
    let args = ["--model", &model, "--samples", "1", "--threads", "1", "--peers", "ezkl,snarkjs"];
    let output = Command::new(env!("CARGO_BIN_EXE_bench-prove"))
        .args(args)
        .args(["--json", "-", "--peer-timeout", "3"])
        .env("ZKWATT_TOOLS", tools.path())
        .output()
        .unwrap();
    let records = records(&output);
    let failures: Vec<&str> =
        records.iter().map(|record| record.failure.as_deref().unwrap_or("none")).collect();
    assert_eq!(failures.len(), 4);
    assert_eq!(failures[0], "none");
    assert!(failures[1].starts_with("out of memory: setup: "), "{failures:?}");
    assert!(failures[2].starts_with("timeout: setup: ") && failures[3].starts_with("timeout: setup: "));
    assert!(
        records[1..].iter().all(|record| record.samples == 0 && record.version == "9" && !record.verified)
    );
    let shown = stderr(&output);
    assert!(shown.contains("out of memory") && shown.contains("timeout"), "{shown}");
    let table = shown.split("note:").next().unwrap();
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
}

#[test]
fn a_framework_that_is_not_installed_is_named() {
    let tools = tools("echo 'error: it is not installed' >&2; exit 69");
    let output = Command::new(env!("CARGO_BIN_EXE_bench-prove"))
        .args(["--model", MODEL, "--peers", "ezkl"])
        .env("ZKWATT_TOOLS", tools.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let error = stderr(&output);
    assert!(error.contains("not installed") && error.contains("tools/peers/install"), "{error}");
}

#[test]
fn bad_arguments_exit_with_2() {
    for args in [
        &["--no-such-option"][..],
        &["--model", "mnist-1-2"],
        &["--model", "synthetic-0-1"],
        &["--system", "halo3"],
        &["--peers", "halo2-axiom"],
        &["--system", "halo2", "--model", "synthetic-lookups-15", "--peers", "arkworks"],
        &["--system", "halo2", "--model", "synthetic-lookups-21"],
        &["--model", "synthetic-lookups-9"],
        &["--samples", "0"],
        &["--batch", "0"],
        &["--bits", "9"],
        &["--peer-timeout", "0"],
        &["--peer-memory", "0"],
        &["--model", MODEL, "--weights", "private"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let error = stderr(&run(&["--model", MODEL, "--weights", "private"]));
    assert!(error.contains("Halo2"), "{error}");
}

#[test]
fn bad_files_exit_with_3_and_missing_devices_with_4() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("broken.onnx");
    std::fs::write(&path, b"not a model").unwrap();
    for model in [path.to_str().unwrap(), "/no/such/model.onnx"] {
        assert_eq!(run(&["--model", model]).status.code(), Some(3), "{model}");
    }
    let json = ["--model", MODEL, "--json", "/no/such/directory/out.jsonl"];
    assert_eq!(run(&json).status.code(), Some(3));
    assert_eq!(run(&["--device", "icicle"]).status.code(), Some(4));
}

#[test]
fn help_has_examples_and_exit_codes() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("Examples:") && text.contains("Exit codes:") && text.contains("arkworks-per-product")
    );
}
