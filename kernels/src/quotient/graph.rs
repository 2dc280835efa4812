//! Expressions as a graph in which equal sub-expressions are one node.

use crate::field::{Field, Fr};
use std::collections::HashMap;

/// A node of a [`Graph`].
///
/// It belongs to the graph that made it; another graph takes it for its own node of that place, or for zero.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Its place in the graph; operands come before the nodes that use them.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node computes in row i.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Element (i + rotation) mod n of a column.
    Column {
        /// Index of the column.
        column: u32,
        /// Rows ahead; may be negative and beyond n.
        rotation: i32,
    },
    /// A value that is known at run time and the same in all rows.
    Uniform(u32),
    /// A value that is known now.
    Constant(Fr),
    /// a + b.
    Add(NodeId, NodeId),
    /// a − b.
    Sub(NodeId, NodeId),
    /// a·b.
    Mul(NodeId, NodeId),
    /// −a.
    Neg(NodeId),
    /// a².
    Square(NodeId),
    /// 2a.
    Double(NodeId),
}

impl Node {
    /// The nodes that this one is computed from.
    pub fn operands(self) -> impl Iterator<Item = NodeId> {
        let (a, b) = match self {
            Self::Column { .. } | Self::Uniform(_) | Self::Constant(_) => (None, None),
            Self::Neg(a) | Self::Square(a) | Self::Double(a) => (Some(a), None),
            Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b) => (Some(a), Some(b)),
        };
        a.into_iter().chain(b)
    }
}

/// How a node depends on columns; a larger value includes the smaller ones.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Not at all.
    Uniform,
    /// As Σ u_j·column_j + u_0 with uniform u.
    Linear,
    /// In any other way.
    Other,
}

