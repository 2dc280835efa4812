//! Fixtures, and circuits of our own.

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt::device::{CpuDevice, CpuOptions};
use zkwatt::groth16::circom::{R1csFile, Witness, json};
use zkwatt::groth16::r1cs::{Label, LinearCombination, R1cs, R1csBuilder};
use zkwatt::groth16::{Proof, VerifyingKey};
use zkwatt::kernels::{Field, Fr};

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn cpu() -> CpuDevice {
    CpuDevice::new(CpuOptions::default()).unwrap()
}

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

/// Products of random combinations of values that are zero, small, negative and wide; some variables occur nowhere.
pub fn circuit(public: usize, constraints: usize, rng: &mut impl RngCore) -> (R1cs, Witness) {
    let mut builder = R1csBuilder::new(public);
    let mut z = vec![Fr::ONE];
    let random = |rng: &mut dyn RngCore| Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64()));
    z.extend((0..public).map(|_| random(rng)));
    for i in 0..4 {
        builder.witness(Label::new("free"));
        z.push([Fr::ZERO, Fr::from(77u64), -Fr::ONE, random(rng)][i]);
    }
    // Occurs in no constraint.
    builder.witness(Label::new("unused"));
    z.push(random(rng));
    let unused = z.len() - 1;
    for _ in 0..constraints {
        let mut combination = || {
            let (mut lc, mut value) = (LinearCombination::zero(), Fr::ZERO);
            for _ in 0..1 + rng.next_u32() % 3 {
                let at = rng.next_u32() as usize % z.len();
                if at != unused {
                    let coefficient =
                        if rng.next_u32().is_multiple_of(2) { Fr::ONE } else { -Fr::from(rng.next_u64()) };
                    lc.push(at as u32, coefficient);
                    value += coefficient * z[at];
                }
            }
            (lc, value)
        };
        let ((a, a_value), (b, b_value)) = (combination(), combination());
        let product = builder.witness(Label::new("product"));
        builder.enforce(a, b, LinearCombination::variable(product), Label::new("product"));
        z.push(a_value * b_value);
    }
    (builder.finish().unwrap(), Witness::new(z))
}
