//! The constraints of a circuit as expression graphs: gates, permutation argument, lookup arguments.
//!
//! A proof shows that Σ y^(T−1−i)·e_i(X) vanishes on the domain, for the constraints e_0 … e_{T−1} in the order of the
//! verifier: gates, permutation, lookups, circuit after circuit.

use super::columns::{Challenges, Columns};
use crate::interop::halo2curves as interop;
use halo2_axiom::halo2curves::bn256::Fr as HaloFr;
use halo2_axiom::halo2curves::ff::{Field as _, PrimeField as _};
use halo2_axiom::plonk::{ConstraintSystem, Expression};
use std::collections::BTreeMap;
use zkwatt_kernels::Fr;
use zkwatt_kernels::quotient::{Graph, NodeId};

/// The constraints of one circuit and the graph that they live in.
pub(super) struct Constraints<'a> {
    cs: &'a ConstraintSystem<HaloFr>,
    columns: Columns,
    /// Columns that share one product of the permutation argument.
    set_len: usize,
    graph: &'a mut Graph,
}

/// A constraint as a sum of terms, by the selector that multiplies them; `None` for those without one.
///
/// What has a selector in common is multiplied by it once, after all constraints have been added up.
type Terms = BTreeMap<Option<NodeId>, Sum>;

/// A sum whose linear and other parts are kept apart: columns that are only added are combined before they are evaluated.
#[derive(Copy, Clone, Default)]
struct Sum {
    linear: Option<NodeId>,
    other: Option<NodeId>,
}

impl Sum {
    fn add(&mut self, graph: &mut Graph, term: NodeId) {
        let part = if graph.is_linear(term) { &mut self.linear } else { &mut self.other };
        *part = Some(match *part {
            Some(sum) => graph.add(sum, term),
            None => term,
        });
    }

    fn add_scaled(&mut self, graph: &mut Graph, factor: NodeId, terms: Self) {
        for term in [terms.linear, terms.other].into_iter().flatten() {
            let scaled = graph.mul(factor, term);
            self.add(graph, scaled);
        }
    }

    fn total(self, graph: &mut Graph) -> Option<NodeId> {
        match (self.linear, self.other) {
            (Some(a), Some(b)) => Some(graph.add(a, b)),
            (a, b) => a.or(b),
        }
    }
}

impl<'a> Constraints<'a> {
    pub fn new(
        cs: &'a ConstraintSystem<HaloFr>,
        columns: Columns,
        set_len: usize,
        graph: &'a mut Graph,
    ) -> Self {
        Self { cs, columns, set_len, graph }
    }

    /// Σ y^(T−1−i)·e_i, and y^T: what the constraints of the circuits before are to be multiplied with.
    pub fn combined(&mut self) -> (NodeId, NodeId) {
        let constraints = self.all();
        let y = self.graph.uniform(Challenges::Y);
        let mut power = self.graph.constant(Fr::from(1u64));
        let mut sums = Terms::new();
        for terms in constraints.into_iter().rev() {
            for (selector, sum) in terms {
                sums.entry(selector).or_default().add_scaled(self.graph, power, sum);
            }
            power = self.graph.mul(power, y);
        }
        let mut total = self.graph.constant(Fr::from(0u64));
        for (selector, sum) in sums {
            if let Some(mut sum) = sum.total(self.graph) {
                if let Some(selector) = selector {
                    sum = self.graph.mul(selector, sum);
                }
                total = self.graph.add(total, sum);
            }
        }
        (total, power)
    }

    fn all(&mut self) -> Vec<Terms> {
        let mut all = Vec::new();
        for expression in self.cs.gates().iter().flat_map(|gate| gate.polynomials()) {
            let mut terms = Terms::new();
            let one = self.graph.constant(Fr::from(1u64));
            self.collect_terms(one, expression, &mut terms);
            all.push(terms);
        }
        self.permutation(&mut all);
        for lookup in 0..self.cs.lookups().len() {
            self.lookup(lookup, &mut all);
        }
        all
    }

