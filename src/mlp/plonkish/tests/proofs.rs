//! Proofs by upstream's prover, for upstream's verifier.

use super::support::*;
use crate::mlp::plonkish::{ByteLookup, LayoutChoice, PlonkishCircuit, PlonkishPlan};
use crate::mlp::{InputMode, OutputMode, WeightMode};
use halo2_axiom::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_axiom::plonk::{Circuit, ProvingKey, create_proof, keygen_pk, keygen_vk, verify_proof};
use halo2_axiom::poly::commitment::ParamsProver;
use halo2_axiom::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_axiom::poly::kzg::multiopen::{ProverSHPLONK, VerifierSHPLONK};
use halo2_axiom::poly::kzg::strategy::SingleStrategy;
use halo2_axiom::transcript::{
    Blake2bRead, Blake2bWrite, Challenge255, TranscriptReadBuffer, TranscriptWriterBuffer,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

type Key = ProvingKey<G1Affine>;

fn prove<C: Circuit<Fr>>(params: &ParamsKZG<Bn256>, key: &Key, circuit: C, instances: &[Vec<Fr>]) -> Vec<u8> {
    let columns: Vec<&[Fr]> = instances.iter().map(Vec::as_slice).collect();
    let mut transcript = Blake2bWrite::<_, _, Challenge255<_>>::init(vec![]);
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<Bn256>, _, _, _, _>(
        params,
        key,
        &[circuit],
        &[&columns],
        ChaCha20Rng::seed_from_u64(2),
        &mut transcript,
    )
    .unwrap();
    transcript.finalize()
}

fn accepted(params: &ParamsKZG<Bn256>, key: &Key, instances: &[Vec<Fr>], proof: &[u8]) -> bool {
    let columns: Vec<&[Fr]> = instances.iter().map(Vec::as_slice).collect();
    let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(proof);
    let params = params.verifier_params();
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<Bn256>, _, _, _>(
        params,
        key.get_vk(),
        SingleStrategy::new(params),
        &[&columns],
        &mut transcript,
    )
    .is_ok()
}

#[test]
fn proofs_verify_and_are_as_long_as_predicted() {
    let model = model(&[6, 7, 5, 3], 8, BYTES);
    let params = ParamsKZG::<Bn256>::setup(9, ChaCha20Rng::seed_from_u64(1));
    let public = options(InputMode::Public, OutputMode::Accumulators, WeightMode::Public);
    let private = options(InputMode::Committed, OutputMode::Class, WeightMode::Private);
    let stock = LayoutChoice { lookup: ByteLookup::Permuted, ..choice(4) };
    let batch = LayoutChoice { batch: 2, degree: 5, ..choice(8) };
    for (options, choice) in [
        (private_input(), choice(4)),
        (private_input(), LayoutChoice { degree: 3, ..choice(8) }),
        (public, stock),
        (private, choice(4)),
        (private, batch),
    ] {
        let circuit = PlonkishCircuit::new(&model, options, choice).unwrap();
        let vk = keygen_vk(&params, &circuit).unwrap();
        let key = keygen_pk(&params, vk, &circuit).unwrap();
        let inputs = inputs(&model, choice.batch);
        let statements = circuit.statements(&views(&inputs)).unwrap();
        let stated = instances(&circuit, &statements);
        let proof = prove(&params, &key, circuit.with_inputs(&views(&inputs)).unwrap(), &stated);
        assert!(accepted(&params, &key, &stated, &proof), "{options:?} {choice:?}");
        let plan = PlonkishPlan::of(circuit.layout());
        assert_eq!(proof.len() as u64, plan.proof_bytes, "{options:?} {choice:?}");
        assert_eq!(key.get_vk().cs().degree(), plan.degree);
        assert_eq!(key.get_vk().cs().num_fixed_columns(), plan.fixed_columns);

        let mut wrong = stated.clone();
        wrong[0][1] += Fr::one();
        assert!(!accepted(&params, &key, &wrong, &proof));
        let mut flipped = proof.clone();
        flipped[40] ^= 1;
        assert!(!accepted(&params, &key, &stated, &flipped));
    }
}

#[test]
fn range_proof_verifies() {
    let model = model(&[6, 7, 5], 8, BYTES);
    let private = options(InputMode::Private, OutputMode::Accumulators, WeightMode::Private);
    let circuit = PlonkishCircuit::new(&model, private, choice(4)).unwrap();
    let range = circuit.range_circuit().unwrap();
    let params = ParamsKZG::<Bn256>::setup(range.layout().log_n, ChaCha20Rng::seed_from_u64(1));
    let key = keygen_pk(&params, keygen_vk(&params, &range).unwrap(), &range).unwrap();
    let proof = prove(&params, &key, range, &[]);
    assert!(accepted(&params, &key, &[], &proof));
}

#[test]
fn a_wrong_witness_makes_no_proof() {
    let model = model(&[6, 7, 5], 8, BYTES);
    let circuit = PlonkishCircuit::new(&model, private_input(), choice(4)).unwrap();
    let params = ParamsKZG::<Bn256>::setup(circuit.layout().log_n, ChaCha20Rng::seed_from_u64(1));
    let key = keygen_pk(&params, keygen_vk(&params, &circuit).unwrap(), &circuit).unwrap();
    let inputs = inputs(&model, 1);
    let stated = instances(&circuit, &circuit.statements(&views(&inputs)).unwrap());
    let proof = prove(&params, &key, Edited::new(&circuit, &inputs), &stated);
    assert!(accepted(&params, &key, &stated, &proof));
    let mut edited = Edited::new(&circuit, &inputs);
    *edited.x(0, circuit.layout().value_row(0, 2)) += 256;
    let proof = prove(&params, &key, edited, &stated);
    assert!(!accepted(&params, &key, &stated, &proof));
}
