//! Linear sub-expressions as columns of their own.

use super::closure::best_closure;
use super::graph::{Graph, Node, NodeId, Shape};
use super::linear::LinearForm;
use crate::field::{Field, Fr};
use std::collections::{BTreeMap, HashMap};

/// What [`Graph::combine_linear`] made of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combined {
    /// The expressions, now also in the virtual columns.
    pub roots: Vec<NodeId>,
    /// The virtual columns.
    pub combinations: Vec<Combination>,
}

/// A virtual column: Σ_j coefficient_j·column_j, row by row or, equally, in coefficient form.
///
/// Expressions read it at any rotation, as any other column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// Index of the virtual column.
    pub column: u32,
    /// Columns and uniform coefficients, by column; at least two. Values: [`Graph::evaluate_uniforms`].
    pub terms: Vec<(u32, NodeId)>,
}

/// A linear sub-expression that is used by something that is not linear.
struct Candidate {
    form: LinearForm,
    /// For each rotation, its range of the form's terms, and the group it is, unless it is a single term.
    parts: Vec<(core::ops::Range<usize>, Option<usize>)>,
}

impl Graph {
    /// Replaces maximal linear sub-expressions of `roots` by virtual columns `first_virtual`, `first_virtual` + 1, …
    /// where that makes a pass over the 2^`log_n` points of a coset cheaper.
    ///
    /// The terms of a sub-expression that have one rotation are a group if there are at least two; groups with the same
    /// columns and coefficients are one, whatever their rotations. Costs are counted in products a row:
    ///
    /// - transforming a column, given or virtual: T = log₂ n / 2 + 2;
    /// - combining a group: one for each term, less one for each term whose coefficient is not ±1, since the program no
    ///   longer has that product.
    ///
    /// A given column need not be transformed if all its uses are in combined groups. Of all sets of groups, the one
    /// that saves most is combined (the smallest such set, so nothing is combined for nothing). A column that occurs by
    /// itself in a product, or alone at its rotation, is needed anyhow and makes no group cheaper. So pass all
    /// expressions that will be evaluated together.
    ///
    /// Uniform constants of forms stay in the expressions. A column that cannot be combined, since it has no coefficient
    /// form, is added to the new roots afterwards. Virtual columns must not be columns of the graph.
    pub fn combine_linear(&mut self, roots: &[NodeId], first_virtual: u32, log_n: u32) -> Combined {
        let roots: Vec<_> = roots.iter().map(|&root| self.own(root)).collect();
        let (reached, outermost) = self.maximal_linear(&roots);

        let mut candidates = BTreeMap::new();
        let mut groups = Groups::default();
        for index in outermost {
            if let Some(form) = self.linear_form(Self::id(index)) {
                let parts = groups.add(&form);
                candidates.insert(index, Candidate { form, parts });
            }
        }
        let chosen = groups.choose(self, log_n);

        let mut combinations = Vec::new();
        let mut columns = vec![None; chosen.len()];
        for (terms, (column, _)) in
            groups.terms.into_iter().zip(columns.iter_mut().zip(chosen)).filter(|(_, (_, chosen))| *chosen)
        {
            let index = first_virtual.saturating_add(combinations.len() as u32);
            *column = Some(index);
            combinations.push(Combination { column: index, terms });
        }

        let mut renamed: HashMap<NodeId, NodeId> = HashMap::new();
        for index in reached {
            let id = Self::id(index);
            let new = match candidates.get(&index) {
                Some(candidate) if candidate.is_changed(&columns) => self.rewrite(candidate, &columns),
                _ => self.rebuild(id, &renamed),
            };
            if new != id {
                renamed.insert(id, new);
            }
        }
        let roots = roots.iter().map(|root| renamed.get(root).copied().unwrap_or(*root)).collect();
        Combined { roots, combinations }
    }

