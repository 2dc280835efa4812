//! Each range condition of inputs and neurons, broken alone.

use crate::common::*;

/// Input 300 satisfies everything but the range: the outputs are those of 300.
#[test]
fn input_out_of_range_is_rejected() {
    let model = model(8, vec![layer(&[&[3, 5]], &[0], None)]);
    for (x, claimed) in [(0u32, 300i64), (0, 256), (0, -1), (44, 300), (255, 256), (255, 511), (7, 1 << 40)] {
        let mut case = Case::private(&model, &[x, 9]);
        let delta = claimed - i64::from(x);
        case.add_to("input 0: value", 0, delta);
        case.add(1, 3 * delta);
        case.rejected_by(&["input 0: value"]);
    }
}

#[test]
fn input_bit_that_is_not_boolean_is_rejected() {
    // 300 = 2·128 + 44 with the bit of weight 64 set to 2 and the implied top bit to 128.
    let model = model(8, vec![layer(&[&[3, 5]], &[0], None)]);
    let mut case = Case::private(&model, &[44, 9]);
    case.add_to("input 0: value", 0, 256);
    case.add_to("input 0: value bits", 6, 4);
    case.add(1, 3 * 256);
    case.rejected_by(&["input 0: value bits"]);
}

#[test]
fn public_input_out_of_range_is_refused_by_the_verifier() {
    let model = model(8, vec![layer(&[&[3, 5]], &[0], None)]);
    let circuit = MlpCircuit::new(&model, &options(InputMode::Public, OutputMode::Accumulators)).unwrap();
    let output = OutputStatement::Accumulators(vec![768]);
    let statement = Statement { input: InputStatement::Public(vec![256, 0]), output };
    assert_eq!(circuit.public_inputs(&statement).unwrap_err().kind(), ErrorKind::Usage);
}

/// Two inputs, a neuron that is never saturated, output 7y.
fn signed() -> QuantisedModel {
    let hidden = layer(&[&[10, -10]], &[0], Some((4, 8)));
    model(8, vec![hidden, layer(&[&[7]], &[0], None)])
}

/// Two inputs, a neuron that is never negative or saturated, output 7y.
fn exact() -> QuantisedModel {
    let hidden = layer(&[&[5, 6]], &[0], Some((4, 8)));
    model(8, vec![hidden, layer(&[&[7]], &[0], None)])
}

const REMAINDER: &str = "layer 0, neuron 0: remainder bits";
const QUOTIENT: &str = "layer 0, neuron 0: quotient bits";
const SIGN: &str = "layer 0, neuron 0: sign bit";
const ACTIVATION: &str = "layer 0, neuron 0: activation";
const FREE: &str = "layer 0, neuron 0: free unless clamped";
const CLAMPED: &str = "layer 0, neuron 0: activation is clamped";
const IS_QUOTIENT: &str = "layer 0, neuron 0: activation is the quotient";
const IS_QUOTIENT_OR_ZERO: &str = "layer 0, neuron 0: activation is the quotient or zero";
const DIVISION: &str = "layer 0, neuron 0: quotient and remainder of the accumulator";

/// Changes y, and the output with it, so that only the neuron can notice.
fn cheat_activation(case: &mut Case, delta: i64) {
    case.add_to(ACTIVATION, 0, delta);
    case.add(1, 7 * delta);
}

