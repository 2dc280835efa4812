//! Programs as the interpreter reads them, and what its arena holds. Pure.

use zkwatt_kernels::quotient::{Instruction, Operand, Operation, Program};

/// Elements of an arena that is not larger for other reasons: 32 MiB, within the caches of large GPUs.
const ARENA: usize = 1 << 20;

/// Most rows of a piece: threads enough for any GPU.
const MAX_ROWS: usize = 1 << 16;

/// Fewest: with fewer, most of a GPU would idle, and the halo would be most of the arena.
const MIN_ROWS: usize = 64;

/// Instructions of one dispatch: with most rows, as many products as a submit may have.
pub(super) const SEGMENT: usize = 1 << 10;

/// Rotations of a column that lie at most this far apart share a window.
const HALO: i64 = 64;

/// Words of an instruction.
pub(super) const WORDS: usize = 8;

/// A result that only the next instruction uses, and that result as its operand; as in the shader.
const NOWHERE: u32 = u32::MAX;
const LAST: u32 = u32::MAX;

/// Bits of the first word; as in the shader.
const ADD_C: u32 = 1;
const SUBTRACT_C: u32 = 2;
const SUBTRACT_FROM_C: u32 = 3;
const PRODUCT: u32 = 4;
const VARIES: [u32; 3] = [8, 16, 32];

/// Consecutive rows of a column, from `first` rows ahead on: those of a piece and `extra` more.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) column: u32,
    first: i64,
    extra: usize,
}

/// A run of rows of a column that goes to the arena in one piece.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// First element in the column.
    pub(super) from: usize,
    /// Number of elements.
    pub(super) len: usize,
    /// First element in the arena.
    pub(super) to: usize,
}

/// How a program is run on n > 0 rows: in pieces, each of which uses the same arena.
///
/// An arena holds the uniforms, a zero, then slots of `stride` elements for windows, registers, outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    n: usize,
    /// Rows of a piece.
    pub(super) rows: usize,
    windows: Vec<Window>,
    /// Where slots start.
    slots: usize,
    stride: usize,
    registers: usize,
    outputs: usize,
}

impl Plan {
    /// `binding`: elements that one binding holds. The arena is larger if it cannot be helped.
    pub(super) fn new(program: &Program, n: usize, binding: usize) -> Self {
        let windows = windows(program, n);
        let slots = program.uniform_steps().len() + 1;
        let (registers, outputs) = (program.registers(), program.outputs());
        let extra = windows.iter().map(|window| window.extra).max().unwrap_or(0);
        let count = windows.len() + registers + outputs;
        let fitting = (ARENA.min(binding).saturating_sub(slots) / count.max(1)).saturating_sub(extra);
        let rows = fitting.clamp(MIN_ROWS, MAX_ROWS).min(n);
        Self { n, rows, windows, slots, stride: rows + extra, registers, outputs }
    }

    /// Elements of the arena.
    pub(super) fn arena(&self) -> usize {
        self.slot(self.windows.len() + self.registers + self.outputs)
    }

    /// Where an output starts in the arena.
    pub(super) fn output(&self, output: usize) -> usize {
        self.slot(self.windows.len() + self.registers + output)
    }

    /// The zero behind the uniforms.
    fn zero(&self) -> Operand {
        Operand::Uniform(self.slots as u32 - 1)
    }

    fn register(&self, register: u32) -> usize {
        self.slot(self.windows.len() + register as usize)
    }

    fn slot(&self, slot: usize) -> usize {
        self.slots + slot * self.stride
    }

    /// What the windows of the piece of `rows` rows from `start` on consist of, each with its column.
    pub(super) fn parts(&self, start: usize, rows: usize) -> impl Iterator<Item = (u32, Part)> {
        (0..).zip(&self.windows).flat_map(move |(slot, window)| {
            let parts = wrapped(self.n, start as i64 + window.first, rows + window.extra);
            let to = self.slot(slot);
            parts.map(move |(at, from, len)| (window.column, Part { from, len, to: to + at }))
        })
    }

