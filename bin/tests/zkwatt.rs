//! `zkwatt` as its users run it.

mod running;

use running::{IMAGES, MODEL, expect, names, stderr, stdout, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use tempfile::TempDir;

const ONNX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/mnist-196-25-10.onnx");

/// A setup and a proof that the tests which do not change them share.
struct Shared {
    _root: TempDir,
    keys: PathBuf,
    proof: PathBuf,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let (keys, proof) = (root.path().join("keys"), root.path().join("proof.zkp"));
        setup(&keys, &["--output", "class"]);
        prove(0, &keys, &proof, &[]);
        Shared { _root: root, keys, proof }
    })
}

fn setup(keys: &Path, more: &[&str]) -> Output {
    expect(0, &[&["mlp", "setup", "--model", MODEL, "--out", text(keys)], more].concat())
}

fn prove(code: i32, keys: &Path, proof: &Path, more: &[&str]) -> Output {
    let args =
        ["mlp", "prove", "--key", text(keys), "--image", IMAGES, "--index", "42", "--out", text(proof)];
    expect(code, &[&args, more].concat())
}

fn verify(code: i32, key: &Path, proof: &Path, more: &[&str]) -> Output {
    expect(code, &[&["mlp", "verify", "--key", text(key), "--proof", text(proof)], more].concat())
}

#[test]
fn every_statement_is_proven_and_verified() {
    let root = tempfile::tempdir().unwrap();
    for input in ["committed", "private", "public"] {
        for output in ["accumulators", "class"] {
            let directory = root.path().join(format!("{input}-{output}"));
            let keys = directory.join("keys");
            let (key, proof) = (keys.join("verifying.key"), directory.join("proof.zkp"));
            let made = setup(&keys, &["--input", input, "--output", output]);
            assert!(stdout(&made).contains("for development only"));
            assert_eq!(stderr(&made).contains("warning: "), input == "private");
            assert_eq!(names(&keys), ["model.json", "proving.key", "verifying.key"]);

            prove(0, &keys, &proof, &[]);
            let secret: &[&str] = if input == "committed" { &["proof.secret.json"] } else { &[] };
            assert_eq!(names(&directory), [&["keys"], secret, &["proof.zkp"]].concat());

            let statement = directory.join("statement.json");
            let model = keys.join("model.json");
            let more = ["--model", text(&model), "--statement", text(&statement)];
            let verified = verify(0, &key, &proof, &more);
            assert!(stdout(&verified).starts_with("accepted"));
            assert!(stdout(&verified).contains("class         4"), "{}", stdout(&verified));
            assert!(stdout(&verified).contains("for development only"));
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&statement).unwrap()).unwrap();
            match output {
                "class" => assert_eq!(json["class"], 4),
                _ => assert_eq!(json["outputs"].as_array().unwrap().len(), 10),
            }
            assert_eq!(json["commitment"].is_string(), input == "committed");
            assert_eq!(json["input"].as_array().map(Vec::len), (input == "public").then_some(196));
        }
    }
}

