//! Finding and loading ICICLE.
//!
//! Its interface has no version number. Versions 3 and 4 have the same functions for MSM and NTT and different ones for
//! single elements, and are told apart by those; what a later one may have changed without a trace is caught by the
//! known answers that every opening computes.

use super::foreign::{Functions, Library, Status};
use super::search::{self, LIBRARIES};
use crate::error::{Error, Result};
use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// ICICLE is not here, or not as it should be.
pub(super) fn absent(reason: impl Into<String>) -> Error {
    Error::NoSuchDevice { device: "icicle".into(), reason: reason.into() }
}

/// A loaded ICICLE.
pub(super) struct Api {
    pub(super) functions: Functions,
    /// `None` where the system's loader found it.
    pub(super) folder: Option<PathBuf>,
    backends: Mutex<Backends>,
    _libraries: [Library; LIBRARIES.len()],
}

/// Whether libraries for GPUs were loaded.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Backends {
    NotYet,
    Loaded,
}

impl Api {
    /// The ICICLE in or below `given`, or else where its variables or the system's loader find it. Loads no backend.
    ///
    /// Loaded once and never unloaded: its registries of devices last as long as the process.
    pub(super) fn load(given: Option<&Path>) -> Result<&'static Self> {
        static LOADED: Mutex<Vec<&'static Api>> = Mutex::new(Vec::new());
        let folders = search::folders(given, variable);
        let has_libraries = |folder: &&PathBuf| folder.join(search::file_name(LIBRARIES[0])).is_file();
        let folder = folders.iter().find(has_libraries);
        if let (Some(given), None) = (given, folder) {
            return Err(not_found(&format!("in {}", given.display()), ""));
        }
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(api) = loaded.iter().find(|api| api.folder.as_ref() == folder) {
            return Ok(api);
        }
        let open = |name| match folder {
            Some(folder) => Library::open(&folder.join(search::file_name(name))).map_err(|reason| {
                absent(format!("{reason}; ICICLE v4 has it: install its release for BN254, or use `cpu`"))
            }),
            None => Library::open(Path::new(&search::file_name(name))).map_err(|reason| {
                let looked: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
                not_found(&format!("in {} or where the system looks", looked.join(", ")), &reason)
            }),
        };
        let [device, field, curve] = LIBRARIES.map(open);
        let libraries = [device?, field?, curve?];
        check_version(&libraries)?;
        let functions = Functions::load(&libraries).map_err(|(library, symbol)| {
            absent(format!(
                "{} has no function `{symbol}`, which ICICLE v4 has; install a whole release of it, or use `cpu`",
                search::file_name(LIBRARIES[library])
            ))
        })?;
        let backends = Mutex::new(Backends::NotYet);
        let api =
            Box::leak(Box::new(Self { functions, folder: folder.cloned(), backends, _libraries: libraries }));
        loaded.push(api);
        Ok(api)
    }

    /// Loads the libraries that serve GPUs, if there are any. They may ask a licence server.
    pub(super) fn load_backends(&self, given: Option<&Path>) -> Result<()> {
        let mut state = self.backends.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = search::backends(given, self.folder.as_deref(), variable);
        let Some(folder) = folder.filter(|_| *state == Backends::NotYet) else { return Ok(()) };
        let path = CString::new(folder.as_os_str().as_encoded_bytes())
            .map_err(|_| absent(format!("{} is no path", folder.display())))?;
        self.functions.load_backend(&path).map_err(|status| {
            absent(format!("backends in {} cannot be loaded: {}", folder.display(), name_of(status)))
        })?;
        *state = Backends::Loaded;
        Ok(())
    }

    /// Types of devices.
    pub(super) fn device_types(&self) -> Result<Vec<String>> {
        let types = self.functions.device_types();
        let types = types
            .map_err(|status| absent(format!("ICICLE does not list its devices: {}", name_of(status))))?;
        Ok(types.split(',').filter(|kind| !kind.is_empty()).map(Into::into).collect())
    }
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn not_found(places: &str, reason: &str) -> Error {
    let file = search::file_name(LIBRARIES[0]);
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    absent(format!(
        "there is no {file} {places}{reason}; install ICICLE v4 with BN254 and set ICICLE_INSTALL_DIR to its folder, \
         or use `cpu`"
    ))
}

/// Versions differ in the names of functions for single elements.
fn check_version(libraries: &[Library; LIBRARIES.len()]) -> Result<()> {
    let [_, field, curve] = libraries;
    if field.has("bn254_generate_random") && curve.has("bn254_projective_eq") {
        return Ok(());
    }
    let found = if field.has("bn254_generate_scalars") { "version 3" } else { "an unknown version" };
    Err(absent(format!(
        "{} has the interface of {found} of ICICLE, and zkwatt uses that of version 4; install ICICLE v4 and set \
         ICICLE_INSTALL_DIR to its folder, or use `cpu`",
        search::file_name(LIBRARIES[1])
    )))
}

/// Names of `icicle::eIcicleError`.
pub(super) fn name_of(status: Status) -> String {
    const NAMES: [&str; 15] = [
        "success",
        "invalid device",
        "out of memory",
        "invalid pointer",
        "allocation failed",
        "deallocation failed",
        "copy failed",
        "synchronisation failed",
        "stream creation failed",
        "stream destruction failed",
        "not implemented for this device",
        "invalid argument",
        "the backend cannot be loaded",
        "the licence check failed; ICICLE_LICENSE names a licence file or server",
        "unknown error",
    ];
    let name = usize::try_from(status).ok().and_then(|status| NAMES.get(status)).unwrap_or(&NAMES[14]);
    format!("{name} (ICICLE's error {status})")
}
