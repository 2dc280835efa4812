//! What `report` and `compare` share.

use crate::console::warn;
use std::path::PathBuf;
use zkwatt::Error;
use zkwatt_records::{Collection, read};

/// Reads records, and tells what was wrong with them.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] if there is no record at all.
pub fn load(paths: &[PathBuf]) -> zkwatt::Result<Collection> {
    let collection = read(paths).map_err(error)?;
    collection.problems.iter().for_each(|problem| warn(problem.to_string()));
    Ok(collection)
}

/// As the rest of the command line reports it.
pub fn error(error: zkwatt_records::Error) -> Error {
    match error {
        zkwatt_records::Error::Io { path, source } => Error::io(path, source),
        other => Error::format("measurement records", other.to_string()),
    }
}
