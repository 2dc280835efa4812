//! Rows for virtual registers, by liveness and linear scan: few rows stay in the cache.
//!
//! Threads of a warp may be at different places, yet each has a lane of its own in every row: what holds for one
//! thread's registers holds for the rows.

use super::builder::Builder;
use super::flow::{Node, operands, term_operands};
use crate::program::{Block, Class, Detail, Inst, Kernel, NONE, Op, Reg};
use crate::ptx::Error;
use crate::ptx::ast::Func;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn set(&mut self, at: u32) {
        self.0[at as usize / 64] |= 1 << (at % 64);
    }

    fn get(&self, at: u32) -> bool {
        self.0[at as usize / 64] >> (at % 64) & 1 != 0
    }

    fn each(&self, mut found: impl FnMut(u32)) {
        for (index, &word) in self.0.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                found(index as u32 * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }
}

/// Registers live at the beginning and at the end of each block.
struct Liveness {
    begin: Vec<Bits>,
    end: Vec<Bits>,
}

fn liveness(builder: &Builder<'_>, nodes: &[Node]) -> Liveness {
    let count = builder.classes.len();
    let (mut uses, mut kills) = (Vec::new(), Vec::new());
    for node in nodes {
        let (mut used, mut killed) = (Bits::new(count), Bits::new(count));
        let mut each = |row: u32, written: bool, certain: bool| {
            if !written && !killed.get(row) {
                used.set(row);
            } else if written && certain {
                killed.set(row);
            }
        };
        for (inst, _) in &node.insts {
            // Sources come before destinations.
            operands(inst, &builder.details, |row, _, written| each(row, written, inst.guard == NONE));
        }
        term_operands(&node.term, &builder.details, |row, _, written| each(row, written, true));
        builder.constants.values().for_each(|&row| used.0[row as usize / 64] &= !(1 << (row % 64)));
        uses.push(used);
        kills.push(killed);
    }
    let mut found = Liveness { begin: uses, end: (0..nodes.len()).map(|_| Bits::new(count)).collect() };
    let successors: Vec<_> = nodes.iter().map(Node::successors).collect();
    let mut changed = true;
    while changed {
        changed = false;
        for index in (0..nodes.len()).rev() {
            changed |= found.update(index, &successors[index], &kills[index]);
        }
    }
    found
}

impl Liveness {
    fn update(&mut self, index: usize, successors: &[u32], killed: &Bits) -> bool {
        let mut changed = false;
        for word in 0..killed.0.len() {
            let out = successors.iter().fold(0, |out, &next| out | self.begin[next as usize].0[word]);
            self.end[index].0[word] = out;
            let begin = self.begin[index].0[word] | (out & !killed.0[word]);
            changed |= begin != self.begin[index].0[word];
            self.begin[index].0[word] = begin;
        }
        changed
    }
}

/// Registers that some path reads before it writes them.
pub fn live_at_entry(builder: &Builder<'_>, nodes: &[Node]) -> Vec<u32> {
    let mut found = Vec::new();
    if !nodes.is_empty() {
        liveness(builder, nodes).begin[0].each(|row| found.push(row));
    }
    found
}

/// Where a register lives, in half steps: instruction i reads at 2i and writes at 2i + 1.
#[derive(Clone, Copy)]
struct Interval {
    begin: u32,
    end: u32,
}

fn intervals(builder: &Builder<'_>, nodes: &[Node]) -> Vec<Interval> {
    let live = liveness(builder, nodes);
    let mut found = vec![Interval { begin: u32::MAX, end: 0 }; builder.classes.len()];
    let mut touch = |row: u32, at: u32| {
        let interval = &mut found[row as usize];
        interval.begin = interval.begin.min(at);
        interval.end = interval.end.max(at);
    };
    let mut step = 0;
    for (index, node) in nodes.iter().enumerate() {
        live.begin[index].each(|row| touch(row, 2 * step));
        for (inst, _) in &node.insts {
            // Results of several registers are written before all sources are read.
            let late = u32::from(matches!(inst.op, Op::Load | Op::Atom));
            operands(inst, &builder.details, |row, _, written| {
                touch(row, 2 * step + (u32::from(written) | late))
            });
            step += 1;
        }
        term_operands(&node.term, &builder.details, |row, _, _| touch(row, 2 * step + 1));
        live.end[index].each(|row| touch(row, 2 * step + 1));
        step += 1;
    }
    found
}

