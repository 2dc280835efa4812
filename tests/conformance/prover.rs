//! Groth16: one key, one assignment, one random stream, one proof.

use crate::Conforming;
use crate::support::{ark, arks, random, randoms, rng};
use ark_bn254::Bn254;
use ark_ec::AffineRepr;
use ark_groth16::Groth16;
use ark_serialize::CanonicalSerialize;
use ark_snark::SNARK;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};
use zkwatt::groth16::circom::{self, Residence, Witness, Zkey, ZkeyProver, ZkeyProverOptions};
use zkwatt::groth16::r1cs::{Label, LinearCombination, R1csBuilder};
use zkwatt::groth16::{Assignment, Proof, Prover, ProvingKey, R1cs, setup, verify};
use zkwatt::kernels::{Field, Fr};

const PUBLIC: usize = 3;

/// x_{i+1} = (x_i + c_i)·(x_{i−1} − y) for public y, with runs of zeros and small values among the wires.
fn circuit(constraints: usize) -> (R1cs, Assignment) {
    let mut builder = R1csBuilder::new(PUBLIC);
    let mut rng = rng(constraints as u64);
    let mut z = vec![Fr::ONE, Fr::from(7u64), random(&mut rng), -Fr::ONE];
    for value in [Fr::from(3u64), Fr::ZERO] {
        builder.witness(Label::new("start"));
        z.push(value);
    }
    for i in 0..constraints {
        let (x, before) = (z.len() as u32 - 1, z.len() as u32 - 2);
        let y = 1 + (i % PUBLIC) as u32;
        // Every few rows the product is zero or starts anew from something small.
        let c = match i % 5 {
            0 => -z[x as usize],
            1 => Fr::from(i as u64),
            _ => random(&mut rng),
        };
        let mut a = LinearCombination::variable(x);
        a.push(0, c);
        let mut b = LinearCombination::variable(before);
        b.push(y, -Fr::ONE);
        let product = builder.witness(Label::new("product"));
        z.push((z[x as usize] + c) * (z[before as usize] - z[y as usize]));
        builder.enforce(a, b, LinearCombination::variable(product), Label::new("x·x′"));
    }
    (builder.finish().unwrap(), Assignment::new(z))
}

struct Case {
    r1cs: Arc<R1cs>,
    key: ProvingKey,
    z: Assignment,
}

/// Domains of 2^k rows exactly, one more, and one less.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        [1, 4, 59, 60, 61, 700]
            .map(|constraints| {
                let (r1cs, z) = circuit(constraints);
                let key = setup(&r1cs, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
                Case { r1cs: Arc::new(r1cs), key, z }
            })
            .into()
    })
}

fn bytes_of(proof: &Proof) -> Vec<u8> {
    let mut out = Vec::new();
    proof.serialize_compressed(&mut out).unwrap();
    out
}

fn accepts(case: &Case, inputs: &[Fr], proof: &Proof) -> bool {
    Groth16::<Bn254>::verify(&case.key.vk, &arks(inputs), proof).unwrap()
}

fn proof_of_arkworks(case: &Case, r: Fr, s: Fr) -> Proof {
    Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
        &case.key,
        ark(&r),
        ark(&s),
        &case.r1cs.to_ark_matrices(),
        case.r1cs.num_instance(),
        case.r1cs.num_constraints(),
        &arks(case.z.values()),
    )
    .unwrap()
}

pub fn proofs_are_those_of_arkworks<D: Conforming>(device: &Arc<D>) {
    for case in cases() {
        let prover = Prover::<D>::new(device.clone(), &case.key, case.r1cs.clone()).unwrap();
        for (r, s) in [(Fr::ZERO, Fr::ZERO), (Fr::ONE, -Fr::ONE), (randoms(1, 2)[0], randoms(1, 3)[0])] {
            let theirs = proof_of_arkworks(case, r, s);
            let (proof, _) = prover.prove_with_blinding(&case.z, r, s).unwrap();
            assert_eq!(bytes_of(&proof), bytes_of(&theirs), "{} constraints", case.r1cs.num_constraints());
            assert!(accepts(case, case.z.public_inputs(&case.r1cs), &proof));
        }
    }
}

