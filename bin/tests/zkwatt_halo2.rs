//! `zkwatt mlp … --system halo2` as its users run it.

mod running;

use running::{IMAGES, MODEL, expect, names, stderr, stdout, text};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Small enough for 2^9 rows.
const SMALL: &str = "synthetic-20-10-5";

fn setup(model: &str, keys: &Path, more: &[&str]) -> Output {
    let args = ["mlp", "setup", "--system", "halo2", "--model", model, "--out", text(keys)];
    expect(0, &[&args, more].concat())
}

fn prove(code: i32, keys: &Path, image: &Path, proof: &Path, more: &[&str]) -> Output {
    let args = ["mlp", "prove", "--key", text(keys), "--image", text(image), "--out", text(proof)];
    expect(code, &[&args, more].concat())
}

fn verify(code: i32, key: &Path, proof: &Path, more: &[&str]) -> Output {
    expect(code, &[&["mlp", "verify", "--key", text(key), "--proof", text(proof)], more].concat())
}

/// An input of the small model.
fn input(directory: &Path) -> PathBuf {
    let path = directory.join("input.json");
    let values: Vec<u32> = (0..20).map(|i| i * 37 % 256).collect();
    fs::write(&path, serde_json::to_string(&values).unwrap()).unwrap();
    path
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The last word of the line that begins with `key`.
fn value(output: &Output, key: &str) -> String {
    let text = stdout(output);
    let line = text.lines().find(|line| line.trim_start().starts_with(key)).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

/// The file with a checksum that fits.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let checksum = Sha256::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum);
    bytes
}

/// A setup with private weights and a proof that the tests which do not change them share.
struct Shared {
    root: TempDir,
    keys: PathBuf,
    key: PathBuf,
    input: PathBuf,
    proof: PathBuf,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let (keys, proof) = (root.path().join("keys"), root.path().join("proof.zkp"));
        let input = input(root.path());
        setup(SMALL, &keys, &["--weights", "private", "--output", "class"]);
        prove(0, &keys, &input, &proof, &[]);
        Shared { key: keys.join("verifying.key"), keys, input, proof, root }
    })
}

#[test]
fn every_statement_is_proven_and_verified() {
    let root = tempfile::tempdir().unwrap();
    let image = input(root.path());
    let mut classes = Vec::new();
    let modes = [("committed", "class"), ("private", "accumulators"), ("public", "class")];
    for weights in ["public", "private"] {
        for (input, output) in modes {
            let directory = root.path().join(format!("{weights}-{input}"));
            let keys = directory.join("keys");
            let (key, proof) = (keys.join("verifying.key"), directory.join("proof.zkp"));
            let options = ["--weights", weights, "--input", input, "--output", output];
            let made = setup(SMALL, &keys, &options);
            let shown = stdout(&made);
            assert!(
                shown.contains("insecure SRS, for development only") && shown.contains("k = 9"),
                "{shown}"
            );
            assert!(stderr(&made).contains("without --srs"));
            assert_eq!(stderr(&made).contains("nothing binds"), input == "private");
            assert_eq!(shown.contains("range proof"), weights == "private");
            let secret: &[&str] = if weights == "private" { &["model.secret.json"] } else { &[] };
            assert_eq!(names(&keys), [&["model.json"], secret, &["srs", "verifying.key"]].concat());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = |name| fs::metadata(keys.join(name)).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode("model.json") == 0o600, weights == "private");
                assert!(secret.iter().all(|name| mode(name) == 0o600));
            }

            let proved = prove(0, &keys, &image, &proof, &[]);
            let secret: &[&str] = if input == "committed" { &["proof.secret.json"] } else { &[] };
            assert_eq!(names(&directory), [&["keys"], secret, &["proof.zkp"]].concat());
            let predicted = stdout(&made).lines().find(|l| l.contains("  proof ")).unwrap().to_owned();
            assert!(stdout(&proved).contains(&predicted), "{predicted}\n{}", stdout(&proved));

            let statement = directory.join("statement.json");
            let more = ["--model", SMALL, "--statement", text(&statement)];
            let verified = verify(0, &key, &proof, &more);
            let shown = stdout(&verified);
            assert!(shown.starts_with("accepted") && shown.contains("for development only"), "{shown}");
            assert_eq!(shown.contains("range proof"), weights == "private", "{shown}");
            let json = json(&statement);
            classes.push(match json["outputs"].as_array() {
                None => json["class"].as_u64().unwrap(),
                Some(outputs) => {
                    assert_eq!((output, outputs.len()), ("accumulators", 5));
                    let outputs: Vec<i64> = outputs.iter().map(|v| v.as_i64().unwrap()).collect();
                    let largest = outputs.iter().max();
                    outputs.iter().position(|v| Some(v) == largest).unwrap() as u64
                }
            });
            assert_eq!(json["commitment"].is_string(), input == "committed");
            assert_eq!(json["input"].as_array().map(Vec::len), (input == "public").then_some(20));
            assert_eq!(json["model_commitment"].is_string(), weights == "private");
        }
    }
    assert!(classes.iter().all(|class| *class == classes[0]), "{classes:?}");
}

