//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why records could not be read, or a report not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Files without one usable record.
    #[error("no record in {what}; expected lines of JSON as the benches' --json FILE writes them{}", details(.problems))]
    NoRecords {
        /// The files, as they were named.
        what: String,
        /// What was found instead, a line each.
        problems: Vec<String>,
    },
}

impl Error {
    /// Names the path of an error of the system.
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}

/// This crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Lines of problems that a message can carry.
const SHOWN: usize = 5;

fn details(problems: &[String]) -> String {
    let shown: String = problems.iter().take(SHOWN).map(|problem| format!("\n  {problem}")).collect();
    match problems.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown}\n  and {more} more"),
        _ => shown,
    }
}
