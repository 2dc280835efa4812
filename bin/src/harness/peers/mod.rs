//! Other implementations of the same operations, each at its best.
//!
//! Peers run inside a rayon pool of the asked number of threads. Inputs are converted to a peer's types before
//! anything is timed; no bit of a field element changes, all of us hold Montgomery form with R = 2^256.

pub mod arkworks;
pub mod blst;
pub mod circom;
pub mod frameworks;
pub mod groth16;
pub mod halo2;
pub mod halo2_axiom;
pub mod halo2curves;
pub mod icicle;
mod per_product;
mod prove;
pub mod snarkjs;

pub use prove::ProvePeer;

use std::fmt;
use std::sync::Arc;
use zkwatt::{Error, Result};

/// The peers: those that are compiled in, and one that is found.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// ark-ec, ark-poly and ark-ff, with `asm` and `parallel`.
    Arkworks,
    /// halo2curves-axiom, with `asm`.
    Halo2curves,
    /// halo2-axiom's FFT, over halo2curves-axiom.
    Halo2Axiom,
    /// blst over G1 of BLS12-381: another curve, as a reference.
    Blst,
    /// An installed ICICLE v4, found at run time.
    Icicle,
}

impl Peer {
    /// The name that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arkworks => "arkworks",
            Self::Halo2curves => "halo2curves",
            Self::Halo2Axiom => "halo2-axiom",
            Self::Blst => "blst",
            Self::Icicle => "icicle",
        }
    }

    /// The locked version, and which assembly the build switched on.
    pub fn version(self) -> String {
        let version = match self {
            Self::Arkworks => env!("ZKWATT_PEER_ARKWORKS"),
            Self::Halo2curves => env!("ZKWATT_PEER_HALO2CURVES"),
            Self::Halo2Axiom => env!("ZKWATT_PEER_HALO2_AXIOM"),
            Self::Blst => env!("ZKWATT_PEER_BLST"),
            // Not built with the benches: its interface is all that is known.
            Self::Icicle => return "4".into(),
        };
        // arkworks selects its assembly by the target features; halo2curves by its feature `asm` alone.
        let asm = match self {
            Self::Arkworks => {
                cfg!(all(target_arch = "x86_64", target_feature = "adx", target_feature = "bmi2"))
            }
            Self::Blst => cfg!(any(target_arch = "x86_64", target_arch = "aarch64")),
            Self::Halo2curves | Self::Halo2Axiom | Self::Icicle => cfg!(target_arch = "x86_64"),
        };
        format!("{version} ({})", if asm { "asm" } else { "no asm" })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a peer can be asked to transform.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Transform {
    /// Coefficients to values on the domain.
    Forward,
    /// Values on the domain to coefficients, divided by n.
    Inverse,
    /// Coefficients to values on the coset of the multiplicative generator.
    Coset,
}

impl Transform {
    /// The variant that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Inverse => "inverse",
            Self::Coset => "coset",
        }
    }
}

/// A rayon pool in which peers run.
#[derive(Clone, Debug)]
pub struct Pool(Arc<rayon::ThreadPool>);

impl Pool {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    /// Invalid if the system cannot start them.
    pub fn new(threads: usize) -> Result<Self> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map(|pool| Self(Arc::new(pool)))
            .map_err(|e| Error::invalid("threads", format!("{threads} threads could not be started: {e}")))
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Runs the work in the pool.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }

    /// Runs the work on every thread of the pool at once; the result of one of them.
    pub fn broadcast<T: Send>(&self, work: impl Fn() -> T + Sync) -> T {
        let mut results = self.0.broadcast(|_| work());
        // A pool has at least one thread.
        results.swap_remove(0)
    }
}
