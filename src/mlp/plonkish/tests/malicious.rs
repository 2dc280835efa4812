//! For each condition of the circuit a witness that breaks that one alone, with everything behind it recomputed; and
//! the gate that must notice.

use super::support::*;
use crate::halo2::ColumnValues;
use crate::kernels::{Field, Fr};
use crate::mlp::plonkish::circuit::PlacedWeights;
use crate::mlp::plonkish::{
    ByteLookup, InferenceStatement, LayoutChoice, NeuronForm, PlonkishCircuit, RangeCircuit,
};
use crate::mlp::{
    CircuitOptions, Inference, InputMode, OutputMode, OutputStatement, QuantisedModel, Requantise, WeightMode,
};
use halo2_axiom::dev::MockProver;

const GATES: [&str; 4] = ["logup", "dense", "accumulators", "cells"];

struct Case {
    model: QuantisedModel,
    circuit: PlonkishCircuit,
    input: Vec<u32>,
    inference: Inference,
}

impl Case {
    fn new(dims: &[usize], input_bits: u32, requantise: Requantise, options: CircuitOptions) -> Self {
        let model = model(dims, input_bits, requantise);
        let circuit = PlonkishCircuit::new(&model, options, choice(4)).unwrap();
        let input = inputs(&model, 1).remove(0);
        let inference = model.infer(&input).unwrap();
        Self { model, circuit, input, inference }
    }

    fn bytes() -> Self {
        Self::new(&[6, 7, 5], 8, BYTES, private_input())
    }

    fn form(&self) -> NeuronForm {
        self.circuit.layout().forms[0]
    }

    fn row(&self, neuron: usize) -> usize {
        self.circuit.layout().value_row(1, neuron)
    }

    /// A neuron of layer 0 with `wanted` of its quotient.
    fn neuron(&self, wanted: impl Fn(i64) -> bool) -> usize {
        let shift = self.model.layers[0].requantise.unwrap().shift;
        let quotient = |acc: &i64| (acc + (1 << (shift - 1))) >> shift;
        self.inference.accumulators[0].iter().position(|acc| wanted(quotient(acc))).expect("such a neuron")
    }

    fn honest(&self) -> Edited {
        Edited::new(&self.circuit, std::slice::from_ref(&self.input))
    }

    /// The witness of an inference that may be wrong.
    fn of(&self, inference: &Inference) -> Edited {
        let mut edited = self.honest();
        edited.witness.cells.clear();
        edited.witness.outputs.clear();
        edited.witness.largest.clear();
        edited.witness.inputs.clear();
        edited.witness.push(inference);
        edited
    }

    /// The inference that goes on from another activation of layer 0.
    fn with_activation(&self, neuron: usize, value: i64) -> Inference {
        let mut inference = self.inference.clone();
        inference.activations[1][neuron] = value as u32;
        inference.accumulators[1] = self.model.layers[1].accumulate(&inference.activations[1]).unwrap();
        inference
    }

    /// A witness in which neuron `neuron` passes `value` on, with limbs still those of its accumulator.
    fn passing(&self, neuron: usize, value: i64) -> Edited {
        let mut edited = self.of(&self.with_activation(neuron, value));
        let row = self.row(neuron);
        *edited.x(0, row) = value as i32;
        edited
    }
}

fn outputs(edited: &Edited) -> Vec<InferenceStatement> {
    let outputs = edited.witness.outputs.iter();
    outputs
        .map(|o| InferenceStatement { input: None, output: OutputStatement::Accumulators(o.clone()) })
        .collect()
}

/// The gates that fail.
fn failures(edited: &Edited, statements: &[InferenceStatement]) -> Vec<&'static str> {
    let columns = instances(&edited.circuit, statements);
    let prover = MockProver::run(edited.circuit.layout().log_n, edited, columns).unwrap();
    let failures = prover.verify().err().unwrap_or_default();
    let failures: Vec<String> = failures.iter().map(|failure| format!("{failure:?}")).collect();
    let named = GATES.into_iter().filter(|name| failures.iter().any(|f| f.contains(&format!("{name:?}"))));
    let named: Vec<_> = named.collect();
    assert_eq!(named.is_empty(), failures.is_empty(), "{failures:?}");
    named
}

