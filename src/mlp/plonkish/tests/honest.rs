//! Honest witnesses of every kind of layout are accepted, and columns are where the layout says.

use super::support::*;
use crate::halo2::{ColumnValues, PhaseWitness};
use crate::interop::halo2curves::scalar;
use crate::kernels::Fr;
use crate::mlp::plonkish::{ByteLookup, Layout, LayoutChoice, PlonkishCircuit, RangeCircuit};
use crate::mlp::{
    CircuitOptions, InputMode, OutputMode, OutputStatement, QuantisedModel, Requantise, WeightMode,
};
use halo2_axiom::dev::{AdviceCellValue, MockProver};
use halo2_axiom::plonk::{Circuit, ConstraintSystem};

fn check(model: &QuantisedModel, options: CircuitOptions, choice: LayoutChoice) -> PlonkishCircuit {
    let circuit = PlonkishCircuit::new(model, options, choice).unwrap();
    let inputs = inputs(model, choice.batch);
    let statements = circuit.statements(&views(&inputs)).unwrap();
    let honest = circuit.with_inputs(&views(&inputs)).unwrap();
    let layout = circuit.layout();

    let mut cs = ConstraintSystem::default();
    PlonkishCircuit::configure_with_params(&mut cs, layout.clone());
    assert_eq!(layout.usable_rows + cs.blinding_factors() + 1, 1 << layout.log_n, "usable rows");
    let map = layout.columns();
    assert_eq!(cs.num_advice_columns(), map.count);
    let phases = cs.advice_column_phase();
    assert!(phases.iter().enumerate().all(|(i, phase)| (*phase == 0) == (i < map.first_phase)), "phases");

    let columns = instances(&circuit, &statements);
    assert!(mock(layout.log_n, &honest, columns), "{options:?} {choice:?}");
    let interface = circuit.interface();
    let columns = interface.instances(&statements).unwrap();
    assert_eq!(interface.statements(&columns).unwrap(), statements);
    circuit
}

#[test]
fn shapes_of_blocks_and_limbs() {
    for dims in [&[5, 3][..], &[6, 7, 4], &[9, 5, 8, 3], &[1, 1, 1]] {
        for columns in [1, 3, 8] {
            check(&model(dims, 8, BYTES), private_input(), choice(columns));
        }
    }
    for limb_columns in [1, 2, 3, 6] {
        check(&model(&[9, 5, 8, 3], 8, BYTES), private_input(), LayoutChoice { limb_columns, ..choice(4) });
    }
}

#[test]
fn widths_of_values_and_shifts() {
    let cases = [
        (8, 1, 8),
        (8, 8, 8),
        (8, 16, 8),
        (5, 10, 3),
        (1, 12, 1),
        (12, 11, 12),
        (16, 20, 16),
        (8, 13, 9),
        (16, 40, 8),
    ];
    for (input_bits, shift, bits) in cases {
        check(&model(&[6, 7, 5, 3], input_bits, Requantise { shift, bits }), private_input(), choice(4));
    }
    let mut mixed = model(&[6, 7, 5, 6, 3], 8, BYTES);
    mixed.layers[1].requantise = Some(Requantise { shift: 7, bits: 11 });
    mixed.layers[2].requantise = Some(Requantise { shift: 14, bits: 8 });
    check(&mixed, private_input(), choice(4));
}

#[test]
fn modes() {
    for input in [InputMode::Private, InputMode::Public, InputMode::Committed] {
        for output in [OutputMode::Accumulators, OutputMode::Class] {
            for weights in [WeightMode::Public, WeightMode::Private] {
                for (columns, input_bits) in [(3, 8), (9, 11)] {
                    let model = model(&[6, 7, 5], input_bits, BYTES);
                    check(&model, options(input, output, weights), choice(columns));
                }
            }
        }
    }
}

