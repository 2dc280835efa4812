//! The gates of the circuit, as the module's documentation states them.

use super::layout::{ByteLookup, ColumnMap, Layout};
use super::logup::{self, Rows, constant};
use crate::mlp::plonkish::bounds::WEIGHT_OFFSET;
use crate::mlp::plonkish::forms::{NeuronForm, ValueForm};
use crate::mlp::{InputMode, OutputMode};
use halo2_axiom::halo2curves::bn256::Fr;
use halo2_axiom::plonk::{
    Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance, SecondPhase,
    VirtualCells,
};
use halo2_axiom::poly::Rotation;

type Expr = Expression<Fr>;

/// Rows by role: fixed columns that are 1 there, unless stated otherwise.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    /// x is an input of a layer.
    pub(super) value: Column<Fixed>,
    /// The same, where it has more than 8 bits.
    pub(super) wide: Option<Column<Fixed>>,
    /// 256^d in the first row of a group of digit d of a bias.
    pub(super) bias: Column<Fixed>,
    /// The first row of each layer's last group, where S begins anew. With public biases, `bias` itself.
    pub(super) cut: Column<Fixed>,
    /// The first row of each layer, where S and T are compared and T begins anew.
    pub(super) start: Column<Fixed>,
    /// An accumulator that is not its layer's first.
    pub(super) more: Column<Fixed>,
    /// A hidden neuron, by form.
    pub(super) neurons: Vec<Column<Fixed>>,
    /// An output, where its margin is checked.
    pub(super) output: Option<Column<Fixed>>,
    /// An input of the model, where its limbs or its link to a commitment or an instance are checked.
    pub(super) input: Option<Column<Fixed>>,
    /// The group goes on in the next row.
    pub(super) group: Option<Column<Fixed>>,
    /// Rows with private weights, where groups are summed.
    pub(super) weights: Option<Column<Fixed>>,
}

/// Columns and challenges of the circuit.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) layout: Layout,
    /// Public weights.
    pub(super) weights: Vec<Column<Fixed>>,
    pub(super) rows: Rows,
    pub(super) roles: Roles,
    /// All advice columns, by index.
    pub(super) advice: Vec<Column<Advice>>,
    pub(super) challenges: Vec<Challenge>,
}

/// Positions of the challenges. ρ is there for several inferences, β for LogUp.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct ChallengeMap {
    pub(super) neuron: usize,
    pub(super) batch: Option<usize>,
    pub(super) lookup: Option<usize>,
}

impl ChallengeMap {
    pub(super) fn new(layout: &Layout) -> Self {
        let batch = (layout.batch > 1).then_some(1);
        let lookup = (layout.lookup == ByteLookup::LogUp).then_some(1 + usize::from(layout.batch > 1));
        Self { neuron: 0, batch, lookup }
    }

    pub(super) fn count(self) -> usize {
        1 + usize::from(self.batch.is_some()) + usize::from(self.lookup.is_some())
    }
}

/// base^exponent, by squaring.
fn power(base: &Expr, exponent: usize) -> Expr {
    match exponent {
        0 => constant_expr(1),
        1 => base.clone(),
        _ => {
            let half = power(base, exponent / 2);
            let square = half.clone() * half;
            if exponent.is_multiple_of(2) { square } else { square * base.clone() }
        }
    }
}

/// 1 + base + … + base^(count − 1), by doubling.
fn geometric(base: &Expr, count: usize) -> Expr {
    match count {
        0 => constant_expr(0),
        1 => constant_expr(1),
        _ if count.is_multiple_of(2) => {
            geometric(base, count / 2) * (power(base, count / 2) + constant_expr(1))
        }
        _ => geometric(base, count - 1) * base.clone() + constant_expr(1),
    }
}

fn constant_expr(value: i128) -> Expr {
    Expression::Constant(constant(value))
}

/// Σ_i base^i · terms_i by Horner's rule; zero for none.
fn horner(terms: impl DoubleEndedIterator<Item = Expr>, base: &Expr) -> Expr {
    terms.rev().reduce(|sum, term| sum * base.clone() + term).unwrap_or_else(|| constant_expr(0))
}

