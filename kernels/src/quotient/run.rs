//! The interpreter: one instruction at a time over a block of rows.

use super::QuotientError;
use super::program::{Instruction, Operand, Operation, Program};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Field, FieldParams, Fr, FrParams, cast_slice, cast_slice_mut, sub_raw};
use crate::parallel::for_each_owned;
use crate::vector::FrOn;

/// Rows of a block: a register is 2 KiB, so that a dozen stay in the L1 cache, and decoding an instruction costs little
/// beside 64 products.
const BLOCK: usize = 64;

/// Rows that one task works on.
const TASK: usize = 16 * BLOCK;

/// Bytes that [`run`] takes beside its arguments with this many threads: the uniforms, and registers for each thread.
pub fn scratch_bytes(program: &Program, threads: usize) -> usize {
    let blocks = threads * (program.registers() + WRAPPED);
    (blocks * BLOCK + program.uniform_steps().len()) * size_of::<Fr>()
}

/// Runs the program in every row: `outputs`_j\[i\] is output j of the graph in row i, where a column with rotation r is
/// read at row (i + r) mod n.
///
/// n is the length of the outputs, any number. Columns that the program does not read may have any length.
///
/// Cost: [`Program::products_per_row`] products a row; registers in cache; each column is read once a block for each
/// instruction that uses it. Registers hold residues below 2p, reduced fully when they are stored.
///
/// Errors: as [`QuotientError`] says, before anything is written.
pub fn run(
    path: CpuPath,
    program: &Program,
    columns: &[&[Fr]],
    given_uniforms: &[Fr],
    outputs: &mut [&mut [Fr]],
) -> Result<(), QuotientError> {
    let column_lens: Vec<_> = columns.iter().map(|column| column.len()).collect();
    let output_lens: Vec<_> = outputs.iter().map(|output| output.len()).collect();
    let n = check_shapes(program, &column_lens, &output_lens)?;
    let uniforms = program.uniforms(given_uniforms)?;
    with_arith!(path, A => run_rows::<A>(program, columns, &uniforms, outputs, n));
    Ok(())
}

/// Checks the lengths of columns and outputs against each other and the program; the number of rows.
///
/// Errors: all of [`QuotientError`] that concern columns and outputs.
pub fn check_shapes(
    program: &Program,
    column_lens: &[usize],
    output_lens: &[usize],
) -> Result<usize, QuotientError> {
    if output_lens.len() != program.outputs() {
        return Err(QuotientError::Outputs { expected: program.outputs(), given: output_lens.len() });
    }
    let n = output_lens.first().copied().unwrap_or(0);
    if let Some(output) = output_lens.iter().position(|&len| len != n) {
        return Err(QuotientError::OutputLength { output, actual: output_lens[output], expected: n });
    }
    for &column in program.columns().keys() {
        match column_lens.get(column as usize) {
            None => return Err(QuotientError::MissingColumn { column, given: column_lens.len() }),
            Some(&actual) if actual != n => {
                return Err(QuotientError::ColumnLength { column, actual, expected: n });
            }
            Some(_) => (),
        }
    }
    Ok(n)
}

fn run_rows<A: Arith>(
    program: &Program,
    columns: &[&[Fr]],
    uniforms: &[Fr],
    outputs: &mut [&mut [Fr]],
    n: usize,
) {
    let columns: Vec<_> = columns.iter().map(|column| cast_slice::<Fr, A>(column)).collect();
    let rows = Rows { columns: &columns, uniforms: cast_slice::<Fr, A>(uniforms), n };
    let mut rests: Vec<_> = outputs.iter_mut().map(|output| cast_slice_mut::<Fr, A>(output)).collect();
    let mut tasks = Vec::with_capacity(n.div_ceil(TASK));
    for start in (0..n).step_by(TASK) {
        let len = TASK.min(n - start);
        let parts = rests.iter_mut().map(|rest| {
            let (part, after) = core::mem::take(rest).split_at_mut(len);
            *rest = after;
            part
        });
        tasks.push((start, len, parts.collect::<Vec<_>>()));
    }
    for_each_owned(tasks, |(start, len, mut outputs)| {
        let mut scratch = Scratch::new(program.registers());
        for at in (0..len).step_by(BLOCK) {
            let block = at..(at + BLOCK).min(len);
            for instruction in program.instructions() {
                match *instruction {
                    Instruction::Compute { to, operation } => {
                        scratch.compute(&rows, start + at, block.len(), to, operation);
                    }
                    Instruction::Store { output, from } => {
                        let to = &mut outputs[output as usize][block.clone()];
                        scratch.store(&rows, start + at, to, from);
                    }
                }
            }
        }
    });
}

/// What instructions read beside registers.
struct Rows<'a, A: Arith> {
    columns: &'a [&'a [FrOn<A>]],
    uniforms: &'a [FrOn<A>],
    n: usize,
}

/// Operands of one instruction.
const WRAPPED: usize = 3;

struct Scratch<A: Arith> {
    /// Blocks of residues < 2p.
    registers: Vec<Vec<FrOn<A>>>,
    /// For each operand of an instruction, the rows of a column that continue at its start.
    wrapped: [Vec<FrOn<A>>; WRAPPED],
}