/// Rows of all virtual registers, and how many each class needs.
fn scan(builder: &Builder<'_>, nodes: &[Node]) -> (Vec<u32>, [u32; 3]) {
    let intervals = intervals(builder, nodes);
    let constant: std::collections::HashSet<u32> = builder.constants.values().copied().collect();
    let mut sorted: Vec<u32> = (0..intervals.len() as u32)
        .filter(|row| intervals[*row as usize].begin != u32::MAX && !constant.contains(row))
        .collect();
    sorted.sort_by_key(|&row| intervals[row as usize].begin);
    let mut assigned = vec![0; intervals.len()];
    let mut counts = [0; 3];
    let mut busy: [BinaryHeap<Reverse<(u32, u32)>>; 3] = Default::default();
    let mut free: [Vec<u32>; 3] = Default::default();
    for register in sorted {
        let class = builder.classes[register as usize] as usize;
        let interval = intervals[register as usize];
        while let Some(&Reverse((end, row))) = busy[class].peek() {
            if end >= interval.begin {
                break;
            }
            busy[class].pop();
            free[class].push(row);
        }
        let row = free[class].pop().unwrap_or_else(|| {
            counts[class] += 1;
            counts[class] - 1
        });
        busy[class].push(Reverse((interval.end, row)));
        assigned[register as usize] = row;
    }
    for &register in builder.constants.values() {
        let class = builder.classes[register as usize] as usize;
        assigned[register as usize] = counts[class];
        counts[class] += 1;
    }
    (assigned, counts)
}

fn renamed(inst: &Inst, rows: &[u32]) -> Inst {
    let signature = inst.op.signature();
    let map = |row: u32, class: Option<Class>| if class.is_some() { rows[row as usize] } else { row };
    let guard = if inst.guard == NONE { NONE } else { 2 * rows[inst.guard as usize / 2] + inst.guard % 2 };
    let [a, b, c, e] = signature.sources;
    Inst {
        op: inst.op,
        guard,
        d: map(inst.d, signature.d),
        a: map(inst.a, a),
        b: map(inst.b, b),
        c: map(inst.c, c),
        e: map(inst.e, e),
    }
}

/// Assigns rows and assembles the kernel.
pub fn assign(
    mut builder: Builder<'_>,
    nodes: Vec<Node>,
    func: &Func,
    param_bytes: u32,
    doubtful: Vec<String>,
) -> Result<Kernel, Error> {
    let (rows, counts) = scan(&builder, &nodes);
    let mut details = std::mem::take(&mut builder.details);
    for detail in &mut details {
        rename_detail(detail, &rows);
    }
    let (mut insts, mut lines, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    for node in nodes {
        let begin = insts.len() as u32;
        insts.extend(node.insts.iter().map(|(inst, _)| renamed(inst, &rows)));
        lines.extend(node.insts.iter().map(|(_, line)| *line));
        let mut term = node.term;
        super::flow::rename_term(&mut term, &rows);
        blocks.push(Block { begin, end: insts.len() as u32, term, line: node.line });
    }
    let constants = builder
        .constants
        .into_iter()
        .map(|((class, value), register)| (Reg { class, row: rows[register as usize] }, value));
    let (shared, local) = (builder.shared_bytes, builder.local_bytes.next_multiple_of(16));
    let small = |bytes: u64| u32::try_from(bytes).ok().filter(|&bytes| bytes <= 1 << 20);
    let (Some(shared_bytes), Some(local_bytes)) = (small(shared), small(local)) else {
        return Err(Error::new(
            func.line,
            format!("{}: more than 1 MiB of shared or local memory", func.name),
        ));
    };
    Ok(Kernel {
        name: func.name.clone(),
        insts,
        lines,
        details,
        blocks,
        rows: counts,
        constants: constants.collect(),
        doubtful,
        params: builder.params,
        param_bytes,
        shared_bytes,
        local_bytes,
        max_threads: func.max_threads,
    })
}

fn rename_detail(detail: &mut Detail, rows: &[u32]) {
    let (written, read) = detail.regs_mut();
    written.into_iter().chain(read).for_each(|reg| reg.row = rows[reg.row as usize]);
}