/// The cells of one inference, as expressions.
struct Cells {
    x: Expr,
    limbs: Vec<Expr>,
    committed: Option<Expr>,
    /// M in this row and in the next.
    largest: Option<[Expr; 2]>,
    instances: Vec<Expr>,
}

impl Cells {
    fn query(
        meta: &mut VirtualCells<'_, Fr>,
        layout: &Layout,
        map: &ColumnMap,
        advice: &[Column<Advice>],
        instances: &[Column<Instance>],
        b: usize,
    ) -> Self {
        let cur = Rotation::cur();
        let limbs = (0..layout.limbs()).map(|i| {
            let (column, rotation) = layout.limb(i);
            meta.query_advice(advice[map.limb(b, column)], Rotation(rotation as i32))
        });
        let limbs = limbs.collect();
        let width = layout.instances_per_inference();
        Self {
            x: meta.query_advice(advice[map.value(b)], cur),
            limbs,
            committed: map.input(b).map(|i| meta.query_advice(advice[i], cur)),
            largest: map
                .largest(b)
                .map(|i| [cur, Rotation::next()].map(|rotation| meta.query_advice(advice[i], rotation))),
            instances: instances[b * width..(b + 1) * width]
                .iter()
                .map(|c| meta.query_instance(*c, cur))
                .collect(),
        }
    }

    /// x + 256·high
    fn value(&self, form: ValueForm) -> Expr {
        if form.is_wide() { self.x.clone() + self.limbs[0].clone() * constant(256) } else { self.x.clone() }
    }

    /// Σ 256^i · limb_{at + i}
    fn sum(&self, at: usize, count: usize) -> Expr {
        let terms = (0..count).map(|i| self.limbs[at + i].clone() * constant(1 << (8 * i)));
        terms.reduce(|a, b| a + b).unwrap_or_else(|| constant_expr(0))
    }

    /// The top limb of a value, scaled, less its copy.
    fn value_scaling(&self, form: ValueForm) -> Option<Expr> {
        let top = if form.is_wide() { &self.limbs[0] } else { &self.x };
        form.scale().map(|k| top.clone() * constant(1 << k) - self.limbs[form.limbs() - 1].clone())
    }

    fn remainder_scaling(&self, form: NeuronForm) -> Option<Expr> {
        let copy = form.limbs() - 1;
        form.remainder_scale()
            .map(|k| self.limbs[copy - 1].clone() * constant(1 << k) - self.limbs[copy].clone())
    }

    fn sign(&self, form: NeuronForm) -> Option<Expr> {
        form.sign_at().map(|at| self.limbs[at].clone())
    }

    fn accumulator(&self, form: NeuronForm) -> Expr {
        let mut quotient = self.value(form.value);
        if let Some(sign) = self.sign(form) {
            let excess = self.sum(form.excess_at(), form.excess);
            quotient = quotient + (constant_expr(1) - sign * constant(2)) * excess;
        }
        let remainder = self.sum(form.remainder_at(), form.remainder_limbs());
        quotient * constant(1 << form.shift) + remainder - constant_expr(1 << (form.shift - 1))
    }

    /// What must be zero at a neuron of `form`.
    fn neuron(&self, form: NeuronForm) -> Vec<Expr> {
        let mut zeros: Vec<Expr> = Vec::new();
        if let Some(sign) = self.sign(form) {
            let excess = self.sum(form.excess_at(), form.excess);
            let bound = (constant_expr(1) - sign.clone()) * constant(form.top().into());
            zeros.push(sign.clone() * (constant_expr(1) - sign));
            zeros.push(excess * (self.value(form.value) - bound));
        }
        zeros.extend(self.value_scaling(form.value));
        zeros.extend(self.remainder_scaling(form));
        zeros
    }
}

