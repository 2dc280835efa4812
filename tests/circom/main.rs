//! Groth16 with the files of circom and snarkjs: `fixtures` holds what circom 2 and snarkjs 0.7.6 made.
#![cfg(feature = "groth16")]

#[path = "../groth16_support/mod.rs"]
mod groth16_support;
mod hostile;
mod support;

use ark_bn254::Bn254;
use ark_groth16::Groth16;
use ark_snark::SNARK;
use std::sync::Arc;
use support::{Fixture, circuit, cpu, fixtures, rng};
use zkwatt::Error;
use zkwatt::device::{CpuDevice, CpuOptions, Device};
use zkwatt::groth16::circom::{
    PtauInfo, R1csFile, Residence, Witness, WitnessClasses, Zkey, ZkeyProver, ZkeyProverOptions, json, setup,
};
use zkwatt::groth16::keys::Validate;
use zkwatt::groth16::{PreparedVerifyingKey, Proof, VerifyingKey, verify};
use zkwatt::kernels::{CpuPath, Field, Fr};

fn ark_accepts(key: &VerifyingKey, public: &[Fr], proof: &Proof) -> bool {
    let public: Vec<_> = public.iter().map(zkwatt::interop::ark::ark_scalar).collect();
    Groth16::<Bn254>::verify(key, &public, proof).unwrap()
}

#[test]
fn proofs_of_snarkjs_are_accepted() {
    for Fixture { key, public, proof, name, .. } in fixtures() {
        verify(&key, &public, &proof).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(ark_accepts(&key, &public, &proof), "{name}");
        // And no others.
        for i in 0..public.len() {
            let mut other = public.clone();
            other[i] += Fr::ONE;
            assert!(matches!(verify(&key, &other, &proof), Err(Error::ProofRejected)), "{name}");
        }
        let swapped = Proof { a: proof.c, b: proof.b, c: proof.a };
        assert!(matches!(verify(&key, &public, &swapped), Err(Error::ProofRejected)), "{name}");
    }
}

#[test]
fn our_proofs_under_snarkjs_keys_are_accepted() {
    for Fixture { key, public, zkey, witness, r1cs, name, .. } in fixtures() {
        let zkey = Zkey::decode(zkey).unwrap();
        assert_eq!(zkey.header().verifying_key, key, "{name}");
        assert_eq!(zkey.info().contributions, Some(1), "{name}");
        assert!(!zkey.info().development, "{name}");
        let options = ZkeyProverOptions { r1cs: Some(Arc::new(r1cs.r1cs)), ..ZkeyProverOptions::default() };
        let prover = ZkeyProver::<CpuDevice>::new(zkey, cpu(), options).unwrap();
        assert_eq!(prover.public_values(&witness).unwrap(), public, "{name}");
        for seed in 0..3 {
            let proof = prover.prove(&witness, &mut rng(seed)).unwrap();
            verify(&key, &public, &proof).unwrap();
            assert!(ark_accepts(&key, &public, &proof), "{name}");
        }
    }
}

/// Public and private values, as many constraints as a domain holds, one less, one more.
#[test]
fn our_keys_serve_our_prover() {
    for (public, constraints) in [(0, 1), (1, 1), (1, 2), (3, 12), (3, 13), (2, 60), (0, 200), (40, 5)] {
        let (r1cs, witness) = circuit(public, constraints, &mut rng(7));
        r1cs.check(witness.assignment()).unwrap();
        let zkey = Zkey::decode(setup(&r1cs, &mut rng(1)).unwrap()).unwrap();
        assert!(zkey.info().development);
        let key = zkey.header().verifying_key.clone();
        let prover = ZkeyProver::<CpuDevice>::new(zkey, cpu(), ZkeyProverOptions::default()).unwrap();
        let public_values = prover.public_values(&witness).unwrap().to_vec();
        assert_eq!(public_values.len(), public);
        let proof = prover.prove(&witness, &mut rng(2)).unwrap();
        verify(&key, &public_values, &proof).unwrap();
        assert!(ark_accepts(&key, &public_values, &proof));
    }
}

