//! Groth16 with the files of circom and snarkjs: `.zkey`, `.wtns`, `.r1cs`, `.ptau`, `proof.json`, `public.json`,
//! `verification_key.json`, all over BN254 (`bn128` there).
//!
//! Every reader checks magic, versions, the table of sections, every length, index and modulus before it uses them; hostile
//! bytes give an error, and nothing is allocated beyond the file's size times a small constant. Files are read in pieces
//! rather than mapped: one that another program truncates meanwhile is an error instead of a signal, and its pages are
//! not part of the prover's memory.
//!
//! ```text
//! snarkjs groth16 setup c.r1cs pot.ptau c.zkey    →  ZkeyProver::open("c.zkey", device)
//! node generate_witness.js … c.wtns               →  Witness::read("c.wtns")
//! snarkjs groth16 prove c.zkey c.wtns …           →  prover.prove(&witness, &mut rng)
//! snarkjs groth16 verify vk.json public.json …    →  json::read_verifying_key, …, groth16::verify
//! ```

mod classes;
pub mod json;
mod prover;
mod ptau;
mod quotient;
mod r1cs;
mod setup;
mod wtns;
mod zkey;

pub use classes::WitnessClasses;
pub use prover::{Residence, ZkeyProver, ZkeyProverOptions, predicted_plan};
pub use ptau::PtauInfo;
pub use r1cs::{R1csFile, read_r1cs};
pub use setup::setup;
pub use wtns::Witness;
pub use zkey::{Zkey, ZkeyHeader, ZkeyInfo};