#[test]
fn lookups_and_degrees() {
    let model = model(&[6, 7, 5, 3], 8, BYTES);
    for degree in 3..=5 {
        for limb_columns in [1, 2, 5] {
            check(&model, private_input(), LayoutChoice { degree, limb_columns, ..choice(4) });
        }
    }
    check(&model, private_input(), LayoutChoice { lookup: ByteLookup::Permuted, ..choice(4) });
    // Nothing but x is looked up.
    let single = super::support::model(&[6, 3], 8, BYTES);
    check(&single, private_input(), LayoutChoice { degree: 5, ..choice(4) });
}

#[test]
fn batches() {
    let model = model(&[6, 7, 5, 4], 8, BYTES);
    for (output, input) in
        [(OutputMode::Accumulators, InputMode::Private), (OutputMode::Class, InputMode::Committed)]
    {
        for weights in [WeightMode::Public, WeightMode::Private] {
            let batch = LayoutChoice { batch: 3, ..choice(4) };
            check(&model, options(input, output, weights), batch);
        }
    }
    let wide = super::support::model(&[6, 7, 5, 4], 11, Requantise { shift: 9, bits: 10 });
    check(&wide, private_input(), LayoutChoice { batch: 2, ..choice(4) });
}

#[test]
fn a_network_for_digits() {
    let model = model(&[784, 128, 10], 8, BYTES);
    let circuit = check(&model, private_input(), choice(128));
    assert_eq!((circuit.layout().log_n, circuit.layout().limb_columns), (10, 1));
    let circuit = check(&model, private_input(), choice(32));
    assert_eq!(circuit.layout().log_n, 12);
}

#[test]
fn ties_give_the_first_class() {
    let mut model = model(&[4, 5], 8, BYTES);
    let row = model.layers[0].weights[4..8].to_vec();
    model.layers[0].weights[12..16].copy_from_slice(&row);
    model.layers[0].bias = vec![-5000, 200_000, -5000, 200_000, -5000];
    let circuit =
        check(&model, options(InputMode::Private, OutputMode::Class, WeightMode::Public), choice(5));
    let inputs = inputs(&model, 1);
    assert_eq!(circuit.statements(&views(&inputs)).unwrap()[0].output, OutputStatement::Class(1));
}

#[test]
fn synthesis_and_columns_are_the_same_cells() {
    let model = model(&[6, 7, 5], 8, BYTES);
    let options = options(InputMode::Committed, OutputMode::Class, WeightMode::Private);
    let circuit = PlonkishCircuit::new(&model, options, choice(3)).unwrap();
    let inputs = inputs(&model, 1);
    let honest = circuit.with_inputs(&views(&inputs)).unwrap();
    let statements = circuit.statements(&views(&inputs)).unwrap();
    let mut cs = ConstraintSystem::default();
    let config = PlonkishCircuit::configure_with_params(&mut cs, circuit.layout().clone());
    let prover = MockProver::run(circuit.layout().log_n, &honest, instances(&circuit, &statements)).unwrap();
    let first = honest.witness().unwrap().columns(0, &[]).unwrap();
    for (column, values) in config.advice.iter().zip(&first) {
        let given: Vec<Fr> = match values {
            ColumnValues::Field(values) => values.clone(),
            ColumnValues::Small(values) => values.iter().map(|v| Fr::from(i64::from(*v))).collect(),
        };
        for (row, cell) in prover.advice_values(*column).iter().take(circuit.layout().usable_rows).enumerate()
        {
            let AdviceCellValue::Assigned(cell) = cell else { panic!("poison in a usable row") };
            assert_eq!(scalar(&cell.evaluate()), given.get(row).copied().unwrap_or_default());
        }
    }
    // The committed column is the input and nothing else.
    let committed = circuit.interface().input_column(&inputs[0]).unwrap();
    assert_eq!(first[circuit.input_columns()[0]], ColumnValues::Small(committed));
}

