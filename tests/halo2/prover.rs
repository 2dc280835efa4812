//! Circuits of every shape, and what must be refused.

use crate::circuits::{DotRelu, Phased, Powers};
use crate::support::{check, check_with_keys, device, keys, params, prove, rng, upstream_proof, verify};
use halo2_axiom::halo2curves::bn256::{Fr, G1Affine};
use halo2_axiom::halo2curves::ff::Field;
use halo2_axiom::transcript::{Challenge255, Keccak256Write, TranscriptWriterBuffer};
use zkwatt::Error;
use zkwatt::halo2::{PreparedKey, create_proof};
use zkwatt::kernels::CpuPath;

fn dot() -> DotRelu {
    DotRelu::new(&[1, -2, 3, 4], &[5, 6, -1, 7])
}

#[test]
fn lookups_copies_and_selectors() {
    let circuit = dot();
    for compress in [false, true] {
        check(9, compress, std::slice::from_ref(&circuit), &[&[&[circuit.output()]]]);
    }
}

#[test]
fn one_or_many_sets_of_copies() {
    for copies in [0, 1, 9] {
        let circuit = DotRelu { copies, ..dot() };
        check(8, false, std::slice::from_ref(&circuit), &[&[&[circuit.output()]]]);
    }
}

#[test]
fn several_circuits_in_one_proof() {
    let circuits =
        [dot(), DotRelu::new(&[7, 7, 0, 1], &[-3, 1, 5, 5]), DotRelu::new(&[6, 1, 1, 1], &[7, 1, -1, 0])];
    let outputs: Vec<[Fr; 1]> = circuits.iter().map(|c| [c.output()]).collect();
    let columns: Vec<[&[Fr]; 1]> = outputs.iter().map(|o| [&o[..]]).collect();
    let instances: Vec<&[&[Fr]]> = columns.iter().map(|c| &c[..]).collect();
    check(8, false, &circuits, &instances);
}

#[test]
fn rotations_and_degrees() {
    for degree in [1, 2, 3, 4, 6, 8] {
        let circuit = Powers { degree, start: 2, rows: 9 };
        let [p, q] = circuit.instances();
        check(5, false, std::slice::from_ref(&circuit), &[&[&p, &q]]);
    }
}

#[test]
fn phases_with_challenges() {
    for ends_phases in [false, true] {
        let circuit = Phased { values: (1..40).collect(), ends_phases };
        check(6, false, &[circuit], &[&[]]);
    }
}

#[test]
fn several_circuits_with_phases() {
    let circuit = |n| Phased { values: (n..n + 20).collect(), ends_phases: false };
    let params = params(6);
    let pk = keys(&params, &circuit(1), false);
    // Upstream's prover takes one circuit only; its verifier takes several.
    check_with_keys(&params, &pk, &[circuit(1), circuit(7)], &[&[], &[]]);

    let key = PreparedKey::new(device(1, CpuPath::PLAIN), &params, &pk).unwrap();
    let ending = |n| Phased { ends_phases: true, ..circuit(n) };
    let refused = prove(&key, &[ending(1), ending(2)], &[&[], &[]]).unwrap_err();
    assert!(matches!(refused, Error::Unsupported { .. }), "{refused}");
}

#[test]
fn other_transcripts() {
    let (circuit, params) = (dot(), params(8));
    let pk = keys(&params, &circuit, false);
    let key = PreparedKey::new(device(2, CpuPath::PLAIN), &params, &pk).unwrap();
    let output = [circuit.output()];
    let instances: &[&[&[Fr]]] = &[&[&output]];
    let mut transcript = Keccak256Write::<_, G1Affine, Challenge255<_>>::init(Vec::new());
    create_proof(&key, &[circuit], instances, &mut rng(5), &mut transcript).unwrap();
    let keccak = transcript.finalize();
    assert!(verify(&params, pk.get_vk(), instances, &keccak).is_err(), "a proof for another transcript");
}

