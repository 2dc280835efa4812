//! Randomness for secrets: the operating system's, and nothing that a user can set.

use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng};
use zkwatt::{Error, Result};

/// A generator that is seeded by the operating system.
///
/// # Errors
/// [`Error::Io`] if the system has no entropy to give.
pub fn generator() -> Result<ChaCha20Rng> {
    ChaCha20Rng::from_rng(OsRng)
        .map_err(|e| Error::io("the system's random generator", std::io::Error::other(e.to_string())))
}