#[test]
fn bits_that_are_not_boolean_are_rejected() {
    for model in [wide(), signed(), exact()] {
        // acc + 8 = 16q + r; (r0, r1) → (r0 + 2, r1 − 1) leaves the sum.
        let mut case = Case::private(&model, &[9, 3]);
        case.add_to(REMAINDER, 0, 2);
        case.add_to(REMAINDER, 1, -1);
        case.rejected_by(&[REMAINDER]);
    }
    for model in [wide(), signed()] {
        let mut case = Case::private(&model, &[9, 3]);
        case.add_to(QUOTIENT, 1, 2);
        case.add_to(QUOTIENT, 2, -1);
        case.rejected_by(&[QUOTIENT]);
    }
    // 2^n·neg against the top bit of Q: neg + 1/2.
    let mut case = Case::private(&signed(), &[9, 3]);
    let (sign, half) = (case.column(SIGN), Fr::from(2u64).inverse_vartime().unwrap());
    let top = case.columns(QUOTIENT).len() - 1;
    case.z.values_mut()[sign] += half;
    case.add_to(QUOTIENT, top, 1);
    // The top bit is 0 or 1 still, and y follows: only the sign bit is wrong.
    let quotient: Fr = (0..=top).map(|i| case.value(QUOTIENT, i) * Fr::from(1u64 << i)).sum();
    let y = (Fr::ONE - case.z.values()[sign]) * quotient;
    let column = case.column(ACTIVATION);
    let delta = y - case.z.values()[column];
    case.z.values_mut()[column] = y;
    case.z.values_mut()[1] += Fr::from(7u64) * delta;
    case.rejected_by(&[SIGN]);
}

#[test]
fn remainder_of_two_to_the_shift_is_rejected() {
    // q − 1 and r + 2^s: the top bit of the remainder would have to be 2 more.
    let mut case = Case::private(&signed(), &[19, 3]);
    assert_eq!(case.value(QUOTIENT, 0), Fr::ZERO); // q = (160 + 8) >> 4 = 10 = 0b1010
    case.add_to(QUOTIENT, 1, -1); // q − 2
    case.add_to(REMAINDER, 3, 4); // r + 32
    cheat_activation(&mut case, -2);
    case.rejected_by(&[REMAINDER]);

    let mut case = Case::private(&exact(), &[20, 10]); // q = (160 + 8) >> 4 = 10
    case.add_to("layer 0, neuron 0: activation bits", 1, -1);
    case.add_to(REMAINDER, 3, 4);
    cheat_activation(&mut case, -2);
    case.rejected_by(&[REMAINDER]);
}

#[test]
fn wrong_sign_is_rejected() {
    for model in [wide(), signed()] {
        // A negative accumulator with the sign dropped: the sum of bits is off by 2^(s+n).
        let mut case = Case::private(&model, &[3, 9]);
        assert_eq!(case.value(SIGN, 0), Fr::ONE);
        case.add_to(SIGN, 0, -1);
        assert!(case.violations().contains(&DIVISION.to_string()));
        // Made up for by the top bit of the quotient: that one is no bit then.
        let mut case = Case::private(&signed(), &[3, 9]);
        let bits = case.columns(QUOTIENT).len();
        case.add_to(SIGN, 0, -1);
        case.add_to(QUOTIENT, bits - 1, -2);
        let quotient: Fr = (0..bits).map(|i| case.value(QUOTIENT, i) * Fr::from(1u64 << i)).sum();
        let y = case.column(ACTIVATION);
        case.z.values_mut()[y] = quotient;
        case.z.values_mut()[1] = Fr::from(7u64) * quotient;
        case.rejected_by(&[QUOTIENT]);
    }
}

