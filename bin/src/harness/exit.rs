//! Exit codes and the message of an error.

use std::io::Write;
use std::process::ExitCode;
use zkwatt::{Error, ErrorKind, Result};

/// Failed, or a proof was rejected.
pub const FAILED: u8 = 1;
/// Arguments that make no sense; also what clap exits with.
pub const USAGE: u8 = 2;
/// A bad input file.
pub const BAD_INPUT: u8 = 3;
/// No such device.
pub const NO_DEVICE: u8 = 4;
/// Out of memory.
pub const OUT_OF_MEMORY: u8 = 5;

/// The exit code of an error.
pub fn code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Failed => FAILED,
        ErrorKind::Usage => USAGE,
        ErrorKind::BadInput => BAD_INPUT,
        ErrorKind::NoSuchDevice => NO_DEVICE,
        ErrorKind::OutOfMemory => OUT_OF_MEMORY,
    }
}

/// Ends a binary: prints the error to standard error and turns it into the exit code.
pub fn end(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Who closed our standard output has seen enough.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(code(&error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(code(&Error::ProofRejected), 1);
        assert_eq!(code(&Error::SelfCheck("x".into())), 1);
        assert_eq!(code(&Error::invalid("n", "x")), 2);
        assert_eq!(code(&Error::format("f", "x")), 3);
        assert_eq!(code(&Error::NoSuchDevice { device: "cuda".into(), reason: "x".into() }), 4);
        assert_eq!(code(&Error::OutOfMemory { what: "msm", requested: 2, available: 1 }), 5);
    }
}