impl Config {
    // Queries index columns that were made from the same layout.
    pub(super) fn new(meta: &mut ConstraintSystem<Fr>, layout: Layout) -> Self {
        let map = layout.columns();
        let private = layout.private_weights();
        let public = if private { 0 } else { layout.weight_columns };
        let weights: Vec<_> = (0..public).map(|_| meta.fixed_column()).collect();
        let mut advice: Vec<_> = (0..map.first_phase).map(|_| meta.advice_column()).collect();
        advice.extend((map.first_phase..map.helpers.start).map(|_| meta.advice_column_in(SecondPhase)));
        let ids = ChallengeMap::new(&layout);
        let challenges: Vec<_> = (0..ids.count()).map(|_| meta.challenge_usable_after(FirstPhase)).collect();
        let instances: Vec<_> =
            (0..layout.batch * layout.instances_per_inference()).map(|_| meta.instance_column()).collect();
        let rows = Rows::configure(meta);
        let roles = Roles::configure(meta, &layout);

        let looked: Vec<_> = map.looked_up(layout.batch).into_iter().map(|i| advice[i]).collect();
        match (layout.lookup, ids.lookup, map.multiplicities) {
            (ByteLookup::LogUp, Some(beta), Some(m)) => {
                let (helpers, sum) =
                    logup::configure(meta, rows, &looked, advice[m], challenges[beta], layout.degree);
                advice.extend(helpers.into_iter().chain([sum]));
            }
            _ => {
                for column in &looked {
                    meta.lookup_any("byte", |meta| {
                        let cell = meta.query_advice(*column, Rotation::cur());
                        vec![(cell, meta.query_fixed(rows.table, Rotation::cur()))]
                    });
                }
            }
        }
        let config = Self { layout, weights, rows, roles, advice, challenges };
        meta.create_gate("dense", |meta| config.dense_gates(meta, &map, ids));
        meta.create_gate("accumulators", |meta| config.accumulator_gates(meta, &map, ids, &instances));
        let neurons =
            config.layout.forms.iter().any(|form| {
                form.excess > 0 || form.value.scale().is_some() || form.remainder_scale().is_some()
            });
        // A gate must not be empty.
        if neurons || config.roles.output.is_some() || config.roles.input.is_some() {
            meta.create_gate("cells", |meta| config.cell_gates(meta, &map, &instances));
        }
        config
    }

    fn cells(
        &self,
        meta: &mut VirtualCells<'_, Fr>,
        map: &ColumnMap,
        instances: &[Column<Instance>],
    ) -> Vec<Cells> {
        let layout = &self.layout;
        (0..layout.batch).map(|b| Cells::query(meta, layout, map, &self.advice, instances, b)).collect()
    }

    fn batch_challenge(&self, ids: ChallengeMap) -> Expr {
        ids.batch.map_or_else(|| constant_expr(0), |i| self.challenges[i].expr())
    }

