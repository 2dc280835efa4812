//! Nodes that are linear in columns, as lists of coefficients.

use super::graph::{Graph, Node, NodeId, Shape};
use std::collections::BTreeMap;

/// Σ_j coefficient_j·column_j + constant, with uniform coefficients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearForm {
    /// One term for each pair of column and rotation, ordered by rotation, then column. None has the constant 0 as its
    /// coefficient.
    pub terms: Vec<LinearTerm>,
    /// A uniform node.
    pub constant: NodeId,
}

/// A column times a uniform.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinearTerm {
    /// Rotation of the column.
    pub rotation: i32,
    /// Index of the column.
    pub column: u32,
    /// A uniform node.
    pub coefficient: NodeId,
}

impl Graph {
    /// Whether the node is Σ_j u_j·column_j + u_0 with uniform u; uniform nodes are too.
    ///
    /// It goes by how the node is written: (x + y)·(x − y) − x² + y² is not recognised.
    pub fn is_linear(&self, node: NodeId) -> bool {
        self.shape(node) <= Shape::Linear
    }

    /// The node as a linear form, or `None` unless it [is linear](Graph::is_linear). Adds uniform nodes to the graph.
    ///
    /// Cost: proportional to the number of distinct nodes below this one (times a logarithm), however often they are
    /// shared: coefficients are handed down from the node, as in reverse differentiation.
    pub fn linear_form(&mut self, node: NodeId) -> Option<LinearForm> {
        if !self.is_linear(node) {
            return None;
        }
        let mut form = LinearForm { terms: Vec::new(), constant: Self::ZERO };
        // Coefficients of nodes that have yet to hand them down. Operands have smaller ids, so the largest is complete.
        let mut pending = BTreeMap::from([(self.own(node), Self::ONE)]);
        while let Some((node, coefficient)) = pending.pop_last() {
            if coefficient == Self::ZERO {
                continue;
            }
            if self.is_uniform(node) {
                let product = self.mul(coefficient, node);
                form.constant = self.add(form.constant, product);
                continue;
            }
            match self.node(node) {
                Node::Column { column, rotation } => {
                    form.terms.push(LinearTerm { rotation, column, coefficient });
                }
                Node::Add(a, b) => {
                    self.hand_down(&mut pending, a, coefficient);
                    self.hand_down(&mut pending, b, coefficient);
                }
                Node::Sub(a, b) => {
                    let negative = self.neg(coefficient);
                    self.hand_down(&mut pending, a, coefficient);
                    self.hand_down(&mut pending, b, negative);
                }
                Node::Neg(a) => {
                    let negative = self.neg(coefficient);
                    self.hand_down(&mut pending, a, negative);
                }
                Node::Double(a) => {
                    let twice = self.double(coefficient);
                    self.hand_down(&mut pending, a, twice);
                }
                Node::Mul(a, b) => {
                    let (factor, rest) = if self.is_uniform(a) { (a, b) } else { (b, a) };
                    let product = self.mul(coefficient, factor);
                    self.hand_down(&mut pending, rest, product);
                }
                // Uniform, or not linear.
                Node::Uniform(_) | Node::Constant(_) | Node::Square(_) => return None,
            }
        }
        form.terms.sort_unstable_by_key(|term| (term.rotation, term.column));
        Some(form)
    }

    fn hand_down(&mut self, pending: &mut BTreeMap<NodeId, NodeId>, to: NodeId, coefficient: NodeId) {
        let before = pending.get(&to).copied().unwrap_or(Self::ZERO);
        let after = self.add(before, coefficient);
        pending.insert(to, after);
    }
}
