//! Reads of the carry flag that no write comes before: the flag does not outlive branches and calls.

use super::builder::Builder;
use super::flow::Node;
use crate::program::{Class, Inst, NONE, Op, Term};

/// Which threads have written the flag since the block began.
#[derive(Clone, Copy)]
enum Carry {
    Nobody,
    Everybody,
    /// Those whose predicate in this row is set.
    Some(u32),
}

/// Puts a fault before each instruction that reads a carry flag which its thread has not written in the block.
pub fn guard(builder: &mut Builder<'_>, nodes: &mut [Node]) {
    let mut before = vec![Carry::Nobody; nodes.len()];
    for index in 0..nodes.len() {
        let mut carry = before[index];
        let node = &mut nodes[index];
        for (inst, line) in std::mem::take(&mut node.insts) {
            let mut push = |inst| node.insts.push((inst, line));
            if inst.op.reads_carry() {
                carry = read(builder, &inst, carry, &mut push);
            }
            push(inst);
            if inst.op.writes_carry() {
                carry = write(builder, &inst, carry, &mut push);
            }
        }
        // A synchronising instruction is no branch: what follows it has no other predecessor.
        if let Term::Sync { next, .. } = node.term {
            before[next as usize] = carry;
        }
    }
}

/// Past an unguarded test everybody has written the flag.
fn read(builder: &mut Builder<'_>, inst: &Inst, carry: Carry, push: &mut impl FnMut(Inst)) -> Carry {
    let test = |guard| Inst { guard, ..Inst::new(Op::NoCarry) };
    match carry {
        Carry::Everybody => return carry,
        Carry::Nobody => push(test(inst.guard)),
        Carry::Some(flag) if inst.guard == NONE => push(test(2 * flag + 1)),
        Carry::Some(flag) => {
            let lost = builder.fresh(Class::P);
            push(Inst { d: lost, e: 0, ..Inst::new(Op::SetP) });
            push(Inst { d: lost, a: flag, guard: inst.guard, ..Inst::new(Op::NotP) });
            push(test(2 * lost));
        }
    }
    if inst.guard == NONE { Carry::Everybody } else { carry }
}

fn write(builder: &mut Builder<'_>, inst: &Inst, carry: Carry, push: &mut impl FnMut(Inst)) -> Carry {
    let flag = match carry {
        _ if inst.guard == NONE => return Carry::Everybody,
        Carry::Everybody => return carry,
        Carry::Some(flag) => flag,
        Carry::Nobody => {
            let flag = builder.fresh(Class::P);
            push(Inst { d: flag, e: 0, ..Inst::new(Op::SetP) });
            flag
        }
    };
    push(Inst { d: flag, e: 1, guard: inst.guard, ..Inst::new(Op::SetP) });
    Carry::Some(flag)
}
