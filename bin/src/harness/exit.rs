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
            let _ = writeln!(std::io::stderr(), "error: {}", with_hint(&error.to_string()));
            ExitCode::from(code(&error))
        }
    }
}

/// The message with what follows its first semicolon, which is the way out, on a line of its own.
fn with_hint(message: &str) -> String {
    message.replacen("; ", "\n  ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_out_has_its_own_line() {
        assert_eq!(
            with_hint("no device `x`: none here; use `cpu`; or not"),
            "no device `x`: none here\n  use `cpu`; or not"
        );
        assert_eq!(with_hint("no"), "no");
    }

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