#[test]
fn a_key_of_another_circuit_accepts_nothing() {
    let (circuit, params) = (dot(), params(8));
    let (pk, other) = (keys(&params, &circuit, false), keys(&params, &DotRelu { copies: 3, ..dot() }, false));
    let key = PreparedKey::new(device(1, CpuPath::PLAIN), &params, &pk).unwrap();
    let output = [circuit.output()];
    let proof = prove(&key, &[circuit], &[&[&output]]).unwrap();
    assert!(verify(&params, other.get_vk(), &[&[&output]], &proof).is_err());
}

#[test]
fn an_unsatisfied_circuit_is_named() {
    let params = params(8);
    let pk = keys(&params, &dot(), false);
    let key = PreparedKey::new(device(2, CpuPath::PLAIN), &params, &pk).unwrap();
    let message = |circuit: DotRelu, output: Fr| match prove(&key, &[circuit], &[&[&[output]]]).unwrap_err() {
        Error::Unsatisfied { description, .. } => description,
        other => panic!("{other}"),
    };
    let wrong_relu = DotRelu { error: 1, ..dot() };
    let found = message(wrong_relu, dot().output() + Fr::ONE);
    assert!(found.contains("lookup `relu`"), "{found}");
    let found = message(dot(), dot().output() + Fr::ONE);
    assert!(found.contains("copy"), "{found}");

    let powers = Powers { degree: 3, start: 2, rows: 9 };
    let params = self::params(5);
    let pk = keys(&params, &powers, false);
    let key = PreparedKey::new(device(2, CpuPath::PLAIN), &params, &pk).unwrap();
    let [p, mut q] = powers.instances();
    q[0] += Fr::ONE;
    let found = prove(&key, &[powers], &[&[&p, &q]]).unwrap_err().to_string();
    assert!(found.contains("gate `ends`, constraint 1, row 8"), "{found}");
}

#[test]
fn bad_arguments_are_errors() {
    let params = params(6);
    let circuit = Powers { degree: 2, start: 2, rows: 9 };
    let pk = keys(&params, &circuit, false);
    let key = PreparedKey::new(device(1, CpuPath::PLAIN), &params, &pk).unwrap();
    let [p, q] = circuit.instances();
    let long = vec![Fr::ONE; key.usable_rows() + 1];
    let refused = |circuits: &[Powers], instances: &[&[&[Fr]]], expected: &str| {
        let error = prove(&key, circuits, instances).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let one = std::slice::from_ref(&circuit);
    refused(&[], &[], "there are none");
    refused(one, &[], "circuits has 1 elements but instances has 0");
    refused(one, &[&[&p]], "1 columns are given, but the circuit has 2");
    refused(one, &[&[&p, &long]], "usable rows");
    let tall = Powers { rows: key.usable_rows() - 1, ..circuit.clone() };
    refused(&[tall], &[&[&p, &q]], "use a larger k");

    let other = self::params(7);
    let error = PreparedKey::new(device(1, CpuPath::PLAIN), &other, &pk).err().unwrap();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

#[test]
fn upstreams_own_proofs_differ_from_ours_only_in_what_is_random() {
    // Same messages, same sizes; the first message is the same commitment for the same blinding.
    let (circuit, params) = (Powers { degree: 2, start: 5, rows: 9 }, params(5));
    let pk = keys(&params, &circuit, false);
    let key = PreparedKey::new(device(1, CpuPath::PLAIN), &params, &pk).unwrap();
    let [p, q] = circuit.instances();
    let instances: &[&[&[Fr]]] = &[&[&p, &q]];
    let ours = prove(&key, std::slice::from_ref(&circuit), instances).unwrap();
    let upstream = upstream_proof(&params, &pk, &[circuit], instances);
    assert_eq!(ours.len(), upstream.len());
    assert_eq!(ours[..64], upstream[..64], "commitments to both advice columns");
    assert_ne!(ours[64..96], upstream[64..96], "commitments to random polynomials");
}
