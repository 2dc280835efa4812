//! `zkwatt circom` and `zkwatt prover` as their users run them, on files of circom and snarkjs.

mod running;

use running::{expect, names, stderr, stdout, text};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/circom/fixtures");
const SNARKJS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/circom/circom");

fn fixture(name: &str) -> String {
    format!("{FIXTURES}/{name}")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Runs a command of the unmodified snarkjs, which must succeed; says so where it is not installed.
fn snarkjs(args: &[&str]) -> bool {
    if !Path::new(SNARKJS).with_file_name("node_modules").exists() {
        // tools/test takes its own names out of `ZKWATT_REQUIRE`.
        let lists =
            ["ZKWATT_REQUIRE", "ZKWATT_REQUIRE_ALL"].map(|name| std::env::var(name).unwrap_or_default());
        let required = lists.iter().flat_map(|list| list.split(',')).any(|name| name.trim() == "circom");
        assert!(!required, "ZKWATT_REQUIRE names circom: snarkjs is not installed");
        // To the real stderr: what is printed by macros is hidden for tests that pass. If it is closed, nobody reads it.
        let _ = writeln!(std::io::stderr(), "SKIPPED with snarkjs: `tools/circom/install` installs it");
        return false;
    }
    let output = Command::new(SNARKJS).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    true
}

/// Arguments of `circom prove`.
fn prove<'a>(zkey: &'a str, wtns: &'a str, proof: &'a Path, public: &'a Path) -> [&'a str; 10] {
    let [proof, public] = [proof, public].map(text);
    ["circom", "prove", "--zkey", zkey, "--wtns", wtns, "--proof", proof, "--public", public]
}

fn verify(code: i32, key: &str, public: &Path, proof: &Path) -> String {
    stdout(&expect(
        code,
        &["circom", "verify", "--vk", key, "--public", text(public), "--proof", text(proof)],
    ))
}

#[test]
fn snarkjs_keys_serve_our_prover() {
    let root = tempfile::tempdir().unwrap();
    for name in ["chain", "mlp"] {
        let directory = root.path().join(name);
        fs::create_dir(&directory).unwrap();
        let [proof, public] = ["proof.json", "public.json"].map(|file| directory.join(file));
        let [zkey, wtns, r1cs, key] =
            ["zkey", "wtns", "r1cs", "verification_key.json"].map(|kind| fixture(&format!("{name}.{kind}")));
        let base = prove(&zkey, &wtns, &proof, &public);
        for more in [
            &[][..],
            &["--plan", "memory"],
            &["--no-verify", "--r1cs", &r1cs],
            &["--check", "group", "--threads", "1"],
        ] {
            expect(0, &[&base, more].concat());
            assert_eq!(names(&directory), ["proof.json", "public.json"]);
            assert_eq!(json(&public), json(Path::new(&fixture(&format!("{name}.public.json")))));
            assert!(verify(0, &key, &public, &proof).starts_with("accepted"));
        }
        snarkjs(&["verify", &key, text(&public), text(&proof)]);

        // rapidsnark's form prints nothing.
        let output = expect(0, &["prover", &zkey, &wtns, text(&proof), text(&public)]);
        assert_eq!(stdout(&output), "");
        verify(0, &key, &public, &proof);
        // snarkjs' own proof, and one about something else.
        verify(0, &key, &public, Path::new(&fixture(&format!("{name}.proof.json"))));
        fs::write(&public, "[\"1\"]").unwrap();
        let code = if name == "mlp" { 0 } else { 3 };
        expect(code, &["circom", "verify", "--vk", &key, "--public", text(&public), "--proof", text(&proof)]);
        fs::write(&public, if name == "mlp" { "[\"2\"]" } else { "[\"1\", \"2\"]" }).unwrap();
        expect(1, &["circom", "verify", "--vk", &key, "--public", text(&public), "--proof", text(&proof)]);
    }
}

#[test]
fn our_keys_serve_snarkjs() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let (zkey, key, proof, public) = (at("c.zkey"), at("vk.json"), at("proof.json"), at("public.json"));
    let made = expect(0, &["circom", "setup", "--r1cs", &fixture("mlp.r1cs"), "--out", text(&zkey)]);
    assert!(stderr(&made).contains("INSECURE"));
    let exported = expect(0, &["circom", "export-vk", "--zkey", text(&zkey), "--out", text(&key)]);
    assert!(stderr(&exported).contains("for development only"));
    let wtns = fixture("mlp.wtns");
    expect(0, &prove(text(&zkey), &wtns, &proof, &public));
    verify(0, text(&key), &public, &proof);
    snarkjs(&["verify", text(&key), text(&public), text(&proof)]);
    if snarkjs(&["prove", text(&zkey), &wtns, text(&proof), text(&public)]) {
        verify(0, text(&key), &public, &proof);
    }
    let info = expect(0, &["circom", "info", text(&zkey), &wtns, &fixture("mlp.r1cs")]);
    for part in ["212 in a domain of 2^8", "--plan memory", "× ±1", "outputs 1"] {
        assert!(stdout(&info).contains(part), "{}", stdout(&info));
    }
}

