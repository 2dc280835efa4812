//! Groth16 against ark-groth16: same keys, same proofs, byte for byte.
#![cfg(feature = "groth16")]

mod groth16_support;

use ark_bn254::Bn254;
use ark_groth16::Groth16;
use ark_serialize::CanonicalSerialize;
use groth16_support::{circuit, cpu, random_fr, rng};
use std::sync::Arc;
use zkwatt::device::{CpuDevice, CpuOptions, Device, Dual};
use zkwatt::error::Error;
use zkwatt::groth16::r1cs::{Assignment, R1cs};
use zkwatt::groth16::{Proof, Prover, ProverOptions, ProverPlan, ProvingKey, setup, verify};
use zkwatt::kernels::{CpuPath, Field, Fr};

fn ark_fr(x: Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::new_unchecked(ark_ff::BigInt(x.to_montgomery()))
}

fn prover(r1cs: &R1cs, key: &ProvingKey) -> Prover<CpuDevice> {
    Prover::<CpuDevice>::new(cpu(), key, Arc::new(r1cs.clone())).unwrap()
}

fn ark_proof(key: &ProvingKey, r1cs: &R1cs, z: &Assignment, r: Fr, s: Fr) -> Proof {
    let full: Vec<_> = z.values().iter().map(|x| ark_fr(*x)).collect();
    Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
        key,
        ark_fr(r),
        ark_fr(s),
        &r1cs.to_ark_matrices(),
        r1cs.num_instance(),
        r1cs.num_constraints(),
        &full,
    )
    .unwrap()
}

fn bytes(proof: &Proof) -> Vec<u8> {
    let mut out = Vec::new();
    proof.serialize_compressed(&mut out).unwrap();
    out
}

#[test]
fn proofs_equal_those_of_arkworks() {
    let mut rng = rng(1);
    for (public, constraints) in
        [(0, 0), (0, 1), (1, 1), (2, 5), (3, 28), (3, 29), (1, 62), (5, 100), (0, 511), (1, 1000), (40, 2000)]
    {
        let (r1cs, z) = circuit(public, constraints, &mut rng);
        let key = setup(&r1cs, &mut rng).unwrap();
        let prover = prover(&r1cs, &key);
        let inputs = z.public_inputs(&r1cs);
        let blindings =
            [(Fr::ZERO, Fr::ZERO), (Fr::ONE, -Fr::ONE), (random_fr(&mut rng), random_fr(&mut rng))];
        for (r, s) in blindings {
            let (ours, report) = prover.prove_with_blinding(&z, r, s).unwrap();
            let theirs = ark_proof(&key, &r1cs, &z, r, s);
            assert_eq!(bytes(&ours), bytes(&theirs), "{public} public values, {constraints} constraints");
            verify(&key.vk, inputs, &ours).unwrap();
            assert!(report.total_s > 0.0 && report.verify_s.is_none());
        }
    }
}

#[test]
fn one_random_stream_gives_the_same_blinding_as_arkworks() {
    use ark_ff::UniformRand;
    let (r1cs, z) = circuit(1, 20, &mut rng(2));
    let key = setup(&r1cs, &mut rng(3)).unwrap();
    for seed in 0..20 {
        let mut theirs = rng(seed);
        let [r, s] = [(); 2].map(|()| ark_bn254::Fr::rand(&mut theirs));
        let [r, s] = [r, s].map(|x| Fr::from_montgomery(x.0.0).unwrap());
        let ours = prover(&r1cs, &key).prove(&z, &mut rng(seed)).unwrap();
        assert_eq!(ours, ark_proof(&key, &r1cs, &z, r, s));
    }
}

