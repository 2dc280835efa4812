//! How much memory jobs may take.

use crate::error::{Error, Result};

/// A bound on the memory of one job.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    bytes: u64,
}

impl MemoryBudget {
    /// Exactly this many bytes.
    pub fn bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// What the operating system says is available on the host now; unbounded where it does not say.
    pub fn of_host() -> Self {
        Self { bytes: available_host_bytes().unwrap_or(u64::MAX) }
    }

    /// The bound.
    pub fn available(self) -> u64 {
        self.bytes
    }

    /// An error unless `requested` bytes fit.
    pub fn require(self, what: &'static str, requested: u64) -> Result<()> {
        if requested <= self.bytes {
            return Ok(());
        }
        Err(Error::OutOfMemory { what, requested, available: self.bytes })
    }
}

/// `MemAvailable` of Linux; `None` elsewhere.
fn available_host_bytes() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}
