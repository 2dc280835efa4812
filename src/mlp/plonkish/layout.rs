//! Where everything lies: rows, limbs and columns. Pure; the circuit, its witness and the planner all ask here.
//!
//! ```text
//! rows 0..O                  the outputs
//! layer L−1, …, layer 0      I groups of `blocks` rows for the inputs, then a group for each digit of the bias
//! ```
//!
//! A group holds the weights of one input: its first row those of the last C neurons, the last neuron's in column 0, the
//! next row those of the C neurons before, and so on.
//! An input's value is in column x of the group's first row. A hidden neuron of layer l is input of layer l + 1, and
//! its limbs are found from that same row, limb i in column i mod m, `rotation(i)` rows down. So no cell is ever copied,
//! and the circuit has no permutation argument.

use super::bounds;
use super::forms::{NeuronForm, ValueForm, limbs_for};
use crate::error::{Error, Result};
use crate::mlp::{
    CircuitOptions, InputMode, MAX_ACTIVATION_BITS, MAX_LAYERS, MAX_SHIFT, MAX_WIDTH, OutputMode,
    QuantisedModel, WeightMode,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Largest k of a layout.
pub const MAX_LOG_N: u32 = 24;

/// Most columns of weights, and most inferences in a proof: gates over more would be too deep for upstream, which walks
/// them recursively.
pub const MAX_COLUMNS: usize = 2048;

/// How bytes are looked up.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteLookup {
    /// LogUp as ordinary gates over second-phase columns.
    #[default]
    LogUp,
    /// The proof system's own permuted argument, one for each column.
    Permuted,
}

/// What can be chosen freely; the rest of a [`Layout`] follows from it and the model.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutChoice {
    /// C, the columns of weights.
    pub weight_columns: usize,
    /// m, the columns of limbs of an inference; 0 takes the fewest that fit.
    pub limb_columns: usize,
    /// Degree of the gates, 3 to 5: LogUp takes `degree` − 2 columns to a helper column, and `degree` − 3 more into
    /// the running sum itself.
    pub degree: usize,
    /// How bytes are looked up.
    pub lookup: ByteLookup,
    /// k; 0 takes the smallest that fits.
    pub log_n: u32,
    /// Inferences in one proof.
    pub batch: usize,
}

/// Rows of one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRows {
    /// I.
    pub inputs: usize,
    /// O.
    pub outputs: usize,
    /// First row.
    pub first: usize,
    /// Rows of a group, ⌈O / C⌉.
    pub blocks: usize,
    /// Index of the form of its neurons in [`Layout::forms`]; `None` in the last layer.
    pub form: Option<usize>,
}

/// The arrangement of one circuit; the `Params` of [`PlonkishCircuit`](super::PlonkishCircuit).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// n = 2^k rows.
    pub log_n: u32,
    /// C.
    pub weight_columns: usize,
    /// m, for each inference.
    pub limb_columns: usize,
    /// Degree of the constraint system.
    pub degree: usize,
    /// How bytes are looked up.
    pub lookup: ByteLookup,
    /// Inferences.
    pub batch: usize,
    /// The statement.
    pub options: CircuitOptions,
    /// In the model's order.
    pub layers: Vec<LayerRows>,
    /// Groups of rows for the bias of a layer: 1 if it is public, else its digits.
    pub bias_groups: usize,
    /// Of the inputs.
    pub input: ValueForm,
    /// Of the hidden neurons; layers share a form where they can.
    pub forms: Vec<NeuronForm>,
    /// Limbs of a margin, in [`OutputMode::Class`].
    pub margin_limbs: usize,
    /// Rows between limbs of one column.
    pub limb_distance: usize,
    /// Rows that are not blinded; the last of them ends the running sums.
    pub usable_rows: usize,
}

/// Cells of one kind of row that have limbs.
struct LimbRows {
    rows: Vec<usize>,
    limbs: usize,
}

