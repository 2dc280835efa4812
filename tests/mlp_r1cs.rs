//! The circuit of a model: honest assignments satisfy it and malicious ones do not.
#![cfg(feature = "groth16")]

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt::groth16::r1cs::{Assignment, R1cs};
use zkwatt::kernels::{Field, Fr};
use zkwatt::mlp::r1cs::{
    CircuitOptions, InputMode, InputStatement, MlpCircuit, OutputMode, OutputStatement, Statement, WeightMode,
};
use zkwatt::mlp::{InputSpec, QuantisedLayer, QuantisedModel, Requantise, commit_input, random_salt};
use zkwatt::{Error, ErrorKind};

fn layer(rows: &[&[i32]], bias: &[i64], requantise: Option<(u32, u32)>) -> QuantisedLayer {
    QuantisedLayer {
        inputs: rows[0].len(),
        outputs: rows.len(),
        weights: rows.concat(),
        bias: bias.to_vec(),
        requantise: requantise.map(|(shift, bits)| Requantise { shift, bits }),
        accumulator_scale: 1.0,
    }
}

fn model(bits: u32, layers: Vec<QuantisedLayer>) -> QuantisedModel {
    let input = InputSpec { len: layers[0].inputs, bits, scale: 1.0 };
    QuantisedModel { name: "test".into(), input, layers }
}

fn below(rng: &mut ChaCha20Rng, n: u32) -> u32 {
    rng.next_u32() % n
}

/// Weights of 8 bits; the sum of four draws is as bell-shaped as trained weights are.
fn random_model(rng: &mut ChaCha20Rng, dims: &[usize], bits: u32, shift: u32) -> QuantisedModel {
    let layers = dims.windows(2).enumerate().map(|(l, d)| QuantisedLayer {
        inputs: d[0],
        outputs: d[1],
        weights: (0..d[0] * d[1]).map(|_| (0..4).map(|_| below(rng, 64) as i32).sum::<i32>() - 126).collect(),
        bias: (0..d[1]).map(|_| i64::from(below(rng, 4001)) - 2000).collect(),
        requantise: (l + 2 < dims.len()).then_some(Requantise { shift, bits }),
        accumulator_scale: 1.0,
    });
    model(bits, layers.collect())
}

fn random_input(rng: &mut ChaCha20Rng, model: &QuantisedModel) -> Vec<u32> {
    (0..model.input.len).map(|_| below(rng, 1 << model.input.bits)).collect()
}

fn options(input: InputMode, output: OutputMode) -> CircuitOptions {
    CircuitOptions { input, output, weights: WeightMode::Public }
}

const INPUTS: [InputMode; 3] = [InputMode::Committed, InputMode::Private, InputMode::Public];
const OUTPUTS: [OutputMode; 2] = [OutputMode::Accumulators, OutputMode::Class];

/// One circuit with an honest assignment, and what a cheat needs.
struct Case {
    circuit: MlpCircuit,
    z: Assignment,
}

impl Case {
    fn new(model: &QuantisedModel, options: CircuitOptions, input: &[u32]) -> Self {
        let salt = (options.input == InputMode::Committed).then(|| Fr::from(12345u64));
        let circuit = MlpCircuit::new(model, &options).unwrap();
        let z = circuit.assign(input, salt).unwrap();
        circuit.r1cs().check(&z).unwrap();
        Self { circuit, z }
    }

    fn private(model: &QuantisedModel, input: &[u32]) -> Self {
        Self::new(model, options(InputMode::Private, OutputMode::Accumulators), input)
    }

    fn r1cs(&self) -> &R1cs {
        self.circuit.r1cs()
    }

    /// Columns of the variables with this description.
    fn columns(&self, name: &str) -> Vec<usize> {
        let r1cs = self.r1cs();
        let found: Vec<_> =
            (0..r1cs.num_variables()).filter(|i| r1cs.describe_variable(*i) == name).collect();
        assert!(!found.is_empty(), "no variable `{name}`");
        found
    }

    fn column(&self, name: &str) -> usize {
        self.columns(name)[0]
    }

