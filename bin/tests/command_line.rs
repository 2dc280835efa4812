//! Exit codes and outputs of the bench binaries.

use std::process::{Command, Output};
use zkwatt_harness::record::{Record, SCHEMA};

const BENCHES: [&str; 4] = [
    env!("CARGO_BIN_EXE_bench-msm"),
    env!("CARGO_BIN_EXE_bench-ntt"),
    env!("CARGO_BIN_EXE_bench-lookup"),
    env!("CARGO_BIN_EXE_bench-field"),
];

fn run(bench: &str, args: &[&str]) -> Output {
    // Without sensors, wherever it runs: they take seconds.
    Command::new(bench).args(args).env("ZKWATT_SYSFS", "/no/such/folder").output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn records(output: &Output) -> Vec<Record> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn bad_arguments_exit_with_2() {
    for bench in BENCHES {
        for args in
            [&["--no-such-option"][..], &["--log-n", "99"], &["--samples", "0"], &["--peers", "nobody"]]
        {
            let output = run(bench, args);
            assert_eq!(output.status.code(), Some(2), "{bench} {args:?}");
            assert!(output.stdout.is_empty());
            assert!(!output.stderr.is_empty());
        }
    }
    let output = run(env!("CARGO_BIN_EXE_bench-msm"), &["--peers", "halo2-axiom"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("choose from arkworks,halo2curves"));
}

#[test]
fn a_file_that_cannot_be_written_exits_with_3_before_measuring() {
    for bench in BENCHES {
        let output = run(bench, &["--log-n", "4", "--json", "/no/such/directory/out.jsonl"]);
        assert_eq!(output.status.code(), Some(3), "{bench}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_missing_device_exits_with_4() {
    for bench in BENCHES {
        let output = run(bench, &["--device", "icicle", "--log-n", "4"]);
        assert_eq!(output.status.code(), Some(4), "{bench}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: no device `icicle`"));
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    for bench in BENCHES {
        let output = run(bench, &["--help"]);
        assert_eq!(output.status.code(), Some(0));
        let text = stdout(&output);
        assert!(text.contains("Examples:") && text.contains("Exit codes:") && text.contains("--watts"));
    }
}

#[test]
fn json_on_stdout_moves_the_table_to_stderr() {
    let args = ["--log-n", "6", "--samples", "2", "--threads", "1,2", "--json", "-", "--watts", "10"];
    for bench in BENCHES {
        let output = run(bench, &args);
        assert_eq!(output.status.code(), Some(0), "{bench}: {}", String::from_utf8_lossy(&output.stderr));
        let records = records(&output);
        assert!(records.len() >= 2);
        for record in &records {
            assert_eq!((record.schema.as_str(), record.curve.as_str()), (SCHEMA, "bn254"));
            assert!(record.verified && record.samples == 2 && record.median_s > 0.0);
            assert_eq!(record.energy_source, "user");
            assert!((record.joules.unwrap() / record.median_s - 10.0).abs() < 1e-6);
            assert!(record.per_joule.is_some() && record.per_second.is_some());
            assert!(record.cpu_path.is_some());
        }
        assert!(records.iter().any(|r| r.threads == 1) && records.iter().any(|r| r.threads == 2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("operation"));
    }
}

#[test]
fn peers_agree_with_ours() {
    let peers = ["--samples", "1", "--log-n", "1,5,10", "--json", "-", "--peers"];
    let cases: [(&str, &[&str], usize); 3] = [
        (BENCHES[0], &["arkworks,halo2curves", "--group", "g1,g2", "--scalars", "uniform,zkml,ones"], 48),
        (BENCHES[1], &["arkworks,halo2curves,halo2-axiom"], 36),
        (BENCHES[3], &["arkworks,halo2curves"], 18),
    ];
    for (bench, args, at_least) in cases {
        let output = run(bench, &[&peers, args].concat());
        assert_eq!(output.status.code(), Some(0), "{bench}: {}", String::from_utf8_lossy(&output.stderr));
        let records = records(&output);
        assert!(records.len() >= at_least, "{bench}: {}", records.len());
        assert!(records.iter().all(|record| record.verified && record.energy_source.starts_with("none: ")));
        assert!(records.iter().any(|record| record.implementation == "arkworks"));
    }
}

#[test]
fn unchecked_results_are_marked() {
    let args = ["--log-n", "4", "--samples", "1", "--no-check"];
    let output = run(env!("CARGO_BIN_EXE_bench-msm"), &args);
    let text = stdout(&output);
    assert!(text.contains("†: not compared"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn json_file_appears_complete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.jsonl");
    let output = run(
        env!("CARGO_BIN_EXE_bench-ntt"),
        &["--log-n", "5", "--samples", "1", "--json", path.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("forward"));
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// Ended in the middle of a long run, a bench leaves nothing behind.
#[cfg(unix)]
#[test]
fn an_interrupted_bench_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.jsonl");
    let is_empty = || std::fs::read_dir(directory.path()).unwrap().next().is_none();
    let args = ["--log-n", "4", "--samples", "100000000", "--json", path.to_str().unwrap()];
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench-ntt")).args(args).spawn().unwrap();
    let started = std::time::Instant::now();
    while is_empty() {
        assert!(started.elapsed().as_secs() < 60 && child.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(is_empty());
}

/// Another curve's record says so, and its sum is checked by itself.
#[test]
fn blst_is_another_curve() {
    let args = ["--samples", "1", "--log-n", "1,5,10", "--threads", "1", "--json", "-", "--peers", "blst"];
    let output = run(env!("CARGO_BIN_EXE_bench-msm"), &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let of_blst: Vec<Record> =
        records(&output).into_iter().filter(|record| record.implementation == "blst").collect();
    assert_eq!(of_blst.len(), 3);
    assert!(of_blst.iter().all(|record| record.curve == "bls12-381" && record.verified));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bls12-381"));
    for args in [["--group", "g2"], ["--threads", "1024"]] {
        let refused = run(
            env!("CARGO_BIN_EXE_bench-msm"),
            &[&["--log-n", "4", "--samples", "1", "--peers", "blst"], &args[..]].concat(),
        );
        assert_eq!(refused.status.code(), Some(2));
    }
}
