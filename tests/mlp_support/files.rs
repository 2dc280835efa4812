//! Files of the repository that may not be there.

use std::path::PathBuf;

/// The file at `path` in the repository. A missing one is reported; it fails the test if `ZKWATT_REQUIRE`
/// names `data`.
pub fn find(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if full.exists() {
        return Some(full);
    }
    let required = std::env::var("ZKWATT_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name == "data"), "{path} is missing; run tools/fetch-mnist");
    eprintln!("skipped: {path} is missing; tools/fetch-mnist fetches it");
    None
}
