//! What a key's expressions are compiled to.

use super::columns::{Challenges, Columns};
use super::constraints::Constraints;
use super::key::KeyShape;
use halo2_axiom::halo2curves::bn256::Fr as HaloFr;
use halo2_axiom::plonk::ConstraintSystem;
use std::collections::{BTreeMap, BTreeSet};
use zkwatt_kernels::quotient::{Combination, Graph, Node, NodeId, Program};
use zkwatt_kernels::{Field, Fr};

/// The programs of a key.
pub(super) struct Programs {
    /// All constraints of one circuit, on a coset.
    pub quotient: QuotientProgram,
    /// For each set of the permutation argument: numerator and denominator of a row's factor.
    pub permutation: Vec<Program>,
    /// For each lookup: compressed input and table.
    pub compress: Vec<Program>,
    /// Numerator and denominator of a row's factor in a lookup's product, of columns A, S, A′, S′ (0 to 3).
    pub lookup_factors: Program,
}

/// The constraints of a circuit, with columns that are only added combined beforehand.
pub(super) struct QuotientProgram {
    pub graph: Graph,
    /// The sum of all constraints before any combination, and the columns with their rotations that it reads.
    constraints: NodeId,
    shift: NodeId,
    pub reads: BTreeSet<(u32, i32)>,
    /// Columns to be made from the coefficients of others.
    pub combinations: Vec<Combination>,
    pub program: Program,
}

impl QuotientProgram {
    /// The sum of all constraints at one point, given the columns' values there and at its rotations, and the sum of
    /// the circuits before.
    pub fn evaluate_at_point(&self, columns: &BTreeMap<(u32, i32), Fr>, uniforms: &[Fr], before: Fr) -> Fr {
        // Operands come before the nodes that use them.
        let count = self.constraints.index().max(self.shift.index()) + 1;
        let mut values: Vec<Fr> = Vec::with_capacity(count);
        for node in self.graph.nodes().iter().take(count) {
            let value = |id: NodeId| values[id.index()];
            values.push(match *node {
                Node::Column { column, rotation } => {
                    columns.get(&(column, rotation)).copied().unwrap_or_default()
                }
                Node::Uniform(index) => uniforms.get(index as usize).copied().unwrap_or_default(),
                Node::Constant(constant) => constant,
                Node::Add(a, b) => value(a) + value(b),
                Node::Sub(a, b) => value(a) - value(b),
                Node::Mul(a, b) => value(a) * value(b),
                Node::Neg(a) => -value(a),
                Node::Square(a) => value(a).square(),
                Node::Double(a) => value(a).double(),
            });
        }
        values[self.constraints.index()] + before * values[self.shift.index()]
    }
}

impl Programs {
    pub fn compile(cs: &ConstraintSystem<HaloFr>, columns: Columns, shape: &KeyShape) -> Self {
        let mut graph = Graph::new();
        let (constraints, shift) = Constraints::new(cs, columns, shape.set_len, &mut graph).combined();
        let reads = graph.nodes().iter().filter_map(|node| match *node {
            Node::Column { column, rotation } => Some((column, rotation)),
            _ => None,
        });
        let reads = reads.collect();
        let combined = graph.combine_linear(&[constraints], columns.end(), shape.k);
        // The accumulator has no coefficients, so it comes in after columns were combined.
        let accumulator = graph.column(columns.accumulator(), 0);
        let before = graph.mul(accumulator, shift);
        let roots: Vec<NodeId> = combined.roots.iter().map(|root| graph.add(before, *root)).collect();
        let program = graph.compile(&roots);
        let quotient = QuotientProgram {
            constraints,
            shift,
            reads,
            combinations: combined.combinations,
            program,
            graph,
        };

        let permutation = (0..shape.permutation_sets).map(|set| {
            let mut graph = Graph::new();
            let factors = Constraints::new(cs, columns, shape.set_len, &mut graph).permutation_factors(set);
            graph.compile(&factors)
        });
        let compress = cs.lookups().iter().map(|lookup| {
            let mut graph = Graph::new();
            let mut constraints = Constraints::new(cs, columns, shape.set_len, &mut graph);
            let input = constraints.compressed(lookup.input_expressions());
            let table = constraints.compressed(lookup.table_expressions());
            graph.compile(&[input, table])
        });
        Self {
            quotient,
            permutation: permutation.collect(),
            compress: compress.collect(),
            lookup_factors: lookup_factors(),
        }
    }
}

fn lookup_factors() -> Program {
    let mut graph = Graph::new();
    let (beta, gamma) = (graph.uniform(Challenges::BETA), graph.uniform(Challenges::GAMMA));
    let factors = [(0, 1), (2, 3)].map(|(input, table)| {
        let (input, table) = (graph.column(input, 0), graph.column(table, 0));
        let (input, table) = (graph.add(input, beta), graph.add(table, gamma));
        graph.mul(input, table)
    });
    graph.compile(&factors)
}