#[test]
fn benches_measure_peers_in_the_same_rounds() {
    let root = tempfile::tempdir().unwrap();
    let records = root.path().join("records.jsonl");
    let [zkey, wtns] = ["mlp.zkey", "mlp.wtns"].map(fixture);
    let peers = if snarkjs(&["--help"]) { "arkworks,snarkjs" } else { "arkworks" };
    let common = ["--samples", "2", "--threads", "1,2", "--peers", peers, "--json", text(&records)];
    for plan in ["fast", "memory"] {
        let bench = ["circom", "bench", "--device", "cpu", "--zkey", &zkey, "--wtns", &wtns, "--plan", plan];
        let output = expect(0, &[&bench[..], &common].concat());
        for part in ["arkworks", "quotient", "vs ours"] {
            assert!(stdout(&output).contains(part), "{}", stdout(&output));
        }
        let text = fs::read_to_string(&records).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |threads: u64| lines.iter().filter(move |line| line["threads"] == threads);
        for threads in [1, 2] {
            let names: Vec<_> =
                of(threads).map(|line| line["implementation"].as_str().unwrap().to_owned()).collect();
            assert_eq!(names.join(","), format!("zkwatt,{peers}"));
            for line in of(threads) {
                assert!(line["median_s"].as_f64().unwrap() > 0.0 && line["verified"] == true, "{line}");
                assert!(line["cpu_s"].as_f64().unwrap() > 0.0, "{line}");
                assert_eq!((&line["constraints"], &line["plan"]), (&212.into(), &plan.into()));
            }
        }
    }
    // snarkjs that is not there, and one that ends or talks nonsense.
    #[cfg(unix)]
    for (script, code, part) in [
        (None, 2, "tools/circom/install"),
        (Some("exit 7"), 2, "exit status: 7"),
        (Some(r#"echo '{"version":"9"}'"#), 3, "it ended before it was done"),
        (Some(r#"echo '{"version":"9"}'; read line; echo nonsense"#), 3, "not understood"),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let tools = root.path().join("tools");
        let program = tools.join("circom/circom");
        if let Some(script) = script {
            fs::create_dir_all(tools.join("circom")).unwrap();
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_zkwatt"))
            .args(["circom", "bench", "--zkey", &zkey, "--wtns", &wtns, "--peers", "snarkjs"])
            .env("ZKWATT_TOOLS", &tools)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    let witness_of_another = fixture("chain.wtns");
    let output = expect(3, &["circom", "bench", "--zkey", &zkey, "--wtns", &witness_of_another]);
    assert!(stderr(&output).contains("the witness was made for"), "{}", stderr(&output));
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    fs::create_dir(&out).unwrap();
    let [proof, public] = ["proof.json", "public.json"].map(|file| out.join(file));
    let refused = |code: i32, zkey: &str, wtns: &str, more: &[&str], part: &str| {
        let base = prove(zkey, wtns, &proof, &public);
        let output = expect(code, &[&base, more].concat());
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
        assert!(names(&out).is_empty());
    };
    let [zkey, wtns, r1cs] = ["chain.zkey", "chain.wtns", "chain.r1cs"].map(fixture);
    refused(3, "absent.zkey", &wtns, &[], "absent.zkey");
    refused(3, &wtns, &wtns, &[], "does not begin with `zkey`");
    refused(3, &zkey, &zkey, &[], "does not begin with `wtns`");
    refused(3, &zkey, &fixture("mlp.wtns"), &[], "the witness was made for");
    refused(3, &zkey, &wtns, &["--r1cs", &fixture("mlp.r1cs")], "was made for");
    let cut: PathBuf = root.path().join("cut.zkey");
    let bytes = fs::read(&zkey).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    refused(3, text(&cut), &wtns, &[], "cut off or damaged");

    // A witness that does not satisfy: its last value is another one.
    let mut bytes = fs::read(&wtns).unwrap();
    let last = bytes.len() - 32;
    bytes[last] ^= 1;
    let wrong = root.path().join("wrong.wtns");
    fs::write(&wrong, bytes).unwrap();
    refused(1, &zkey, text(&wrong), &[], ".r1cs");
    refused(1, &zkey, text(&wrong), &["--r1cs", &r1cs], "does not satisfy constraint");
    refused(1, &zkey, text(&wrong), &["--r1cs", &r1cs, "--no-verify"], "does not satisfy constraint");

    let ptau = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/halo2_srs/power3.ptau");
    let info = expect(0, &["circom", "info", ptau]);
    for part in ["3, for circuits of up to 2^3 rows", "1 contributions", "prepared for"] {
        assert!(stdout(&info).contains(part), "{}", stdout(&info));
    }
    let output = expect(3, &["circom", "info", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert!(stderr(&output).contains("is none of .zkey"), "{}", stderr(&output));
}

/// Ended in the middle of its work, a command leaves nothing behind.
#[cfg(unix)]
#[test]
fn an_interrupted_command_leaves_no_files() {
    let root = tempfile::tempdir().unwrap();
    let keys = root.path().join("deep/keys");
    let args = ["mlp", "setup", "--model", "mnist-784-128-10", "--out", text(&keys)];
    let mut child = Command::new(env!("CARGO_BIN_EXE_zkwatt")).args(args).spawn().unwrap();
    let started = std::time::Instant::now();
    while !keys.exists() || names(&keys).is_empty() {
        assert!(started.elapsed().as_secs() < 60 && child.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(names(root.path()).is_empty(), "{:?}", names(root.path()));
}
