//! The values of the advice columns, by phase.

use super::bounds::WEIGHT_OFFSET;
use super::circuit::PlacedWeights;
use super::combine::{combine, powers};
use super::gates::ChallengeMap;
use super::layout::Layout;
use super::logup;
use crate::error::{Error, Result};
use crate::halo2::{ColumnValues, PhaseWitness};
use crate::kernels::{Field, Fr};
use crate::mlp::{Inference, QuantisedModel, arg_max};
use std::sync::Arc;
use zeroize::Zeroize;

/// The witness of one proof: first-phase columns, and how second-phase columns follow from these and the challenges.
#[derive(Clone, Debug)]
pub struct MlpWitness {
    layout: Arc<Layout>,
    pub(super) weights: Arc<PlacedWeights>,
    /// Cells of x and of limbs, as [`super::layout::ColumnMap`] orders them within an inference.
    pub(super) cells: Vec<Vec<i32>>,
    /// The outputs of each inference.
    pub(super) outputs: Vec<Vec<i64>>,
    /// M of each inference, and the class.
    pub(super) largest: Vec<(i64, usize)>,
    /// The committed input of each inference, by row.
    pub(super) inputs: Vec<Vec<i32>>,
}

impl Drop for MlpWitness {
    fn drop(&mut self) {
        self.cells.zeroize();
        self.outputs.zeroize();
        self.largest.fill((0, 0));
        zeroize::optimization_barrier(self.largest.as_slice());
        self.inputs.zeroize();
    }
}

impl MlpWitness {
    pub(super) fn new(
        layout: &Arc<Layout>,
        weights: &Arc<PlacedWeights>,
        model: &QuantisedModel,
        inputs: &[&[u32]],
    ) -> Result<Self> {
        if inputs.len() != layout.batch {
            return Err(Error::LengthMismatch {
                left: "the inputs",
                left_len: inputs.len(),
                right: "the batch",
                right_len: layout.batch,
            });
        }
        let mut witness = Self {
            layout: layout.clone(),
            weights: weights.clone(),
            cells: Vec::new(),
            outputs: Vec::new(),
            largest: Vec::new(),
            inputs: Vec::new(),
        };
        for input in inputs {
            let mut inference = model.infer(input)?;
            witness.push(&inference);
            inference.activations.zeroize();
            inference.accumulators.zeroize();
        }
        Ok(witness)
    }

    pub(super) fn push(&mut self, inference: &Inference) {
        let layout = &self.layout;
        let columns = 1 + layout.limb_columns;
        let mut cells = vec![vec![0i32; layout.usable_rows - 1]; columns];
        let mut limbs = Vec::new();
        let mut set = |row: usize, x: Option<i32>, limbs: &mut Vec<i32>| {
            let mut put = |column: usize, row: usize, value: i32| {
                if let Some(cell) = cells.get_mut(column).and_then(|c| c.get_mut(row)) {
                    *cell = value;
                }
            };
            x.into_iter().for_each(|x| put(0, row, x));
            for (i, limb) in limbs.drain(..).enumerate() {
                let (column, rotation) = layout.limb(i);
                put(1 + column, row + rotation, limb);
            }
        };
        let mut input = Vec::new();
        for (j, value) in inference.activations.first().into_iter().flatten().enumerate() {
            let row = layout.value_row(0, j);
            let x = layout.input.write(*value, &mut limbs);
            set(row, Some(x), &mut limbs);
            input.resize(row, 0);
            input.push(*value as i32);
        }
        for (l, (rows, accumulators)) in layout.layers.iter().zip(&inference.accumulators).enumerate() {
            if let Some(form) = rows.form.and_then(|form| layout.forms.get(form)) {
                for (o, acc) in accumulators.iter().enumerate() {
                    let x = form.write(*acc, &mut limbs);
                    set(layout.value_row(l + 1, o), Some(x), &mut limbs);
                }
            }
        }
        let outputs = inference.outputs();
        let class = arg_max(outputs);
        let largest = outputs.get(class).copied().unwrap_or(0);
        if layout.margin_limbs > 0 {
            for (o, acc) in outputs.iter().enumerate() {
                let margin = i128::from(largest) - i128::from(*acc) - i128::from(o < class);
                limbs.extend((0..layout.margin_limbs).map(|i| (margin >> (8 * i) & 0xff) as i32));
                set(o, None, &mut limbs);
            }
        }
        self.cells.extend(cells);
        self.outputs.push(outputs.to_vec());
        self.largest.push((largest, class));
        self.inputs.push(input);
    }

    fn cells_of(&self, b: usize) -> &[Vec<i32>] {
        let width = 1 + self.layout.limb_columns;
        self.cells.get(b * width..(b + 1) * width).unwrap_or(&[])
    }