    fn add(&mut self, column: usize, delta: i64) {
        self.z.values_mut()[column] += Fr::from(delta);
    }

    /// Adds to variable `name`; `index` counts within its group (0: the lowest bit).
    fn add_to(&mut self, name: &str, index: usize, delta: i64) {
        let column = self.columns(name)[index];
        self.add(column, delta);
    }

    fn value(&self, name: &str, index: usize) -> Fr {
        self.z.values()[self.columns(name)[index]]
    }

    /// Descriptions of all constraints that fail, without repetition.
    fn violations(&self) -> Vec<String> {
        let (r1cs, z) = (self.r1cs(), self.z.values());
        let dot = |matrix: &zkwatt::groth16::r1cs::SparseMatrix, row| -> Fr {
            matrix.row(row).map(|(column, coefficient)| coefficient * z[column]).sum()
        };
        let mut failing: Vec<String> = (0..r1cs.num_constraints())
            .filter(|&i| dot(r1cs.a(), i) * dot(r1cs.b(), i) != dot(r1cs.c(), i))
            .map(|i| r1cs.describe_constraint(i))
            .collect();
        failing.dedup();
        match r1cs.check(&self.z) {
            Ok(()) => assert!(failing.is_empty()),
            Err(Error::Unsatisfied { description, .. }) => assert_eq!(description, failing[0]),
            Err(error) => panic!("{error}"),
        }
        failing
    }

    /// Exactly these conditions fail; all others hold, so each of them is needed.
    #[track_caller]
    fn rejected_by(&self, expected: &[&str]) {
        assert_eq!(self.violations(), expected);
    }
}

// ---- honest assignments ----

#[test]
fn honest_assignments_satisfy_and_match_inference() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (dims, bits, shift) in [
        (&[5, 3][..], 8, 4),
        (&[1, 1, 1], 1, 1),
        (&[7, 6, 4], 8, 3),
        (&[7, 6, 4], 8, 9),
        (&[7, 6, 4], 8, 14),
        (&[40, 9, 8, 3], 8, 8),
        (&[20, 6, 5], 16, 12),
        (&[33, 6, 2], 4, 5),
        (&[500, 3, 2], 8, 10),
    ] {
        let model = random_model(&mut rng, dims, bits, shift);
        for (input_mode, output_mode) in INPUTS.iter().flat_map(|i| OUTPUTS.map(|o| (*i, o))) {
            let circuit = MlpCircuit::new(&model, &options(input_mode, output_mode)).unwrap();
            for _ in 0..4 {
                let input = random_input(&mut rng, &model);
                let salt = (input_mode == InputMode::Committed).then(|| random_salt(&mut rng));
                let z = circuit.assign(&input, salt).unwrap();
                circuit.r1cs().check(&z).unwrap();

                let inference = model.infer(&input).unwrap();
                let statement = Statement {
                    input: match input_mode {
                        InputMode::Private => InputStatement::Private,
                        InputMode::Public => InputStatement::Public(input.clone()),
                        InputMode::Committed => {
                            InputStatement::Commitment(commit_input(salt.unwrap(), &input, bits).unwrap())
                        }
                    },
                    output: match output_mode {
                        OutputMode::Accumulators => {
                            OutputStatement::Accumulators(inference.outputs().to_vec())
                        }
                        OutputMode::Class => OutputStatement::Class(inference.class()),
                    },
                };
                assert_eq!(statement, circuit.statement(&input, salt).unwrap());
                assert_eq!(circuit.public_inputs(&statement).unwrap(), z.public_inputs(circuit.r1cs()));
            }
        }
    }
}

#[test]
fn extreme_inputs_of_every_neuron_form() {
    // Quotients that stay within, fall below, rise above the range of y, do both, or never leave one value.
    let hidden = layer(
        &[&[1, 1], &[3, -3], &[5, 5], &[9, -9], &[-1, -1], &[1, 0], &[0, 0], &[127, 127]],
        &[0, 10, 0, 0, 1, 5000, 40, -3],
        Some((2, 4)),
    );
    let last = layer(&[&[1, -2, 3, -4, 5, -6, 7, -8]], &[-9], None);
    let model = model(4, vec![hidden, last]);
    let circuit = MlpCircuit::new(&model, &options(InputMode::Private, OutputMode::Accumulators)).unwrap();
    for i in 0..256 {
        let input = [i % 16, i / 16];
        let z = circuit.assign(&input, None).unwrap();
        circuit.r1cs().check(&z).unwrap();
        assert_eq!(z.values()[1], Fr::from(model.infer(&input).unwrap().outputs()[0]));
    }
}