#[test]
fn range_circuit_has_the_weight_columns_of_the_circuit() {
    let model = model(&[6, 7, 5], 8, BYTES);
    let options = options(InputMode::Private, OutputMode::Accumulators, WeightMode::Private);
    for columns in [1, 2, 7] {
        let circuit = PlonkishCircuit::new(&model, options, choice(columns)).unwrap();
        let range = circuit.range_circuit().unwrap();
        let mut cs = ConstraintSystem::default();
        RangeCircuit::configure_with_params(&mut cs, range.layout());
        assert_eq!(range.layout().usable_rows + cs.blinding_factors() + 1, 1 << range.layout().log_n);
        assert!(range.layout().usable_rows >= circuit.layout().usable_rows);
        assert!(mock(range.layout().log_n, &range, vec![]));
        let inputs = inputs(&model, 1);
        let ours = circuit.with_inputs(&views(&inputs)).unwrap().witness().unwrap().columns(0, &[]).unwrap();
        let theirs = range.witness().unwrap().columns(0, &[]).unwrap();
        for (a, b) in circuit.weight_columns().into_iter().zip(range.weight_columns()) {
            assert_eq!(ours[a], theirs[b]);
        }
    }
}

#[test]
fn private_layouts_do_not_depend_on_the_weights() {
    let a = model(&[6, 7, 5], 8, BYTES);
    let mut b = a.clone();
    b.layers.iter_mut().for_each(|layer| {
        layer.weights.fill(0);
        layer.bias.fill(1);
    });
    let options = options(InputMode::Private, OutputMode::Class, WeightMode::Private);
    let layout = |m| PlonkishCircuit::new(m, options, choice(4)).unwrap().layout().clone();
    assert_eq!(layout(&a), layout(&b));
}

#[test]
fn layouts_from_files() {
    let model = model(&[6, 7, 5, 4], 11, BYTES);
    let options = options(InputMode::Committed, OutputMode::Class, WeightMode::Private);
    let layout = PlonkishCircuit::new(&model, options, choice(4)).unwrap().layout().clone();
    let read: Layout = serde_json::from_str(&serde_json::to_string(&layout).unwrap()).unwrap();
    assert_eq!(read, layout);
    read.check().unwrap();
    let edits: [fn(&mut Layout); 10] = [
        |l| l.layers[1].first += 1,
        |l| l.layers[0].form = Some(7),
        |l| l.layers[0].form = None,
        |l| l.layers[2].inputs = 3,
        |l| l.layers[0].outputs = usize::MAX,
        |l| l.layers.clear(),
        |l| l.usable_rows += 1,
        |l| l.limb_distance = 1 << 40,
        |l| l.forms[0].shift = 64,
        |l| l.weight_columns = 0,
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        let mut wrong = layout.clone();
        edit(&mut wrong);
        assert!(wrong.check().is_err(), "edit {i}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let model = model(&[6, 7, 5], 8, BYTES);
    let of = |options, choice| PlonkishCircuit::new(&model, options, choice).map(drop);
    assert!(of(private_input(), LayoutChoice { log_n: 8, ..choice(4) }).is_err());
    assert!(of(private_input(), LayoutChoice { weight_columns: 0, ..choice(4) }).is_err());
    assert!(of(private_input(), LayoutChoice { degree: 6, ..choice(4) }).is_err());
    assert!(of(private_input(), LayoutChoice { batch: 0, ..choice(4) }).is_err());
    let private = options(InputMode::Private, OutputMode::Accumulators, WeightMode::Private);
    let mut large = model.clone();
    large.layers[0].weights[3] = 128;
    assert!(PlonkishCircuit::new(&large, private, choice(4)).is_err());
    assert!(PlonkishCircuit::new(&large, private_input(), choice(4)).is_ok());
    let mut large = model.clone();
    large.layers[1].bias[0] = 1 << 40;
    assert!(PlonkishCircuit::new(&large, private, choice(4)).is_err());
    let circuit = PlonkishCircuit::new(&model, private_input(), choice(4)).unwrap();
    assert!(circuit.with_inputs(&[]).is_err());
    assert!(circuit.with_inputs(&[&[256, 0, 0, 0, 0, 0]]).is_err());
    assert!(circuit.range_circuit().is_err());
}
