//! Registers that some path may read before they are written.
//!
//! Each gets a predicate that says whether it is; moves hand the predicate on, since compilers copy undefined values
//! that nobody looks at.

use super::builder::Builder;
use super::flow::{Node, operands, term_operands};
use super::rows::live_at_entry;
use crate::program::{Class, Inst, NONE, Op, Term};
use std::collections::HashMap;

/// Adds predicates and tests to `nodes`. Returns the names of the registers, by the number that tests carry.
pub fn guard(builder: &mut Builder<'_>, nodes: &mut [Node]) -> Vec<String> {
    let mut doubtful = live_at_entry(builder, nodes);
    if doubtful.is_empty() {
        return Vec::new();
    }
    spread(&mut doubtful, nodes);
    let mut names = Vec::new();
    let mut flags = HashMap::new();
    for row in doubtful {
        let name = builder.names[row as usize].clone();
        flags.insert(row, (builder.fresh(Class::P), names.len() as u32));
        names.push(name.unwrap_or_else(|| "a parameter of a call".to_owned()));
    }
    for node in nodes.iter_mut() {
        let insts = std::mem::take(&mut node.insts);
        for (inst, line) in insts {
            instrument(builder, &flags, inst, &mut |inst| node.insts.push((inst, line)));
        }
    }
    for index in 0..nodes.len() {
        instrument_end(builder, &flags, nodes, index);
    }
    let line = nodes[0].line;
    let unset = flags.values().map(|&(flag, _)| (set(flag, 0, NONE), line));
    nodes[0].insts.splice(0..0, unset.collect::<Vec<_>>());
    names
}

/// Targets of moves from doubtful registers are doubtful.
fn spread(doubtful: &mut Vec<u32>, nodes: &[Node]) {
    let moves: Vec<_> =
        nodes.iter().flat_map(|node| &node.insts).filter_map(|(inst, _)| moved(inst)).collect();
    loop {
        let before = doubtful.len();
        for &(d, a) in &moves {
            if doubtful.contains(&a) && !doubtful.contains(&d) {
                doubtful.push(d);
            }
        }
        if doubtful.len() == before {
            return;
        }
    }
}

fn moved(inst: &Inst) -> Option<(u32, u32)> {
    matches!(inst.op, Op::Mov32 | Op::Mov64 | Op::MovP).then_some((inst.d, inst.a))
}

fn set(flag: u32, value: u32, guard: u32) -> Inst {
    Inst { d: flag, e: value, guard, ..Inst::new(Op::SetP) }
}

fn instrument(
    builder: &Builder<'_>,
    flags: &HashMap<u32, (u32, u32)>,
    inst: Inst,
    push: &mut impl FnMut(Inst),
) {
    let handed_on = moved(&inst).and_then(|(_, a)| flags.get(&a));
    let mut after = Vec::new();
    operands(&inst, &builder.details, |row, _, written| {
        let Some(&(flag, number)) = flags.get(&row) else { return };
        match (written, handed_on) {
            (true, Some(&(from, _))) => {
                after.push(Inst { d: flag, a: from, guard: inst.guard, ..Inst::new(Op::MovP) });
            }
            (true, None) => after.push(set(flag, 1, inst.guard)),
            (false, None) => {
                let guard = if inst.guard != NONE && inst.guard / 2 == row { NONE } else { inst.guard };
                push(Inst { a: flag, e: number, guard, ..Inst::new(Op::Written) });
            }
            (false, Some(_)) => {}
        }
    });
    push(inst);
    after.into_iter().for_each(push);
}

/// Tests what the terminator of a block reads; what it writes is written in the block after it.
fn instrument_end(builder: &Builder<'_>, flags: &HashMap<u32, (u32, u32)>, nodes: &mut [Node], index: usize) {
    let (line, mut tests, mut marks) = (nodes[index].line, Vec::new(), Vec::new());
    term_operands(&nodes[index].term, &builder.details, |row, _, written| match flags.get(&row) {
        Some(&(flag, _)) if written => marks.push((set(flag, 1, NONE), line)),
        Some(&(flag, number)) => tests.push((Inst { a: flag, e: number, ..Inst::new(Op::Written) }, line)),
        None => {}
    });
    nodes[index].insts.append(&mut tests);
    if let Term::Sync { next, .. } = nodes[index].term {
        nodes[next as usize].insts.splice(0..0, marks);
    }
}