// ---- each range condition, broken alone ----

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

/// Two inputs, a wide neuron with a sign (y in 0..256), output 7y.
fn wide() -> QuantisedModel {
    let hidden = layer(&[&[100, -100]], &[0], Some((4, 8)));
    model(8, vec![hidden, layer(&[&[7]], &[0], None)])
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
    for (dims, bits, shift) in [(&[784, 6, 4, 3][..], 8, 9), (&[30, 6, 4], 16, 20), (&[9, 9, 9], 31, 20)] {
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

// ---- the class ----

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

// ---- the commitment ----

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

// ---- nothing is free ----

/// Changing any one value breaks a constraint, except z of a neuron that is neither negative nor saturated.
#[test]
fn single_changes_are_noticed() {
    let hidden = layer(&[&[9, -9, 4], &[3, -3, 0], &[2, 1, 1], &[9, 9, 9]], &[5, 6, 7, 8], Some((2, 4)));
    let model = model(4, vec![hidden, layer(&[&[7, -2, 3, 1], &[4, 4, -4, 1]], &[1, 2], None)]);
    for (input_mode, output_mode) in INPUTS.iter().flat_map(|i| OUTPUTS.map(|o| (*i, o))) {
        for input in [[1, 0, 2], [15, 0, 15], [0, 15, 3]] {
            let mut case = Case::new(&model, options(input_mode, output_mode), &input);
            for column in 1..case.r1cs().num_variables() {
                let name = case.r1cs().describe_variable(column);
                for delta in [1, -1] {
                    case.add(column, delta);
                    let accepted = case.r1cs().check(&case.z).is_ok();
                    if accepted {
                        assert!(name.ends_with("free unless clamped"), "{name} is free");
                        let layer = &model.infer(&input).unwrap();
                        let neuron: usize = name["layer 0, neuron ".len()..][..1].parse().unwrap();
                        let quotient = (layer.accumulators[0][neuron] + 2) >> 2;
                        assert!((0..16).contains(&quotient));
                    }
                    case.add(column, -delta);
                }
            }
        }
    }
}

/// For every accumulator of a tiny neuron, every choice of all bits, every y near the range and every z: what
/// satisfies the constraints has y = clamp(…).
#[test]
fn only_the_specified_activation_satisfies_a_neuron() {
    // (weight, bias, shift, bits): signed and wide; wide; signed; exact.
    for (weight, bias, shift, bits) in
        [(3, -20, 1, 2), (3, 0, 2, 2), (2, -20, 2, 2), (1, 0, 2, 2), (1, -3, 1, 3)]
    {
        let hidden = layer(&[&[weight]], &[bias], Some((shift, bits)));
        let model = model(4, vec![hidden, layer(&[&[1]], &[0], None)]);
        for x in 0..16 {
            let honest = Case::new(&model, options(InputMode::Public, OutputMode::Accumulators), &[x]);
            let expected = honest.z.values()[1];
            let r1cs = honest.r1cs();
            let is = |i: &usize, what: &str| r1cs.describe_variable(*i).ends_with(what);
            let all = 3..r1cs.num_variables();
            let bit_columns: Vec<usize> = all.clone().filter(|i| is(i, "bits") || is(i, "bit")).collect();
            let y_column = all.clone().find(|i| is(i, "activation")).unwrap();
            let z_column = all.clone().find(|i| is(i, "free unless clamped"));
            assert_eq!(bit_columns.len() + 1 + usize::from(z_column.is_some()), all.len());
            let quotient_bits = all.clone().filter(|i| is(i, "quotient bits")).count() as i64;
            let mut satisfying = 0;
            for choice in 0..1i64 << bit_columns.len() {
                let mut z = honest.z.clone();
                for (i, column) in bit_columns.iter().enumerate() {
                    z.values_mut()[*column] = Fr::from(choice >> i & 1 == 1);
                }
                for y in -3..(1 << bits) + 3 {
                    z.values_mut()[1] = Fr::from(y);
                    z.values_mut()[y_column] = Fr::from(y);
                    if let Some(z_column) = z_column {
                        // The only z that can help: (y − L)/h.
                        let q = choice >> shift & ((1 << quotient_bits) - 1);
                        let negative = choice >> (i64::from(shift) + quotient_bits) & 1;
                        let high = (q >> bits) - (negative << (quotient_bits - i64::from(bits)));
                        let low = q & ((1 << bits) - 1);
                        let inverse = Fr::from(high).inverse_vartime().unwrap_or(Fr::ZERO);
                        z.values_mut()[z_column] = Fr::from(y - low) * inverse;
                    }
                    if r1cs.check(&z).is_ok() {
                        satisfying += 1;
                        assert_eq!(Fr::from(y), expected, "x = {x}, bits {choice:b}");
                    }
                }
            }
            assert_eq!(satisfying, 1, "weight {weight}, x = {x}");
        }
    }
}

// ---- size, errors, export ----

#[test]
fn mnist_sized_circuit_meets_its_budget() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let model = random_model(&mut rng, &[784, 128, 10], 8, 10);
    for (input, output, limit) in [
        (InputMode::Public, OutputMode::Accumulators, 4_300),
        (InputMode::Private, OutputMode::Accumulators, 10_500),
        (InputMode::Private, OutputMode::Class, 10_900),
        (InputMode::Committed, OutputMode::Accumulators, 11_700),
        (InputMode::Committed, OutputMode::Class, 12_100),
    ] {
        let circuit = MlpCircuit::new(&model, &options(input, output)).unwrap();
        let r1cs = circuit.r1cs();
        println!("{input:?} {output:?}: {} constraints, {:?}", r1cs.num_constraints(), r1cs.non_zeros());
        assert!(r1cs.num_constraints() <= limit, "{input:?} {output:?}: {}", r1cs.num_constraints());
        assert!(r1cs.non_zeros().iter().sum::<usize>() < 250_000);
    }
}

#[test]
fn four_million_weights_build() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let model = random_model(&mut rng, &[1024, 1024, 1024, 1024, 1024, 10], 8, 12);
    let start = std::time::Instant::now();
    let circuit = MlpCircuit::new(&model, &options(InputMode::Private, OutputMode::Accumulators)).unwrap();
    println!("built in {:?}", start.elapsed());
    let r1cs = circuit.r1cs();
    let bytes = r1cs.a().bytes() + r1cs.b().bytes() + r1cs.c().bytes();
    assert!(bytes < 80 << 20, "{bytes}");
    let start = std::time::Instant::now();
    let z = circuit.assign(&random_input(&mut rng, &model), None).unwrap();
    println!("assigned in {:?}", start.elapsed());
    let start = std::time::Instant::now();
    r1cs.check(&z).unwrap();
    println!("checked in {:?}; {} constraints", start.elapsed(), r1cs.num_constraints());
}

