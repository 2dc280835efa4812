//! The circuit as the proof system takes it.

use super::bounds::{WEIGHT_OFFSET, balanced_digits};
use super::gates::Config;
use super::layout::Layout;
use super::logup::constant;
use super::witness::MlpWitness;
use super::{InferenceStatement, LayoutChoice, PlonkishInterface, RangeCircuit};
use crate::error::{Error, Result};
use crate::halo2::{ColumnValues, PhaseWitness};
use crate::interop::halo2curves::{halo2_scalar, scalar};
use crate::kernels::Fr;
use crate::mlp::{CircuitOptions, InputMode, OutputMode, OutputStatement, QuantisedModel};
use halo2_axiom::circuit::{Layouter, Region, SimpleFloorPlanner, Value};
use halo2_axiom::halo2curves::bn256;
use halo2_axiom::plonk::{Advice, Circuit, Column, ConstraintSystem};
use std::sync::Arc;
use zeroize::Zeroize;

/// Weights and biases where the rows want them, one vector a column.
#[derive(Clone, Debug)]
pub(super) struct PlacedWeights {
    /// Rows 0 to the last row of layer 0: weights, or w + 128 and the digits of biases + 128 if they are private.
    pub(super) columns: Vec<Vec<i32>>,
    /// (row, column, value) of public biases.
    pub(super) biases: Vec<(usize, usize, i64)>,
}

impl PlacedWeights {
    fn new(model: &QuantisedModel, layout: &Layout) -> Result<Self> {
        let private = layout.private_weights();
        let mut columns = vec![vec![0i32; layout.rows()]; layout.weight_columns];
        let mut biases = Vec::new();
        for (l, (layer, rows)) in model.layers.iter().zip(&layout.layers).enumerate() {
            if private {
                let end = layout.value_row(l, layer.inputs + layout.bias_groups);
                columns
                    .iter_mut()
                    .filter_map(|c| c.get_mut(rows.first..end))
                    .for_each(|c| c.fill(WEIGHT_OFFSET));
            }
            let offset = if private { WEIGHT_OFFSET } else { 0 };
            for o in 0..layer.outputs {
                let position = layer.outputs - 1 - o;
                let (column, block) = (position % layout.weight_columns, position / layout.weight_columns);
                let mut set = |row: usize, value: i32| {
                    if let Some(cell) = columns.get_mut(column).and_then(|c| c.get_mut(row + block)) {
                        *cell = value;
                    }
                };
                for (j, w) in layer.row(o).iter().enumerate() {
                    set(layout.value_row(l, j), w + offset);
                }
                let bias = layer.bias.get(o).copied().unwrap_or(0);
                if private {
                    let digits = balanced_digits(bias, layout.bias_groups)?;
                    for (row, digit) in layout.bias_rows(l).zip(digits.iter().rev()) {
                        set(row, digit + offset);
                    }
                } else {
                    biases.extend(layout.bias_rows(l).map(|row| (row + block, column, bias)));
                }
            }
        }
        Ok(Self { columns, biases })
    }
}

/// The circuit of one model, with or without a witness.
///
/// Keys are made from it by upstream's `keygen_vk` and `keygen_pk`; with private weights they depend on the layout
/// alone. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct PlonkishCircuit {
    layout: Arc<Layout>,
    weights: Arc<PlacedWeights>,
    model: Arc<QuantisedModel>,
    witness: Option<Arc<MlpWitness>>,
}

impl PlonkishCircuit {
    /// The circuit of `model` in the arrangement that `choice` leads to.
    ///
    /// Errors: those of [`Layout::new`]. Cost: a copy of the weights, 4 bytes for each cell of a weight column.
    pub fn new(model: &QuantisedModel, options: CircuitOptions, choice: LayoutChoice) -> Result<Self> {
        let layout = Layout::new(model, options, choice)?;
        let weights = PlacedWeights::new(model, &layout)?;
        Ok(Self {
            layout: layout.into(),
            weights: weights.into(),
            model: Arc::new(model.clone()),
            witness: None,
        })
    }

    /// The arrangement.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The model.
    pub fn model(&self) -> &QuantisedModel {
        &self.model
    }

    /// What a verifier must know beside the verifying key.
    pub fn interface(&self) -> PlonkishInterface {
        PlonkishInterface::new(&self.layout)
    }

    /// The same circuit with the witness of `inputs`, one for each inference of the batch.
    ///
    /// Errors: another number of inputs; those of [`QuantisedModel::infer`].
    pub fn with_inputs(&self, inputs: &[&[u32]]) -> Result<Self> {
        let witness = MlpWitness::new(&self.layout, &self.weights, &self.model, inputs)?;
        Ok(Self { witness: Some(witness.into()), ..self.clone() })
    }

    /// What a proof for `inputs` states, with the outputs computed.
    ///
    /// Errors: those of [`QuantisedModel::infer`].
    pub fn statements(&self, inputs: &[&[u32]]) -> Result<Vec<InferenceStatement>> {
        let options = &self.layout.options;
        let statement = |input: &&[u32]| {
            let mut inference = self.model.infer(input)?;
            let output = match options.output {
                OutputMode::Accumulators => OutputStatement::Accumulators(inference.outputs().to_vec()),
                OutputMode::Class => OutputStatement::Class(inference.class()),
            };
            inference.activations.zeroize();
            inference.accumulators.zeroize();
            Ok(InferenceStatement {
                input: (options.input == InputMode::Public).then(|| input.to_vec()),
                output,
            })
        };
        inputs.iter().map(statement).collect()
    }