#[track_caller]
fn fails(edited: &Edited, expected: &[&str]) {
    assert_eq!(failures(edited, &outputs(edited)), expected);
}

#[test]
fn honest_witnesses_of_these_cases_pass() {
    let case = Case::bytes();
    fails(&case.honest(), &[]);
    fails(&case.of(&case.inference), &[]);
}

#[test]
fn input_beyond_its_range() {
    // A byte, by the lookup alone.
    let case = Case::bytes();
    let mut wide = case.model.clone();
    wide.input.bits = 9;
    let mut input = case.input.clone();
    input[2] = 300;
    let mut edited = case.of(&wide.infer(&input).unwrap());
    *edited.x(0, case.circuit.layout().value_row(0, 2)) = 300;
    fails(&edited, &["logup"]);
    // A running sum that ends in zero all the same.
    let sum = case.circuit.layout().columns().sum.unwrap() - case.circuit.layout().columns().first_phase;
    let last = case.circuit.layout().usable_rows - 1;
    edited.edit = Box::new(move |phase, columns| {
        if let (1, Some(ColumnValues::Field(sum))) = (phase, columns.get_mut(sum)) {
            sum[last] = Fr::ZERO;
        }
    });
    fails(&edited, &["logup"]);
    // 5 bits: 40 is a byte, its scaled copy 320 is none.
    let case = Case::new(&[6, 7, 5], 5, BYTES, private_input());
    let mut wide = case.model.clone();
    wide.input.bits = 8;
    let mut input = case.input.clone();
    input[1] = 40;
    let row = case.circuit.layout().value_row(0, 1);
    let mut edited = case.of(&wide.infer(&input).unwrap());
    assert_eq!(*edited.limb(0, row, 0), 320);
    fails(&edited, &["logup"]);
    *edited.limb(0, row, 0) = 320 - 256;
    fails(&edited, &["cells"]);
}

#[test]
fn permuted_lookup_sees_input_beyond_its_range() {
    let case = Case::bytes();
    let choice = LayoutChoice { lookup: ByteLookup::Permuted, ..choice(4) };
    let circuit = PlonkishCircuit::new(&case.model, private_input(), choice).unwrap();
    let case = Case { circuit, ..case };
    assert!(case.honest().accepted(&outputs(&case.honest())));
    let mut wide = case.model.clone();
    wide.input.bits = 9;
    let mut input = case.input.clone();
    input[2] = 300;
    let mut edited = case.of(&wide.infer(&input).unwrap());
    *edited.x(0, case.circuit.layout().value_row(0, 2)) = 300;
    assert!(!edited.accepted(&outputs(&edited)));
}

#[test]
fn activation_that_is_not_the_quotient() {
    let case = Case::bytes();
    let form = case.form();
    let neuron = case.neuron(|q| (2..254).contains(&q));
    let y = i64::from(case.inference.activations[1][neuron]);
    let row = case.row(neuron);
    // Accumulator off by 2^s.
    fails(&case.passing(neuron, y + 1), &["dense"]);
    // The rest as an excess: e·(y − Y) ≠ 0.
    let mut edited = case.passing(neuron, y - 1);
    *edited.limb(0, row, form.excess_at()) = 1;
    fails(&edited, &["cells"]);
    // A negative remainder.
    let mut edited = case.passing(neuron, y + 1);
    *edited.limb(0, row, form.remainder_at()) -= 1 << form.shift;
    fails(&edited, &["logup"]);
    // A remainder of 2^s and more, in bytes: its scaled copy is none, or none of it.
    let top = form.remainder_at() + form.remainder_limbs() - 1;
    let mut edited = case.passing(neuron, y - 1);
    *edited.limb(0, row, top) += 1 << (form.shift - 8);
    let scaled = *edited.limb(0, row, top) << form.remainder_scale().unwrap();
    *edited.limb(0, row, top + 1) = scaled;
    fails(&edited, &["logup"]);
    *edited.limb(0, row, top + 1) = scaled & 0xff;
    fails(&edited, &["cells"]);
}