    fn multiplicities(&self) -> Vec<i32> {
        let columns: Vec<&[i32]> = self.cells.iter().map(Vec::as_slice).collect();
        logup::multiplicities(&columns, self.layout.usable_rows - 1)
    }

    fn first_phase(&self) -> Vec<ColumnValues> {
        let map = self.layout.columns();
        let mut columns = Vec::with_capacity(map.first_phase);
        if self.layout.private_weights() {
            columns.extend(self.weights.columns.iter().map(|column| ColumnValues::Small(column.clone())));
        }
        for b in 0..self.layout.batch {
            columns.extend(self.cells_of(b).iter().map(|column| ColumnValues::Small(column.clone())));
            if map.input(b).is_some() {
                columns.push(ColumnValues::Small(self.inputs.get(b).cloned().unwrap_or_default()));
            }
            if map.largest(b).is_some() {
                let largest = Fr::from(self.largest.get(b).map_or(0, |largest| largest.0));
                // One row more than outputs: each row is held against the next.
                columns.push(ColumnValues::Field(vec![largest; self.layout.outputs() + 1]));
            }
        }
        if map.multiplicities.is_some() {
            columns.push(ColumnValues::Small(self.multiplicities()));
        }
        columns
    }

    /// Σ_c r^c·W_c of each row.
    fn lines(&self, r: &[Fr]) -> Vec<Fr> {
        let rows = 0..self.layout.rows();
        let views: Vec<&[i32]> = self.weights.columns.iter().map(Vec::as_slice).collect();
        let mut lines = combine(&views, r, rows);
        if self.layout.private_weights() {
            let geometric = r.iter().take(views.len()).fold(Fr::ZERO, |sum, power| sum + *power);
            let offset = geometric * Fr::from(i64::from(WEIGHT_OFFSET));
            lines.iter_mut().for_each(|line| *line += -offset);
        }
        for (row, column, bias) in &self.weights.biases {
            if let (Some(line), Some(power)) = (lines.get_mut(*row), r.get(*column)) {
                *line += Fr::from(*bias) * *power;
            }
        }
        lines
    }

    /// The values of layers' inputs combined over the inferences, at each row.
    fn values(&self, rho: &[Fr]) -> Vec<Fr> {
        let column = |i: usize| -> Vec<&[i32]> {
            (0..self.layout.batch).filter_map(|b| self.cells_of(b).get(i)).map(Vec::as_slice).collect()
        };
        let rows = 0..self.layout.rows();
        let mut values = combine(&column(0), rho, rows.clone());
        let high = if self.layout.has_wide_values() { combine(&column(1), rho, rows) } else { Vec::new() };
        for (l, layer) in
            self.layout.layers.iter().enumerate().filter(|(l, _)| self.layout.value_form(*l).is_wide())
        {
            for row in (0..layer.inputs).map(|j| self.layout.value_row(l, j)) {
                if let (Some(value), Some(high)) = (values.get_mut(row), high.get(row)) {
                    *value += *high * Fr::from(256u64);
                }
            }
        }
        values
    }

    /// What T takes up, as (row, value, whether it is its layer's first).
    fn accumulators(&self, rho: &[Fr]) -> Vec<(usize, Fr, bool)> {
        let layout = &self.layout;
        let combined = |of: &dyn Fn(usize) -> Fr| {
            rho.iter().enumerate().fold(Fr::ZERO, |sum, (b, power)| match b {
                0 => sum + of(0),
                _ => sum + of(b) * *power,
            })
        };
        let mut all = Vec::new();
        for (l, rows) in layout.layers.iter().enumerate() {
            let form = rows.form.and_then(|form| layout.forms.get(form));
            for o in 0..rows.outputs {
                let row = if form.is_some() { layout.value_row(l + 1, o) } else { o };
                let cell = |b: usize, column: usize, row: usize| {
                    self.cells_of(b).get(column).and_then(|c| c.get(row)).copied().unwrap_or(0)
                };
                let limb = |b: usize, i: usize| {
                    let (column, rotation) = layout.limb(i);
                    cell(b, 1 + column, row + rotation)
                };
                let value = match form {
                    Some(form) => combined(&|b| Fr::from(form.accumulator(cell(b, 0, row), |i| limb(b, i)))),
                    None => combined(&|b| self.output(b, o, |i| limb(b, i))),
                };
                all.push((row, value, o == 0));
            }
        }
        all
    }

    /// Output `o` of inference `b`, as the gates see it.
    fn output(&self, b: usize, o: usize, limb: impl Fn(usize) -> i32) -> Fr {
        let outputs = self.outputs.get(b).map_or(&[][..], Vec::as_slice);
        if self.layout.columns().largest(b).is_none() {
            return Fr::from(outputs.get(o).copied().unwrap_or(0));
        }
        let margin: i128 = (0..self.layout.margin_limbs).map(|i| i128::from(limb(i)) << (8 * i)).sum();
        let (largest, class) = self.largest.get(b).copied().unwrap_or_default();
        Fr::from(i128::from(largest) - margin - i128::from(o < class))
    }

