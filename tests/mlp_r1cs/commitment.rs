//! Cheating on the commitment.

use crate::common::*;

fn committed() -> Case {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let model = random_model(&mut rng, &[40, 2], 8, 4);
    let input = random_input(&mut rng, &model);
    Case::new(&model, options(InputMode::Committed, OutputMode::Accumulators), &input)
}

const IS_HASH: &str = "commitment 0: is the hash of salt and input";

#[test]
fn wrong_commitment_is_rejected() {
    let mut case = committed();
    case.add(3, 1); // after two outputs
    case.rejected_by(&[IS_HASH]);
}

#[test]
fn wrong_salt_is_rejected() {
    let mut case = committed();
    case.add_to("salt", 0, 1);
    assert!(case.violations()[0].starts_with("commitment call 0: S-box"));
    // All S-boxes of another salt: only the public value disagrees.
    let model = case.circuit.model().clone();
    let input: Vec<u32> = (0..model.input.len)
        .map(|i| case.value(&format!("input {i}: value"), 0).to_canonical()[0] as u32)
        .collect();
    let other = case.circuit.assign(&input, Some(Fr::from(54321u64))).unwrap();
    let commitment = case.circuit.assign(&input, Some(Fr::from(12345u64))).unwrap().values()[3];
    case.z = other;
    case.z.values_mut()[3] = commitment;
    case.rejected_by(&[IS_HASH]);
}

/// (x_0 + 256, x_1 − 1) packs into the same element: the range of the bytes is what forbids it.
#[test]
fn overlapping_packed_bytes_are_rejected() {
    let mut case = committed();
    let model = case.circuit.model().clone();
    case.add_to("input 0: value", 0, 256);
    case.add_to("input 1: value", 0, -1);
    for o in 0..2 {
        let row = model.layers[0].row(o);
        case.add(1 + o, i64::from(row[0]) * 256 - i64::from(row[1]));
    }
    let failing = case.violations();
    assert!(failing.iter().all(|name| name == "input 0: value" || name == "input 1: value"), "{failing:?}");
    assert!(failing.contains(&"input 0: value".to_string()));
}

#[test]
fn salt_is_required_exactly_when_committed() {
    let model = wide();
    for input in INPUTS {
        let circuit = MlpCircuit::new(&model, &options(input, OutputMode::Class)).unwrap();
        let wrong = if input == InputMode::Committed { None } else { Some(Fr::ONE) };
        assert_eq!(circuit.assign(&[1, 2], wrong).unwrap_err().kind(), ErrorKind::Usage);
    }
}
