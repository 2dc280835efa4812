//! The one error type of the library.

use std::path::{Path, PathBuf};
use zkwatt_kernels::lookup::LookupError;
use zkwatt_kernels::ntt::{MAX_LOG_N, NttError};
use zkwatt_kernels::quotient::QuotientError;
use zkwatt_kernels::vector::LengthMismatch;

/// The library's result type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Messages say which argument, what it was, what was expected, and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two arguments must agree in length.
    #[error("{left} has {left_len} elements but {right} has {right_len}; they must be equally long")]
    LengthMismatch {
        /// Name of the first argument.
        left: &'static str,
        /// Its length.
        left_len: usize,
        /// Name of the second argument.
        right: &'static str,
        /// Its length.
        right_len: usize,
    },

    /// An argument is outside of what the operation is defined for.
    #[error("{argument}: {reason}")]
    InvalidArgument {
        /// Name of the argument.
        argument: &'static str,
        /// What it was, what was expected, and what to do.
        reason: String,
    },

    /// An NTT domain beyond the two-adicity of F_r.
    #[error("a domain of 2^{log_n} elements was asked for; BN254's scalar field has none beyond 2^{max}")]
    DomainTooLarge {
        /// Base-two logarithm of the size that was asked for.
        log_n: u32,
        /// Largest supported logarithm.
        max: u32,
    },

    /// A job does not fit the memory budget and cannot be cut.
    #[error(
        "{what} needs {requested} bytes but {available} are available; raise the memory budget or use a smaller size"
    )]
    OutOfMemory {
        /// The job.
        what: &'static str,
        /// Bytes it needs.
        requested: u64,
        /// Bytes within the budget.
        available: u64,
    },

    /// No such device here.
    #[error("no device `{device}`: {reason}")]
    NoSuchDevice {
        /// What was asked for.
        device: String,
        /// Why it is not there and what to do.
        reason: String,
    },

    /// A device that was here and failed: it vanished, refused work, or did not finish in time. Results are withheld.
    #[error("device `{device}` failed: {reason}")]
    DeviceFailed {
        /// The device.
        device: String,
        /// What happened and what to do.
        reason: String,
    },

    /// An operation or mode that this version does not have.
    #[error("{what} is not supported: {reason}")]
    Unsupported {
        /// The operation or mode.
        what: String,
        /// Why, and what to use instead.
        reason: String,
    },

    /// A model that cannot be read or expressed. `location` names node and operator where there is one.
    #[error("model: {location}: {reason}")]
    Model {
        /// Node and operator, tensor or layer.
        location: String,
        /// What is wrong and what was expected.
        reason: String,
    },

    /// A file whose bytes are not what they should be.
    #[error("{what}: {reason}")]
    Format {
        /// Kind of the file, with its path where it is known.
        what: String,
        /// What is wrong, and at which offset or field.
        reason: String,
    },

    /// A key, proof or input that belongs to something else.
    #[error("{what} was made for {made_for}, not for {used_with}; {hint}")]
    Mismatch {
        /// The key, proof or input.
        what: &'static str,
        /// What it belongs to.
        made_for: String,
        /// What it was used with.
        used_with: String,
        /// The way out.
        hint: &'static str,
    },

    /// The assignment does not satisfy the circuit.
    #[error("the witness does not satisfy constraint {constraint} ({description})")]
    Unsatisfied {
        /// Index of the first constraint that fails.
        constraint: usize,
        /// What that constraint enforces.
        description: String,
    },

    /// A proof that does not verify.
    #[error("the proof is not valid for this verifying key and these public inputs")]
    ProofRejected,

    /// A result that a self-check found to be wrong; the result is withheld.
    #[error("self-check failed: {0}; the result was discarded")]
    SelfCheck(String),

    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Classes of errors, as command lines report them in exit codes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The operation failed or a proof was rejected.
    Failed,
    /// Arguments that make no sense.
    Usage,
    /// A bad input file.
    BadInput,
    /// A device that is not here.
    NoSuchDevice,
    /// Too little memory.
    OutOfMemory,
}

impl Error {
    /// The class of this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfMemory { .. } => ErrorKind::OutOfMemory,
            Self::NoSuchDevice { .. } => ErrorKind::NoSuchDevice,
            Self::Model { .. } | Self::Format { .. } | Self::Mismatch { .. } | Self::Io { .. } => {
                ErrorKind::BadInput
            }
            Self::InvalidArgument { .. } | Self::LengthMismatch { .. } | Self::Unsupported { .. } => {
                ErrorKind::Usage
            }
            Self::DomainTooLarge { .. } => ErrorKind::Usage,
            Self::Unsatisfied { .. }
            | Self::ProofRejected
            | Self::SelfCheck(_)
            | Self::DeviceFailed { .. } => ErrorKind::Failed,
        }
    }

    /// An [`Error::InvalidArgument`].
    pub fn invalid(argument: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { argument, reason: reason.into() }
    }

    /// An [`Error::Format`].
    pub fn format(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Format { what: what.into(), reason: reason.into() }
    }

    /// A format error with the path of the file that it is about; others as they are.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Format { what, reason } => Self::format(format!("{what} {}", path.display()), reason),
            other => other,
        }
    }

    /// An [`Error::Model`].
    pub fn model(location: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Model { location: location.into(), reason: reason.into() }
    }

    /// An [`Error::Io`].
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}

impl From<NttError> for Error {
    fn from(error: NttError) -> Self {
        match error {
            NttError::TooLarge { log_n } => Self::DomainTooLarge { log_n, max: MAX_LOG_N },
            other => Self::invalid("transform", other.to_string()),
        }
    }
}

impl From<LookupError> for Error {
    fn from(error: LookupError) -> Self {
        Self::invalid("lookup", error.to_string())
    }
}

impl From<LengthMismatch> for Error {
    fn from(error: LengthMismatch) -> Self {
        Self::invalid("vector", error.to_string())
    }
}

impl From<QuotientError> for Error {
    fn from(error: QuotientError) -> Self {
        Self::invalid("program", error.to_string())
    }
}