#[test]
fn wrong_activation_is_rejected() {
    // Within the range, neither negative nor saturated: h = 0, y must be q.
    for delta in [1, -1, 200] {
        let mut case = Case::private(&wide(), &[19, 3]);
        cheat_activation(&mut case, delta);
        case.rejected_by(&[IS_QUOTIENT]);
        let mut case = Case::private(&signed(), &[19, 3]);
        cheat_activation(&mut case, delta);
        case.rejected_by(&[IS_QUOTIENT_OR_ZERO]);
        let mut case = Case::private(&exact(), &[19, 3]);
        cheat_activation(&mut case, delta);
        assert!(case.violations().contains(&DIVISION.to_string()));
    }
    // Saturated or negative: y = Y or 0, and nothing else; z chosen so that only the clamp is broken.
    for (input, honest) in [([200, 3], 255), ([3, 200], 0)] {
        for delta in [1, -1, 255, -255, 17] {
            let mut case = Case::private(&wide(), &input);
            assert_eq!(case.value(ACTIVATION, 0), Fr::from(honest as u64));
            let old = case.value(FREE, 0);
            let bits = case.columns(QUOTIENT).len();
            let high: Fr = (8..bits).map(|i| case.value(QUOTIENT, i) * Fr::from(1u64 << (i - 8))).sum::<Fr>()
                - case.value(SIGN, 0) * Fr::from(1u64 << (bits - 8));
            cheat_activation(&mut case, delta);
            let free = case.column(FREE);
            case.z.values_mut()[free] = old + Fr::from(delta) * high.inverse_vartime().unwrap();
            case.rejected_by(&[CLAMPED]);
        }
    }
    // Negative in the form without saturation.
    let mut case = Case::private(&signed(), &[3, 19]);
    cheat_activation(&mut case, 5);
    case.rejected_by(&[IS_QUOTIENT_OR_ZERO]);
}

#[test]
fn wrong_overflow_is_rejected() {
    // Claiming no saturation: all high bits 0, y = L. The sum of bits shows it.
    let mut case = Case::private(&wide(), &[200, 3]);
    let low: i64 = ((19700 + 8) >> 4) & 255;
    for i in 8..case.columns(QUOTIENT).len() {
        let column = case.columns(QUOTIENT)[i];
        case.z.values_mut()[column] = Fr::ZERO;
    }
    cheat_activation(&mut case, low - 255);
    case.rejected_by(&[DIVISION]);
    // Claiming saturation where there is none.
    let mut case = Case::private(&wide(), &[19, 3]);
    case.add_to(QUOTIENT, 8, 1);
    cheat_activation(&mut case, 155); // q = 100
    let free = case.column(FREE);
    case.z.values_mut()[free] = Fr::from(155u64);
    case.rejected_by(&[DIVISION]);
}

/// acc + r (the field's modulus) has the same residue; no choice of bits can reach it.
#[test]
fn no_sum_of_bits_can_wrap_the_field() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    for (dims, bits, shift) in [(&[784, 6, 4, 3][..], 8, 9), (&[30, 6, 4], 16, 20), (&[9, 9, 9], 16, 30)] {
        let model = random_model(&mut rng, dims, bits, shift);
        let circuit = MlpCircuit::new(&model, &options(InputMode::Private, OutputMode::Class)).unwrap();
        let r1cs = circuit.r1cs();
        let mut seen = 0;
        for row in 0..r1cs.num_constraints() {
            let name = r1cs.describe_constraint(row);
            let sums = ["quotient and remainder", "is the accumulator", "no larger"];
            if !sums.iter().any(|sum| name.contains(sum)) {
                continue;
            }
            seen += 1;
            // Largest magnitude over all values that the other constraints allow, in integers.
            let mut bound = 0i128;
            for (column, coefficient) in r1cs.a().row(row) {
                let limbs = coefficient.to_canonical();
                let limbs = if limbs[2] | limbs[3] == 0 { limbs } else { (-coefficient).to_canonical() };
                assert_eq!(limbs[1..], [0; 3], "{name}");
                let variable = r1cs.describe_variable(column);
                let is_bit =
                    variable.ends_with("bits") || variable.ends_with("bit") || variable.ends_with("selector");
                let largest = match variable.as_str() {
                    "the constant one" => 1,
                    _ if is_bit => 1,
                    _ if variable.ends_with("accumulator") => 1i128 << 62,
                    _ => (1i128 << bits) - 1,
                };
                bound += i128::from(limbs[0]) * largest;
            }
            assert!(bound < 1 << 66, "{name}: {bound}");
        }
        assert!(seen > 10);
    }
}

#[test]
fn wrong_output_is_rejected() {
    let mut case = Case::private(&wide(), &[19, 3]);
    case.add(1, 1);
    case.rejected_by(&["output 0: is the accumulator"]);
}
