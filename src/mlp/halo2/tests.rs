//! Keys and files as somebody might forge them, with right checksums.

use super::{BlindingSeed, MlpProver, MlpVerifier, ProverParts};
use crate::device::{CpuDevice, CpuOptions};
use crate::error::Error;
use crate::halo2::{DeviceSrs, KeyOptions, Srs};
use crate::mlp::plonkish::{Objective, Planner};
use crate::mlp::{CircuitOptions, InputSpec, QuantisedLayer, QuantisedModel, Requantise, WeightMode};
use halo2_axiom::halo2curves::bn256::G1Affine as HaloG1Affine;
use halo2_axiom::plonk::VerifyingKey;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::Arc;

const INPUT: [u32; 3] = [0, 255, 17];

fn setup(weights: WeightMode) -> (DeviceSrs<CpuDevice>, MlpProver<CpuDevice>) {
    let layer = |inputs, outputs, requantise| QuantisedLayer {
        inputs,
        outputs,
        weights: (0..inputs * outputs).map(|i| i as i32 % 7 - 3).collect(),
        bias: vec![5; outputs],
        requantise,
        accumulator_scale: 1.0,
    };
    let model = QuantisedModel {
        name: "3-4-2".into(),
        input: InputSpec { len: 3, bits: 8, scale: 1.0 },
        layers: vec![layer(3, 4, Some(Requantise { shift: 3, bits: 8 })), layer(4, 2, None)],
    };
    let options = CircuitOptions { weights, ..CircuitOptions::default() };
    let plan = Planner::new(&model, options).unwrap().plan(Objective::Fast).unwrap();
    let device = Arc::new(CpuDevice::new(CpuOptions::default()).unwrap());
    let srs = Arc::new(Srs::insecure(plan.choice.log_n, b"test").unwrap());
    let parts = ProverParts { model: &model, options, choice: plan.choice, key: KeyOptions::default() };
    let prover = match weights {
        WeightMode::Public => MlpProver::new(device.clone(), srs.clone(), parts).unwrap(),
        WeightMode::Private => {
            let (seed, mut rng) = (BlindingSeed::from_bytes([3; 32]), ChaCha20Rng::seed_from_u64(1));
            let commitment =
                MlpProver::commit_model(device.clone(), srs.clone(), parts, &seed, &mut rng).unwrap();
            MlpProver::with_private_weights(device.clone(), srs.clone(), parts, seed, commitment).unwrap()
        }
    };
    (DeviceSrs::new(device, srs).unwrap(), prover)
}

#[test]
fn forged_layouts_are_errors() {
    let (_, prover) = setup(WeightMode::Public);
    let forged = |what: &str, change: &dyn Fn(&mut MlpVerifier)| {
        let mut verifier = prover.verifier().clone();
        change(&mut verifier);
        assert!(MlpVerifier::decode(&verifier.encode().unwrap()).is_err(), "{what}");
    };
    forged("a form that no layer has", &|v| v.layout.forms.push(v.layout.forms[0]));
    forged("no form", &|v| v.layout.forms.clear());
    forged("many inferences", &|v| v.layout.batch = 1 << 15);
    forged("many columns", &|v| v.layout.weight_columns = 1 << 20);
    forged("many rows", &|v| v.layout.log_n = 28);
    forged("wide layers", &|v| {
        v.layout.layers.iter_mut().for_each(|l| (l.inputs, l.outputs) = (1 << 20, 1 << 20))
    });
    forged("other rows", &|v| v.layout.layers[0].first += 1);
    forged("private weights", &|v| v.layout.options.weights = WeightMode::Private);
    forged("no model", &|v| v.model_digest = None);
}

#[test]
fn a_key_that_binds_nothing_is_found() {
    let (srs, prover) = setup(WeightMode::Private);
    let honest = prover.verifier();
    honest.check_key(&srs, None).unwrap();
    // A selector that is zero everywhere switches its gates off.
    let mut forged = honest.clone();
    let mut fixed = honest.vk.fixed_commitments().clone();
    fixed[5] = HaloG1Affine::default();
    forged.vk = VerifyingKey::from_parts(
        honest.vk.get_domain().clone(),
        fixed,
        honest.vk.permutation().clone(),
        honest.vk.cs().clone(),
        Vec::new(),
        false,
    );
    assert!(matches!(forged.check_key(&srs, None).unwrap_err(), Error::Mismatch { .. }));
    let trusted = MlpVerifier { insecure: false, ..honest.clone() };
    assert!(matches!(trusted.check_key(&srs, None).unwrap_err(), Error::Mismatch { .. }));
}

#[test]
fn no_proof_without_the_range_proof() {
    let (_, prover) = setup(WeightMode::Private);
    let (seed, mut rng) = (BlindingSeed::from_bytes([4; 32]), ChaCha20Rng::seed_from_u64(2));
    let proof = prover.prove(&[&INPUT], &[seed], &mut rng).unwrap().proof;
    let fresh = || MlpVerifier::decode(&prover.verifier().encode().unwrap()).unwrap();
    fresh().verify(&proof).unwrap();
    let mut forged = fresh();
    if let Some(range) = &mut forged.range {
        range.commitment.range_proof[40] ^= 1;
    }
    assert!(forged.verify(&proof).is_err());
}

#[test]
fn a_seed_blinds_other_values_otherwise() {
    let seed = BlindingSeed::from_bytes([7; 32]);
    let rows = seed.rows(0, &[1, 2, 3], 6);
    assert_eq!(rows, seed.rows(0, &[1, 2, 3], 6));
    for other in [seed.rows(1, &[1, 2, 3], 6), seed.rows(0, &[1, 2, 4], 6), seed.rows(0, &[1, 2, 3, 0], 6)] {
        assert!(rows.iter().zip(other.iter()).all(|(a, b)| a != b));
    }
}
