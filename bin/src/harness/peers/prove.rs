//! The peers that prove.

use super::frameworks::{Circom, Ezkl, Framework};
use super::{Peer, Pool};
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
    /// EZKL on the same ONNX file, as a program: a Halo2 circuit and a quantisation of its own; tools/peers/install.
    Ezkl,
    /// snarkjs as a program, on our constraint system and on a circuit with weights as inputs; tools/peers/install.
    Snarkjs,
}

impl ProvePeer {
    /// The name that records carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arkworks => "arkworks",
            Self::ArkworksPerProduct => "arkworks-per-product",
            Self::Halo2Axiom => Peer::Halo2Axiom.name(),
            Self::Ezkl => "ezkl",
            Self::Snarkjs => "snarkjs",
        }
    }

    /// The locked version, and whether the build switched on the peer's assembly; empty for programs, which say theirs.
    pub fn version(self) -> String {
        match self {
            Self::Halo2Axiom => return Peer::Halo2Axiom.version(),
            Self::Ezkl | Self::Snarkjs => return String::new(),
            Self::Arkworks | Self::ArkworksPerProduct => {}
        }
        let asm = cfg!(all(target_arch = "x86_64", target_feature = "adx", target_feature = "bmi2"));
        format!("{} ({})", env!("ZKWATT_PEER_ARK_GROTH16"), if asm { "asm" } else { "no asm" })
    }

    /// The proof system of ours in whose rounds it proves; `None` for programs, which are measured after them.
    pub fn system(self) -> Option<System> {
        match self {
            Self::Arkworks | Self::ArkworksPerProduct => Some(System::Groth16),
            Self::Halo2Axiom => Some(System::Halo2),
            Self::Ezkl | Self::Snarkjs => None,
        }
    }

    /// The programs that it stands for, none if it is compiled in. They get keys that are made in `pool`.
    pub fn frameworks(self, pool: &Pool) -> Vec<Box<dyn Framework>> {
        match self {
            Self::Arkworks | Self::ArkworksPerProduct | Self::Halo2Axiom => Vec::new(),
            Self::Ezkl => vec![Box::new(Ezkl)],
            Self::Snarkjs => {
                vec![Box::new(Circom::Ours(pool.clone())), Box::new(Circom::WeightsAsInputs(pool.clone()))]
            }
        }
    }

    /// Refuses a peer of a proof system that is not measured.
    ///
    /// # Errors
    /// Invalid, naming the peer.
    pub fn check(self, systems: &[System]) -> Result<()> {
        if self.system().is_none_or(|system| systems.contains(&system)) {
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
