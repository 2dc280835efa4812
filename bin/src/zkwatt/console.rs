//! Results go to standard output, everything else to standard error.

use std::io::Write;
use zkwatt::{Error, Result};

/// Prints a result.
///
/// # Errors
/// [`Error::Io`], also when who read standard output has closed it.
pub fn say(text: impl AsRef<str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_ref().as_bytes()).and_then(|()| out.write_all(b"\n"));
    written.and_then(|()| out.flush()).map_err(|e| Error::io("standard output", e))
}

/// Prints what the user should know before trusting the result.
pub fn warn(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "warning: {}", text.as_ref());
}

/// Prints what the user may want to know.
pub fn note(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "note: {}", text.as_ref());
}

/// A line of `key  value`, the values aligned.
pub fn field(key: &str, value: impl std::fmt::Display) -> String {
    format!("  {key:<13} {value}")
}