#[test]
fn wrong_clamps_and_signs() {
    let case = Case::new(&[6, 7, 5], 8, Requantise { shift: 7, bits: 8 }, private_input());
    let form = case.form();
    let sign = form.sign_at().unwrap();
    let negative = case.neuron(|q| q < -1);
    let row = case.row(negative);
    let mut honest = case.honest();
    assert_eq!(*honest.limb(0, row, sign), 1);
    // The sign of a clamped neuron.
    *honest.limb(0, row, sign) = 0;
    fails(&honest, &["dense", "cells"]);
    // Clamped to the other bound, with a negative excess.
    let shift = form.shift;
    let quotient = (case.inference.accumulators[0][negative] + (1 << (shift - 1))) >> shift;
    let mut edited = case.passing(negative, 255);
    *edited.limb(0, row, sign) = 0;
    (1..form.excess).for_each(|i| *edited.limb(0, row, form.excess_at() + i) = 0);
    *edited.limb(0, row, form.excess_at()) = (quotient - 255) as i32;
    fails(&edited, &["logup"]);
    // A saturated neuron passed on below the bound.
    let large = case.neuron(|q| q > 256);
    let quotient = (case.inference.accumulators[0][large] + (1 << (shift - 1))) >> shift;
    let mut edited = case.passing(large, 254);
    let excess = quotient - 254;
    (0..form.excess).for_each(|i| {
        *edited.limb(0, case.row(large), form.excess_at() + i) = (excess >> (8 * i) & 255) as i32
    });
    fails(&edited, &["cells"]);
    // A sign that is none, where it changes nothing else.
    let inside = case.neuron(|q| (0..256).contains(&q));
    let mut edited = case.honest();
    *edited.limb(0, case.row(inside), sign) = 2;
    fails(&edited, &["cells"]);
}

#[test]
fn activation_beyond_its_bits() {
    for (shift, bits) in [(10, 3), (8, 9)] {
        let mut case = Case::new(&[6, 7, 5], 10, Requantise { shift, bits }, private_input());
        case.inference = case.model.infer(&case.input).unwrap();
        let form = case.form();
        let neuron = case.neuron(|q| q > 1 << bits);
        let quotient = (case.inference.accumulators[0][neuron] + (1 << (shift - 1))) >> shift;
        let row = case.row(neuron);
        // Unclamped: y = q, e = 0.
        let mut edited = case.of(&case.with_activation(neuron, quotient));
        let (x, high) = if bits > 8 { (quotient & 255, quotient >> 8) } else { (quotient, 0) };
        *edited.x(0, row) = x as i32;
        let top = if bits > 8 { high } else { x } << form.value.scale().unwrap();
        if bits > 8 {
            *edited.limb(0, row, 0) = high as i32;
        }
        (0..form.excess).for_each(|i| *edited.limb(0, row, form.excess_at() + i) = 0);
        let copy = form.value.limbs() - 1;
        *edited.limb(0, row, copy) = top as i32;
        fails(&edited, &["logup"]);
        *edited.limb(0, row, copy) = top as i32 & 255;
        fails(&edited, &["cells"]);
    }
}

#[test]
fn multiplicities() {
    let case = Case::bytes();
    let column = case.circuit.layout().columns().multiplicities.unwrap();
    for row in [0, 5, 255] {
        let mut edited = case.honest();
        edited.edit = Box::new(move |phase, columns| {
            if let (0, ColumnValues::Small(m)) = (phase, &mut columns[column]) {
                m[row] += 1;
            }
        });
        fails(&edited, &["logup"]);
    }
    // Behind the table.
    let mut edited = case.honest();
    edited.edit = Box::new(move |phase, columns| {
        if let (0, ColumnValues::Small(m)) = (phase, &mut columns[column]) {
            m.resize(300, 0);
            m.push(1);
        }
    });
    fails(&edited, &["logup"]);
}

