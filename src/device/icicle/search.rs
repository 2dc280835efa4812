//! Where an installed ICICLE is looked for; pure but for asking whether files exist.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that picks one of ICICLE's devices, as `TYPE` or `TYPE:INDEX`.
pub(super) const DEVICE_VARIABLE: &str = "ZKWATT_ICICLE_DEVICE";

/// Where ICICLE's own installer puts it.
const DEFAULT: &str = "/opt/icicle";

/// The libraries of ICICLE's frontend, each needing those before it.
pub(super) const LIBRARIES: [&str; 3] = ["icicle_device", "icicle_field_bn254", "icicle_curve_bn254"];

/// Folders that may hold the libraries, the most specific first: the caller's, those of ICICLE's variables, the default.
pub(super) fn folders(given: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    if let Some(given) = given {
        return vec![given.join("lib"), given.into()];
    }
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let mut folders = Vec::new();
    if let Some(install) = set("ICICLE_INSTALL_DIR") {
        folders.extend([install.join("lib"), install]);
    }
    if let Some(frontend) = set("ICICLE_FRONTEND_INSTALL_DIR") {
        folders.extend([frontend.clone(), frontend.join("lib")]);
    }
    // Backends are in lib/backend of an installation.
    if let Some(backend) = set("ICICLE_BACKEND_INSTALL_DIR") {
        folders.extend(backend.parent().map(Path::to_path_buf));
        folders.push(backend);
    }
    folders.push(Path::new(DEFAULT).join("lib"));
    folders
}

/// The folder whose libraries, of any name beginning with `icicle_backend`, serve GPUs.
pub(super) fn backends(
    given: Option<&Path>,
    folder: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let named = variable("ICICLE_BACKEND_INSTALL_DIR").map(PathBuf::from).filter(|_| given.is_none());
    let beside = folder.map(|folder| folder.join("backend"));
    let default = Path::new(DEFAULT).join("lib/backend");
    [named, beside, Some(default)].into_iter().flatten().find(|folder| folder.is_dir())
}

/// The file of a library.
pub(super) fn file_name(library: &str) -> String {
    format!("{}{library}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// One of ICICLE's devices: its type in ICICLE's spelling, and which of that type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeviceName {
    pub(super) kind: String,
    pub(super) index: u32,
}

impl DeviceName {
    /// From `TYPE` or `TYPE:INDEX`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, index) = match text.trim().split_once(':') {
            Some((kind, index)) => (kind, index.parse().ok().filter(|index| *index <= i32::MAX as u32)?),
            None => (text.trim(), 0),
        };
        let known_form = !kind.is_empty() && kind.len() < 64 && kind.bytes().all(|b| b.is_ascii_graphic());
        known_form.then(|| Self { kind: kind.to_ascii_uppercase(), index })
    }

    /// The type to use where nobody says: a GPU before the CPU.
    pub(super) fn preferred(types: &[String]) -> Option<Self> {
        let rank = |kind: &String| match kind.as_str() {
            "CUDA" => 0,
            "CPU" => 2,
            _ => 1,
        };
        types.iter().min_by_key(|kind| (rank(kind), *kind)).map(|kind| Self { kind: kind.clone(), index: 0 })
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.kind, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(given: Option<&str>, variables: &[(&str, &str)]) -> Vec<String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let folders = folders(given.map(Path::new), variable);
        folders.iter().map(|folder| folder.display().to_string()).collect()
    }

    #[test]
    fn the_most_specific_folder_comes_first() {
        assert_eq!(paths(None, &[]), ["/opt/icicle/lib"]);
        assert_eq!(paths(Some("/a"), &[("ICICLE_INSTALL_DIR", "/b")]), ["/a/lib", "/a"]);
        let variables = [("ICICLE_BACKEND_INSTALL_DIR", "/c/lib/backend"), ("ICICLE_INSTALL_DIR", "/b")];
        assert_eq!(paths(None, &variables), ["/b/lib", "/b", "/c/lib", "/c/lib/backend", "/opt/icicle/lib"]);
        assert_eq!(paths(None, &[("ICICLE_INSTALL_DIR", "")]), ["/opt/icicle/lib"]);
    }

    #[test]
    fn devices_have_a_type_and_an_index() {
        let name = |kind: &str, index| Some(DeviceName { kind: kind.into(), index });
        assert_eq!(DeviceName::parse("CUDA"), name("CUDA", 0));
        assert_eq!(DeviceName::parse(" cuda:3 "), name("CUDA", 3));
        for bad in ["", ":", ":1", "CUDA:", "CUDA:x", "CUDA:-1", "CUDA:4294967295", "A B"] {
            assert_eq!(DeviceName::parse(bad), None, "{bad}");
        }
        assert_eq!(DeviceName::parse(&"x".repeat(64)), None);
    }

    #[test]
    fn gpus_are_preferred() {
        let preferred = |types: &[&str]| {
            let types: Vec<String> = types.iter().map(|kind| (*kind).into()).collect();
            DeviceName::preferred(&types).map(|name| name.to_string())
        };
        assert_eq!(preferred(&["CPU", "METAL", "CUDA"]).as_deref(), Some("CUDA:0"));
        assert_eq!(preferred(&["CPU", "METAL"]).as_deref(), Some("METAL:0"));
        assert_eq!(preferred(&["CPU"]).as_deref(), Some("CPU:0"));
        assert_eq!(preferred(&[]), None);
    }
}
