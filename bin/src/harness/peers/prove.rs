//! The peers that prove.

use super::Peer;
use crate::circuit_args::System;
use std::fmt;
use zkwatt::{Error, Result};

/// The peers that prove.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProvePeer {
    /// ark-groth16's prover on the same circuit, key and witness, matrices cached.
    Arkworks,
    /// ark-groth16's prover on a circuit of the same model that spends one constraint on each product.
    ArkworksPerProduct,
    /// halo2-axiom's `create_proof` on the same circuit, key and parameters.
    Halo2Axiom,
}

impl ProvePeer {
    /// The name that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arkworks => "arkworks",
            Self::ArkworksPerProduct => "arkworks-per-product",
            Self::Halo2Axiom => Peer::Halo2Axiom.name(),
        }
    }

    /// The locked version, and whether the build switched on the peer's assembly.
    pub fn version(self) -> String {
        if self == Self::Halo2Axiom {
            return Peer::Halo2Axiom.version();
        }
        let asm = cfg!(all(target_arch = "x86_64", target_feature = "adx", target_feature = "bmi2"));
        format!("{} ({})", env!("ZKWATT_PEER_ARK_GROTH16"), if asm { "asm" } else { "no asm" })
    }

    /// The proof system that it proves with.
    pub fn system(self) -> System {
        match self {
            Self::Arkworks | Self::ArkworksPerProduct => System::Groth16,
            Self::Halo2Axiom => System::Halo2,
        }
    }

    /// Refuses a peer of a proof system that is not measured.
    ///
    /// # Errors
    /// Invalid, naming the peer.
    pub fn check(self, systems: &[System]) -> Result<()> {
        if systems.contains(&self.system()) {
            return Ok(());
        }
        Err(Error::invalid(
            "--peers",
            format!("{self} does not prove with the chosen --system; leave it out"),
        ))
    }
}

impl fmt::Display for ProvePeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