    /// U and S:
    ///
    /// U = Σ_c r^c·W_c + \[group\]·r^C·U',   S = (\[value\]·X + bias·Σ_b ρ^b)·U + (\[active\] − \[cut\])·S',   \[start\]·(S − T) = 0
    fn dense_gates(&self, meta: &mut VirtualCells<'_, Fr>, map: &ColumnMap, ids: ChallengeMap) -> Vec<Expr> {
        let (cur, next) = (Rotation::cur(), Rotation::next());
        let r = self.challenges[ids.neuron].expr();
        let active = meta.query_fixed(self.rows.active, cur);
        let columns: Vec<Expr> = match map.weights.is_empty() {
            true => self.weights.iter().map(|c| meta.query_fixed(*c, cur)).collect(),
            false => map.weights.clone().map(|i| meta.query_advice(self.advice[i], cur)).collect(),
        };
        let count = columns.len();
        let mut line = horner(columns.into_iter(), &r);
        if !map.weights.is_empty() {
            line = line - geometric(&r, count) * constant(WEIGHT_OFFSET.into());
        }
        let mut gates = Vec::new();
        if let (Some(index), Some(group)) = (map.groups, self.roles.group) {
            let u = meta.query_advice(self.advice[index], cur);
            let below = meta.query_advice(self.advice[index], next);
            let carry = meta.query_fixed(group, cur) * power(&r, count) * below;
            gates.push(match self.roles.weights {
                // Private columns hold anything outside of the rows of weights, and nothing there is read.
                Some(rows) => meta.query_fixed(rows, cur) * (u.clone() - line) - carry,
                // Fixed columns are zero there, and in the blinded rows.
                None => active.clone() * u.clone() - line - carry,
            });
            line = u;
        }
        let rho = self.batch_challenge(ids);
        let x = (0..self.layout.batch).map(|b| meta.query_advice(self.advice[map.value(b)], cur));
        let x = horner(x.collect::<Vec<_>>().into_iter(), &rho);
        // Every inference has the bias.
        let bias = match self.layout.batch {
            1 => meta.query_fixed(self.roles.bias, cur),
            batch => meta.query_fixed(self.roles.bias, cur) * geometric(&rho, batch),
        };
        let mut factor = meta.query_fixed(self.roles.value, cur) * x + bias;
        if let Some(wide) = self.roles.wide {
            let high = (0..self.layout.batch)
                .map(|b| meta.query_advice(self.advice[map.limb(b, 0)], cur))
                .collect::<Vec<_>>();
            factor = factor + meta.query_fixed(wide, cur) * horner(high.into_iter(), &rho) * constant(256);
        }
        let [s, s_next] = [cur, next].map(|rotation| meta.query_advice(self.advice[map.dense], rotation));
        let t = meta.query_advice(self.advice[map.accumulators], cur);
        let cut = meta.query_fixed(self.roles.cut, cur);
        gates.push(active * (s.clone() - s_next.clone()) - factor * line + cut * s_next);
        gates.push(meta.query_fixed(self.roles.start, cur) * (s - t));
        gates
    }

    /// T' = acc + (\[active\] − \[start\])·T + \[more\]·(r − 1)·T, acc combined over inferences by ρ; T = 0 in row 0.
    fn accumulator_gates(
        &self,
        meta: &mut VirtualCells<'_, Fr>,
        map: &ColumnMap,
        ids: ChallengeMap,
        instances: &[Column<Instance>],
    ) -> Vec<Expr> {
        let (cur, next) = (Rotation::cur(), Rotation::next());
        let r = self.challenges[ids.neuron].expr();
        let rho = self.batch_challenge(ids);
        let cells = self.cells(meta, map, instances);
        let [t, t_next] =
            [cur, next].map(|rotation| meta.query_advice(self.advice[map.accumulators], rotation));
        let [active, more, start] =
            [self.rows.active, self.roles.more, self.roles.start].map(|c| meta.query_fixed(c, cur));
        let mut gate = active * (t_next - t.clone()) - (more * (r - constant_expr(1)) - start) * t.clone();
        for (form, rows) in self.layout.forms.iter().zip(&self.roles.neurons) {
            let accumulators: Vec<Expr> = cells.iter().map(|cells| cells.accumulator(*form)).collect();
            gate = gate - meta.query_fixed(*rows, cur) * horner(accumulators.into_iter(), &rho);
        }
        // The instance is zero in all rows but those of the outputs.
        let outputs: Vec<Expr> = cells
            .iter()
            .map(|cells| match &cells.largest {
                Some([largest, _]) => {
                    largest.clone() - cells.instances[0].clone() - cells.sum(0, self.layout.margin_limbs)
                }
                None => cells.instances[0].clone(),
            })
            .collect();
        let outputs = horner(outputs.into_iter(), &rho);
        gate = gate
            - match self.roles.output {
                Some(rows) => meta.query_fixed(rows, cur) * outputs,
                None => outputs,
            };
        vec![gate, meta.query_fixed(self.rows.first, cur) * t]
    }