#[test]
fn keys_of_arkworks_work() {
    // The same constraint system, synthesised by ark-relations.
    use ark_relations::gr1cs::{
        ConstraintSynthesizer, ConstraintSystemRef, LinearCombination as ArkLc, SynthesisError, Variable,
    };
    struct Copied<'a>(&'a R1cs, &'a Assignment);
    impl ConstraintSynthesizer<ark_bn254::Fr> for Copied<'_> {
        fn generate_constraints(self, cs: ConstraintSystemRef<ark_bn254::Fr>) -> Result<(), SynthesisError> {
            let z = self.1.values();
            let mut variables = vec![Variable::One];
            for (i, x) in z.iter().enumerate().skip(1) {
                variables.push(if i < self.0.num_instance() {
                    cs.new_input_variable(|| Ok(ark_fr(*x)))?
                } else {
                    cs.new_witness_variable(|| Ok(ark_fr(*x)))?
                });
            }
            let [a, b, c] = <[_; 3]>::try_from(self.0.to_ark_matrices()).unwrap();
            for ((a, b), c) in a.into_iter().zip(b).zip(c) {
                let [a, b, c] = [a, b, c].map(|row| {
                    let mut lc = ArkLc::zero();
                    for (coefficient, column) in row {
                        lc += (coefficient, variables[column]);
                    }
                    lc
                });
                cs.enforce_r1cs_constraint(|| a, || b, || c)?;
            }
            Ok(())
        }
    }
    let (r1cs, z) = circuit(3, 90, &mut rng(4));
    let circuit = Copied(&r1cs, &z);
    let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(circuit, &mut rng(5)).unwrap();
    let proof = prover(&r1cs, &key).prove(&z, &mut rng(6)).unwrap();
    verify(&key.vk, z.public_inputs(&r1cs), &proof).unwrap();
    // Our setup gives a key of the same shape.
    let ours = setup(&r1cs, &mut rng(7)).unwrap();
    assert_eq!(ours.a_query.len(), key.a_query.len());
    assert_eq!(ours.h_query.len(), key.h_query.len());
    assert_eq!(ours.l_query.len(), key.l_query.len());
}

#[test]
fn tampered_proofs_and_inputs_are_rejected() {
    let (r1cs, z) = circuit(2, 50, &mut rng(8));
    let key = setup(&r1cs, &mut rng(9)).unwrap();
    let proof = prover(&r1cs, &key).prove(&z, &mut rng(10)).unwrap();
    let inputs = z.public_inputs(&r1cs);
    verify(&key.vk, inputs, &proof).unwrap();
    let rejected =
        |inputs: &[Fr], proof: &Proof| matches!(verify(&key.vk, inputs, proof), Err(Error::ProofRejected));
    for tampered in [
        Proof { a: -proof.a, ..proof.clone() },
        Proof { b: -proof.b, ..proof.clone() },
        Proof { c: -proof.c, ..proof.clone() },
        Proof { a: proof.c, c: proof.a, ..proof.clone() },
        Proof { a: ark_bn254::G1Affine::default(), ..proof.clone() },
        Proof { b: ark_bn254::G2Affine::default(), ..proof.clone() },
        Proof::default(),
        // Not on the curve.
        Proof { a: ark_bn254::G1Affine::new_unchecked(proof.a.y, proof.a.x), ..proof.clone() },
    ] {
        assert!(rejected(inputs, &tampered));
    }
    for i in 0..inputs.len() {
        let mut wrong = inputs.to_vec();
        wrong[i] += Fr::ONE;
        assert!(rejected(&wrong, &proof));
    }
    assert!(matches!(verify(&key.vk, &inputs[..1], &proof), Err(Error::LengthMismatch { .. })));
    assert!(matches!(verify(&key.vk, &[inputs, inputs].concat(), &proof), Err(Error::LengthMismatch { .. })));
    let mut empty = key.vk.clone();
    empty.gamma_abc_g1.clear();
    assert!(matches!(verify(&empty, inputs, &proof), Err(Error::InvalidArgument { .. })));
    let other = setup(&r1cs, &mut rng(11)).unwrap();
    assert!(matches!(verify(&other.vk, inputs, &proof), Err(Error::ProofRejected)));
}

#[test]
fn false_statements_are_refused() {
    let (r1cs, z) = circuit(2, 50, &mut rng(12));
    let key = setup(&r1cs, &mut rng(13)).unwrap();
    let prover = prover(&r1cs, &key);
    let mut wrong = z.clone();
    let last = wrong.values().len() - 1;
    wrong.values_mut()[last] += Fr::ONE;
    match prover.prove(&wrong, &mut rng(14)) {
        Err(Error::Unsatisfied { constraint: 49, description }) => {
            assert_eq!(description, "product of combinations");
        }
        other => panic!("{other:?}"),
    }
    let mut wrong = z.clone();
    wrong.values_mut()[0] = Fr::ZERO;
    assert!(matches!(prover.prove(&wrong, &mut rng(14)), Err(Error::InvalidArgument { .. })));
    for len in [0, 1, last] {
        let short = Assignment::new(z.values()[..len].to_vec());
        assert!(matches!(prover.prove(&short, &mut rng(14)), Err(Error::LengthMismatch { .. })));
    }
}

#[test]
fn proofs_are_blinded() {
    let (r1cs, z) = circuit(1, 10, &mut rng(15));
    let key = setup(&r1cs, &mut rng(16)).unwrap();
    let options = ProverOptions { verify: Some(true) };
    let prover = Prover::<CpuDevice>::with_options(cpu(), &key, Arc::new(r1cs.clone()), options).unwrap();
    let mut rng = rng(17);
    let (one, report) = prover.prove_with_report(&z, &mut rng).unwrap();
    let two = prover.prove(&z, &mut rng).unwrap();
    assert!(one.a != two.a && one.b != two.b && one.c != two.c);
    assert!(report.verify_s.is_some_and(|s| s > 0.0));
    for proof in [one, two] {
        verify(&key.vk, z.public_inputs(&r1cs), &proof).unwrap();
    }
}