impl Layout {
    /// Lays `model` out.
    ///
    /// Errors: [`Error::InvalidArgument`] for a choice out of range or a k that is too small; [`Error::Unsupported`] for
    /// private weights or biases that do not fit; those of [`QuantisedModel::validate`].
    pub fn new(model: &QuantisedModel, options: CircuitOptions, choice: LayoutChoice) -> Result<Self> {
        Self::unplaced(model, options)?.placed(choice)
    }

    /// What does not depend on the choice: shapes and forms.
    pub(super) fn unplaced(model: &QuantisedModel, options: CircuitOptions) -> Result<Self> {
        model.validate()?;
        let private = options.weights == WeightMode::Private;
        if private {
            bounds::check_private_weights(model)?;
        }
        let bias_groups = if private { bounds::bias_digits(model) } else { 1 };
        let ranges = bounds::accumulator_ranges(model, options.weights, bias_groups);
        let mut layout =
            Self { options, bias_groups, input: ValueForm { bits: model.input.bits }, ..Self::default() };
        layout.find_forms(model, &ranges);
        if options.output == OutputMode::Class {
            let (min, max) = ranges.last().copied().unwrap_or((0, 0));
            // The margin over class i is at most max − min, minus 1 for smaller indices.
            layout.margin_limbs = limbs_for((max - min) as u128);
        }
        Ok(layout)
    }

    /// The same shapes, placed.
    pub(super) fn placed(&self, choice: LayoutChoice) -> Result<Self> {
        if choice.weight_columns > MAX_COLUMNS || choice.batch > MAX_COLUMNS {
            return Err(Error::Unsupported {
                what: format!(
                    "a layout of {} columns of weights and {} inferences",
                    choice.weight_columns, choice.batch
                ),
                reason: format!("at most {MAX_COLUMNS} of each; use more rows, or several proofs"),
            });
        }
        if choice.weight_columns == 0 || choice.batch == 0 || !(3..=5).contains(&choice.degree) {
            return Err(Error::invalid(
                "layout",
                "needs a weight column, an inference and a degree of 3 to 5 at least",
            ));
        }
        let mut layout = Self {
            weight_columns: choice.weight_columns,
            degree: choice.degree,
            lookup: choice.lookup,
            batch: choice.batch,
            ..self.clone()
        };
        layout.place_rows();
        let logs = if choice.log_n == 0 { 4..=MAX_LOG_N } else { choice.log_n..=choice.log_n };
        for log_n in logs {
            if log_n <= MAX_LOG_N && layout.place_limbs(log_n, choice.limb_columns) {
                return Ok(layout);
            }
        }
        Err(Error::invalid(
            "layout",
            format!(
                "{} rows and the limbs of the model do not fit 2^{} rows with {} weight columns and {} limb columns; \
                 choose more rows or more columns",
                layout.rows(),
                if choice.log_n == 0 { MAX_LOG_N } else { choice.log_n },
                choice.weight_columns,
                choice.limb_columns,
            ),
        ))
    }

    /// The choice that this layout was made with; what was left open is filled in.
    pub fn choice(&self) -> LayoutChoice {
        LayoutChoice {
            weight_columns: self.weight_columns,
            limb_columns: self.limb_columns,
            degree: self.degree,
            lookup: self.lookup,
            log_n: self.log_n,
            batch: self.batch,
        }
    }