    /// What holds for the cells of each inference by themselves.
    fn cell_gates(
        &self,
        meta: &mut VirtualCells<'_, Fr>,
        map: &ColumnMap,
        instances: &[Column<Instance>],
    ) -> Vec<Expr> {
        let cur = Rotation::cur();
        let mut gates = Vec::new();
        for cells in self.cells(meta, map, instances) {
            for (form, rows) in self.layout.forms.iter().zip(&self.roles.neurons) {
                let rows = meta.query_fixed(*rows, cur);
                gates.extend(cells.neuron(*form).into_iter().map(|zero| rows.clone() * zero));
            }
            if let (Some([largest, below]), Some(rows)) = (&cells.largest, self.roles.output) {
                let rows = meta.query_fixed(rows, cur);
                gates.push(rows.clone() * (largest.clone() - below.clone()));
                // Instance 1 is 1 at the class: nothing lies between it and the largest.
                gates.push(rows * cells.instances[1].clone() * cells.sum(0, self.layout.margin_limbs));
            }
            if let Some(rows) = self.roles.input {
                let rows = meta.query_fixed(rows, cur);
                let stated = match self.layout.options.input {
                    InputMode::Committed => cells.committed.clone(),
                    InputMode::Public => cells.instances.last().cloned(),
                    InputMode::Private => None,
                };
                if let Some(stated) = stated {
                    gates.push(rows.clone() * (cells.value(self.layout.input) - stated));
                }
                gates.extend(cells.value_scaling(self.layout.input).map(|zero| rows.clone() * zero));
            }
        }
        gates
    }
}

impl Roles {
    fn configure(meta: &mut ConstraintSystem<Fr>, layout: &Layout) -> Self {
        let mut column = |wanted: bool| wanted.then(|| meta.fixed_column());
        let wide = column(layout.has_wide_values());
        let output = column(layout.options.output == OutputMode::Class);
        let checked = layout.options.input != InputMode::Private || layout.input.scale().is_some();
        let input = column(checked);
        let group = column(layout.has_groups());
        let weights = column(layout.has_groups() && layout.private_weights());
        let [value, bias, more, start] = [(); 4].map(|()| meta.fixed_column());
        let cut = if layout.private_weights() { meta.fixed_column() } else { bias };
        let neurons = layout.forms.iter().map(|_| meta.fixed_column()).collect();
        Self { value, wide, bias, cut, start, more, neurons, output, input, group, weights }
    }

    /// (column, row, value) of the cells that are not zero.
    pub(super) fn cells(&self, layout: &Layout) -> Vec<(Column<Fixed>, usize, u128)> {
        let mut cells = Vec::new();
        let mut at = |column: Option<Column<Fixed>>, row: usize, value: u128| {
            cells.extend(column.map(|column| (column, row, value)));
        };
        for (l, layer) in layout.layers.iter().enumerate() {
            for j in 0..layer.inputs {
                let row = layout.value_row(l, j);
                at(Some(self.value), row, 1);
                at(self.wide.filter(|_| layout.value_form(l).is_wide()), row, 1);
                at(self.input.filter(|_| l == 0), row, 1);
            }
            for (digit, row) in layout.bias_rows(l).enumerate() {
                let power = layout.bias_groups - 1 - digit;
                at(Some(self.bias), row, 1 << (8 * power));
                at(Some(self.cut).filter(|cut| power == 0 && *cut != self.bias), row, 1);
            }
            at(Some(self.start), layer.first, 1);
            for row in layer.first..layout.value_row(l, layer.inputs + layout.bias_groups) {
                at(self.weights, row, 1);
                at(self.group.filter(|_| (row - layer.first) % layer.blocks + 1 < layer.blocks), row, 1);
            }
            for o in 0..layer.outputs {
                let row = match layer.form {
                    Some(form) => {
                        let row = layout.value_row(l + 1, o);
                        at(self.neurons.get(form).copied(), row, 1);
                        row
                    }
                    None => {
                        at(self.output, o, 1);
                        o
                    }
                };
                at(Some(self.more).filter(|_| o > 0), row, 1);
            }
        }
        cells
    }
}