#[test]
fn wrong_outputs() {
    let case = Case::bytes();
    for o in 0..5 {
        for by in [1, -1, 1 << 10, i64::MAX / 2] {
            let mut edited = case.honest();
            edited.witness.outputs[0][o] += by;
            fails(&edited, &["dense"]);
        }
    }
    // T as the true outputs make it.
    let edited = case.honest();
    let mut statement = outputs(&edited);
    if let OutputStatement::Accumulators(values) = &mut statement[0].output {
        values.swap(0, 1);
    }
    assert_eq!(failures(&edited, &statement), ["accumulators"]);
}

#[test]
fn errors_of_two_layers_do_not_cancel() {
    let case = Case::bytes();
    let form = case.form();
    for neuron in 0..7 {
        for o in 0..5 {
            let mut edited = case.honest();
            // Within the same quotient: no activation changes.
            let limb = edited.limb(0, case.row(neuron), form.remainder_at());
            let by = if *limb < 255 { 1 } else { -1 };
            *limb += by;
            edited.witness.outputs[0][o] -= i64::from(by);
            fails(&edited, &["dense"]);
        }
    }
}

#[test]
fn running_sums_begin_anew() {
    let case = Case::bytes();
    let layout = case.circuit.layout();
    let map = layout.columns();
    // One more in every row of a sum from its beginning to where it is read: only the beginning fails.
    let (layer, last_group) = (layout.value_row(1, 0), layout.bias_rows(1).next().unwrap());
    for (column, rows, gate) in
        [(map.dense, layer..last_group + 1, "dense"), (map.accumulators, 0..1, "accumulators")]
    {
        let mut edited = case.honest();
        edited.edit = Box::new(move |phase, columns| {
            if let (1, ColumnValues::Field(sum)) = (phase, &mut columns[column - map.first_phase]) {
                sum[rows.clone()].iter_mut().for_each(|cell| *cell += Fr::ONE);
            }
        });
        assert!(failures(&edited, &outputs(&edited)).contains(&gate));
    }
    // An offset of T that the first output takes back.
    let mut edited = case.honest();
    edited.edit = Box::new(move |phase, columns| {
        if let (1, ColumnValues::Field(sum)) = (phase, &mut columns[map.accumulators - map.first_phase]) {
            sum[0] = Fr::ONE;
        }
    });
    let mut statement = outputs(&edited);
    if let OutputStatement::Accumulators(values) = &mut statement[0].output {
        values[0] -= 1;
    }
    assert_eq!(failures(&edited, &statement), ["accumulators"]);
}

#[test]
fn cells_that_nothing_reads_change_nothing() {
    let case = Case::bytes();
    let layout = case.circuit.layout().clone();
    let mut edited = case.honest();
    for row in layout.bias_rows(0).chain(layout.bias_rows(1)).chain([layout.value_row(0, 3) + 1, 0]) {
        *edited.x(0, row) = 77;
    }
    fails(&edited, &[]);
}

#[test]
fn public_and_committed_inputs() {
    let case = Case::new(
        &[6, 7, 5],
        8,
        BYTES,
        options(InputMode::Public, OutputMode::Accumulators, WeightMode::Public),
    );
    let edited = case.honest();
    let mut statements = case.circuit.statements(&[&case.input]).unwrap();
    assert_eq!(failures(&edited, &statements), [""; 0]);
    statements[0].input.as_mut().unwrap()[3] ^= 1;
    assert_eq!(failures(&edited, &statements), ["cells"]);

    for bits in [8, 13] {
        let options = options(InputMode::Committed, OutputMode::Accumulators, WeightMode::Public);
        let case = Case::new(&[6, 7, 5], bits, BYTES, options);
        for j in 0..6 {
            let mut edited = case.honest();
            edited.witness.inputs[0][case.circuit.layout().value_row(0, j)] += 1;
            fails(&edited, &["cells"]);
        }
    }
}