    /// Whether this is a layout that [`Layout::new`] could have made; for those who read one from a file.
    ///
    /// Error: [`Error::Format`].
    pub fn check(&self) -> Result<()> {
        let value = |form: ValueForm| (1..=MAX_ACTIVATION_BITS).contains(&form.bits);
        let forms = self
            .forms
            .iter()
            .all(|form| value(form.value) && (1..=MAX_SHIFT).contains(&form.shift) && form.excess <= 8);
        let width = |n: usize| (1..=MAX_WIDTH).contains(&n);
        let chained =
            self.layers.windows(2).all(|pair| pair[0].outputs == pair[1].inputs && pair[0].form.is_some());
        let layers = (1..=MAX_LAYERS).contains(&self.layers.len())
            && chained
            && self.layers.iter().all(|layer| width(layer.inputs) && width(layer.outputs))
            && self.layers.iter().all(|layer| layer.form.is_none_or(|form| form < self.forms.len()))
            && self.layers.last().is_some_and(|layer| layer.form.is_none());
        let rest = value(self.input) && (1..=8).contains(&self.bias_groups) && self.margin_limbs <= 9;
        // Forms are numbered by their first use, and all are used.
        let used = self.layers.iter().filter_map(|layer| layer.form);
        let in_order = used.into_iter().try_fold(0, |next, form| (form <= next).then(|| next.max(form + 1)));
        // Everything else follows from these.
        if forms
            && layers
            && rest
            && in_order == Some(self.forms.len())
            && self.placed(self.choice()).is_ok_and(|again| again == *self)
        {
            return Ok(());
        }
        Err(Error::format("layout", "is none that a model leads to; set the circuit up again"))
    }

    /// One form for all layers of equal shift and bits: the one with the most limbs of e.
    fn find_forms(&mut self, model: &QuantisedModel, ranges: &[(i128, i128)]) {
        for (layer, range) in model.layers.iter().zip(ranges) {
            let form = layer.requantise.map(|requantise| {
                let form = NeuronForm::new(requantise, *range);
                let same = |f: &NeuronForm| f.shift == form.shift && f.value == form.value;
                let found = self.forms.iter().position(same).unwrap_or(self.forms.len());
                match self.forms.get_mut(found) {
                    Some(known) => known.excess = known.excess.max(form.excess),
                    None => self.forms.push(form),
                }
                found
            });
            self.layers.push(LayerRows {
                inputs: layer.inputs,
                outputs: layer.outputs,
                first: 0,
                blocks: 0,
                form,
            });
        }
    }

    fn place_rows(&mut self) {
        let (groups, columns) = (self.bias_groups, self.weight_columns);
        let mut row = self.outputs();
        for layer in self.layers.iter_mut().rev() {
            layer.blocks = layer.outputs.div_ceil(columns);
            layer.first = row;
            row += (layer.inputs + groups) * layer.blocks;
        }
    }

    /// Whether 2^log_n rows are enough; if so, with the fewest limb columns (or exactly `columns`).
    fn place_limbs(&mut self, log_n: u32, columns: usize) -> bool {
        if self.rows() >= 1usize << log_n {
            return false;
        }
        let kinds = self.limb_rows();
        let limbs = kinds.iter().map(|kind| kind.limbs).max().unwrap_or(0);
        let counts = if columns == 0 { 1..=limbs.max(1) } else { columns..=columns };
        self.log_n = log_n;
        for count in counts {
            self.limb_columns = count.min(limbs);
            let per_column = limbs.div_ceil(self.limb_columns.max(1));
            // Blinding rows: an evaluation for each rotation (halo2 counts 3 at least), one for the multi-opening, one
            // to spare; and the row that ends the grand products.
            self.usable_rows = (1usize << log_n).saturating_sub(per_column.max(3) + 3);
            let rows = self.rows();
            if rows >= self.usable_rows || self.usable_rows <= 256 {
                continue;
            }
            for distance in self.distances(&kinds, per_column) {
                self.limb_distance = distance;
                if self.limbs_are_apart(&kinds) {
                    return true;
                }
            }
        }
        false
    }