    /// The place of an operand, and whether the row is added to it.
    fn place(&self, operand: Operand) -> (usize, bool) {
        match operand {
            Operand::Uniform(step) => (step as usize, false),
            Operand::Register(register) => (self.register(register), true),
            Operand::Column { column, rotation } => {
                let rotation = centred(rotation, self.n);
                let holds = |window: &Window| {
                    window.column == column
                        && (window.first..=window.first + window.extra as i64).contains(&rotation)
                };
                // Windows cover all that the program reads.
                let slot = self.windows.iter().position(holds).unwrap_or_default();
                let ahead = self.windows.get(slot).map_or(0, |window| rotation - window.first);
                (self.slot(slot) + ahead as usize, true)
            }
        }
    }

    /// The program's instructions. Every [`SEGMENT`] of them can run as a dispatch of their own.
    pub(super) fn code(&self, program: &Program) -> Vec<[u32; WORDS]> {
        let mut writer =
            Writer { plan: self, code: Vec::new(), held: None, written: vec![0; self.registers] };
        for instruction in program.instructions() {
            writer.push(*instruction);
        }
        writer.code
    }
}

/// The rotation among those that are the same modulo n that is nearest to zero.
fn centred(rotation: i32, n: usize) -> i64 {
    let n = n as i64;
    let ahead = i64::from(rotation).rem_euclid(n);
    if ahead > n / 2 { ahead - n } else { ahead }
}

fn windows(program: &Program, n: usize) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (&column, rotations) in program.columns() {
        let mut rotations: Vec<_> = rotations.iter().map(|&rotation| centred(rotation, n)).collect();
        rotations.sort_unstable();
        for rotation in rotations {
            match windows.last_mut() {
                Some(window) if window.column == column && rotation - window.first <= HALO => {
                    window.extra = (rotation - window.first) as usize;
                }
                _ => windows.push(Window { column, first: rotation, extra: 0 }),
            }
        }
    }
    windows
}

/// Elements `start`, `start` + 1, … modulo n, `len` in all, as (how many come before, first, number).
fn wrapped(n: usize, start: i64, len: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let mut from = start.rem_euclid(n as i64) as usize;
    let mut done = 0;
    std::iter::from_fn(move || {
        let part = (done, from, (len - done).min(n - from));
        done += part.2;
        from = 0;
        (part.2 > 0).then_some(part)
    })
}

/// Writes instructions, and keeps results out of the arena that the next instruction alone uses.
struct Writer<'a> {
    plan: &'a Plan,
    code: Vec<[u32; WORDS]>,
    /// The register whose value is that of the instruction before.
    held: Option<u32>,
    /// For each register, the instruction that wrote it.
    written: Vec<usize>,
}