#[test]
fn a_batch_of_digits() {
    let root = tempfile::tempdir().unwrap();
    let [keys, proof, again] = ["keys", "a.zkp", "b.zkp"].map(|name| root.path().join(name));
    let (key, images) = (keys.join("verifying.key"), Path::new(IMAGES));
    setup(MODEL, &keys, &["--batch", "3", "--plan", "small", "--output", "class"]);
    prove(0, &keys, images, &proof, &["--index", "41"]);
    let (statement, model) = (root.path().join("statement.json"), keys.join("model.json"));
    verify(0, &key, &proof, &["--model", text(&model), "--statement", text(&statement)]);
    let stated = json(&statement);
    assert_eq!(stated.as_array().map(Vec::len), Some(3));
    // The test digit with index 42 is a 4.
    assert_eq!(stated[1]["class"], 4);
    let commitments: Vec<&str> = (0..3).map(|i| stated[i]["commitment"].as_str().unwrap()).collect();
    let all = commitments.join(",");
    verify(0, &key, &proof, &["--commitment", &all]);

    // The same seeds give the same commitments; other images others.
    let secret = root.path().join("a.secret.json");
    prove(0, &keys, images, &again, &["--index", "41", "--salt", text(&secret)]);
    verify(0, &key, &again, &["--commitment", &all]);
    prove(0, &keys, images, &again, &["--index", "41"]);
    verify(1, &key, &again, &["--commitment", &all]);
    verify(2, &key, &again, &["--commitment", commitments[0]]);
    verify(2, &key, &again, &["--commitment", "0x12"]);

    let few = prove(2, &keys, images, &again, &["--index", "98"]);
    assert!(stderr(&few).contains("3 images are proved at once"), "{}", stderr(&few));
    let list = root.path().join("list.json");
    fs::write(&list, serde_json::to_string(&vec![vec![1u32; 196]; 3]).unwrap()).unwrap();
    prove(0, &keys, &list, &again, &["--no-verify"]);
    verify(0, &key, &again, &[]);
    fs::write(&list, serde_json::to_string(&vec![vec![1u32; 196]; 2]).unwrap()).unwrap();
    prove(3, &keys, &list, &again, &[]);
    fs::write(&list, "[1, 2, 3]").unwrap();
    prove(3, &keys, &list, &again, &[]);
}

