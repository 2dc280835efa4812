//! From a graph to a program: fusing, ordering, registers.

use super::graph::{Graph, Node, NodeId};
use super::program::{Instruction, Operand, Operation, Program, UniformStep, operation};
use std::collections::BTreeMap;

impl Graph {
    /// A program whose output j is `outputs`_j.
    ///
    /// Each distinct node is computed once, each uniform node once a run. A product that only one sum or difference uses
    /// is fused with it. Nodes are computed depth first, of several operands first the one that needs most registers
    /// (R. Sethi, J. D. Ullman, The generation of optimal code for arithmetic expressions, 1970: best for trees, a
    /// heuristic where nodes are shared); outputs are stored as soon as they are known. Columns are read in place.
    ///
    /// Time and memory: proportional to the size of the graph.
    pub fn compile(&self, outputs: &[NodeId]) -> Program {
        let outputs: Vec<_> = outputs.iter().map(|&output| self.own(output)).collect();
        let mut compiler = Compiler::new(self, &outputs);
        for &output in &outputs {
            compiler.place(output);
        }
        compiler.finish(outputs.len())
    }
}

struct Compiler<'a> {
    graph: &'a Graph,
    /// For each node, what it computes in a row, fused; none for uniforms, columns, and what is not needed.
    operations: Vec<Option<Operation<NodeId>>>,
    /// Registers that the node needs while it is computed, its own included.
    needs: Vec<u32>,
    /// How many operands of instructions are still to read the node, stores included.
    uses: Vec<u32>,
    /// Outputs that the node is.
    stores: BTreeMap<NodeId, Vec<u32>>,
    /// Where the value of the node is, once it is known.
    places: Vec<Option<Operand>>,
    program: Program,
    free: Vec<u32>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, outputs: &[NodeId]) -> Self {
        let n = graph.nodes().len();
        let mut stores = BTreeMap::<NodeId, Vec<u32>>::new();
        for (index, output) in outputs.iter().enumerate() {
            stores.entry(*output).or_default().push(index as u32);
        }
        let mut compiler = Self {
            graph,
            operations: vec![None; n],
            needs: vec![0; n],
            uses: vec![0; n],
            stores,
            places: vec![None; n],
            program: Program {
                uniform_steps: Vec::new(),
                instructions: Vec::new(),
                registers: 0,
                outputs: 0,
                columns: BTreeMap::new(),
            },
            free: Vec::new(),
        };
        compiler.fuse(&compiler.count_uses(), outputs);
        compiler.measure();
        compiler.place_leaves();
        compiler
    }

    /// How often nodes that are needed, and outputs, use each node.
    fn count_uses(&self) -> Vec<u32> {
        let mut uses = vec![0u32; self.graph.nodes().len()];
        for (node, stores) in &self.stores {
            uses[node.index()] += stores.len() as u32;
        }
        for index in (0..uses.len()).rev().filter(|&index| self.graph.nodes()[index].operands().count() > 0) {
            if uses[index] > 0 {
                self.graph.nodes()[index].operands().for_each(|operand| uses[operand.index()] += 1);
            }
        }
        uses
    }

    /// Chooses the operations, and counts the uses that are left. `shared`: uses before anything is fused.
    fn fuse(&mut self, shared: &[u32], outputs: &[NodeId]) {
        for output in outputs {
            self.uses[output.index()] += 1;
        }
        // Downwards, so that it is known of each node whether it is needed by itself.
        for index in (0..shared.len()).rev() {
            let id = Graph::id(index);
            let Some(plain) = operation(self.graph.node(id)).filter(|_| self.uses[index] > 0) else {
                continue;
            };
            let chosen = if self.graph.is_uniform(id) { plain } else { self.fused(plain, shared) };
            chosen.operands().for_each(|operand| self.uses[operand.index()] += 1);
            self.operations[index] = Some(chosen);
        }
    }

    /// The operation with a product that nothing else uses, if there is one.
    fn fused(&self, plain: Operation<NodeId>, shared: &[u32]) -> Operation<NodeId> {
        let factors = |id: NodeId| match self.graph.node(id) {
            _ if shared[id.index()] != 1 || self.graph.is_uniform(id) => None,
            Node::Mul(x, y) => Some((x, y)),
            Node::Square(x) => Some((x, x)),
            _ => None,
        };
        match plain {
            Operation::Add(a, b) => match (factors(a), factors(b)) {
                (_, Some((x, y))) => Operation::MulAdd(x, y, a),
                (Some((x, y)), _) => Operation::MulAdd(x, y, b),
                _ => plain,
            },
            Operation::Sub(a, b) => match (factors(a), factors(b)) {
                (_, Some((x, y))) => Operation::SubMul(x, y, a),
                (Some((x, y)), _) => Operation::MulSub(x, y, b),
                _ => plain,
            },
            _ => plain,
        }
    }

    /// Registers needed: operands that need most go first, and each leaves one register behind.
    fn measure(&mut self) {
        for index in 0..self.needs.len() {
            if let Some(operation) =
                self.operations[index].filter(|_| !self.graph.is_uniform(Graph::id(index)))
            {
                let need =
                    self.by_need(operation).into_iter().zip(0..).map(|(id, held)| self.need(id) + held).max();
                // The result does not share a register with an operand.
                let registers = operation.operands().filter(|id| self.need(*id) > 0).count() as u32;
                self.needs[index] = need.unwrap_or(0).max(registers + 1);
            }
        }
    }

    fn need(&self, id: NodeId) -> u32 {
        self.needs[id.index()]
    }

    /// The operands that are computed, those that need most registers first.
    fn by_need(&self, operation: Operation<NodeId>) -> Vec<NodeId> {
        let mut operands: Vec<_> = operation.operands().filter(|id| self.need(*id) > 0).collect();
        operands.sort_by_key(|id| core::cmp::Reverse(self.need(*id)));
        operands
    }

    /// Uniforms become steps, in order of the graph; columns are where they are.
    fn place_leaves(&mut self) {
        for index in (0..self.uses.len()).filter(|&index| self.uses[index] > 0) {
            let id = Graph::id(index);
            let step = match (self.graph.node(id), self.operations[index]) {
                (Node::Column { column, rotation }, _) => {
                    let rotations = self.program.columns.entry(column).or_default();
                    rotations.push(rotation);
                    rotations.sort_unstable();
                    self.places[index] = Some(Operand::Column { column, rotation });
                    continue;
                }
                (Node::Uniform(given), _) => UniformStep::Given(given),
                (Node::Constant(value), _) => UniformStep::Constant(value),
                (_, Some(operation)) if self.graph.is_uniform(id) => {
                    UniformStep::Compute(operation.map(|operand| match self.places[operand.index()] {
                        Some(Operand::Uniform(step)) => step,
                        // Operands of uniform nodes are uniform and come before them.
                        _ => 0,
                    }))
                }
                _ => continue,
            };
            self.places[index] = Some(Operand::Uniform(self.program.uniform_steps.len() as u32));
            self.program.uniform_steps.push(step);
        }
    }

    /// Emits what computes and stores the node, unless that is done. Without recursion: graphs may be deep.
    fn place(&mut self, output: NodeId) {
        let mut stack = vec![output];
        while let Some(&id) = stack.last() {
            if let Some(operation) = self.operations[id.index()].filter(|_| self.places[id.index()].is_none())
            {
                let before = stack.len();
                let operands = self.by_need(operation);
                stack.extend(operands.into_iter().rev().filter(|id| self.places[id.index()].is_none()));
                if stack.len() > before {
                    continue;
                }
                self.compute(id, operation);
            }
            stack.pop();
            self.store(id);
        }
    }

    fn compute(&mut self, id: NodeId, operation: Operation<NodeId>) {
        // Before the operands are released, so that the result overwrites none of them.
        let to = self.free.pop().unwrap_or_else(|| {
            self.program.registers += 1;
            self.program.registers as u32 - 1
        });
        // Operands were placed before; see `place`.
        let operation_on_places =
            operation.map(|operand| self.places[operand.index()].unwrap_or(Operand::Register(to)));
        self.program.instructions.push(Instruction::Compute { to, operation: operation_on_places });
        self.places[id.index()] = Some(Operand::Register(to));
        operation.operands().for_each(|operand| self.release(operand));
    }

    fn store(&mut self, id: NodeId) {
        let Some(from) = self.places[id.index()] else { return };
        for output in self.stores.remove(&id).unwrap_or_default() {
            self.program.instructions.push(Instruction::Store { output, from });
            self.release(id);
        }
    }

    /// Takes note that one use of the node is done.
    fn release(&mut self, id: NodeId) {
        self.uses[id.index()] -= 1;
        if let (0, Some(Operand::Register(register))) = (self.uses[id.index()], self.places[id.index()]) {
            self.free.push(register);
        }
    }

    fn finish(mut self, outputs: usize) -> Program {
        self.program.outputs = outputs;
        self.program
    }
}
