//! The proof, once per model, that private weights are bytes.
//!
//! It has the weight columns of the MLP circuit, equal row by row, and looks all of their cells up. Whoever links the
//! commitments of both proofs' columns knows that the weights of an inference are in −128..128 and the biases have
//! the digits that the layout gives them. Without that link an inference is one over weights of the whole field.

use super::circuit::{PlacedWeights, assign_advice, synthesis_error};
use super::layout::{Layout, helper_count};
use super::logup::{self, Rows};
use crate::error::{Error, Result};
use crate::halo2::{ColumnValues, PhaseWitness};
use crate::kernels::Fr;
use halo2_axiom::circuit::{Layouter, SimpleFloorPlanner};
use halo2_axiom::halo2curves::bn256;
use halo2_axiom::plonk::{Advice, Challenge, Circuit, Column, ConstraintSystem, FirstPhase};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Degree of the gates: three columns to a helper, two in the running sum.
const DEGREE: usize = 5;

/// Rows and columns of a [`RangeCircuit`].
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeLayout {
    /// The k of the MLP circuit.
    pub log_n: u32,
    /// C.
    pub weight_columns: usize,
    /// Rows that are not blinded; at least those that hold weights.
    pub usable_rows: usize,
}

/// The circuit, with or without weights.
#[derive(Clone, Debug)]
pub struct RangeCircuit {
    layout: RangeLayout,
    witness: Option<RangeWitness>,
}

/// The witness of a [`RangeCircuit`].
#[derive(Clone, Debug)]
pub struct RangeWitness {
    layout: RangeLayout,
    weights: Arc<PlacedWeights>,
}

impl RangeCircuit {
    /// The circuit for the weights of `layout`, without them: for keys.
    pub fn new(layout: &Layout) -> Self {
        // Blinded: 3 + 2 rows, and one that ends the grand products. That is no more than in the MLP circuit.
        let usable_rows = (1usize << layout.log_n).saturating_sub(6);
        let layout = RangeLayout { log_n: layout.log_n, weight_columns: layout.weight_columns, usable_rows };
        Self { layout, witness: None }
    }

    pub(super) fn with_columns(self, weights: Arc<PlacedWeights>) -> Self {
        Self { witness: Some(RangeWitness { layout: self.layout, weights }), ..self }
    }

    /// Rows and columns.
    pub fn layout(&self) -> RangeLayout {
        self.layout
    }

    /// The advice columns of the weights, in the order of
    /// [`PlonkishCircuit::weight_columns`](super::PlonkishCircuit::weight_columns).
    pub fn weight_columns(&self) -> Vec<usize> {
        (0..self.layout.weight_columns).collect()
    }

    /// The witness, for provers that take it by columns.
    pub fn witness(&self) -> Option<&RangeWitness> {
        self.witness.as_ref()
    }
}

impl PhaseWitness for RangeWitness {
    fn columns(&self, phase: u8, challenges: &[Fr]) -> Result<Vec<ColumnValues>> {
        let views: Vec<&[i32]> = self.weights.columns.iter().map(Vec::as_slice).collect();
        let active = self.layout.usable_rows.saturating_sub(1);
        let counts = logup::multiplicities(&views, active);
        match (phase, challenges) {
            (0, _) => {
                let weights = self.weights.columns.iter().chain([&counts]);
                Ok(weights.map(|column| ColumnValues::Small(column.clone())).collect())
            }
            (1, [beta, ..]) => logup::second_phase(&views, &counts, active, DEGREE, *beta),
            _ => Err(Error::invalid(
                "phase",
                format!("is {phase}; the circuit has two phases and a challenge"),
            )),
        }
    }
}

/// Columns and challenge of a [`RangeCircuit`].
#[derive(Clone, Debug)]
pub struct RangeConfig {
    rows: Rows,
    advice: Vec<Column<Advice>>,
    beta: Challenge,
}

impl Circuit<bn256::Fr> for RangeCircuit {
    type Config = RangeConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = RangeLayout;

    fn params(&self) -> RangeLayout {
        self.layout
    }

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<bn256::Fr>, layout: RangeLayout) -> RangeConfig {
        let mut advice: Vec<_> = (0..=layout.weight_columns).map(|_| meta.advice_column()).collect();
        let beta = meta.challenge_usable_after(FirstPhase);
        let rows = Rows::configure(meta);
        if let Some((multiplicities, weights)) = advice.split_last() {
            let (helpers, sum) = logup::configure(meta, rows, weights, *multiplicities, beta, DEGREE);
            debug_assert_eq!(helpers.len(), helper_count(layout.weight_columns, DEGREE));
            advice.extend(helpers.into_iter().chain([sum]));
        }
        RangeConfig { rows, advice, beta }
    }

    fn configure(meta: &mut ConstraintSystem<bn256::Fr>) -> RangeConfig {
        Self::configure_with_params(meta, RangeLayout::default())
    }

    fn synthesize(
        &self,
        config: RangeConfig,
        mut layouter: impl Layouter<bn256::Fr>,
    ) -> Result<(), halo2_axiom::plonk::Error> {
        let beta = layouter.get_challenge(config.beta);
        layouter.assign_region(
            || "weights",
            |mut region| {
                for (column, row, value) in config.rows.cells(self.layout.usable_rows) {
                    region.assign_fixed(column, row, bn256::Fr::from(value));
                }
                let witness = self.witness.as_ref().map(|w| w as &dyn PhaseWitness);
                let first_phase = self.layout.weight_columns + 1;
                assign_advice(&mut region, &config.advice, first_phase, &[beta], witness)
                    .map_err(synthesis_error)
            },
        )
    }
}
