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