/// On both CPU forms, one thread and several, with bases on the device and in the file.
#[test]
fn proofs_are_the_same_everywhere() {
    let (r1cs, witness) = circuit(2, 300, &mut rng(3));
    let bytes = setup(&r1cs, &mut rng(1)).unwrap();
    let prove = |device: Device, residence| {
        let options = ZkeyProverOptions { residence, ..ZkeyProverOptions::default() };
        let zkey = Zkey::decode(bytes.clone()).unwrap();
        let prover = ZkeyProver::<Device>::new(zkey, device, options).unwrap();
        prover.prove(&witness, &mut rng(5)).unwrap()
    };
    let cpu = |path, threads| Device::cpu(CpuOptions { path, threads, ..CpuOptions::default() }).unwrap();
    let expected = prove(cpu(Some(CpuPath::PLAIN), Some(1)), Residence::Device);
    for path in CpuPath::available() {
        for threads in [1, 2, 3] {
            for residence in [Residence::Device, Residence::File] {
                assert_eq!(prove(cpu(Some(path), Some(threads)), residence), expected, "{path:?} {threads}");
            }
        }
    }
}

#[test]
fn a_witness_that_does_not_satisfy_is_named() {
    let (r1cs, witness) = circuit(2, 50, &mut rng(3));
    let bytes = setup(&r1cs, &mut rng(1)).unwrap();
    let open = |verify, named: bool| {
        let r1cs = named.then(|| Arc::new(r1cs.clone()));
        let options = ZkeyProverOptions { verify, r1cs, ..ZkeyProverOptions::default() };
        ZkeyProver::<CpuDevice>::new(Zkey::decode(bytes.clone()).unwrap(), cpu(), options).unwrap()
    };
    let mut values = witness.values().to_vec();
    let last = values.len() - 1;
    values[last] += Fr::ONE;
    let wrong = Witness::new(values);
    for verify in [true, false] {
        let error = open(verify, true).prove(&wrong, &mut rng(1)).unwrap_err();
        assert!(matches!(error, Error::Unsatisfied { constraint: 49, .. }), "{error}");
    }
    let error = open(true, false).prove(&wrong, &mut rng(1)).unwrap_err();
    assert!(matches!(&error, Error::SelfCheck(text) if text.contains(".r1cs")), "{error}");
    let short = Witness::new(witness.values()[..last].to_vec());
    let error = open(true, true).prove(&short, &mut rng(1)).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    // A circuit that is not the key's.
    let (other, _) = circuit(1, 50, &mut rng(3));
    let options = ZkeyProverOptions { r1cs: Some(Arc::new(other)), ..ZkeyProverOptions::default() };
    let error =
        ZkeyProver::<CpuDevice>::new(Zkey::decode(bytes.clone()).unwrap(), cpu(), options).err().unwrap();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

/// Many proofs through one prover, and through two that share a device, from two threads; also where each sum reads its
/// bases from the file.
#[test]
fn one_prover_makes_many_proofs() {
    let (r1cs, witness) = circuit(1, 30, &mut rng(3));
    let bytes = setup(&r1cs, &mut rng(1)).unwrap();
    for (residence, threads, proofs) in
        [(Residence::Device, 2, 250), (Residence::File, 1, 25), (Residence::File, 2, 25)]
    {
        let device = CpuDevice::new(CpuOptions { threads: Some(threads), ..CpuOptions::default() }).unwrap();
        let device = Arc::new(device);
        let open = || {
            let options = ZkeyProverOptions { residence, ..ZkeyProverOptions::default() };
            ZkeyProver::<CpuDevice>::new(Zkey::decode(bytes.clone()).unwrap(), device.clone(), options)
                .unwrap()
        };
        let (a, b) = (open(), open());
        let key = PreparedVerifyingKey::new(&a.header().verifying_key).unwrap();
        std::thread::scope(|scope| {
            for (prover, seed) in [(&a, 1), (&a, 2), (&b, 3)] {
                let (key, witness) = (&key, &witness);
                scope.spawn(move || {
                    let mut rng = rng(seed);
                    for _ in 0..proofs {
                        let proof = prover.prove(witness, &mut rng).unwrap();
                        key.verify(prover.public_values(witness).unwrap(), &proof).unwrap();
                    }
                });
            }
        });
    }
}

#[test]
fn files_are_read_as_they_were_written() {
    for Fixture {
        r1cs,
        witness,
        witness_bytes,
        r1cs_bytes,
        key,
        key_text,
        proof,
        proof_text,
        public,
        public_text,
        name,
        ..
    } in fixtures()
    {
        assert_eq!(*witness.encode(), witness_bytes, "{name}");
        assert_eq!(r1cs.r1cs.num_variables(), witness.values().len(), "{name}");
        r1cs.r1cs.check(witness.assignment()).unwrap();
        let mut written = Vec::new();
        r1cs.r1cs.write_r1cs(&mut written).unwrap();
        let again = R1csFile::decode(&written).unwrap();
        assert_eq!(again.r1cs.digest(), R1csFile::decode(&r1cs_bytes).unwrap().r1cs.digest(), "{name}");
        let same = |ours: &str, theirs: &str| {
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(parse(ours), parse(theirs), "{name}");
        };
        same(&json::write_proof(&proof), &proof_text);
        same(&json::write_public(&public), &public_text);
        same(&json::write_verifying_key(&key), &key_text);
    }
}

#[test]
fn a_ceremony_is_described() {
    // Made by snarkjs: power 3, one contribution, prepared.
    let file = support::file("../../halo2_srs/power3.ptau");
    let info = PtauInfo::decode(&file).unwrap();
    let expected =
        PtauInfo { power: 3, ceremony_power: 3, contributions: 1, prepared: true, bytes: file.len() as u64 };
    assert_eq!(info, expected);
    // A part of a larger ceremony, as published files are; section 1 begins at 24, its last number at 64.
    let mut part = file;
    part[64] = 28;
    assert_eq!(PtauInfo::decode(&part).unwrap(), PtauInfo { ceremony_power: 28, ..expected });
}

/// A and B are those of the key of the same secrets for ark-groth16, L too as δ is the same; H is in another basis.
#[test]
fn keys_convert_to_those_of_arkworks() {
    let (r1cs, _) = circuit(3, 40, &mut rng(3));
    let bytes = setup(&r1cs, &mut rng(1)).unwrap();
    let theirs = zkwatt::groth16::setup(&r1cs, &mut rng(1)).unwrap();
    let ours = Zkey::decode(bytes).unwrap().proving_key(Validate::Full).unwrap();
    assert_eq!(ours.h_query.len(), theirs.h_query.len() + 1);
    let gamma = |key: &VerifyingKey| VerifyingKey {
        gamma_g2: ark_bn254::G2Affine::default(),
        gamma_abc_g1: Vec::new(),
        ..key.clone()
    };
    assert_eq!(gamma(&ours.vk), gamma(&theirs.vk));
    assert_eq!((ours.beta_g1, ours.delta_g1), (theirs.beta_g1, theirs.delta_g1));
    assert_eq!((&ours.a_query, &ours.b_g1_query), (&theirs.a_query, &theirs.b_g1_query));
    assert_eq!((&ours.b_g2_query, &ours.l_query), (&theirs.b_g2_query, &theirs.l_query));
}

#[test]
fn classes_count_every_value() {
    for Fixture { witness, name, .. } in fixtures() {
        let classes = WitnessClasses::of(witness.values());
        assert_eq!(
            classes.entries().iter().map(|(_, count)| count).sum::<usize>(),
            witness.values().len(),
            "{name}"
        );
    }
}

#[test]
fn plans_say_what_the_residence_costs() {
    let (r1cs, _) = circuit(2, 300, &mut rng(3));
    let bytes = setup(&r1cs, &mut rng(1)).unwrap();
    let plan = |residence| {
        let options = ZkeyProverOptions { residence, ..ZkeyProverOptions::default() };
        *ZkeyProver::<CpuDevice>::new(Zkey::decode(bytes.clone()).unwrap(), cpu(), options).unwrap().plan()
    };
    let (device, file) = (plan(Residence::Device), plan(Residence::File));
    assert!(file.peak_bytes() < device.peak_bytes(), "{file:?} {device:?}");
    assert_eq!(file.bases_bytes, file.largest_query_bytes);
}