/// The values of an operand in a block: one a row, or one for all.
#[derive(Copy, Clone)]
struct Source<'a, A: Arith> {
    values: &'a [FrOn<A>],
    /// All ones, or zero for one value.
    mask: usize,
}

impl<A: Arith> Source<'_, A> {
    #[inline(always)]
    fn at(&self, row: usize) -> FrOn<A> {
        self.values[row & self.mask]
    }
}

impl<A: Arith> Scratch<A> {
    fn new(registers: usize) -> Self {
        let block = || Vec::with_capacity(BLOCK);
        Self {
            registers: vec![vec![FrOn::<A>::ZERO; BLOCK]; registers],
            wrapped: [block(), block(), block()],
        }
    }

    /// One operation in rows `start`..`start` + `rows`.
    fn compute(
        &mut self,
        from: &Rows<'_, A>,
        start: usize,
        rows: usize,
        to: u32,
        operation: Operation<Operand>,
    ) {
        // The compiler gives the result a register of its own, so it may be taken out.
        let mut result = core::mem::take(&mut self.registers[to as usize]);
        let mut wrapped = self.wrapped.iter_mut();
        let registers = &self.registers;
        let operation = operation.map(|operand| from.source(registers, wrapped.next(), operand, start, rows));
        let block = &mut result[..rows];
        match operation {
            Operation::Add(a, b) => fill(block, |i| add(a.at(i), b.at(i))),
            Operation::Sub(a, b) => fill(block, |i| sub(a.at(i), b.at(i))),
            Operation::Mul(a, b) => fill(block, |i| a.at(i).mul_lazy(b.at(i))),
            Operation::Square(a) => fill(block, |i| a.at(i).mul_lazy(a.at(i))),
            Operation::Double(a) => fill(block, |i| add(a.at(i), a.at(i))),
            Operation::Neg(a) => fill(block, |i| sub(FrOn::<A>::ZERO, a.at(i))),
            Operation::MulAdd(a, b, c) => fill(block, |i| add(a.at(i).mul_lazy(b.at(i)), c.at(i))),
            Operation::MulSub(a, b, c) => fill(block, |i| sub(a.at(i).mul_lazy(b.at(i)), c.at(i))),
            Operation::SubMul(a, b, c) => fill(block, |i| sub(c.at(i), a.at(i).mul_lazy(b.at(i)))),
        }
        self.registers[to as usize] = result;
    }

    /// A value into the rows from `start` of an output, fully reduced.
    fn store(&mut self, from: &Rows<'_, A>, start: usize, to: &mut [FrOn<A>], operand: Operand) {
        let rows = to.len();
        let source = from.source(&self.registers, self.wrapped.first_mut(), operand, start, rows);
        for (i, to) in to.iter_mut().enumerate() {
            *to = source.at(i).reduce_once();
        }
    }
}

impl<'a, A: Arith> Rows<'a, A> {
    /// The operand in rows `start`..`start` + `rows`. `wrapped`: memory for rows that are not in one piece.
    fn source<'s>(
        &self,
        registers: &'s [Vec<FrOn<A>>],
        wrapped: Option<&'s mut Vec<FrOn<A>>>,
        operand: Operand,
        start: usize,
        rows: usize,
    ) -> Source<'s, A>
    where
        'a: 's,
    {
        match operand {
            Operand::Register(register) => Source { values: &registers[register as usize], mask: usize::MAX },
            Operand::Uniform(step) => {
                Source { values: core::slice::from_ref(&self.uniforms[step as usize]), mask: 0 }
            }
            Operand::Column { column, rotation } => {
                let values = self.columns[column as usize];
                // n < 2^59 elements fit the address space.
                let first = (start as i64 + i64::from(rotation)).rem_euclid(self.n as i64) as usize;
                match (values.get(first..first + rows), wrapped) {
                    (None, Some(wrapped)) => {
                        wrapped.clear();
                        wrapped.extend_from_slice(&values[first..]);
                        // A block is not longer than n.
                        wrapped.extend_from_slice(&values[..rows - wrapped.len()]);
                        Source { values: wrapped, mask: usize::MAX }
                    }
                    (piece, _) => Source { values: piece.unwrap_or_default(), mask: usize::MAX },
                }
            }
        }
    }
}

/// to_i ← f(i) < 2p.
#[inline(always)]
fn fill<A: Arith>(to: &mut [FrOn<A>], f: impl Fn(usize) -> FrOn<A>) {
    for (i, to) in to.iter_mut().enumerate() {
        *to = f(i);
        debug_assert!(sub_raw(*to.limbs(), FrParams::MODULUS_2).1, "a register holds 2p or more");
    }
}

/// a + b. In: < 2p. Out: < 2p.
#[inline(always)]
fn add<A: Arith>(a: FrOn<A>, b: FrOn<A>) -> FrOn<A> {
    a.add_lazy(b).reduce_to_2p()
}

/// a − b. In: < 2p. Out: < 2p.
#[inline(always)]
fn sub<A: Arith>(a: FrOn<A>, b: FrOn<A>) -> FrOn<A> {
    FrOn::<A>::from_montgomery_unchecked(A::sub_lazy(a.limbs(), b.limbs(), &FrParams::MODULUS_2))
        .reduce_to_2p()
}
