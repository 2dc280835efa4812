//! The stand-in for ICICLE, compiled in the variant that a test wants.

use std::path::{Path, PathBuf};
use std::process::Command;
use zkwatt::Result;
use zkwatt::device::icicle::{IcicleDevice, IcicleOptions};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/icicle-stub");

/// ICICLE's libraries.
pub const LIBRARIES: [&str; 3] = ["icicle_device", "icicle_field_bn254", "icicle_curve_bn254"];

pub fn file(library: &str) -> String {
    format!("lib{library}{}", std::env::consts::DLL_SUFFIX)
}

/// An installation of the stand-in with these macros, such as `STUB_VERSION=3`; `None` where there is no C compiler.
///
/// Every call makes one of its own: what a process has loaded stays loaded, and shares its state.
pub fn install(macros: &[&str]) -> Option<tempfile::TempDir> {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("lib");
    std::fs::create_dir(&folder).unwrap();
    let library = folder.join(file(LIBRARIES[0]));
    let compiler = std::env::var("CC").unwrap_or("cc".into());
    let compiled = Command::new(&compiler)
        .args(["-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread", "-o"])
        .arg(&library)
        .args(macros.iter().map(|name| format!("-D{name}")))
        .arg(Path::new(SOURCES).join("icicle.c"))
        .output();
    let Ok(output) = compiled else {
        eprintln!("SKIPPED: no C compiler `{compiler}` for the stand-in of ICICLE");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for other in &LIBRARIES[1..] {
        std::fs::hard_link(&library, folder.join(file(other))).unwrap();
    }
    Some(root)
}

/// Options for the first device of an installation, or for the one of this name.
pub fn options(root: &Path, device: Option<&str>) -> IcicleOptions {
    // A name, so that no variable of the environment chooses another.
    let device = Some(device.unwrap_or("CUDA").into());
    IcicleOptions { folder: Some(PathBuf::from(root)), device }
}

/// Opens a device of a new installation with these macros.
pub fn open(macros: &[&str]) -> Option<(tempfile::TempDir, Result<IcicleDevice>)> {
    let root = install(macros)?;
    let opened = IcicleDevice::new(options(root.path(), None));
    Some((root, opened))
}
