//! Models, and circuits whose witness is edited before it is assigned.

use crate::halo2::{ColumnValues, PhaseWitness};
use crate::interop::halo2curves::halo2_scalars;
use crate::kernels::Fr;
use crate::mlp::plonkish::circuit::{assign_advice, synthesis_error};
use crate::mlp::plonkish::{
    ByteLookup, Config, InferenceStatement, Layout, LayoutChoice, MlpWitness, PlonkishCircuit,
};
use crate::mlp::{
    CircuitOptions, InputMode, InputSpec, OutputMode, QuantisedLayer, QuantisedModel, Requantise, WeightMode,
};
use halo2_axiom::circuit::{Layouter, SimpleFloorPlanner};
use halo2_axiom::dev::MockProver;
use halo2_axiom::halo2curves::bn256;
use halo2_axiom::plonk::{Circuit, ConstraintSystem, Error};
use std::sync::Arc;

pub fn random(seed: u64) -> impl FnMut(i64, i64) -> i64 {
    let mut state = seed;
    move |low, high| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + ((state >> 33) as i64) % (high - low + 1)
    }
}

/// Weights of 8 bits, biases up to 5000; all hidden layers with the given requantisation.
pub fn model(dims: &[usize], input_bits: u32, requantise: Requantise) -> QuantisedModel {
    let mut random = random(dims.iter().sum::<usize>() as u64);
    let layers = dims.windows(2).enumerate().map(|(l, io)| QuantisedLayer {
        inputs: io[0],
        outputs: io[1],
        weights: (0..io[0] * io[1]).map(|_| random(-128, 127) as i32).collect(),
        bias: (0..io[1]).map(|_| random(-5000, 5000)).collect(),
        requantise: (l + 2 < dims.len()).then_some(requantise),
        accumulator_scale: 1.0,
    });
    let layers = layers.collect();
    let input = InputSpec { len: dims[0], bits: input_bits, scale: 1.0 };
    QuantisedModel { name: "test".into(), input, layers }
}

pub fn inputs(model: &QuantisedModel, count: usize) -> Vec<Vec<u32>> {
    let mut random = random(7);
    let high = (1i64 << model.input.bits) - 1;
    (0..count).map(|_| (0..model.input.len).map(|_| random(0, high) as u32).collect()).collect()
}

pub const BYTES: Requantise = Requantise { shift: 10, bits: 8 };

pub fn choice(weight_columns: usize) -> LayoutChoice {
    LayoutChoice { weight_columns, limb_columns: 0, degree: 4, lookup: ByteLookup::LogUp, log_n: 0, batch: 1 }
}

pub fn options(input: InputMode, output: OutputMode, weights: WeightMode) -> CircuitOptions {
    CircuitOptions { input, output, weights }
}

pub fn private_input() -> CircuitOptions {
    options(InputMode::Private, OutputMode::Accumulators, WeightMode::Public)
}

pub fn views(inputs: &[Vec<u32>]) -> Vec<&[u32]> {
    inputs.iter().map(Vec::as_slice).collect()
}

pub fn instances(circuit: &PlonkishCircuit, statements: &[InferenceStatement]) -> Vec<Vec<bn256::Fr>> {
    let columns = circuit.interface().instances(statements).unwrap();
    columns.iter().map(|column| halo2_scalars(column).to_vec()).collect()
}

pub fn mock<C: Circuit<bn256::Fr>>(log_n: u32, circuit: &C, instances: Vec<Vec<bn256::Fr>>) -> bool {
    let result = MockProver::run(log_n, circuit, instances).unwrap().verify();
    // Shown when a test fails.
    result.map_err(|failures| failures.iter().take(3).for_each(|failure| println!("{failure}"))).is_ok()
}

type Edit = Box<dyn Fn(u8, &mut Vec<ColumnValues>)>;

/// A circuit with a witness of the tests' own making.
pub struct Edited {
    pub circuit: PlonkishCircuit,
    pub witness: MlpWitness,
    /// Applied to the columns of each phase.
    pub edit: Edit,
}

impl Edited {
    pub fn new(circuit: &PlonkishCircuit, inputs: &[Vec<u32>]) -> Self {
        let witness = circuit.with_inputs(&views(inputs)).unwrap().witness().unwrap().clone();
        Self { circuit: circuit.clone(), witness, edit: Box::new(|_, _| ()) }
    }

    /// Whether `MockProver` accepts it for the outputs and classes of its own witness, and inputs as given.
    pub fn accepted(&self, statements: &[InferenceStatement]) -> bool {
        mock(self.circuit.layout().log_n, self, instances(&self.circuit, statements))
    }

    /// The columns of private weights.
    pub fn weights(&mut self) -> &mut Vec<Vec<i32>> {
        &mut Arc::make_mut(&mut self.witness.weights).columns
    }

    pub fn x(&mut self, b: usize, row: usize) -> &mut i32 {
        let width = 1 + self.circuit.layout().limb_columns;
        &mut self.witness.cells[b * width][row]
    }

    /// Limb `i` of the value in `row`.
    pub fn limb(&mut self, b: usize, row: usize, i: usize) -> &mut i32 {
        let layout = self.circuit.layout();
        let (column, rotation) = layout.limb(i);
        let width = 1 + layout.limb_columns;
        &mut self.witness.cells[b * width + 1 + column][row + rotation]
    }
}

impl PhaseWitness for Edited {
    fn columns(&self, phase: u8, challenges: &[Fr]) -> crate::Result<Vec<ColumnValues>> {
        let mut columns = self.witness.columns(phase, challenges)?;
        (self.edit)(phase, &mut columns);
        Ok(columns)
    }
}

impl Circuit<bn256::Fr> for Edited {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Layout;

    fn params(&self) -> Layout {
        self.circuit.layout().clone()
    }

    fn without_witnesses(&self) -> Self {
        unreachable!("keys are made from the circuit itself")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<bn256::Fr>, layout: Layout) -> Config {
        PlonkishCircuit::configure_with_params(meta, layout)
    }

    fn configure(_: &mut ConstraintSystem<bn256::Fr>) -> Config {
        unreachable!("needs a layout")
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<bn256::Fr>) -> Result<(), Error> {
        let challenges: Vec<_> = config.challenges.iter().map(|c| layouter.get_challenge(*c)).collect();
        layouter.assign_region(
            || "edited",
            |mut region| {
                self.circuit.assign_fixed(&config, &mut region);
                let first_phase = self.circuit.layout().columns().first_phase;
                assign_advice(&mut region, &config.advice, first_phase, &challenges, Some(self))
                    .map_err(synthesis_error)
            },
        )
    }
}