    /// Candidates for the rows between limbs of one column.
    fn distances(&self, kinds: &[LimbRows], per_column: usize) -> Vec<usize> {
        if per_column <= 1 {
            return vec![0];
        }
        let span = |kinds: &mut dyn Iterator<Item = &LimbRows>| -> usize {
            let rows = kinds.flat_map(|kind| kind.rows.iter().copied());
            let (low, high) =
                rows.fold((usize::MAX, 0), |(low, high), row| (low.min(row), high.max(row + 1)));
            high.saturating_sub(low)
        };
        let mut candidates =
            vec![1, span(&mut kinds.iter().filter(|kind| kind.limbs > 1)), span(&mut kinds.iter())];
        candidates.dedup();
        candidates
    }

    /// No two limbs share a cell, and all lie in looked-up rows.
    fn limbs_are_apart(&self, kinds: &[LimbRows]) -> bool {
        let looked = self.usable_rows - 1;
        let mut taken = vec![false; self.limb_columns * looked];
        kinds.iter().all(|kind| {
            kind.rows.iter().all(|row| {
                (0..kind.limbs).all(|limb| {
                    let (column, rotation) = self.limb(limb);
                    let at = row + rotation;
                    at < looked && !std::mem::replace(&mut taken[column * looked + at], true)
                })
            })
        })
    }

    fn limb_rows(&self) -> Vec<LimbRows> {
        let mut kinds = Vec::new();
        if let Some(first) = self.layers.first() {
            kinds.push(LimbRows {
                rows: (0..first.inputs).map(|j| self.value_row(0, j)).collect(),
                limbs: self.input.limbs(),
            });
        }
        for (l, layer) in self.layers.iter().enumerate() {
            match layer.form.and_then(|form| self.forms.get(form)) {
                Some(form) => kinds.push(LimbRows {
                    rows: (0..layer.outputs).map(|o| self.value_row(l + 1, o)).collect(),
                    limbs: form.limbs(),
                }),
                None => kinds.push(LimbRows { rows: (0..layer.outputs).collect(), limbs: self.margin_limbs }),
            }
        }
        kinds
    }

    /// Rows that the layers take; fewer than [`Layout::usable_rows`].
    pub fn rows(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.first + (layer.inputs + self.bias_groups) * layer.blocks)
    }

    /// O of the last layer.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The row that holds input `j` of layer `l`: x and, counted from here, limbs. In: a layer of the model.
    pub fn value_row(&self, l: usize, j: usize) -> usize {
        self.layers.get(l).map_or(0, |layer| layer.first + j * layer.blocks)
    }

    /// First rows of the groups of the bias of layer `l`, highest digit first.
    pub(super) fn bias_rows(&self, l: usize) -> impl Iterator<Item = usize> + use<> {
        let (inputs, blocks) = self.layers.get(l).map_or((0, 0), |layer| (layer.inputs, layer.blocks));
        let first = self.value_row(l, inputs);
        (0..self.bias_groups).map(move |group| first + group * blocks)
    }

    /// Column (of the inference's limb columns) and rotation of limb `i`. In: there are limbs.
    pub fn limb(&self, i: usize) -> (usize, usize) {
        let columns = self.limb_columns.max(1);
        (i % columns, i / columns * self.limb_distance)
    }

    /// Most limbs of any row.
    pub fn limbs(&self) -> usize {
        self.limb_rows().iter().map(|kind| kind.limbs).max().unwrap_or(0)
    }

    /// Whether any layer has more than C neurons, so that a group has several rows and a column adds these up.
    pub fn has_groups(&self) -> bool {
        self.layers.iter().any(|layer| layer.blocks > 1)
    }

    /// Whether any value has more than 8 bits.
    pub fn has_wide_values(&self) -> bool {
        self.input.is_wide() || self.forms.iter().any(|form| form.value.is_wide())
    }

    /// Whether weights are advice.
    pub fn private_weights(&self) -> bool {
        self.options.weights == WeightMode::Private
    }

    /// The form of what layer `l` reads.
    pub(super) fn value_form(&self, l: usize) -> ValueForm {
        let before = l.checked_sub(1).and_then(|before| self.layers.get(before)?.form);
        before.and_then(|form| self.forms.get(form)).map_or(self.input, |form| form.value)
    }

    /// The advice columns.
    pub fn columns(&self) -> ColumnMap {
        ColumnMap::new(self)
    }

    /// Instance columns of one inference: what is public of the outputs (1, or 2 for a class), then the input if it is public.
    pub fn instances_per_inference(&self) -> usize {
        let outputs = match self.options.output {
            OutputMode::Accumulators => 1,
            OutputMode::Class => 2,
        };
        outputs + usize::from(self.options.input == InputMode::Public)
    }
}