#[test]
fn forged_proofs_are_rejected() {
    let Shared { key, proof, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let forged = root.path().join("forged.zkp");
    let bytes = fs::read(proof).unwrap();
    let n = bytes.len();
    // In the Halo2 proof's evaluations and in the link's.
    for position in [n - 32 - 96 - 400, n - 32 - 32] {
        let mut flipped = bytes.clone();
        flipped[position] ^= 1;
        fs::write(&forged, &flipped).unwrap();
        assert!(stderr(&verify(3, key, &forged, &[])).contains("checksum"));
        fs::write(&forged, sealed(flipped)).unwrap();
        verify(1, key, &forged, &[]);
    }
    // Another class, and one that the model does not have.
    let at = bytes.windows(8).position(|part| part == b"\"class\":").unwrap() + 8;
    for class in *b"0123456789" {
        let mut other = bytes.clone();
        other[at] = class;
        let code = i32::from(class != bytes[at]);
        fs::write(&forged, sealed(other)).unwrap();
        verify(code, key, &forged, &[]);
    }
    // Anything else is refused for one reason or the other.
    for position in (0..n - 32).step_by(n / 25) {
        let mut flipped = bytes.clone();
        flipped[position] ^= 4;
        fs::write(&forged, sealed(flipped)).unwrap();
        refused(&[key, &forged]);
    }
    for length in [0, 1, 7, 20, n / 2, n - 1] {
        fs::write(&forged, &bytes[..length]).unwrap();
        verify(3, key, &forged, &[]);
    }
}

/// Runs `mlp verify` on key and proof, which must not be accepted.
fn refused([key, proof]: &[&Path; 2]) {
    let args = ["mlp", "verify", "--key", text(key), "--proof", text(proof)];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_zkwatt")).args(args).output().unwrap();
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("error: ") && !stderr(&output).contains("panicked"));
}

