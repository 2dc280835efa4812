//! Fixtures.

use crate::groth16_support;
pub use crate::groth16_support::{cpu, rng};
use rand_core::RngCore;
use zkwatt::groth16::circom::{R1csFile, Witness, json};
use zkwatt::groth16::r1cs::R1cs;
use zkwatt::groth16::{Proof, VerifyingKey};
use zkwatt::kernels::Fr;

/// The files of one circuit.
pub struct Fixture {
    pub name: &'static str,
    pub r1cs: R1csFile,
    pub r1cs_bytes: Vec<u8>,
    pub witness: Witness,
    pub witness_bytes: Vec<u8>,
    pub zkey: Vec<u8>,
    pub key: VerifyingKey,
    pub key_text: String,
    pub public: Vec<Fr>,
    pub public_text: String,
    pub proof: Proof,
    pub proof_text: String,
}

pub fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/circom/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap()
}

pub fn fixtures() -> Vec<Fixture> {
    ["chain", "mlp"].map(fixture).into()
}

fn fixture(name: &'static str) -> Fixture {
    let [key_text, public_text, proof_text] =
        ["verification_key", "public", "proof"].map(|part| text(&format!("{name}.{part}.json")));
    let [r1cs_bytes, witness_bytes, zkey] =
        ["r1cs", "wtns", "zkey"].map(|kind| file(&format!("{name}.{kind}")));
    Fixture {
        name,
        r1cs: R1csFile::decode(&r1cs_bytes).unwrap(),
        r1cs_bytes,
        witness: Witness::decode(&witness_bytes).unwrap(),
        witness_bytes,
        zkey,
        key: json::parse_verifying_key(&key_text).unwrap(),
        key_text,
        public: json::parse_public(&public_text).unwrap(),
        public_text,
        proof: json::parse_proof(&proof_text).unwrap(),
        proof_text,
    }
}

/// A circuit of the other tests, and its witness.
pub fn circuit(public: usize, constraints: usize, rng: &mut impl RngCore) -> (R1cs, Witness) {
    let (r1cs, assignment) = groth16_support::circuit(public, constraints, rng);
    (r1cs, Witness::new(assignment.values().to_vec()))
}