    /// Adds `factor`·`expression` to `terms`, sums taken apart.
    fn collect_terms(&mut self, factor: NodeId, expression: &Expression<HaloFr>, terms: &mut Terms) {
        match expression {
            Expression::Sum(a, b) => {
                self.collect_terms(factor, a, terms);
                self.collect_terms(factor, b, terms);
            }
            Expression::Negated(a) => {
                let factor = self.graph.neg(factor);
                self.collect_terms(factor, a, terms);
            }
            Expression::Scaled(a, scalar) => {
                let scalar = self.graph.constant(interop::scalar(scalar));
                let factor = self.graph.mul(factor, scalar);
                self.collect_terms(factor, a, terms);
            }
            _ => {
                let mut factors = Vec::new();
                flatten_product(expression, &mut factors);
                let selector = factors.iter().position(|f| matches!(f, Expression::Fixed(_)));
                let key = match selector {
                    Some(i) if factors.len() > 1 => Some(self.expression(factors.remove(i))),
                    _ => None,
                };
                let mut term = factor;
                for factor in factors {
                    let factor = self.expression(factor);
                    term = self.graph.mul(term, factor);
                }
                terms.entry(key).or_default().add(self.graph, term);
            }
        }
    }

    /// The node of an upstream expression.
    pub fn expression(&mut self, expression: &Expression<HaloFr>) -> NodeId {
        match expression {
            Expression::Constant(value) => self.graph.constant(interop::scalar(value)),
            // Keys hold fixed columns in place of selectors; nothing else is ever compiled.
            Expression::Selector(_) => self.graph.constant(Fr::default()),
            Expression::Fixed(q) => self.graph.column(self.columns.fixed(q.column_index()), q.rotation().0),
            Expression::Advice(q) => self.graph.column(self.columns.advice(q.column_index()), q.rotation().0),
            Expression::Instance(q) => {
                self.graph.column(self.columns.instance(q.column_index()), q.rotation().0)
            }
            Expression::Challenge(c) => self.graph.uniform(Challenges::of_circuit(c.index())),
            Expression::Negated(a) => {
                let a = self.expression(a);
                self.graph.neg(a)
            }
            Expression::Sum(a, b) => {
                let (a, b) = (self.expression(a), self.expression(b));
                self.graph.add(a, b)
            }
            Expression::Product(a, b) => {
                let (a, b) = (self.expression(a), self.expression(b));
                self.graph.mul(a, b)
            }
            Expression::Scaled(a, scalar) => {
                let (a, scalar) = (self.expression(a), self.graph.constant(interop::scalar(scalar)));
                self.graph.mul(a, scalar)
            }
        }
    }

    /// Σ θ^(m−1−i)·e_i.
    pub fn compressed(&mut self, expressions: &[Expression<HaloFr>]) -> NodeId {
        let theta = self.graph.uniform(Challenges::THETA);
        let nodes: Vec<NodeId> = expressions.iter().map(|e| self.expression(e)).collect();
        self.graph.horner(&nodes, theta)
    }

    /// Π (v_j + β·δ^j·X + γ) and Π (v_j + β·σ_j + γ) over the columns of a set.
    pub fn permutation_factors(&mut self, set: usize) -> [NodeId; 2] {
        let [mut numerator, mut denominator] = [self.graph.constant(Fr::from(1u64)); 2];
        let (beta, gamma) = (self.graph.uniform(Challenges::BETA), self.graph.uniform(Challenges::GAMMA));
        let x = self.graph.column(self.columns.x(), 0);
        let columns = self.cs.permutation().get_columns();
        for (j, &column) in columns.iter().enumerate().skip(set * self.set_len).take(self.set_len) {
            let value = self.graph.column(self.columns.any(column), 0);
            let value = self.graph.add(value, gamma);
            let delta = HaloFr::DELTA.pow([j as u64]);
            let delta = self.graph.constant(interop::scalar(&delta));
            let identity = self.graph.mul(beta, delta);
            let identity = self.graph.mul(identity, x);
            let sigma = self.graph.column(self.columns.sigma(j), 0);
            let sigma = self.graph.mul(beta, sigma);
            let (left, right) = (self.graph.add(value, identity), self.graph.add(value, sigma));
            numerator = self.graph.mul(numerator, left);
            denominator = self.graph.mul(denominator, right);
        }
        [numerator, denominator]
    }

    /// (A + β)·(S + γ) and (A′ + β)·(S′ + γ), given the nodes of A and S.
    pub fn lookup_factors(&mut self, lookup: usize, input: NodeId, table: NodeId) -> [NodeId; 2] {
        let permuted_input = self.graph.column(self.columns.permuted_input(lookup), 0);
        let permuted_table = self.graph.column(self.columns.permuted_table(lookup), 0);
        let (beta, gamma) = (self.graph.uniform(Challenges::BETA), self.graph.uniform(Challenges::GAMMA));
        [(input, table), (permuted_input, permuted_table)].map(|(input, table)| {
            let (input, table) = (self.graph.add(input, beta), self.graph.add(table, gamma));
            self.graph.mul(input, table)
        })
    }

