//! Programs: straight lines of operations on a few registers, the same for every row.

use super::QuotientError;
use super::graph::{Graph, Node, NodeId};
use crate::field::{Field, Fr};
use std::collections::BTreeMap;

/// Where an instruction reads a value.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// Element (i + rotation) mod n of a column, in row i.
    Column {
        /// Index of the column.
        column: u32,
        /// Rows ahead; may be negative and beyond n.
        rotation: i32,
    },
    /// A value of [`Program::uniforms`].
    Uniform(u32),
    /// A register that an instruction before has written.
    Register(u32),
}

/// An operation of the field.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation<T> {
    /// a + b.
    Add(T, T),
    /// a − b.
    Sub(T, T),
    /// a·b.
    Mul(T, T),
    /// a².
    Square(T),
    /// 2a.
    Double(T),
    /// −a.
    Neg(T),
    /// a·b + c.
    MulAdd(T, T, T),
    /// a·b − c.
    MulSub(T, T, T),
    /// c − a·b.
    SubMul(T, T, T),
}

impl<T: Copy> Operation<T> {
    /// The operands in order.
    pub fn operands(self) -> impl Iterator<Item = T> {
        let (a, b, c) = match self {
            Self::Square(a) | Self::Double(a) | Self::Neg(a) => (a, None, None),
            Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b) => (a, Some(b), None),
            Self::MulAdd(a, b, c) | Self::MulSub(a, b, c) | Self::SubMul(a, b, c) => (a, Some(b), Some(c)),
        };
        core::iter::once(a).chain(b).chain(c)
    }

    /// The same operation on other operands.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Operation<U> {
        match self {
            Self::Add(a, b) => Operation::Add(f(a), f(b)),
            Self::Sub(a, b) => Operation::Sub(f(a), f(b)),
            Self::Mul(a, b) => Operation::Mul(f(a), f(b)),
            Self::Square(a) => Operation::Square(f(a)),
            Self::Double(a) => Operation::Double(f(a)),
            Self::Neg(a) => Operation::Neg(f(a)),
            Self::MulAdd(a, b, c) => Operation::MulAdd(f(a), f(b), f(c)),
            Self::MulSub(a, b, c) => Operation::MulSub(f(a), f(b), f(c)),
            Self::SubMul(a, b, c) => Operation::SubMul(f(a), f(b), f(c)),
        }
    }

    /// Whether it has a product.
    pub fn has_product(&self) -> bool {
        !matches!(self, Self::Add(..) | Self::Sub(..) | Self::Double(_) | Self::Neg(_))
    }

    /// Whether it has a sum, difference or negation.
    pub fn has_addition(&self) -> bool {
        !matches!(self, Self::Mul(..) | Self::Square(_))
    }
}

/// A step of a program.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// Computes a value. The register is none of the operands.
    Compute {
        /// The register that gets it.
        to: u32,
        /// What is computed.
        operation: Operation<Operand>,
    },
    /// Writes a value to row i of an output.
    Store {
        /// Index of the output.
        output: u32,
        /// The value.
        from: Operand,
    },
}

/// A value that all rows share; operands are indices of earlier steps.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum UniformStep {
    /// One of the uniforms given at run time.
    Given(u32),
    /// A constant.
    Constant(Fr),
    /// An operation on earlier steps.
    Compute(Operation<u32>),
}

/// Expressions compiled by [`Graph::compile`]: uniform steps, done once a run, and instructions, done in each row.
///
/// Registers are written before they are read, and every output is stored once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) uniform_steps: Vec<UniformStep>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: usize,
    pub(super) outputs: usize,
    pub(super) columns: BTreeMap<u32, Vec<i32>>,
}

impl Program {
    /// What each row computes, in order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// How the uniforms are computed: step j gives [`Operand::Uniform`] j.
    pub fn uniform_steps(&self) -> &[UniformStep] {
        &self.uniform_steps
    }

