//! Tells the benches which commit, compiler and peers they were built from.

use std::path::Path;
use std::process::Command;

/// Packages of the peers whose locked versions measurement records carry.
const PEERS: [(&str, &str); 5] = [
    ("ark-ec", "ZKWATT_PEER_ARKWORKS"),
    ("ark-groth16", "ZKWATT_PEER_ARK_GROTH16"),
    ("blst", "ZKWATT_PEER_BLST"),
    ("halo2curves-axiom", "ZKWATT_PEER_HALO2CURVES"),
    ("halo2-axiom", "ZKWATT_PEER_HALO2_AXIOM"),
];

fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).output().ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .filter(|s| !s.is_empty())
}

/// The version of `package` in the text of a Cargo.lock.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let entry = lock.split("[[package]]").find(|entry| {
        entry
            .lines()
            .any(|line| line.strip_prefix("name = ").is_some_and(|name| name.trim_matches('"') == package))
    })?;
    entry.lines().find_map(|line| line.strip_prefix("version = ")).map(|version| version.trim_matches('"'))
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Sources are watched too, because an edit makes the commit "-dirty".
    for path in
        ["../Cargo.lock", "../Cargo.toml", "../src", "../kernels", "Cargo.toml", "src", "energy", "records"]
    {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = output("git", &["rev-parse", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = output("git", &["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]);
    println!("cargo::rustc-env=ZKWATT_COMMIT={}", commit.unwrap_or_default());

    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    println!("cargo::rustc-env=ZKWATT_RUSTC={}", output(&rustc, &["--version"]).unwrap_or_default());

    let lock = std::fs::read_to_string("../Cargo.lock").unwrap_or_default();
    for (package, variable) in PEERS {
        println!("cargo::rustc-env={variable}={}", locked_version(&lock, package).unwrap_or("unknown"));
    }
}