#[test]
fn wrong_classes() {
    let class = options(InputMode::Private, OutputMode::Class, WeightMode::Public);
    let case = Case::new(&[6, 7, 5], 8, BYTES, class);
    let acc = case.inference.outputs().to_vec();
    let truth = case.inference.class();
    let statement = |class| [InferenceStatement { input: None, output: OutputStatement::Class(class) }];
    assert_eq!(failures(&case.honest(), &statement(truth)), [""; 0]);
    let margin_limbs = case.circuit.layout().margin_limbs;
    for wrong in (0..5).filter(|c| *c != truth) {
        // The honest witness, another statement.
        let failed = failures(&case.honest(), &statement(wrong));
        assert!(failed.contains(&"cells") || failed.contains(&"accumulators"), "{failed:?}");
        // With M the accumulator of the wrong class, the margin over the true one is negative.
        let mut edited = case.honest();
        edited.witness.largest[0] = (acc[wrong], wrong);
        for (o, value) in acc.iter().enumerate() {
            let margin = acc[wrong] - value - i64::from(o < wrong);
            for i in 0..margin_limbs {
                let limb = if margin < 0 { if i == 0 { margin } else { 0 } } else { margin >> (8 * i) & 255 };
                *edited.limb(0, o, i) = limb as i32;
            }
        }
        assert_eq!(failures(&edited, &statement(wrong)), ["logup"]);
        // With M the largest, the class has a margin.
        let mut edited = case.honest();
        edited.witness.largest[0] = (acc[truth], wrong);
        for (o, value) in acc.iter().enumerate() {
            let margin = (acc[truth] - value - i64::from(o < wrong)).max(0);
            (0..margin_limbs).for_each(|i| *edited.limb(0, o, i) = (margin >> (8 * i) & 255) as i32);
        }
        assert!(failures(&edited, &statement(wrong)).contains(&"cells"));
        // An M of its own for each row.
        let mut edited = case.honest();
        edited.witness.largest[0] = (acc[truth], wrong);
        (0..5).for_each(|o| (0..margin_limbs).for_each(|i| *edited.limb(0, o, i) = 0));
        let column = case.circuit.layout().columns().largest(0).unwrap();
        let rows: Vec<Fr> = acc.iter().enumerate().map(|(o, v)| Fr::from(v + i64::from(o < wrong))).collect();
        edited.edit = Box::new(move |phase, columns| {
            if let (0, ColumnValues::Field(largest)) = (phase, &mut columns[column]) {
                largest[..5].copy_from_slice(&rows);
            }
        });
        assert!(failures(&edited, &statement(wrong)).contains(&"cells"));
    }
}

#[test]
fn a_tie_is_not_the_later_class() {
    let class = options(InputMode::Private, OutputMode::Class, WeightMode::Public);
    let mut case = Case::new(&[4, 5], 8, BYTES, class);
    let row = case.model.layers[0].weights[4..8].to_vec();
    case.model.layers[0].weights[12..16].copy_from_slice(&row);
    case.model.layers[0].bias = vec![0, 200_000, 0, 200_000, 0];
    case.circuit = PlonkishCircuit::new(&case.model, class, choice(4)).unwrap();
    let acc = case.model.infer(&case.input).unwrap().outputs().to_vec();
    let mut edited = case.honest();
    edited.witness.largest[0].1 = 3;
    for (o, value) in acc.iter().enumerate() {
        let margin = acc[3] - value - i64::from(o < 3);
        let limbs = case.circuit.layout().margin_limbs;
        (0..limbs).for_each(|i| {
            *edited.limb(0, o, i) =
                if margin < 0 { -i32::from(i == 0) } else { (margin >> (8 * i) & 255) as i32 }
        });
    }
    let statement = [InferenceStatement { input: None, output: OutputStatement::Class(3) }];
    assert_eq!(failures(&edited, &statement), ["logup"]);
}

fn private() -> Case {
    Case::new(
        &[6, 7, 5],
        8,
        BYTES,
        options(InputMode::Private, OutputMode::Accumulators, WeightMode::Private),
    )
}