    /// S, T, U, helpers and φ.
    ///
    /// Cost, beside [`combine`] over the weights and the inputs: two products for each row with a value, one more with U,
    /// two or three for each accumulator, additions.
    fn second_phase(&self, challenges: &[Fr]) -> Result<Vec<ColumnValues>> {
        let layout = &self.layout;
        let ids = ChallengeMap::new(layout);
        let challenge = |i: usize| {
            challenges.get(i).copied().ok_or_else(|| {
                let reason = format!(
                    "{} are given; the second phase of this circuit needs {}",
                    challenges.len(),
                    ids.count()
                );
                Error::invalid("challenges", reason)
            })
        };
        let r = challenge(ids.neuron)?;
        let rho = ids.batch.map(challenge).transpose()?.unwrap_or(Fr::ONE);
        let (r_powers, rho_powers) = (powers(r, layout.weight_columns + 1), powers(rho, layout.batch));
        let mut lines = self.lines(&r_powers);
        let map = layout.columns();
        let rows = layout.rows();

        // What each row multiplies its line by, and where S begins anew.
        let mut cut = vec![false; rows];
        let mut factors = vec![Fr::ZERO; rows];
        let values = self.values(&rho_powers);
        let inferences = rho_powers.iter().fold(Fr::ZERO, |sum, power| sum + *power);
        for (l, layer) in layout.layers.iter().enumerate() {
            for row in (0..layer.inputs).map(|j| layout.value_row(l, j)) {
                if let (Some(factor), Some(value)) = (factors.get_mut(row), values.get(row)) {
                    *factor = *value;
                }
            }
            for (digit, row) in layout.bias_rows(l).enumerate() {
                let power = layout.bias_groups - 1 - digit;
                if let Some(factor) = factors.get_mut(row) {
                    *factor = inferences * Fr::from(1u128 << (8 * power));
                }
                if let (0, Some(cut)) = (power, cut.get_mut(row)) {
                    *cut = true;
                }
            }
        }
        let shift = r_powers.last().copied().unwrap_or(Fr::ONE);
        if map.groups.is_some() {
            for layer in &layout.layers {
                let end = layer.first + (layer.inputs + layout.bias_groups) * layer.blocks;
                for group in lines.get_mut(layer.first..end).unwrap_or(&mut []).chunks_mut(layer.blocks) {
                    let mut below = Fr::ZERO;
                    for line in group.iter_mut().rev() {
                        *line += shift * below;
                        below = *line;
                    }
                }
            }
            if let (Some(first), true) = (lines.get_mut(..layout.outputs()), layout.private_weights()) {
                first.fill(Fr::ZERO);
            }
        }
        let mut dense = vec![Fr::ZERO; rows];
        let mut sum = Fr::ZERO;
        for (((cell, factor), line), cut) in dense.iter_mut().zip(&factors).zip(&lines).zip(&cut).rev() {
            if *cut {
                sum = Fr::ZERO;
            }
            if !factor.is_zero() {
                sum += *factor * *line;
            }
            *cell = sum;
        }
        let mut takes = vec![None; rows];
        for (row, value, first) in self.accumulators(&rho_powers) {
            if let Some(take) = takes.get_mut(row) {
                *take = Some((value, first));
            }
        }
        let mut accumulators = vec![Fr::ZERO; rows];
        let mut sum = Fr::ZERO;
        for (row, (cell, take)) in accumulators.iter_mut().zip(&takes).enumerate() {
            *cell = sum;
            match take {
                Some((value, true)) => sum = *value,
                Some((value, false)) => sum = sum * r + *value,
                None if row == layout.value_row(0, 0) => sum = Fr::ZERO,
                None => {}
            }
        }
        let mut columns = vec![ColumnValues::Field(dense), ColumnValues::Field(accumulators)];
        if map.groups.is_some() {
            columns.push(ColumnValues::Field(lines));
        }
        if let Some(beta) = ids.lookup {
            let views: Vec<&[i32]> = self.cells.iter().map(Vec::as_slice).collect();
            let active = layout.usable_rows - 1;
            let counts = self.multiplicities();
            columns.extend(logup::second_phase(&views, &counts, active, layout.degree, challenge(beta)?)?);
        }
        Ok(columns)
    }
}

impl PhaseWitness for MlpWitness {
    fn columns(&self, phase: u8, challenges: &[Fr]) -> Result<Vec<ColumnValues>> {
        match phase {
            0 => Ok(self.first_phase()),
            1 => self.second_phase(challenges),
            _ => Err(Error::invalid("phase", format!("is {phase}; the circuit has the phases 0 and 1"))),
        }
    }
}
