//! Cheating on the class.

use crate::common::*;

/// Two inputs pass through to outputs x0, x1, x0, each of 8 bits.
fn scores() -> QuantisedModel {
    model(8, vec![layer(&[&[1, 0], &[0, 1], &[1, 0]], &[0, 0, 0], None)])
}

fn class_case(input: &[u32]) -> Case {
    Case::new(&scores(), options(InputMode::Private, OutputMode::Class), input)
}

const SELECTED: &str = "the selected class is the public one";
const EXACTLY_ONE: &str = "exactly one class is selected";

#[test]
fn wrong_class_is_rejected() {
    let mut case = class_case(&[50, 30]);
    assert_eq!(case.z.values()[1], Fr::ZERO);
    case.add(1, 1);
    case.rejected_by(&[SELECTED]);
    // Selecting output 1 consistently: the margins to outputs 0 and 2 are −21 and −20.
    let mut case = class_case(&[50, 30]);
    case.add(1, 1);
    case.add_to("output 0: selector", 0, -1);
    case.add_to("output 1: selector", 0, 1);
    case.add_to("largest accumulator", 0, -20);
    for (output, margin) in [(0, -21i64), (1, 0), (2, -20)] {
        for (i, column) in case.columns(&format!("output {output}: margin bits")).into_iter().enumerate() {
            case.z.values_mut()[column] = Fr::from(margin >> i & 1 == 1);
        }
    }
    case.rejected_by(&[
        "output 0: no larger than the selected class",
        "output 2: no larger than the selected class",
    ]);
}

#[test]
fn margins_need_boolean_bits() {
    let mut case = class_case(&[50, 30]);
    case.add_to("output 1: margin bits", 0, 2);
    case.add_to("output 1: margin bits", 1, -1);
    case.rejected_by(&["output 1: margin bits"]);
}

#[test]
fn inflated_largest_accumulator_is_rejected() {
    // Output 1 with 30 claims to be the largest, 50 + 1.
    let mut case = class_case(&[50, 30]);
    case.add(1, 1);
    case.add_to("output 0: selector", 0, -1);
    case.add_to("output 1: selector", 0, 1);
    case.add_to("largest accumulator", 0, 1);
    for (output, margin) in [(0, 0i64), (1, 21), (2, 1)] {
        for (i, column) in case.columns(&format!("output {output}: margin bits")).into_iter().enumerate() {
            case.z.values_mut()[column] = Fr::from(margin >> i & 1 == 1);
        }
    }
    case.rejected_by(&["output 1: the largest accumulator is the selected one"]);
}

#[test]
fn ties_cannot_go_to_a_higher_index() {
    // Outputs 0 and 2 are equal; the honest class is 0.
    let mut case = class_case(&[50, 30]);
    case.add(1, 2);
    case.add_to("output 0: selector", 0, -1);
    case.add_to("output 2: selector", 0, 1);
    for (output, margin) in [(0, -1i64), (1, 19), (2, 0)] {
        for (i, column) in case.columns(&format!("output {output}: margin bits")).into_iter().enumerate() {
            case.z.values_mut()[column] = Fr::from(margin >> i & 1 == 1);
        }
    }
    case.rejected_by(&["output 0: no larger than the selected class"]);
}

#[test]
fn selectors_are_one_hot_and_boolean() {
    // Two hot selectors name class 0 + 2.
    let mut case = class_case(&[50, 30]);
    case.add(1, 2);
    case.add_to("output 2: selector", 0, 1);
    for (output, margin) in [(0, -1i64), (1, 19), (2, 0)] {
        for (i, column) in case.columns(&format!("output {output}: margin bits")).into_iter().enumerate() {
            case.z.values_mut()[column] = Fr::from(margin >> i & 1 == 1);
        }
    }
    case.rejected_by(&[EXACTLY_ONE, "output 0: no larger than the selected class"]);
    // Halves: Σ s = 1, Σ j·s = 1, and the margins to outputs 0 and 2 are equal.
    let half = Fr::from(2u64).inverse_vartime().unwrap();
    let mut case = class_case(&[50, 30]);
    case.add(1, 1);
    for name in ["output 0: selector", "output 2: selector"] {
        let column = case.column(name);
        case.z.values_mut()[column] = half;
    }
    let failing = case.violations();
    assert!(failing.contains(&"output 0: selector".into()) && failing.contains(&"output 2: selector".into()));
    // None.
    let mut case = class_case(&[50, 30]);
    case.add_to("output 0: selector", 0, -1);
    assert!(case.violations().contains(&EXACTLY_ONE.to_string()));
}

#[test]
fn class_is_the_lowest_largest_for_all_small_scores() {
    let model = model(2, vec![layer(&[&[1, 0, 0], &[0, 1, 0], &[0, 0, 1]], &[0, -1, 0], None)]);
    let circuit = MlpCircuit::new(&model, &options(InputMode::Private, OutputMode::Class)).unwrap();
    for i in 0..64 {
        let input = [i & 3, i >> 2 & 3, i >> 4];
        let z = circuit.assign(&input, None).unwrap();
        circuit.r1cs().check(&z).unwrap();
        assert_eq!(z.values()[1], Fr::from(model.infer(&input).unwrap().class() as u64));
    }
}