#[test]
fn private_weights_must_be_the_ones_that_were_used() {
    let case = private();
    let layout = case.circuit.layout().clone();
    let rows = [
        layout.value_row(0, 2),
        layout.value_row(0, 2) + 1,
        layout.value_row(1, 3),
        layout.bias_rows(0).next().unwrap(),
    ];
    for row in rows {
        // Column 3 of the second row of a group of 7 neurons is no neuron's, and still counts.
        for column in 0..4 {
            let mut edited = case.honest();
            edited.weights()[column][row] += 1;
            let factor = edited.witness.cells[0][layout.value_row(1, 3)];
            if row != rows[2] || factor != 0 {
                fails(&edited, &["dense"]);
            }
        }
    }
    // Outside of the rows of weights nothing is read.
    let mut edited = case.honest();
    for column in edited.weights() {
        column[0] = 9;
        column[layout.outputs() - 1] = 200;
        column.resize(layout.usable_rows, 5);
    }
    fails(&edited, &[]);
}

#[test]
fn private_weights_beyond_bytes_are_left_to_the_range_circuit() {
    let case = private();
    let layout = case.circuit.layout().clone();
    let mut wide = case.model.clone();
    wide.layers[0].weights[2] = 400;
    // The outputs that this weight leads to, so that nothing else is wrong.
    let mut edited = case.of(&wide.infer(&case.input).unwrap());
    let private = edited.weights();
    // Neuron 0 of 7 is at position 6: column 2 of the second row.
    private[2][layout.value_row(0, 2) + 1] = 400 + 128;
    let columns = private.clone();
    fails(&edited, &[]);
    let range = |columns| {
        let weights = PlacedWeights { columns, biases: vec![] };
        RangeCircuit::new(&layout).with_columns(weights.into())
    };
    assert!(!mock(layout.log_n, &range(columns.clone()), vec![]));
    let mut columns = columns;
    columns[2][layout.value_row(0, 2) + 1] = 255;
    assert!(mock(layout.log_n, &range(columns.clone()), vec![]));
    columns[3][layout.rows() - 1] = -1;
    assert!(!mock(layout.log_n, &range(columns), vec![]));
}

#[test]
fn inferences_of_a_batch_are_apart() {
    let model = model(&[6, 7, 5], 8, BYTES);
    for weights in [WeightMode::Public, WeightMode::Private] {
        let options = options(InputMode::Private, OutputMode::Accumulators, weights);
        let circuit = PlonkishCircuit::new(&model, options, LayoutChoice { batch: 3, ..choice(4) }).unwrap();
        let inputs = inputs(&model, 3);
        fails(&Edited::new(&circuit, &inputs), &[]);
        let mut swapped = Edited::new(&circuit, &inputs);
        swapped.witness.outputs.swap(0, 2);
        fails(&swapped, &["dense"]);
        // Would cancel if one challenge combined neurons and inferences.
        let mut collision = Edited::new(&circuit, &inputs);
        collision.witness.outputs[0][1] += 1;
        collision.witness.outputs[1][0] -= 1;
        fails(&collision, &["dense"]);
        let mut input = Edited::new(&circuit, &inputs);
        let row = circuit.layout().value_row(0, 4);
        *input.x(1, row) ^= 1;
        fails(&input, &["dense"]);
    }
}

#[test]
fn limbs_never_share_a_cell() {
    for dims in [&[784, 128, 10][..], &[20, 64, 32, 10], &[300, 5, 5, 5, 5]] {
        for (columns, limb_columns) in [(4, 0), (16, 0), (128, 0), (32, 3)] {
            let model = model(dims, 8, Requantise { shift: 12, bits: 9 });
            let choice = LayoutChoice { limb_columns, ..choice(columns) };
            let Ok(circuit) = PlonkishCircuit::new(&model, private_input(), choice) else { continue };
            let layout = circuit.layout();
            let mut seen = std::collections::HashSet::new();
            for l in 1..dims.len() - 1 {
                for o in 0..dims[l] {
                    for i in 0..layout.forms[0].limbs() {
                        let (column, rotation) = layout.limb(i);
                        let row = layout.value_row(l, o) + rotation;
                        assert!(
                            row + 1 < layout.usable_rows && seen.insert((column, row)),
                            "{dims:?} {choice:?}"
                        );
                    }
                }
            }
        }
    }
}