    /// A single term under a selector.
    fn push(&mut self, all: &mut Vec<Terms>, selector: u32, term: NodeId) {
        let selector = self.graph.column(selector, 0);
        let mut sum = Sum::default();
        sum.add(self.graph, term);
        all.push(Terms::from([(Some(selector), sum)]));
    }

    fn permutation(&mut self, all: &mut Vec<Terms>) {
        let sets = self.cs.permutation().get_columns().len().div_ceil(self.set_len);
        if sets == 0 {
            return;
        }
        let columns = self.columns;
        let one = self.graph.constant(Fr::from(1u64));
        let products: Vec<NodeId> =
            (0..sets).map(|set| self.graph.column(columns.permutation_product(set), 0)).collect();
        let (first, last) = (products[0], products[sets - 1]);
        // l_first·(1 − z_0), l_last·(z_last² − z_last)
        let starts = self.graph.sub(one, first);
        self.push(all, columns.first_row(), starts);
        let ends = self.boolean(last);
        self.push(all, columns.last_row(), ends);
        // l_first·(z_i − z_{i−1}(ω^u·X))
        let last_row = -(self.cs.blinding_factors() as i32 + 1);
        for (set, &product) in products.iter().enumerate().skip(1) {
            let before = self.graph.column(columns.permutation_product(set - 1), last_row);
            let continues = self.graph.sub(product, before);
            self.push(all, columns.first_row(), continues);
        }
        // l_active·(z_i(ω·X)·Π(v + β·σ + γ) − z_i·Π(v + β·δ^j·X + γ))
        for (set, &product) in products.iter().enumerate() {
            let next = self.graph.column(columns.permutation_product(set), 1);
            let factors = self.permutation_factors(set);
            let step = self.step(product, next, factors);
            self.push(all, columns.active_rows(), step);
        }
    }

    fn lookup(&mut self, lookup: usize, all: &mut Vec<Terms>) {
        let columns = self.columns;
        let argument = &self.cs.lookups()[lookup];
        let input = self.compressed(argument.input_expressions());
        let table = self.compressed(argument.table_expressions());
        let factors = self.lookup_factors(lookup, input, table);
        let one = self.graph.constant(Fr::from(1u64));
        let product = self.graph.column(columns.lookup_product(lookup), 0);
        let next = self.graph.column(columns.lookup_product(lookup), 1);
        let [permuted_input, permuted_table] =
            [columns.permuted_input(lookup), columns.permuted_table(lookup)]
                .map(|column| self.graph.column(column, 0));
        let before = self.graph.column(columns.permuted_input(lookup), -1);

        let starts = self.graph.sub(one, product);
        self.push(all, columns.first_row(), starts);
        let ends = self.boolean(product);
        self.push(all, columns.last_row(), ends);
        let step = self.step(product, next, factors);
        self.push(all, columns.active_rows(), step);
        // A′ starts with its table value, and later is one or what it was in the row before.
        let differs = self.graph.sub(permuted_input, permuted_table);
        self.push(all, columns.first_row(), differs);
        let changes = self.graph.sub(permuted_input, before);
        let neither = self.graph.mul(differs, changes);
        self.push(all, columns.active_rows(), neither);
    }

    /// z(ω·X)·denominator − z·numerator.
    fn step(&mut self, product: NodeId, next: NodeId, [numerator, denominator]: [NodeId; 2]) -> NodeId {
        let left = self.graph.mul(next, denominator);
        let right = self.graph.mul(product, numerator);
        self.graph.sub(left, right)
    }

    /// z² − z.
    fn boolean(&mut self, z: NodeId) -> NodeId {
        let square = self.graph.square(z);
        self.graph.sub(square, z)
    }
}

fn flatten_product<'e>(expression: &'e Expression<HaloFr>, factors: &mut Vec<&'e Expression<HaloFr>>) {
    match expression {
        Expression::Product(a, b) => {
            flatten_product(a, factors);
            flatten_product(b, factors);
        }
        other => factors.push(other),
    }
}