/// Indices of the advice columns. First phase up to `multiplicities`, second phase from `sum` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMap {
    /// Private weights, C columns; empty if they are public.
    pub weights: Range<usize>,
    /// First column of inference 0.
    first: usize,
    /// Columns of an inference.
    width: usize,
    limbs: usize,
    committed: bool,
    /// LogUp's multiplicities.
    pub multiplicities: Option<usize>,
    /// S, the dense layers' running sum.
    pub dense: usize,
    /// T, the accumulators' running sum.
    pub accumulators: usize,
    /// U, the sum of a group's rows.
    pub groups: Option<usize>,
    /// LogUp's helpers.
    pub helpers: Range<usize>,
    /// LogUp's running sum.
    pub sum: Option<usize>,
    /// All of them.
    pub count: usize,
    /// Those of the first phase.
    pub first_phase: usize,
}

impl ColumnMap {
    fn new(layout: &Layout) -> Self {
        let weights = if layout.private_weights() { 0..layout.weight_columns } else { 0..0 };
        let committed = layout.options.input == InputMode::Committed;
        let class = layout.options.output == OutputMode::Class;
        let first = weights.end;
        let width = 1 + layout.limb_columns + usize::from(committed) + usize::from(class);
        let logup = layout.lookup == ByteLookup::LogUp;
        let mut next = first + layout.batch * width;
        let mut take = |wanted: bool| {
            let index = next;
            next += usize::from(wanted);
            wanted.then_some(index)
        };
        let multiplicities = take(logup);
        let dense = first + layout.batch * width + usize::from(logup);
        take(true);
        take(true);
        let groups = take(layout.has_groups());
        let looked = layout.batch * (1 + layout.limb_columns);
        let helpers = if logup { helper_count(looked, layout.degree) } else { 0 };
        let helpers = next..next + helpers;
        let sum = logup.then_some(helpers.end);
        Self {
            weights,
            first,
            width,
            limbs: layout.limb_columns,
            committed,
            multiplicities,
            dense,
            accumulators: dense + 1,
            groups,
            count: helpers.end + usize::from(logup),
            helpers,
            sum,
            first_phase: dense,
        }
    }

    /// x of inference `b`.
    pub fn value(&self, b: usize) -> usize {
        self.first + b * self.width
    }

    /// Limb column `i` of inference `b`.
    pub fn limb(&self, b: usize, i: usize) -> usize {
        self.value(b) + 1 + i
    }

    /// The committed input of inference `b`.
    pub fn input(&self, b: usize) -> Option<usize> {
        self.committed.then(|| self.value(b) + 1 + self.limbs)
    }

    /// The largest output of inference `b`, in [`OutputMode::Class`].
    pub fn largest(&self, b: usize) -> Option<usize> {
        let index = self.value(b) + 1 + self.limbs + usize::from(self.committed);
        (index < self.value(b) + self.width).then_some(index)
    }

    /// The columns whose cells are bytes.
    pub fn looked_up(&self, batch: usize) -> Vec<usize> {
        (0..batch).flat_map(|b| self.value(b)..=self.value(b) + self.limbs).collect()
    }
}

/// Helper columns of LogUp for `looked` columns at `degree`.
pub(super) fn helper_count(looked: usize, degree: usize) -> usize {
    looked.saturating_sub(degree - 3).div_ceil(degree - 2)
}
