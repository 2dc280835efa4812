//! Basic blocks of a kernel, and the checks that its control flow calls for.

use super::builder::{Builder, Item};
use super::{order, rows};
use crate::program::{Class, Detail, Inst, Kernel, NONE, Op, Term};
use crate::ptx::Error;
use crate::ptx::ast::Func;
use std::collections::HashMap;

/// A basic block whose terminator names labels resolved to blocks.
#[derive(Clone, Debug)]
pub struct Node {
    pub insts: Vec<(Inst, u32)>,
    pub term: Term,
    pub line: u32,
}

impl Node {
    pub fn successors(&self) -> Vec<u32> {
        match &self.term {
            Term::Jump(next) | Term::Sync { next, .. } => vec![*next],
            Term::Branch { then, other, .. } => vec![*other, *then],
            Term::Table { targets, .. } => targets.clone(),
            Term::Exit | Term::Trap => vec![],
        }
    }

    pub fn retarget(&mut self, to: impl Fn(u32) -> u32) {
        match &mut self.term {
            Term::Jump(next) | Term::Sync { next, .. } => *next = to(*next),
            Term::Branch { then, other, .. } => (*then, *other) = (to(*then), to(*other)),
            Term::Table { targets, .. } => targets.iter_mut().for_each(|target| *target = to(*target)),
            Term::Exit | Term::Trap => {}
        }
    }
}

/// Registers that an instruction writes, and those that it reads.
pub fn operands(inst: &Inst, details: &[Detail], mut each: impl FnMut(u32, Class, bool)) {
    let signature = inst.op.signature();
    for (row, class) in [inst.a, inst.b, inst.c, inst.e].into_iter().zip(signature.sources) {
        if let Some(class) = class {
            each(row, class, false);
        }
    }
    if inst.guard != NONE {
        each(inst.guard / 2, Class::P, false);
    }
    if let Some(class) = signature.d {
        each(inst.d, class, true);
    }
    if matches!(inst.op, Op::Load | Op::Store | Op::Atom) {
        detail_operands(inst.op, &details[inst.e as usize], each);
    }
}

fn detail_operands(op: Op, detail: &Detail, mut each: impl FnMut(u32, Class, bool)) {
    let (mut written, mut read) = detail.regs();
    if op == Op::Store {
        read.append(&mut written);
    }
    read.into_iter().for_each(|reg| each(reg.row, reg.class, false));
    written.into_iter().for_each(|reg| each(reg.row, reg.class, true));
}

/// As [`operands`], for a terminator.
pub fn term_operands(term: &Term, details: &[Detail], mut each: impl FnMut(u32, Class, bool)) {
    match term {
        Term::Branch { p, .. } => each(*p, Class::P, false),
        Term::Table { index, .. } => each(*index, Class::W, false),
        Term::Sync { detail, .. } => detail_operands(Op::Load, &details[*detail as usize], each),
        Term::Jump(_) | Term::Exit | Term::Trap => {}
    }
}

/// Bits of a set of registers for each basic block.
const MOST_LIVENESS: u64 = 1 << 32;

/// Makes a kernel of what the builder has gathered.
pub fn finish(mut builder: Builder<'_>, func: &Func, param_bytes: u32) -> Result<Kernel, Error> {
    drop_unused(&mut builder);
    let items = std::mem::take(&mut builder.items);
    let too_much = |what: &str| Error::new(func.line, format!("{}: {what}", func.name));
    let mut nodes =
        order::arrange(cut(items)).ok_or_else(|| too_much("too many branches after each other"))?;
    if nodes.len() as u64 * builder.classes.len() as u64 > MOST_LIVENESS {
        return Err(too_much("too many basic blocks and registers"));
    }
    super::carry::guard(&mut builder, &mut nodes);
    let doubtful = super::doubt::guard(&mut builder, &mut nodes);
    rows::assign(builder, nodes, func, param_bytes, doubtful)
}

/// Removes pure instructions on temporaries that nobody reads.
fn drop_unused(builder: &mut Builder<'_>) {
    let mut uses = vec![0_u32; builder.classes.len()];
    let details = &builder.details;
    for (item, _) in &builder.items {
        match item {
            Item::Inst(inst) => {
                operands(inst, details, |row, _, written| uses[row as usize] += u32::from(!written))
            }
            Item::Branch { p, .. } => uses[*p as usize] += 1,
            Item::Table { index, .. } => uses[*index as usize] += 1,
            Item::Sync(detail) => {
                detail_operands(Op::Load, &details[*detail as usize], |row, _, _| uses[row as usize] += 1);
            }
            Item::Label(_) | Item::Jump(_) | Item::Exit | Item::Trap => {}
        }
    }
    let mut kept: Vec<_> = std::mem::take(&mut builder.items);
    let names = &builder.names;
    kept.reverse();
    kept.retain(|(item, _)| {
        let Item::Inst(inst) = item else { return true };
        let pure = inst.d != NONE && !inst.op.writes_carry();
        if !pure || names[inst.d as usize].is_some() || uses[inst.d as usize] > 0 {
            return true;
        }
        operands(inst, details, |row, _, written| uses[row as usize] -= u32::from(!written));
        false
    });
    kept.reverse();
    builder.items = kept;
}

/// Cuts items at labels that are branched to and after instructions that end a block.
fn cut(items: Vec<(Item, u32)>) -> Vec<Node> {
    let mut cutter = Cutter { nodes: Vec::new(), open: None, labels: HashMap::new() };
    for (item, line) in items {
        cutter.item(item, line);
    }
    let Cutter { mut nodes, labels, .. } = cutter;
    // Labels stand in terminators with the top bit set.
    for node in &mut nodes {
        node.retarget(|target| if target & LABEL != 0 { labels[&(target & !LABEL)] } else { target });
    }
    nodes
}

const LABEL: u32 = 1 << 31;

struct Cutter {
    nodes: Vec<Node>,
    /// Instructions of the block under construction.
    open: Option<Vec<(Inst, u32)>>,
    labels: HashMap<u32, u32>,
}

impl Cutter {
    fn item(&mut self, item: Item, line: u32) {
        let next = self.nodes.len() as u32 + 1;
        match item {
            Item::Inst(inst) => self.open.get_or_insert_default().push((inst, line)),
            Item::Label(label) => {
                if self.open.is_some() {
                    self.close(Term::Jump(next), line);
                }
                self.labels.insert(label, self.nodes.len() as u32);
                self.open = Some(Vec::new());
            }
            Item::Jump(target) => self.close(Term::Jump(target | LABEL), line),
            Item::Branch { p, negated, target } => {
                self.close(Term::Branch { p, negated, then: target | LABEL, other: next }, line);
                self.open = Some(Vec::new());
            }
            Item::Table { index, targets } => {
                let targets = targets.into_iter().map(|target| target | LABEL).collect();
                self.close(Term::Table { index, targets }, line);
            }
            Item::Sync(detail) => {
                self.close(Term::Sync { detail, next }, line);
                self.open = Some(Vec::new());
            }
            Item::Exit => self.close(Term::Exit, line),
            Item::Trap => self.close(Term::Trap, line),
        }
    }

    fn close(&mut self, term: Term, line: u32) {
        let insts = self.open.take().unwrap_or_default();
        self.nodes.push(Node { insts, term, line });
    }
}

/// Replaces registers by their rows.
pub fn rename_term(term: &mut Term, rows: &[u32]) {
    match term {
        Term::Branch { p: row, .. } | Term::Table { index: row, .. } => *row = rows[*row as usize],
        Term::Jump(_) | Term::Sync { .. } | Term::Exit | Term::Trap => {}
    }
}