#[test]
fn a_salt_is_fresh_secret_and_can_be_used_again() {
    let Shared { keys, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a.zkp", "b.zkp", "c.zkp"].map(|name| root.path().join(name));
    prove(0, keys, &a, &[]);
    prove(0, keys, &b, &[]);
    let secret = root.path().join("a.secret.json");
    prove(0, keys, &c, &["--salt", text(&secret)]);
    let commitment = |proof: &Path| {
        let text = stdout(&verify(0, &keys.join("verifying.key"), proof, &[]));
        let line = text.lines().find(|line| line.contains("commitment")).unwrap().to_owned();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let [x, y, z] = [&a, &b, &c].map(|proof| commitment(proof));
    assert_ne!(x, y);
    assert_eq!(x, z);
    assert_ne!(fs::read(&a).unwrap(), fs::read(&c).unwrap(), "blinding is fresh");
    verify(0, &keys.join("verifying.key"), &a, &["--commitment", &x]);
    verify(1, &keys.join("verifying.key"), &b, &["--commitment", &x]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::write(&secret, "{}").unwrap();
    prove(3, keys, &c, &["--salt", text(&secret)]);
}

#[test]
fn an_input_may_be_a_list() {
    let Shared { keys, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let (list, proof) = (root.path().join("input.json"), root.path().join("proof.zkp"));
    let args = ["mlp", "prove", "--key", text(keys), "--image", text(&list), "--out", text(&proof)];
    fs::write(&list, serde_json::to_string(&vec![7u32; 196]).unwrap()).unwrap();
    expect(0, &args);
    verify(0, &keys.join("verifying.key"), &proof, &[]);
    for (content, code) in [("[1, 2]", 2), ("[-1]", 3), ("not json", 3)] {
        fs::write(&list, content).unwrap();
        expect(code, &args);
    }
    fs::write(&list, serde_json::to_string(&vec![256u32; 196]).unwrap()).unwrap();
    assert!(stderr(&expect(2, &args)).contains("8 bits"));
}

#[test]
fn keys_and_proofs_of_something_else() {
    let Shared { keys, proof, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let other = root.path().join("other");
    let args = ["mlp", "setup", "--model", "mnist-196-24-14-10", "--output", "class", "--out", text(&other)];
    expect(0, &args);
    let rejected = verify(3, &other.join("verifying.key"), proof, &[]);
    assert!(stderr(&rejected).contains("was made for"), "{}", stderr(&rejected));
    let wrong = verify(3, &keys.join("verifying.key"), proof, &["--model", "mnist-196-24-14-10"]);
    assert!(stderr(&wrong).contains("mnist-196-24-14-10"), "{}", stderr(&wrong));

    // The proving key of one model with another's model.json.
    fs::copy(keys.join("proving.key"), other.join("proving.key")).unwrap();
    let refused = prove(3, &other, &root.path().join("proof.zkp"), &[]);
    assert!(stderr(&refused).contains("made for model `mnist-196-25-10`"), "{}", stderr(&refused));
    assert_eq!(names(root.path()), ["other"]);

    // A second setup of the same model has other secrets.
    let again = root.path().join("again");
    setup(&again, &["--output", "class"]);
    verify(3, &again.join("verifying.key"), proof, &[]);
    // Kinds of files are not confused.
    verify(3, proof, proof, &[]);
    verify(3, &keys.join("verifying.key"), &keys.join("verifying.key"), &[]);
}

#[test]
fn damaged_files_are_refused() {
    let Shared { keys, proof, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let damaged = root.path().join("damaged");
    let key = keys.join("verifying.key");
    for (path, is_key) in [(&key, true), (proof, false)] {
        let bytes = fs::read(path).unwrap();
        let check = |bytes: &[u8]| {
            fs::write(&damaged, bytes).unwrap();
            let (key, proof) = if is_key { (&damaged, proof) } else { (&key, &damaged) };
            verify(3, key, proof, &[]);
        };
        for length in [0, 1, 7, 20, bytes.len() / 2, bytes.len() - 1] {
            check(&bytes[..length]);
        }
        check(&[&bytes[..], &[0]].concat());
        for position in [0, 9, 30, bytes.len() / 2, bytes.len() - 40, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[position] ^= 4;
            check(&flipped);
        }
    }
    fs::copy(keys.join("model.json"), root.path().join("model.json")).unwrap();
    let bytes = fs::read(keys.join("proving.key")).unwrap();
    for length in [0, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(root.path().join("proving.key"), &bytes[..length]).unwrap();
        prove(3, root.path(), &root.path().join("proof.zkp"), &[]);
    }
    assert_eq!(names(root.path()), ["damaged", "model.json", "proving.key"]);
}

#[test]
fn what_is_not_supported_is_a_usage_error() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("keys");
    let args = ["mlp", "setup", "--model", MODEL, "--out", text(&out)];
    let private = expect(2, &[&args[..], &["--weights", "private"]].concat());
    assert!(stderr(&private).contains("Halo2"), "{}", stderr(&private));
    let file = root.path().join("circuit.r1cs");
    for system in [&["--system", "halo2"][..], &["--weights", "private"]] {
        let export = ["mlp", "export-r1cs", "--model", MODEL, "--out", text(&file)];
        expect(2, &[&export, system].concat());
    }
    for option in [["--plan", "small"], ["--batch", "2"], ["--srs", "file"]] {
        let halo2 = expect(2, &[&args[..], &option].concat());
        assert!(stderr(&halo2).contains("add --system halo2"), "{}", stderr(&halo2));
    }
    let unknown = expect(2, &["mlp", "setup", "--model", "mnist-1-2", "--out", text(&out)]);
    assert!(stderr(&unknown).contains("mnist-784-128-10"), "{}", stderr(&unknown));
    for model in ["synthetic-0-1", "synthetic-99999999999999999999-2", "synthetic-"] {
        expect(2, &["mlp", "setup", "--model", model, "--out", text(&out)]);
    }
    for args in
        [&["no-such-command"][..], &["mlp", "setup"], &["--digits", "0"], &["mlp", "prove", "--seed", "1"]]
    {
        expect(2, args);
    }
    assert!(names(root.path()).is_empty());
}

#[test]
fn onnx_files() {
    let root = tempfile::tempdir().unwrap();
    let shown = stdout(&expect(0, &["mlp", "import", ONNX]));
    assert!(shown.contains("196-25-10") && shown.contains("ReLU"), "{shown}");

    let bytes = fs::read(ONNX).unwrap();
    let (cut, out) = (root.path().join("cut.onnx"), root.path().join("out"));
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&cut, &bytes[..length]).unwrap();
        expect(3, &["mlp", "import", text(&cut)]);
        expect(3, &["mlp", "setup", "--model", text(&cut), "--out", text(&out)]);
        expect(3, &["mlp", "quantise", text(&cut), "--out", text(&out)]);
        expect(3, &["mlp", "export-r1cs", "--model", text(&cut), "--out", text(&out)]);
    }
    expect(3, &["mlp", "import", "no/such/file.onnx"]);
    assert_eq!(names(root.path()), ["cut.onnx"]);
}

#[test]
fn quantise_accuracy_and_export() {
    let root = tempfile::tempdir().unwrap();
    let [model, circuit] = ["model.json", "circuit.r1cs"].map(|name| root.path().join(name));
    let quantised = expect(0, &["mlp", "quantise", ONNX, "--out", text(&model)]);
    assert!(stdout(&quantised).contains("8 bits"), "{}", stdout(&quantised));
    let accuracy = expect(0, &["mlp", "accuracy", ONNX, "--data", IMAGES]);
    assert!(stdout(&accuracy).contains("of 100)") && stderr(&accuracy).contains("note: "));
    expect(0, &["mlp", "accuracy", text(&model), "--data", IMAGES]);
    expect(2, &["mlp", "accuracy", "synthetic-20-10"]);
    expect(2, &["mlp", "quantise", text(&model), "--out", text(&root.path().join("again.json"))]);
    let sixteen = ["mlp", "quantise", MODEL, "--preset", "16", "--calibration", IMAGES, "--samples", "50"];
    let sixteen = expect(0, &[&sixteen[..], &["--out", text(&model)]].concat());
    assert!(stdout(&sixteen).contains("16 bits") && stdout(&sixteen).contains("50 samples"));

    expect(0, &["mlp", "export-r1cs", "--model", text(&model), "--out", text(&circuit)]);
    assert!(fs::read(&circuit).unwrap().starts_with(b"r1cs\x01\0\0\0"));
    assert_eq!(names(root.path()), ["circuit.r1cs", "model.json"]);
}

#[test]
fn outputs_that_cannot_be_written() {
    let Shared { keys, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "kept").unwrap();
    // A file where a directory is needed; a directory where a file is.
    expect(3, &["mlp", "setup", "--model", MODEL, "--out", text(&file)]);
    expect(3, &["mlp", "setup", "--model", MODEL, "--out", text(&file.join("below"))]);
    let taken = root.path().join("taken");
    fs::create_dir_all(taken.join("verifying.key")).unwrap();
    expect(3, &["mlp", "setup", "--model", MODEL, "--out", text(&taken)]);
    assert_eq!(names(&taken), ["verifying.key"]);
    prove(3, keys, &root.path().join("missing/proof.zkp"), &[]);
    prove(3, keys, root.path(), &[]);
    expect(3, &["--json", text(&root.path().join("missing/out.jsonl"))]);
    assert_eq!(fs::read(&file).unwrap(), b"kept");
    assert_eq!(names(root.path()), ["file", "taken"]);
}

#[cfg(unix)]
#[test]
fn a_directory_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("locked");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(directory.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    expect(3, &["mlp", "setup", "--model", MODEL, "--out", text(&directory)]);
    expect(3, &["mlp", "setup", "--model", MODEL, "--out", text(&directory.join("below"))]);
    assert!(names(&directory).is_empty());
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn devices_are_listed_and_never_replaced() {
    let listed = stdout(&expect(0, &["devices"]));
    for kind in ["cpu", "cuda", "wgpu", "icicle"] {
        assert!(listed.contains(kind), "{listed}");
    }
    let Shared { keys, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let is_ready = |kind| listed.lines().any(|line| line.split_whitespace().take(2).eq([kind, "ready"]));
    for kind in ["cuda", "icicle"].into_iter().filter(|kind| !is_ready(kind)) {
        let missing = prove(4, keys, &root.path().join("proof.zkp"), &["--device", kind]);
        assert!(stderr(&missing).starts_with(&format!("error: no device `{kind}`")), "{}", stderr(&missing));
        expect(4, &["--device", kind]);
    }
    prove(0, keys, &root.path().join("proof.zkp"), &["--device", "cpu", "--threads", "1"]);
    let has_wgpu = is_ready("wgpu");
    let on_gpu =
        prove(if has_wgpu { 0 } else { 4 }, keys, &root.path().join("gpu.zkp"), &["--device", "wgpu"]);
    // Also that the proof was verified, and what went over the bus.
    let shown = stdout(&on_gpu);
    assert!(
        !has_wgpu || ["verified", "moved", "dispatches"].iter().all(|part| shown.contains(part)),
        "{shown}"
    );
}

#[test]
fn the_demonstration() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("demo.jsonl");
    let models = "mnist-196-25-10,mnist-196-24-14-10";
    let shown = stdout(&expect(0, &["--model", models, "--digits", "2", "--json", text(&path)]));
    for part in
        ["a test digit, labelled 4", "says 4", "2 proofs", "verified", "constraints", "development only"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let lines = fs::read_to_string(&path).unwrap();
    let records: Vec<zkwatt_harness::record::Record> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert!(
        records.iter().all(|r| r.op == "prove" && r.verified && r.samples == 2 && r.accuracy_float.is_some())
    );
    expect(2, &["--model", "nobody"]);
    expect(0, &["--model", "synthetic-20-10-5", "--digits", "1"]);
}