#[test]
fn bad_models_and_inputs_are_errors() {
    let private = CircuitOptions { weights: WeightMode::Private, ..CircuitOptions::default() };
    assert!(matches!(MlpCircuit::new(&wide(), &private), Err(Error::Unsupported { .. })));
    let refused = |change: fn(&mut QuantisedModel)| {
        let mut model = wide();
        change(&mut model);
        let error = MlpCircuit::new(&model, &CircuitOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput, "{error}");
    };
    refused(|m| m.layers.clear());
    refused(|m| m.input.bits = 0);
    refused(|m| m.input.bits = 32);
    refused(|m| m.input.len = 3);
    refused(|m| m.layers[1].inputs = 2);
    refused(|m| m.layers[0].weights.truncate(1));
    refused(|m| m.layers[0].bias.push(1));
    refused(|m| m.layers[0].requantise = None);
    refused(|m| m.layers[1].requantise = Some(Requantise { shift: 1, bits: 1 }));
    refused(|m| m.layers[0].requantise = Some(Requantise { shift: 0, bits: 8 }));
    refused(|m| m.layers[0].requantise = Some(Requantise { shift: 62, bits: 8 }));
    refused(|m| m.layers[0].requantise = Some(Requantise { shift: 4, bits: 32 }));
    refused(|m| m.layers[0].bias[0] = i64::MIN);
    refused(|m| m.layers[0].bias[0] = 1 << 62);

    let circuit = MlpCircuit::new(&wide(), &options(InputMode::Private, OutputMode::Class)).unwrap();
    assert!(circuit.assign(&[1], None).is_err());
    assert!(circuit.assign(&[1, 256], None).is_err());
    assert!(circuit.r1cs().check(&Assignment::new(vec![])).is_err());
    assert!(circuit.r1cs().check(&Assignment::new(vec![Fr::ZERO; circuit.r1cs().num_variables()])).is_err());
    let statement = Statement { input: InputStatement::Private, output: OutputStatement::Class(1) };
    assert!(circuit.public_inputs(&statement).is_err()); // one output has class 0 only
}

