//! Proofs of inference with Halo2, end to end: setup, proof, files, verification, and what must be refused.
#![cfg(feature = "halo2")]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::Arc;
use zkwatt::Error;
use zkwatt::device::{CpuDevice, CpuOptions};
use zkwatt::halo2::{DeviceSrs, Halo2Backend, KeyOptions, Srs};
use zkwatt::mlp::halo2::{BlindingSeed, MlpProof, MlpProver, MlpVerifier, ProverParts};
use zkwatt::mlp::plonkish::{Objective, Planner};
use zkwatt::mlp::{
    CircuitOptions, InputMode, InputSpec, OutputMode, OutputStatement, QuantisedLayer, QuantisedModel,
    Requantise, WeightMode,
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn device() -> Arc<CpuDevice> {
    Arc::new(CpuDevice::new(CpuOptions { threads: Some(2), ..CpuOptions::default() }).unwrap())
}

/// 6-4-3 with small weights.
fn model(seed: i32) -> QuantisedModel {
    let weights = |n: i32, k: i32| (0..n).map(|i| (i * 37 + k * 11 + seed * 5) % 21 - 10).collect();
    QuantisedModel {
        name: "6-4-3".into(),
        input: InputSpec { len: 6, bits: 8, scale: 1.0 },
        layers: vec![
            QuantisedLayer {
                inputs: 6,
                outputs: 4,
                weights: weights(24, 1),
                bias: vec![100, -50, 7, 0],
                requantise: Some(Requantise { shift: 4, bits: 8 }),
                accumulator_scale: 1.0,
            },
            QuantisedLayer {
                inputs: 4,
                outputs: 3,
                weights: weights(12, 2),
                bias: vec![3, -9, 40],
                requantise: None,
                accumulator_scale: 1.0,
            },
        ],
    }
}

const INPUT: [u32; 6] = [0, 255, 17, 3, 128, 90];

struct Case<B: Halo2Backend = CpuDevice> {
    srs: Arc<Srs>,
    prover: MlpProver<B>,
}

fn setup(model: &QuantisedModel, options: CircuitOptions, batch: usize) -> Case {
    setup_on(&device(), model, options, batch)
}

fn setup_on<B: Halo2Backend>(
    device: &Arc<B>,
    model: &QuantisedModel,
    options: CircuitOptions,
    batch: usize,
) -> Case<B> {
    let device = || device.clone();
    let plan = Planner::new(model, options).unwrap().with_batch(batch).plan(Objective::Fast).unwrap();
    let srs = Arc::new(Srs::insecure(plan.choice.log_n, b"test").unwrap());
    let parts = ProverParts { model, options, choice: plan.choice, key: KeyOptions::default() };
    let prover = if options.weights == WeightMode::Private {
        let seed = BlindingSeed::from_bytes([9; 32]);
        let commitment = MlpProver::commit_model(device(), srs.clone(), parts, &seed, &mut rng(1)).unwrap();
        MlpProver::with_private_weights(device(), srs.clone(), parts, seed, commitment).unwrap()
    } else {
        MlpProver::new(device(), srs.clone(), parts).unwrap()
    };
    Case { srs, prover }
}

fn seeds(n: usize) -> Vec<BlindingSeed> {
    (0..n).map(|i| BlindingSeed::from_bytes([i as u8 + 1; 32])).collect()
}

fn rejected(verifier: &MlpVerifier, proof: &MlpProof, why: &str) {
    assert!(verifier.verify(proof).is_err(), "{why}");
}

#[test]
fn every_mode_proves_and_verifies() {
    let model = model(0);
    for weights in [WeightMode::Public, WeightMode::Private] {
        for input in [InputMode::Committed, InputMode::Private, InputMode::Public] {
            for output in [OutputMode::Accumulators, OutputMode::Class] {
                let options = CircuitOptions { input, output, weights };
                let Case { srs, prover } = setup(&model, options, 1);
                let committed = usize::from(input == InputMode::Committed);
                let proved = prover.prove(&[&INPUT], &seeds(committed), &mut rng(2)).unwrap();
                let verifier = prover.verifier();
                verifier.verify_commitment().unwrap();
                verifier.verify(&proved.proof).unwrap();
                let inference = model.infer(&INPUT).unwrap();
                let expected = match output {
                    OutputMode::Accumulators => OutputStatement::Accumulators(inference.outputs().to_vec()),
                    OutputMode::Class => OutputStatement::Class(inference.class()),
                };
                assert_eq!(proved.proof.statements[0].output, expected);
                assert_eq!(proved.proof.halo2.len() as u64, prover.plan().proof_bytes, "{options:?}");

                // Through files.
                let read = MlpVerifier::decode(&verifier.encode().unwrap()).unwrap();
                let bytes = verifier.encode_proof(&proved.proof).unwrap();
                let proof = read.decode_proof(&bytes).unwrap();
                assert_eq!(proof, proved.proof);
                read.verify_commitment().unwrap();
                read.verify(&proof).unwrap();
                read.check_key(&DeviceSrs::new(device(), srs).unwrap(), Some(&model)).unwrap();
                tampered(&read, &proof);
            }
        }
    }
}

fn tampered(verifier: &MlpVerifier, proof: &MlpProof) {
    let mut other = proof.clone();
    other.statements[0].output = match &other.statements[0].output {
        OutputStatement::Accumulators(values) => OutputStatement::Accumulators(
            values.iter().enumerate().map(|(i, v)| v + i64::from(i == 1)).collect(),
        ),
        OutputStatement::Class(class) => OutputStatement::Class((class + 1) % 3),
    };
    rejected(verifier, &other, "another output");
    if let Some(input) = &proof.statements[0].input {
        let mut other = proof.clone();
        let mut input = input.clone();
        input[2] += 1;
        other.statements[0].input = Some(input);
        rejected(verifier, &other, "another public input");
    }
    for at in [3, proof.halo2.len() / 2, proof.halo2.len() - 1] {
        let mut other = proof.clone();
        other.halo2[at] ^= 1;
        rejected(verifier, &other, "a flipped byte");
    }
    let mut other = proof.clone();
    other.halo2.push(0);
    rejected(verifier, &other, "a byte behind the proof");
    if proof.link.is_some() {
        let other = MlpProof { link: None, ..proof.clone() };
        rejected(verifier, &other, "no link");
    }
    if let Some(point) = proof.input_commitments.first() {
        let other = MlpProof { input_commitments: vec![-*point], ..proof.clone() };
        rejected(verifier, &other, "another commitment");
        let other = MlpProof { input_commitments: vec![], ..proof.clone() };
        rejected(verifier, &other, "no commitment");
        let other = MlpProof { input_commitments: vec![*point; 2], ..proof.clone() };
        rejected(verifier, &other, "two commitments");
    }
}

#[test]
fn commitments_bind_and_hide() {
    let model = model(0);
    let Case { prover, .. } = setup(&model, CircuitOptions::default(), 1);
    let other = [1, 2, 3, 4, 5, 6];
    let seed = BlindingSeed::from_bytes([1; 32]);
    let commitment = prover.commit_input(&INPUT, &seed).unwrap();
    let proved = prover.prove(&[&INPUT], std::slice::from_ref(&seed), &mut rng(2)).unwrap();
    assert_eq!(proved.proof.input_commitments, [commitment], "the same seed gives the same commitment");
    assert_ne!(prover.commit_input(&other, &seed).unwrap(), commitment);
    assert_ne!(prover.commit_input(&INPUT, &BlindingSeed::from_bytes([2; 32])).unwrap(), commitment);

    // A proof about one input with the commitment to another.
    let foreign = prover.prove(&[&other], &[seed], &mut rng(3)).unwrap();
    let mixed = MlpProof { input_commitments: vec![commitment], ..foreign.proof };
    rejected(prover.verifier(), &mixed, "the commitment of another input");
}

#[test]
fn private_weights_are_those_of_the_commitment() {
    let options = CircuitOptions {
        weights: WeightMode::Private,
        input: InputMode::Private,
        ..CircuitOptions::default()
    };
    let (ours, theirs) = (model(0), model(1));
    let a = setup(&ours, options, 1);
    let b = setup(&theirs, options, 1);
    // The layout hides the weights: both keys are equal but for the commitment.
    let (va, vb) = (a.prover.verifier(), b.prover.verifier());
    assert_eq!(va.verifying_key().transcript_repr(), vb.verifying_key().transcript_repr());
    assert_ne!(va.model_commitment(), vb.model_commitment());
    // So a proof of the other model is one for this key, but its link is to other columns.
    let foreign = b.prover.prove(&[&INPUT], &[], &mut rng(4)).unwrap().proof;
    vb.verify(&foreign).unwrap();
    rejected(va, &foreign, "the proof of another model");

    // A commitment whose range proof is about other columns.
    let plan = Planner::new(&ours, options).unwrap().plan(Objective::Fast).unwrap();
    let parts = |model| ProverParts { model, options, choice: plan.choice, key: KeyOptions::default() };
    let seed = BlindingSeed::from_bytes([9; 32]);
    let mut stolen = va.model_commitment().unwrap().clone();
    stolen.points = vb.model_commitment().unwrap().points.clone();
    let prover =
        MlpProver::with_private_weights(device(), a.srs.clone(), parts(&theirs), seed.clone(), stolen)
            .unwrap();
    assert!(prover.verifier().verify_commitment().is_err());

    let error = MlpProver::with_private_weights(
        device(),
        a.srs.clone(),
        parts(&theirs),
        seed,
        va.model_commitment().unwrap().clone(),
    );
    assert!(matches!(error.err().unwrap(), Error::Mismatch { .. }));
}

#[test]
fn a_batch_in_one_proof() {
    let model = model(0);
    let inputs: [&[u32]; 3] = [&INPUT, &[9, 8, 7, 6, 5, 4], &[255; 6]];
    for input in [InputMode::Committed, InputMode::Private] {
        let options = CircuitOptions { input, ..CircuitOptions::default() };
        let Case { prover, .. } = setup(&model, options, 3);
        let seeds = if input == InputMode::Committed { seeds(3) } else { vec![] };
        let proof = prover.prove(&inputs, &seeds, &mut rng(2)).unwrap().proof;
        prover.verifier().verify(&proof).unwrap();
        let mut swapped = proof.clone();
        swapped.statements.swap(0, 1);
        rejected(prover.verifier(), &swapped, "outputs of another input");
        if input == InputMode::Committed {
            let mut swapped = proof.clone();
            swapped.input_commitments.swap(0, 2);
            rejected(prover.verifier(), &swapped, "commitments in another order");
        }
    }
}

#[test]
fn keys_of_other_models_are_told_apart() {
    let options = CircuitOptions { input: InputMode::Private, ..CircuitOptions::default() };
    let (ours, theirs) = (model(0), model(1));
    let (a, b) = (setup(&ours, options, 1), setup(&theirs, options, 1));
    let proof = b.prover.prove(&[&INPUT], &[], &mut rng(4)).unwrap().proof;
    rejected(a.prover.verifier(), &proof, "the proof of another model");
    let named = b.prover.verifier().encode_proof(&proof).unwrap();
    let error = a.prover.verifier().decode_proof(&named).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");

    let srs = DeviceSrs::new(device(), a.srs.clone()).unwrap();
    a.prover.verifier().check_key(&srs, Some(&ours)).unwrap();
    assert!(matches!(
        a.prover.verifier().check_key(&srs, Some(&theirs)).unwrap_err(),
        Error::Mismatch { .. }
    ));
    let other = Arc::new(Srs::insecure(a.srs.k(), b"other").unwrap());
    let other = DeviceSrs::new(device(), other).unwrap();
    assert!(matches!(
        a.prover.verifier().check_key(&other, Some(&ours)).unwrap_err(),
        Error::Mismatch { .. }
    ));
}

#[test]
fn damaged_files_are_errors() {
    let options = CircuitOptions { weights: WeightMode::Private, ..CircuitOptions::default() };
    let Case { prover, .. } = setup(&model(0), options, 1);
    let verifier = prover.verifier();
    let proof = prover.prove(&[&INPUT], &seeds(1), &mut rng(2)).unwrap().proof;
    let key = verifier.encode().unwrap();
    let proof = verifier.encode_proof(&proof).unwrap();
    for len in (0..key.len()).step_by(97) {
        assert!(MlpVerifier::decode(&key[..len]).is_err(), "{len}");
    }
    for len in (0..proof.len()).step_by(61) {
        assert!(verifier.decode_proof(&proof[..len]).is_err(), "{len}");
    }
    for at in (0..key.len()).step_by(53) {
        let mut changed = key.clone();
        changed[at] ^= 0x10;
        assert!(MlpVerifier::decode(&changed).is_err(), "{at}");
    }
    assert!(verifier.decode_proof(&key).is_err() && MlpVerifier::decode(&proof).is_err());
}

#[test]
fn bad_arguments_are_errors() {
    let model = model(0);
    let Case { prover, .. } = setup(&model, CircuitOptions::default(), 1);
    assert!(prover.prove(&[&INPUT], &[], &mut rng(2)).is_err(), "no seed");
    assert!(prover.prove(&[], &[], &mut rng(2)).is_err(), "no input");
    assert!(prover.prove(&[&[1, 2]], &seeds(1), &mut rng(2)).is_err(), "a short input");
    assert!(prover.prove(&[&[256; 6]], &seeds(1), &mut rng(2)).is_err(), "an input out of range");
    let plan = prover.plan();
    let parts = ProverParts {
        model: &model,
        options: CircuitOptions::default(),
        choice: plan.choice,
        key: KeyOptions::default(),
    };
    let large = Arc::new(Srs::insecure(plan.choice.log_n + 1, b"test").unwrap());
    assert!(MlpProver::new(device(), large, parts).is_err(), "an SRS of another size");
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn makes_the_same_proofs<B: Halo2Backend>(gpu: Arc<B>, name: &str) {
    for weights in [WeightMode::Public, WeightMode::Private] {
        let options = CircuitOptions { input: InputMode::Committed, output: OutputMode::Class, weights };
        let of_gpu = setup_on(&gpu, &model(0), options, 1).prover;
        let of_cpu = setup(&model(0), options, 1).prover;
        assert!(of_gpu.verifier().encode().unwrap() == of_cpu.verifier().encode().unwrap(), "keys");
        let proved = of_gpu.prove(&[&INPUT], &seeds(1), &mut rng(2)).unwrap();
        let expected = of_cpu.prove(&[&INPUT], &seeds(1), &mut rng(2)).unwrap();
        assert_eq!(proved.proof, expected.proof, "{weights:?}, {name}");
    }
}

/// The conformance suite says why there is no device.
#[cfg(feature = "wgpu")]
#[test]
fn wgpu_makes_the_same_proofs() {
    use zkwatt::device::wgpu::{LimbForm, WgpuDevice, WgpuOptions};
    for form in LimbForm::ALL {
        let options = WgpuOptions { form: Some(form), poison: true, ..Default::default() };
        match WgpuDevice::new(options) {
            Ok(gpu) => makes_the_same_proofs(Arc::new(gpu), form.name()),
            Err(error) => println!("SKIPPED: {error}"),
        }
    }
}

/// As above.
#[cfg(feature = "cuda")]
#[test]
fn cuda_makes_the_same_proofs() {
    use zkwatt::device::cuda::{CudaDevice, CudaOptions};
    match CudaDevice::new(CudaOptions { poison: true, ..Default::default() }) {
        Ok(gpu) => makes_the_same_proofs(Arc::new(gpu), "CUDA"),
        Err(error) => println!("SKIPPED: {error}"),
    }
}