    /// The nodes below `roots` that are not uniform, ascending; and those of them that are linear and that a root or a
    /// node that is not linear uses.
    fn maximal_linear(&self, roots: &[NodeId]) -> (Vec<usize>, Vec<usize>) {
        let mut reached = vec![false; self.nodes().len()];
        let mut outer = reached.clone();
        for root in roots {
            reached[root.index()] = true;
            outer[root.index()] = true;
        }
        for index in (0..reached.len()).rev().filter(|&index| self.shape(Self::id(index)) != Shape::Uniform) {
            if reached[index] {
                for operand in self.node(Self::id(index)).operands() {
                    reached[operand.index()] = true;
                    outer[operand.index()] |= self.shape(Self::id(index)) == Shape::Other;
                }
            }
        }
        let all = 0..reached.len();
        let reached: Vec<_> =
            all.filter(|&index| reached[index] && self.shape(Self::id(index)) != Shape::Uniform).collect();
        let linear = |index: &usize| outer[*index] && self.shape(Self::id(*index)) == Shape::Linear;
        let outermost = reached.iter().copied().filter(linear).collect();
        (reached, outermost)
    }

    /// The form with its combined groups as virtual columns.
    fn rewrite(&mut self, candidate: &Candidate, columns: &[Option<u32>]) -> NodeId {
        let mut terms = vec![candidate.form.constant];
        for (range, group) in &candidate.parts {
            let part = &candidate.form.terms[range.clone()];
            match (group.and_then(|group| columns[group]), part.first()) {
                (Some(column), Some(first)) => terms.push(self.column(column, first.rotation)),
                _ => {
                    for term in part {
                        let column = self.column(term.column, term.rotation);
                        terms.push(self.mul(term.coefficient, column));
                    }
                }
            }
        }
        self.sum(&terms)
    }

    /// The node with its operands renamed.
    fn rebuild(&mut self, id: NodeId, renamed: &HashMap<NodeId, NodeId>) -> NodeId {
        let node = self.node(id);
        if !node.operands().any(|operand| renamed.contains_key(&operand)) {
            return id;
        }
        let new = |operand: NodeId| renamed.get(&operand).copied().unwrap_or(operand);
        match node {
            Node::Column { .. } | Node::Uniform(_) | Node::Constant(_) => id,
            Node::Add(a, b) => self.add(new(a), new(b)),
            Node::Sub(a, b) => self.sub(new(a), new(b)),
            Node::Mul(a, b) => self.mul(new(a), new(b)),
            Node::Neg(a) => self.neg(new(a)),
            Node::Square(a) => self.square(new(a)),
            Node::Double(a) => self.double(new(a)),
        }
    }
}

impl Candidate {
    fn is_changed(&self, columns: &[Option<u32>]) -> bool {
        // A form without terms has lost its columns to cancellation.
        self.parts.is_empty()
            || self.parts.iter().any(|(_, group)| group.is_some_and(|group| columns[group].is_some()))
    }
}

/// Distinct groups of terms, and the columns that are needed outside of any group.
#[derive(Default)]
struct Groups {
    terms: Vec<Vec<(u32, NodeId)>>,
    indices: HashMap<Vec<(u32, NodeId)>, usize>,
    single: Vec<u32>,
}

impl Groups {
    fn add(&mut self, form: &LinearForm) -> Vec<(core::ops::Range<usize>, Option<usize>)> {
        let mut start = 0;
        let parts = form.terms.chunk_by(|a, b| a.rotation == b.rotation).map(|part| {
            let range = start..start + part.len();
            start = range.end;
            if let [term] = part {
                self.single.push(term.column);
                return (range, None);
            }
            let terms: Vec<_> = part.iter().map(|term| (term.column, term.coefficient)).collect();
            let next = self.terms.len();
            let group = *self.indices.entry(terms).or_insert_with_key(|terms| {
                self.terms.push(terms.clone());
                next
            });
            (range, Some(group))
        });
        parts.collect()
    }

    /// Which groups to combine, by the rule of [`Graph::combine_linear`], counted in half products.
    fn choose(&self, graph: &Graph, log_n: u32) -> Vec<bool> {
        let transform = u64::from(log_n) + 4;
        let free = |(_, coefficient): &&(u32, NodeId)| match graph.node(*coefficient) {
            Node::Constant(c) => c == Fr::ONE || c == -Fr::ONE,
            _ => false,
        };
        let costs: Vec<_> =
            self.terms.iter().map(|terms| transform + 2 * terms.iter().filter(free).count() as u64).collect();
        let mut groups_of = BTreeMap::<u32, Vec<usize>>::new();
        for (group, terms) in self.terms.iter().enumerate() {
            for (column, _) in terms {
                groups_of.entry(*column).or_default().push(group);
            }
        }
        for column in &self.single {
            groups_of.remove(column);
        }
        best_closure(transform, &costs, &groups_of.into_values().collect::<Vec<_>>())
    }
}