#[test]
fn digest_depends_on_every_weight() {
    let digest = |model: &QuantisedModel| {
        let options = options(InputMode::Private, OutputMode::Accumulators);
        MlpCircuit::new(model, &options).unwrap().r1cs().digest()
    };
    let mut changed = wide();
    changed.layers[1].weights[0] = 8;
    assert_eq!(digest(&wide()), digest(&wide()));
    assert_ne!(digest(&wide()), digest(&changed));
}

#[test]
fn exported_r1cs_has_the_layout_of_the_format() {
    let circuit = MlpCircuit::new(&wide(), &options(InputMode::Committed, OutputMode::Accumulators)).unwrap();
    let r1cs = circuit.r1cs();
    let mut file = Vec::new();
    r1cs.write_r1cs(&mut file).unwrap();
    if let Ok(path) = std::env::var("ZKWATT_R1CS_OUT") {
        std::fs::write(path, &file).unwrap();
    }
    let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let u64_at = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
    assert_eq!(&file[..4], b"r1cs");
    assert_eq!((u32_at(4), u32_at(8)), (1, 3));
    let mut at = 12;
    let mut sections = vec![];
    while at < file.len() {
        sections.push((u32_at(at), at + 12, u64_at(at + 4)));
        at += 12 + u64_at(at + 4);
    }
    assert_eq!(at, file.len());
    assert_eq!(sections.iter().map(|s| s.0).collect::<Vec<_>>(), [1, 2, 3]);
    let header = sections[0].1 + 36;
    assert_eq!(u32_at(header), r1cs.num_variables());
    assert_eq!((u32_at(header + 4), u32_at(header + 8)), (2, 0));
    assert_eq!(u32_at(header + 12), r1cs.num_witness());
    assert_eq!(u32_at(header + 24), r1cs.num_constraints());
    assert_eq!(sections[1].2, 12 * r1cs.num_constraints() + 36 * r1cs.non_zeros().iter().sum::<usize>());
    assert_eq!(sections[2].2, 8 * r1cs.num_variables());
}

#[test]
fn ark_matrices_are_the_same_matrices() {
    let circuit = MlpCircuit::new(&wide(), &options(InputMode::Private, OutputMode::Class)).unwrap();
    let r1cs = circuit.r1cs();
    let matrices = r1cs.to_ark_matrices();
    assert_eq!(matrices.len(), 3);
    for (ark, ours) in matrices.iter().zip([r1cs.a(), r1cs.b(), r1cs.c()]) {
        for (i, row) in ark.iter().enumerate() {
            let ours: Vec<(usize, [u64; 4])> = ours.row(i).map(|(c, v)| (c, v.to_montgomery())).collect();
            let ark: Vec<(usize, [u64; 4])> = row.iter().map(|(v, c)| (*c, (v.0).0)).collect();
            assert_eq!(ark, ours);
        }
    }
}