#[test]
fn forged_keys_are_refused() {
    let Shared { key, proof, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let forged = root.path().join("verifying.key");
    let bytes = fs::read(key).unwrap();
    let n = bytes.len();
    // The body: what the proof is checked with, and the proof of the commitment.
    let header = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let body = 24 + header;
    for position in (body..n - 32).step_by((n - 32 - body) / 25) {
        let mut flipped = bytes.clone();
        flipped[position] ^= 4;
        fs::write(&forged, sealed(flipped)).unwrap();
        refused(&[&forged, proof]);
    }
    for length in [8, 20, n / 2, n - 1] {
        fs::write(&forged, &bytes[..length]).unwrap();
        verify(3, &forged, proof, &[]);
    }
}

#[test]
fn keys_and_proofs_of_something_else() {
    let Shared { keys, key, input, proof, .. } = shared();
    let root = tempfile::tempdir().unwrap();
    let [again, groth16, other] = ["again", "groth16", "other.zkp"].map(|name| root.path().join(name));
    let srs = keys.join("srs");

    // Over one SRS the circuit of private weights is the same for every model of the shape; the commitment is not.
    let private = ["--weights", "private", "--output", "class", "--srs", text(&srs)];
    let made = setup(SMALL, &again, &private);
    assert!(stdout(&made).contains("insecure SRS"), "{}", stdout(&made));
    verify(1, &again.join("verifying.key"), proof, &[]);
    prove(0, &again, input, &other, &[]);
    let digest = |key: &Path, proof: &Path| value(&verify(0, key, proof, &[]), "weights ");
    assert_ne!(digest(&again.join("verifying.key"), &other), digest(key, proof));
    verify(0, key, proof, &["--model", SMALL, "--srs", text(&again.join("srs"))]);

    // The secret of another commitment, and other files that are not this setup's.
    let secret = again.join("model.secret.json");
    fs::copy(keys.join("model.secret.json"), &secret).unwrap();
    let refused = prove(3, &again, input, &other, &[]);
    assert!(stderr(&refused).contains("the commitment to the model"), "{}", stderr(&refused));
    fs::write(&secret, "{}").unwrap();
    prove(3, &again, input, &other, &[]);

    // Another system.
    expect(0, &["mlp", "setup", "--model", SMALL, "--out", text(&groth16)]);
    prove(0, &groth16, input, &other, &[]);
    verify(3, key, &other, &[]);
    verify(3, &groth16.join("verifying.key"), proof, &[]);
    let unknown = verify(2, &groth16.join("verifying.key"), &other, &["--model", SMALL, "--srs", text(&srs)]);
    assert!(stderr(&unknown).contains("Halo2"), "{}", stderr(&unknown));
    let salt = root.path().join("other.secret.json");
    prove(3, keys, input, &root.path().join("x.zkp"), &["--salt", text(&salt)]);

    // Another model.
    let wrong = verify(3, key, proof, &["--model", "synthetic-20-11-5"]);
    assert!(stderr(&wrong).contains("was made for model"), "{}", stderr(&wrong));
    // A key without its SRS.
    let alone = root.path().join("alone.key");
    fs::copy(key, &alone).unwrap();
    assert!(stderr(&verify(3, &alone, proof, &["--model", SMALL])).contains("--srs"));
    verify(0, &alone, proof, &[]);
}

#[test]
fn a_directory_that_does_not_belong_together() {
    let root = tempfile::tempdir().unwrap();
    let (keys, proof) = (root.path().join("keys"), root.path().join("proof.zkp"));
    let image = input(root.path());
    setup(SMALL, &keys, &["--input", "private"]);
    let [model, srs] = ["model.json", "srs"].map(|name| keys.join(name));
    let (kept_model, kept_srs) = (fs::read(&model).unwrap(), fs::read(&srs).unwrap());

    // Another weight: the same shape, but not the key's model.
    let mut changed: serde_json::Value = serde_json::from_slice(&kept_model).unwrap();
    let weight = &mut changed["layers"][1]["bias"][0];
    *weight = (weight.as_i64().unwrap() ^ 1).into();
    fs::write(&model, changed.to_string()).unwrap();
    let refused = prove(3, &keys, &image, &proof, &[]);
    assert!(stderr(&refused).contains("verifying key"), "{}", stderr(&refused));
    fs::write(&model, &kept_model).unwrap();

    for length in [0, 100, kept_srs.len() / 2, kept_srs.len() - 1] {
        fs::write(&srs, &kept_srs[..length]).unwrap();
        prove(3, &keys, &image, &proof, &[]);
    }
    let mut flipped = kept_srs.clone();
    flipped[200] ^= 1;
    fs::write(&srs, sealed(flipped)).unwrap();
    prove(3, &keys, &image, &proof, &[]);
    // A sound one, but another.
    fs::copy(shared().keys.join("srs"), &srs).unwrap();
    let other = prove(3, &keys, &image, &proof, &[]);
    assert!(stderr(&other).contains("SRS"), "{}", stderr(&other));
    fs::write(&srs, &kept_srs).unwrap();
    prove(0, &keys, &image, &proof, &[]);
    assert_eq!(names(root.path()), ["input.json", "keys", "proof.zkp"]);

    let salted = prove(2, &keys, &image, &proof, &["--salt", text(&image)]);
    assert!(stderr(&salted).contains("committed"), "{}", stderr(&salted));
}

#[test]
fn reference_strings_of_other_sizes() {
    let root = tempfile::tempdir().unwrap();
    let [large, small, out] = ["large", "small", "out"].map(|name| root.path().join(name));
    setup(MODEL, &large, &["--plan", "small", "--input", "private"]);
    let srs = large.join("srs");
    let shown = stdout(&setup(SMALL, &small, &["--srs", text(&srs)]));
    assert!(shown.contains("k = 9"), "{shown}");
    assert!(fs::metadata(small.join("srs")).unwrap().len() < fs::metadata(&srs).unwrap().len());
    let image = input(root.path());
    prove(0, &small, &image, &root.path().join("proof.zkp"), &[]);
    let args = ["mlp", "setup", "--system", "halo2", "--model", "mnist-784-56-10", "--out", text(&out)];
    let srs = small.join("srs");
    let few = expect(2, &[&args[..], &["--srs", text(&srs)]].concat());
    assert!(stderr(&few).contains("has 2^9 powers"), "{}", stderr(&few));
    for bad in [&image, &large.join("verifying.key"), &root.path().join("missing")] {
        expect(3, &[&args[..], &["--srs", text(bad)]].concat());
    }
    expect(2, &[&args[..], &["--batch", "0"]].concat());
    assert!(!out.exists());
}

#[test]
fn the_secret_of_the_model_is_kept() {
    let Shared { root, keys, input, .. } = shared();
    let secret = fs::read(keys.join("model.secret.json")).unwrap();
    let refused = prove(2, keys, input, &keys.join("model.zkp"), &[]);
    assert!(stderr(&refused).contains("another name"), "{}", stderr(&refused));
    assert_eq!(fs::read(keys.join("model.secret.json")).unwrap(), secret);
    prove(0, keys, input, &root.path().join("model.zkp"), &[]);
}