    /// The witness, for provers that take it by columns.
    pub fn witness(&self) -> Option<&MlpWitness> {
        self.witness.as_deref()
    }

    /// The advice columns of the private weights, as [`RangeCircuit::weight_columns`](super::RangeCircuit) row by row;
    /// none if they are public.
    pub fn weight_columns(&self) -> Vec<usize> {
        self.layout.columns().weights.collect()
    }

    /// The cells of the weight columns from row 0; rows behind the last are zero. Private weights are shifted to bytes.
    pub(in crate::mlp) fn weight_values(&self) -> &[Vec<i32>] {
        &self.weights.columns
    }

    /// The advice columns that hold the committed inputs and nothing else, one for each inference.
    pub fn input_columns(&self) -> Vec<usize> {
        let map = self.layout.columns();
        (0..self.layout.batch).filter_map(|b| map.input(b)).collect()
    }

    /// The circuit that proves once per model that the private weights are bytes.
    ///
    /// Errors: [`Error::InvalidArgument`] if the weights are public.
    pub fn range_circuit(&self) -> Result<RangeCircuit> {
        if !self.layout.private_weights() {
            return Err(Error::invalid("weights", "are public; there is nothing to prove of them"));
        }
        Ok(RangeCircuit::new(&self.layout).with_columns(self.weights.clone()))
    }

    pub(super) fn assign_fixed(&self, config: &Config, region: &mut Region<'_, bn256::Fr>) {
        let usable = self.layout.usable_rows;
        for (column, row, value) in config.rows.cells(usable) {
            region.assign_fixed(column, row, bn256::Fr::from(value));
        }
        for (column, row, value) in config.roles.cells(&self.layout) {
            region.assign_fixed(column, row, halo2_scalar(&Fr::from(value)));
        }
        for (column, cells) in config.weights.iter().zip(&self.weights.columns) {
            for (row, value) in cells.iter().enumerate().filter(|(_, value)| **value != 0) {
                region.assign_fixed(*column, row, constant((*value).into()));
            }
        }
        for (row, column, value) in &self.weights.biases {
            if let Some(column) = config.weights.get(*column) {
                region.assign_fixed(*column, *row, constant((*value).into()));
            }
        }
    }
}

/// Writes the columns of the phase that the known challenges tell; nothing while keys are made.
pub(super) fn assign_advice(
    region: &mut Region<'_, bn256::Fr>,
    columns: &[Column<Advice>],
    first_phase: usize,
    challenges: &[Value<bn256::Fr>],
    witness: Option<&dyn PhaseWitness>,
) -> Result<()> {
    let Some(witness) = witness else { return Ok(()) };
    let mut known = Vec::new();
    for challenge in challenges {
        challenge.map(|c| known.push(scalar(&c)));
    }
    let phase = u8::from(known.len() == challenges.len());
    let known: &[Fr] = if phase == 0 { &[] } else { &known };
    let of_phase = if phase == 0 { columns.get(..first_phase) } else { columns.get(first_phase..) };
    for (column, values) in of_phase.unwrap_or(&[]).iter().zip(witness.columns(phase, known)?) {
        let mut assign = |row: usize, value: Fr| {
            region.assign_advice(*column, row, Value::known(halo2_scalar(&value)));
        };
        match &values {
            ColumnValues::Field(values) => values.iter().enumerate().for_each(|(row, v)| assign(row, *v)),
            ColumnValues::Small(values) => {
                values.iter().enumerate().for_each(|(row, v)| assign(row, Fr::from(i64::from(*v))));
            }
        }
    }
    Ok(())
}

/// An error of ours in upstream's type, which has no room for it.
pub(super) fn synthesis_error(_: Error) -> halo2_axiom::plonk::Error {
    halo2_axiom::plonk::Error::Synthesis
}

impl Circuit<bn256::Fr> for PlonkishCircuit {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Layout;

    fn params(&self) -> Layout {
        Layout::clone(&self.layout)
    }

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<bn256::Fr>, layout: Layout) -> Config {
        Config::new(meta, layout)
    }

    /// The arrangement of nothing; everything comes through [`Circuit::configure_with_params`].
    fn configure(meta: &mut ConstraintSystem<bn256::Fr>) -> Config {
        Config::new(meta, Layout { weight_columns: 1, degree: 3, ..Layout::default() })
    }

    fn synthesize(
        &self,
        config: Config,
        mut layouter: impl Layouter<bn256::Fr>,
    ) -> Result<(), halo2_axiom::plonk::Error> {
        let challenges: Vec<_> = config.challenges.iter().map(|c| layouter.get_challenge(*c)).collect();
        // Upstream runs this once a phase, and every region starts at row 0: one region holds all.
        layouter.assign_region(
            || "mlp",
            |mut region| {
                self.assign_fixed(&config, &mut region);
                let witness = self.witness.as_deref().map(|w| w as &dyn PhaseWitness);
                let first_phase = self.layout.columns().first_phase;
                assign_advice(&mut region, &config.advice, first_phase, &challenges, witness)
                    .map_err(synthesis_error)
            },
        )
    }
}