    /// The values of all uniform steps.
    ///
    /// Error: [`QuotientError::MissingUniform`].
    pub fn uniforms(&self, given: &[Fr]) -> Result<Vec<Fr>, QuotientError> {
        let mut values: Vec<Fr> = Vec::with_capacity(self.uniform_steps.len());
        for step in &self.uniform_steps {
            values.push(match step {
                UniformStep::Given(index) => given_uniform(given, *index)?,
                UniformStep::Constant(value) => *value,
                // Steps come after the steps they use.
                UniformStep::Compute(operation) => compute(operation.map(|step| values[step as usize])),
            });
        }
        Ok(values)
    }

    /// Number of registers.
    pub fn registers(&self) -> usize {
        self.registers
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The columns that are read, each with its rotations in ascending order.
    pub fn columns(&self) -> &BTreeMap<u32, Vec<i32>> {
        &self.columns
    }

    /// Products in each row.
    pub fn products_per_row(&self) -> usize {
        self.count(Operation::has_product)
    }

    /// Additions, subtractions and negations in each row.
    pub fn additions_per_row(&self) -> usize {
        self.count(Operation::has_addition)
    }

    fn count(&self, what: impl Fn(&Operation<Operand>) -> bool) -> usize {
        let counts = |instruction: &&Instruction| match instruction {
            Instruction::Compute { operation, .. } => what(operation),
            Instruction::Store { .. } => false,
        };
        self.instructions.iter().filter(counts).count()
    }
}

impl Graph {
    /// The values of uniform nodes.
    ///
    /// Errors: [`QuotientError::NotUniform`], [`QuotientError::MissingUniform`].
    pub fn evaluate_uniforms(&self, nodes: &[NodeId], given: &[Fr]) -> Result<Vec<Fr>, QuotientError> {
        if let Some(index) = nodes.iter().position(|&node| !self.is_uniform(node)) {
            return Err(QuotientError::NotUniform { index });
        }
        let nodes: Vec<_> = nodes.iter().map(|&node| self.own(node)).collect();
        let mut needed = vec![false; self.nodes().len()];
        nodes.iter().for_each(|node| needed[node.index()] = true);
        for index in (0..needed.len()).rev() {
            if needed[index] {
                Self::id(index).operands(self).for_each(|operand| needed[operand.index()] = true);
            }
        }
        let mut values = vec![Fr::ZERO; needed.len()];
        for index in (0..needed.len()).filter(|&index| needed[index]) {
            values[index] = match self.node(Self::id(index)) {
                Node::Uniform(uniform) => given_uniform(given, uniform)?,
                Node::Constant(value) => value,
                node => match operation(node) {
                    Some(operation) => compute(operation.map(|operand| values[operand.index()])),
                    // Uniform nodes have no column below them.
                    None => Fr::ZERO,
                },
            };
        }
        Ok(nodes.iter().map(|node| values[node.index()]).collect())
    }
}

impl NodeId {
    fn operands(self, graph: &Graph) -> impl Iterator<Item = NodeId> {
        graph.node(self).operands()
    }
}

/// The operation of a node that is computed from others.
pub(super) fn operation(node: Node) -> Option<Operation<NodeId>> {
    Some(match node {
        Node::Column { .. } | Node::Uniform(_) | Node::Constant(_) => return None,
        Node::Add(a, b) => Operation::Add(a, b),
        Node::Sub(a, b) => Operation::Sub(a, b),
        Node::Mul(a, b) => Operation::Mul(a, b),
        Node::Neg(a) => Operation::Neg(a),
        Node::Square(a) => Operation::Square(a),
        Node::Double(a) => Operation::Double(a),
    })
}

fn given_uniform(given: &[Fr], uniform: u32) -> Result<Fr, QuotientError> {
    given.get(uniform as usize).copied().ok_or(QuotientError::MissingUniform { uniform, given: given.len() })
}

fn compute(operation: Operation<Fr>) -> Fr {
    match operation {
        Operation::Add(a, b) => a + b,
        Operation::Sub(a, b) => a - b,
        Operation::Mul(a, b) => a * b,
        Operation::Square(a) => a.square(),
        Operation::Double(a) => a.double(),
        Operation::Neg(a) => -a,
        Operation::MulAdd(a, b, c) => a * b + c,
        Operation::MulSub(a, b, c) => a * b - c,
        Operation::SubMul(a, b, c) => c - a * b,
    }
}