#[test]
fn keys_of_other_circuits_are_refused() {
    let (r1cs, _) = circuit(1, 10, &mut rng(18));
    let (other, _) = circuit(1, 11, &mut rng(18));
    let key = setup(&r1cs, &mut rng(19)).unwrap();
    let refused = |key: &ProvingKey, r1cs: &R1cs| {
        Prover::<CpuDevice>::new(cpu(), key, Arc::new(r1cs.clone())).err().unwrap()
    };
    assert!(matches!(refused(&key, &other), Error::Mismatch { .. }));
    let mut broken = key.clone();
    broken.l_query.pop();
    assert!(matches!(refused(&broken, &r1cs), Error::InvalidArgument { .. }));
    let mut broken = key.clone();
    broken.h_query.pop();
    assert!(matches!(refused(&broken, &r1cs), Error::InvalidArgument { .. }));
    let mut broken = key;
    broken.b_g2_query.iter_mut().for_each(|p| *p = ark_bn254::G2Affine::default());
    assert!(matches!(refused(&broken, &r1cs), Error::InvalidArgument { .. }));
}

#[test]
fn self_check_withholds_wrong_proofs() {
    let (r1cs, z) = circuit(1, 10, &mut rng(20));
    let mut key = setup(&r1cs, &mut rng(21)).unwrap();
    key.l_query.iter_mut().for_each(|p| *p = key.delta_g1);
    let options = ProverOptions { verify: Some(true) };
    let prover = Prover::<CpuDevice>::with_options(cpu(), &key, Arc::new(r1cs), options).unwrap();
    assert!(matches!(prover.prove(&z, &mut rng(22)), Err(Error::SelfCheck(_))));
}

#[test]
fn plans_predict_what_a_key_takes() {
    let (r1cs, _) = circuit(3, 300, &mut rng(23));
    let key = setup(&r1cs, &mut rng(24)).unwrap();
    let predicted = ProverPlan::for_circuit(&r1cs).unwrap();
    let finite_b = key.b_g1_query.iter().filter(|p| **p != ark_bn254::G1Affine::default()).count();
    assert!(finite_b < key.b_g1_query.len());
    // Variables outside of all matrices have infinity in L too, which the prediction counts.
    let actual = prover(&r1cs, &key).plan().bases_bytes;
    assert!(
        predicted.bases_bytes >= actual && predicted.bases_bytes < actual + 64 * 4,
        "{predicted:?} {actual}"
    );
    assert!(predicted.peak_bytes() > predicted.bases_bytes);
}

#[test]
fn serves_as_a_snark_of_arkworks() {
    use ark_relations::gr1cs::{
        ConstraintSynthesizer, ConstraintSystemRef, LinearCombination as Lc, SynthesisError, Variable,
    };
    use ark_snark::SNARK;
    use zkwatt::groth16::{SnarkError, ZkwattGroth16};

    /// x³ + x + 5 = y for public y, with symbolic combinations that synthesis has to inline.
    #[derive(Clone, Copy)]
    struct Cubic(Option<u64>, u64);
    impl ConstraintSynthesizer<ark_bn254::Fr> for Cubic {
        fn generate_constraints(self, cs: ConstraintSystemRef<ark_bn254::Fr>) -> Result<(), SynthesisError> {
            let one = ark_bn254::Fr::from(1u64);
            let root = || self.0.ok_or(SynthesisError::AssignmentMissing);
            let y = cs.new_input_variable(|| Ok(self.1.into()))?;
            let x = cs.new_witness_variable(|| root().map(Into::into))?;
            let square = cs.new_witness_variable(|| root().map(|x| (x * x).into()))?;
            cs.enforce_r1cs_constraint(|| x.into(), || x.into(), || square.into())?;
            let rest = cs.new_lc(|| Lc::from(y) - (one, x) - (ark_bn254::Fr::from(5u64), Variable::One))?;
            cs.enforce_r1cs_constraint(|| square.into(), || x.into(), || rest.into())?;
            Ok(())
        }
    }

    let (key, vk) = ZkwattGroth16::circuit_specific_setup(Cubic(None, 0), &mut rng(30)).unwrap();
    let circuit = Cubic(Some(3), 35);
    let proof = ZkwattGroth16::prove(&key, circuit, &mut rng(31)).unwrap();
    assert_eq!(proof, Groth16::<Bn254>::prove(&key, circuit, &mut rng(31)).unwrap());
    assert!(ZkwattGroth16::verify(&vk, &[35u64.into()], &proof).unwrap());
    assert!(Groth16::<Bn254>::verify(&vk, &[35u64.into()], &proof).unwrap());
    assert!(!ZkwattGroth16::verify(&vk, &[36u64.into()], &proof).unwrap());
    assert!(!ZkwattGroth16::verify(&vk, &[], &proof).unwrap());
    let unsatisfied = ZkwattGroth16::prove(&key, Cubic(Some(4), 35), &mut rng(31));
    assert!(matches!(unsatisfied, Err(SnarkError::Prover(Error::Unsatisfied { constraint: 1, .. }))));
}