/// A `.zkey` from the same secrets has other bases for h, but h is the same polynomial, and so are the proofs.
pub fn proofs_under_a_zkey_are_those_of_arkworks<D: Conforming>(device: &Arc<D>) {
    for case in [0, 3, 5].map(|i| &cases()[i]) {
        let bytes = circom::setup(&case.r1cs, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
        let witness = Witness::new(case.z.values().to_vec());
        for residence in [Residence::Device, Residence::File] {
            let options = ZkeyProverOptions { residence, ..ZkeyProverOptions::default() };
            let zkey = Zkey::decode(bytes.clone()).unwrap();
            let prover = ZkeyProver::<D>::new(zkey, device.clone(), options).unwrap();
            for (r, s) in [(Fr::ZERO, Fr::ZERO), (randoms(1, 2)[0], randoms(1, 3)[0])] {
                let (proof, _) = prover.prove_with_blinding(&witness, r, s).unwrap();
                let theirs = proof_of_arkworks(case, r, s);
                assert_eq!(bytes_of(&proof), bytes_of(&theirs), "{residence:?}");
            }
        }
    }
}

/// SHA-256 of the proofs of all cases in turn, each with blinding from ChaCha20 seeded with 42. It depends on the
/// order in which setup and prover draw from their generators; a change of that order is a change for users.
const PROOFS: &str = "32b0b5889d2c3a2ec6808ff67fc4c6655776a4b39f351a9c7baaf68754d36eff";

pub fn proofs_of_one_random_stream_are_pinned<D: Conforming>(device: &Arc<D>) {
    let mut hash = Sha256::new();
    for case in cases() {
        let prover = Prover::<D>::new(device.clone(), &case.key, case.r1cs.clone()).unwrap();
        let first = prover.prove(&case.z, &mut ChaCha20Rng::seed_from_u64(42)).unwrap();
        let again = prover.prove(&case.z, &mut ChaCha20Rng::seed_from_u64(42)).unwrap();
        assert_eq!(first, again);
        hash.update(bytes_of(&first));
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, PROOFS);
}

pub fn tampered_proofs_are_rejected<D: Conforming>(device: &Arc<D>) {
    let case = &cases()[3];
    let prover = Prover::<D>::new(device.clone(), &case.key, case.r1cs.clone()).unwrap();
    let proof = prover.prove(&case.z, &mut ChaCha20Rng::seed_from_u64(43)).unwrap();
    let other = prover.prove(&case.z, &mut ChaCha20Rng::seed_from_u64(44)).unwrap();
    let inputs = case.z.public_inputs(&case.r1cs);
    let refuse = |inputs: &[Fr], proof: &Proof, what: &str| {
        assert!(!accepts(case, inputs, proof), "ark-groth16 accepts another {what}");
        assert!(verify(&case.key.vk, inputs, proof).is_err(), "we accept another {what}");
    };
    assert!(accepts(case, inputs, &proof) && accepts(case, inputs, &other));
    verify(&case.key.vk, inputs, &proof).unwrap();
    let (p, q) = (ark_bn254::G1Affine::generator(), ark_bn254::G2Affine::generator());
    refuse(inputs, &Proof { a: p, ..proof.clone() }, "A");
    refuse(inputs, &Proof { a: other.a, ..proof.clone() }, "proof's A");
    refuse(inputs, &Proof { a: -proof.a, ..proof.clone() }, "sign of A");
    refuse(inputs, &Proof { b: q, ..proof.clone() }, "B");
    refuse(inputs, &Proof { b: other.b, ..proof.clone() }, "proof's B");
    refuse(inputs, &Proof { c: p, ..proof.clone() }, "C");
    refuse(inputs, &Proof { c: other.c, ..proof.clone() }, "proof's C");
    refuse(inputs, &Proof { c: -proof.c, ..proof.clone() }, "sign of C");
    for i in 0..inputs.len() {
        for change in [Fr::ONE, -Fr::ONE] {
            let mut changed = inputs.to_vec();
            changed[i] += change;
            refuse(&changed, &proof, "public input");
        }
    }
}