impl Writer<'_> {
    fn push(&mut self, instruction: Instruction) {
        if self.code.len().is_multiple_of(SEGMENT) {
            // Another dispatch starts without a last result.
            self.held = None;
        }
        match instruction {
            Instruction::Compute { to, operation } => {
                let words = self.compute(operation);
                self.written[to as usize] = self.code.len();
                self.held = Some(to);
                self.code.push(words);
            }
            Instruction::Store { output, from } => {
                let mut words = self.operands(0, &[Some(from), None, None]);
                words[1] = self.plan.output(output as usize) as u32;
                self.held = match from {
                    Operand::Register(register) => Some(register),
                    _ => None,
                };
                self.code.push(words);
            }
        }
    }

    fn compute(&mut self, operation: Operation<Operand>) -> [u32; WORDS] {
        let (what, operands) = match operation {
            Operation::Add(a, c) => (ADD_C, [Some(a), None, Some(c)]),
            Operation::Sub(a, c) => (SUBTRACT_C, [Some(a), None, Some(c)]),
            Operation::Mul(a, b) => (PRODUCT, [Some(a), Some(b), None]),
            Operation::Square(a) => (PRODUCT, [Some(a), Some(a), None]),
            Operation::Double(a) => (ADD_C, [Some(a), None, Some(a)]),
            Operation::Neg(a) => (SUBTRACT_FROM_C, [Some(a), None, Some(self.plan.zero())]),
            Operation::MulAdd(a, b, c) => (PRODUCT | ADD_C, [Some(a), Some(b), Some(c)]),
            Operation::MulSub(a, b, c) => (PRODUCT | SUBTRACT_C, [Some(a), Some(b), Some(c)]),
            Operation::SubMul(a, b, c) => (PRODUCT | SUBTRACT_FROM_C, [Some(a), Some(b), Some(c)]),
        };
        self.operands(what, &operands)
    }

    fn operands(&mut self, what: u32, operands: &[Option<Operand>; 3]) -> [u32; WORDS] {
        let mut words = [what, NOWHERE, LAST, LAST, LAST, 0, 0, 0];
        for (i, operand) in operands.iter().enumerate() {
            match *operand {
                None => (),
                Some(Operand::Register(register)) if self.held == Some(register) => (),
                Some(operand) => {
                    let (place, varies) = self.plan.place(operand);
                    words[2 + i] = place as u32;
                    words[0] |= if varies { VARIES[i] } else { 0 };
                    if let Operand::Register(register) = operand {
                        self.code[self.written[register as usize]][1] = place as u32;
                    }
                }
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkwatt_kernels::quotient::Graph;

    fn reading(rotations: &[(u32, i32)]) -> Program {
        let mut graph = Graph::new();
        let columns: Vec<_> = rotations.iter().map(|&(column, by)| graph.column(column, by)).collect();
        graph.compile(&columns)
    }

    #[test]
    fn windows_of_near_rotations() {
        let window = |column, first, extra| Window { column, first, extra };
        for (rotations, n, expected) in [
            (&[(3, 0), (1, 0)][..], 1000, &[window(1, 0, 0), window(3, 0, 0)][..]),
            (&[(0, -1), (0, 0), (0, 2)], 1000, &[window(0, -1, 3)]),
            (&[(0, 999), (0, 1000)], 1000, &[window(0, -1, 1)]),
            (&[(0, 0), (0, 64), (0, 65)], 1000, &[window(0, 0, 64), window(0, 65, 0)]),
            (&[(0, i32::MIN), (0, i32::MAX)], 1, &[window(0, 0, 0)]),
        ] {
            assert_eq!(windows(&reading(rotations), n), expected);
        }
    }

    #[test]
    fn parts_wrap() {
        for (n, start, len, expected) in [
            (10, 3, 4, &[(0, 3, 4)][..]),
            (10, -1, 4, &[(0, 9, 1), (1, 0, 3)]),
            (10, 19, 1, &[(0, 9, 1)]),
            (3, 2, 7, &[(0, 2, 1), (1, 0, 3), (4, 0, 3)]),
        ] {
            assert_eq!(wrapped(n, start, len).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn arenas() {
        // Columns, rows, elements of a binding, rows of a piece.
        for (columns, n, binding, rows) in [
            (1, 5, usize::MAX, 5),
            (1, 1 << 20, usize::MAX, MAX_ROWS),
            (31, 1 << 20, usize::MAX, (ARENA - 1) / 62),
            (31, 1 << 20, 1 << 15, ((1 << 15) - 1) / 62),
            (9000, 1 << 20, usize::MAX, MIN_ROWS),
        ] {
            let columns: Vec<_> = (0..columns).map(|column| (column, 0)).collect();
            let plan = Plan::new(&reading(&columns), n, binding);
            assert_eq!((plan.rows, plan.arena()), (rows, 1 + 2 * columns.len() * rows));
        }
    }

    #[test]
    fn results_that_stay_out_of_the_arena() {
        let mut graph = Graph::new();
        let (a, b) = (graph.column(0, 0), graph.column(1, 0));
        let sum = graph.add(a, b);
        let square = graph.square(sum);
        let product = graph.mul(square, a);
        let program = graph.compile(&[product]);
        let plan = Plan::new(&program, 4, usize::MAX);
        let code = plan.code(&program);
        // Each result is used by the next instruction only; the last one goes to the output.
        let to: Vec<_> = code.iter().map(|words| words[1]).collect();
        assert_eq!(to, [NOWHERE, NOWHERE, NOWHERE, plan.output(0) as u32]);
        assert!(code[1..].iter().all(|words| words[2..4].contains(&LAST)));
    }
}