#[test]
fn one_random_stream_gives_one_proof_on_all_devices() {
    let (r1cs, z) = circuit(2, 700, &mut rng(40));
    let key = setup(&r1cs, &mut rng(41)).unwrap();
    let r1cs = Arc::new(r1cs);
    let want = Prover::<CpuDevice>::new(cpu(), &key, r1cs.clone()).unwrap().prove(&z, &mut rng(42)).unwrap();
    for path in CpuPath::available() {
        for threads in [1, 2, 3] {
            let options = || CpuOptions { threads: Some(threads), path: Some(path), ..Default::default() };
            let device = Device::cpu(options()).unwrap();
            let prover =
                Prover::with_options(device.clone(), &key, r1cs.clone(), ProverOptions::default()).unwrap();
            assert_eq!(prover.prove(&z, &mut rng(42)).unwrap(), want);
            let dual = Dual::new(CpuDevice::new(options()).unwrap(), cpu());
            let prover = Prover::<Dual<CpuDevice, CpuDevice>>::new(dual, &key, r1cs.clone()).unwrap();
            assert_eq!(prover.prove(&z, &mut rng(42)).unwrap(), want);
        }
    }
}

#[test]
fn a_small_memory_budget_is_an_error_or_slower_but_never_wrong() {
    let (r1cs, z) = circuit(2, 700, &mut rng(43));
    let key = setup(&r1cs, &mut rng(44)).unwrap();
    let r1cs = Arc::new(r1cs);
    let want = prover(&r1cs, &key).prove(&z, &mut rng(45)).unwrap();
    let mut outcomes = [0, 0];
    for kilobytes in [0, 16, 64, 128, 256, 1024, 4096, 16384, 65536] {
        let options = CpuOptions { memory_budget: Some(kilobytes << 10), ..Default::default() };
        let device = CpuDevice::new(options).unwrap();
        let proof =
            Prover::<CpuDevice>::new(device, &key, r1cs.clone()).and_then(|p| p.prove(&z, &mut rng(45)));
        match proof {
            Ok(proof) => assert_eq!(proof, want),
            Err(Error::OutOfMemory { .. }) => outcomes[0] += 1,
            Err(e) => panic!("{e}"),
        }
        outcomes[1] += 1;
    }
    assert!(outcomes[0] > 0 && outcomes[0] < outcomes[1]);
}

/// A hundred thousand constraints; prints where the time goes (`--ignored --nocapture`), which depends on what else
/// runs, so no time is asserted.
#[test]
#[ignore = "takes ten seconds and more"]
fn a_large_circuit() {
    use std::time::Instant;
    use zkwatt::groth16::keys::{KeyInfo, ProvingKeyFile, Validate};
    let (r1cs, z) = circuit(10, 100_000, &mut rng(50));
    let timed = |what: &str, start: Instant| {
        println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
    };
    let start = Instant::now();
    let key = setup(&r1cs, &mut rng(51)).unwrap();
    timed("setup", start);
    let start = Instant::now();
    let prover = prover(&r1cs, &key);
    timed("prepare", start);
    let (r, s) = (random_fr(&mut rng(52)), random_fr(&mut rng(53)));
    let (ours, report) = prover.prove_with_blinding(&z, r, s).unwrap();
    println!("{report:?}\n{:?}", prover.plan());
    let start = Instant::now();
    let theirs = ark_proof(&key, &r1cs, &z, r, s);
    timed("arkworks, one thread", start);
    assert_eq!(ours, theirs);
    let file = ProvingKeyFile { info: KeyInfo::new(r1cs.digest(), "", true), key };
    let start = Instant::now();
    let bytes = file.encode().unwrap();
    timed("encode the key", start);
    for validate in [Validate::Full, Validate::OnCurve, Validate::Trust] {
        let start = Instant::now();
        ProvingKeyFile::decode(&bytes, validate).unwrap();
        timed(&format!("decode {} bytes, {validate:?}", bytes.len()), start);
    }
}