/// A directed acyclic graph of expressions.
///
/// The constructors share equal nodes and simplify: constants are folded; 0, 1, −1, 2, x − x, x + x, x·x and double
/// negation disappear; a + (−b) becomes a − b; operands of sums and products are ordered; of nested sums or products with
/// uniforms, the uniforms are brought together. None of it adds work to a row. All of it keeps values exactly.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    shapes: Vec<Shape>,
    ids: HashMap<Node, NodeId>,
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    /// The constant 0, which every graph has.
    pub const ZERO: NodeId = NodeId(0);
    /// The constant 1, which every graph has.
    pub const ONE: NodeId = NodeId(1);

    /// A graph with the constants 0 and 1.
    pub fn new() -> Self {
        let mut graph = Self { nodes: Vec::new(), shapes: Vec::new(), ids: HashMap::new() };
        graph.intern(Node::Constant(Fr::ZERO));
        graph.intern(Node::Constant(Fr::ONE));
        graph
    }

    /// All nodes in order; operands come before the nodes that use them.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What the node computes.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id.index()).copied().unwrap_or(Node::Constant(Fr::ZERO))
    }

    /// Whether the node is the same in all rows: it depends on uniforms and constants only.
    pub fn is_uniform(&self, id: NodeId) -> bool {
        self.shape(id) == Shape::Uniform
    }

    pub(super) fn shape(&self, id: NodeId) -> Shape {
        self.shapes.get(id.index()).copied().unwrap_or(Shape::Uniform)
    }

    /// The node itself, or zero for one of a larger graph.
    pub(super) fn own(&self, id: NodeId) -> NodeId {
        if id.index() < self.nodes.len() { id } else { Self::ZERO }
    }

    /// The id of a place that [`Graph::nodes`] has.
    pub(super) fn id(index: usize) -> NodeId {
        // Memory ends before 2^32 nodes of 40 bytes, and their index, do.
        NodeId(index as u32)
    }

    /// Element (i + rotation) mod n of a column.
    pub fn column(&mut self, index: u32, rotation: i32) -> NodeId {
        self.intern(Node::Column { column: index, rotation })
    }

    /// A value that is given at run time and the same in all rows.
    pub fn uniform(&mut self, index: u32) -> NodeId {
        self.intern(Node::Uniform(index))
    }

    /// A constant.
    pub fn constant(&mut self, value: Fr) -> NodeId {
        self.intern(Node::Constant(value))
    }

    /// a + b.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (a, b) = self.ordered(a, b);
        match (self.node(a), self.node(b)) {
            (Node::Constant(x), Node::Constant(y)) => self.constant(x + y),
            (Node::Constant(x), _) if x.is_zero() => b,
            (_, Node::Constant(y)) if y.is_zero() => a,
            _ if a == b => self.double(a),
            (_, Node::Neg(y)) if !self.only_second_uniform(a, b) => self.sub(a, y),
            (Node::Neg(x), _) if !self.only_second_uniform(b, a) => self.sub(b, x),
            _ => {
                for (uniform, sum) in [(a, b), (b, a)] {
                    if let Node::Add(x, y) = self.node(sum)
                        && let Some((other, rest)) = self.uniform_and_rest(uniform, x, y)
                    {
                        let uniform = self.add(uniform, other);
                        return self.add(uniform, rest);
                    }
                }
                self.intern(Node::Add(a, b))
            }
        }
    }

    /// a − b.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (a, b) = (self.own(a), self.own(b));
        match (self.node(a), self.node(b)) {
            _ if a == b => Self::ZERO,
            (Node::Constant(x), _) if x.is_zero() => self.neg(b),
            (Node::Constant(x), Node::Constant(y)) => self.constant(x - y),
            (_, Node::Neg(y)) => self.add(a, y),
            // As a sum, so that it meets other uniforms.
            _ if self.only_second_uniform(a, b) => {
                let b = self.neg(b);
                self.add(a, b)
            }
            (Node::Neg(x), _) if !self.only_second_uniform(b, a) => {
                let sum = self.add(x, b);
                self.neg(sum)
            }
            _ => self.intern(Node::Sub(a, b)),
        }
    }

    /// a·b.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (a, b) = self.ordered(a, b);
        if a == b {
            return self.square(a);
        }
        if let (Node::Constant(x), Node::Constant(y)) = (self.node(a), self.node(b)) {
            return self.constant(x * y);
        }
        for (factor, x) in [(a, b), (b, a)] {
            match (self.node(factor), self.node(x)) {
                (Node::Constant(c), _) if c.is_zero() => return Self::ZERO,
                (Node::Constant(c), _) if c == Fr::ONE => return x,
                (Node::Constant(c), _) if c == -Fr::ONE => return self.neg(x),
                (Node::Constant(c), _) if c == Fr::ONE.double() => return self.double(x),
                (_, Node::Neg(y)) if self.only_second_uniform(x, factor) => {
                    let factor = self.neg(factor);
                    return self.mul(factor, y);
                }
                (_, Node::Neg(y)) if !self.only_second_uniform(factor, x) => {
                    let product = self.mul(factor, y);
                    return self.neg(product);
                }
                (_, Node::Mul(y, z)) => {
                    if let Some((other, rest)) = self.uniform_and_rest(factor, y, z) {
                        let factor = self.mul(factor, other);
                        return self.mul(factor, rest);
                    }
                }
                _ => (),
            }
        }
        self.intern(Node::Mul(a, b))
    }

    /// −a.
    pub fn neg(&mut self, a: NodeId) -> NodeId {
        match self.node(a) {
            Node::Constant(x) => self.constant(-x),
            Node::Neg(x) => x,
            Node::Sub(x, y) => self.sub(y, x),
            _ => self.intern(Node::Neg(a)),
        }
    }

    /// a².
    pub fn square(&mut self, a: NodeId) -> NodeId {
        match self.node(a) {
            Node::Constant(x) => self.constant(x.square()),
            Node::Neg(x) => self.square(x),
            _ => self.intern(Node::Square(a)),
        }
    }

    /// 2a.
    pub fn double(&mut self, a: NodeId) -> NodeId {
        match self.node(a) {
            Node::Constant(x) => self.constant(x.double()),
            Node::Neg(x) => {
                let twice = self.double(x);
                self.neg(twice)
            }
            _ => self.intern(Node::Double(a)),
        }
    }

    /// Σ `terms`; zero for none.
    ///
    /// Uniform terms are added first, so that their sum costs nothing in a row, then linear ones, so that they are one
    /// linear form.
    pub fn sum(&mut self, terms: &[NodeId]) -> NodeId {
        let mut terms: Vec<_> = terms.to_vec();
        terms.sort_by_key(|&term| self.shape(term));
        terms.into_iter().fold(Self::ZERO, |total, term| self.add(total, term))
    }

    /// Σ_j `terms`_j·`factor`^(k−1−j) for k terms: the last one has factor 1. Zero for none.
    ///
    /// Cost: k − 1 products a row at most. With a uniform factor the powers are uniforms, so that linear terms stay
    /// linear with one coefficient each; else Horner's rule.
    pub fn horner(&mut self, terms: &[NodeId], factor: NodeId) -> NodeId {
        if !self.is_uniform(factor) {
            return terms.iter().fold(Self::ZERO, |value, &term| {
                let product = self.mul(value, factor);
                self.add(product, term)
            });
        }
        let mut power = Self::ONE;
        let mut scaled: Vec<_> = Vec::with_capacity(terms.len());
        for &term in terms.iter().rev() {
            scaled.push(self.mul(power, term));
            power = self.mul(power, factor);
        }
        self.sum(&scaled)
    }

    fn ordered(&self, a: NodeId, b: NodeId) -> (NodeId, NodeId) {
        let (a, b) = (self.own(a), self.own(b));
        if a <= b { (a, b) } else { (b, a) }
    }

    /// Whether b is uniform and a is not: negating b is free then.
    fn only_second_uniform(&self, a: NodeId, b: NodeId) -> bool {
        self.is_uniform(b) && !self.is_uniform(a)
    }

    /// If `outer` is uniform and exactly one of x and y is: that one, and the other.
    fn uniform_and_rest(&self, outer: NodeId, x: NodeId, y: NodeId) -> Option<(NodeId, NodeId)> {
        match (self.is_uniform(outer), self.is_uniform(x), self.is_uniform(y)) {
            (true, true, false) => Some((x, y)),
            (true, false, true) => Some((y, x)),
            _ => None,
        }
    }

    fn intern(&mut self, node: Node) -> NodeId {
        if let Some(&id) = self.ids.get(&node) {
            return id;
        }
        let id = Self::id(self.nodes.len());
        self.shapes.push(self.shape_of(node));
        self.nodes.push(node);
        self.ids.insert(node, id);
        id
    }

    fn shape_of(&self, node: Node) -> Shape {
        match node {
            Node::Uniform(_) | Node::Constant(_) => Shape::Uniform,
            Node::Column { .. } => Shape::Linear,
            Node::Add(a, b) | Node::Sub(a, b) => self.shape(a).max(self.shape(b)),
            Node::Neg(a) | Node::Double(a) => self.shape(a),
            Node::Mul(a, b) => match (self.shape(a), self.shape(b)) {
                (Shape::Uniform, other) | (other, Shape::Uniform) => other,
                _ => Shape::Other,
            },
            Node::Square(a) if self.is_uniform(a) => Shape::Uniform,
            Node::Square(_) => Shape::Other,
        }
    }
}
