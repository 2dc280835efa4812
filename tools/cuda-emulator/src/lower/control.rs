//! Dispatch on opcodes; branches, calls, exits.

use super::builder::{Builder, Instance, Item};
use crate::program::{NONE, Op};
use crate::ptx::Error;
use crate::ptx::ast::{self, Operand};

impl<'m> Builder<'m> {
    pub fn instruction(&mut self, at: &mut Instance<'m>, inst: &'m ast::Inst) -> Result<(), Error> {
        let parts: Vec<&str> = inst.opcode.split('.').collect();
        let lowered = match inst.guard {
            Some((number, negated)) if is_control(parts[0]) => {
                let p = self.reg(at, number);
                self.guarded_control(at, inst, &parts, p, negated)
            }
            Some((number, negated)) => {
                self.guard = 2 * self.guard_row(at, inst, number) + u32::from(negated);
                self.plain(at, inst, &parts)
            }
            None => self.plain(at, inst, &parts),
        };
        self.guard = NONE;
        lowered
    }

    /// Row of the guard: a copy where the instruction overwrites it, which may take several steps.
    fn guard_row(&mut self, at: &mut Instance<'m>, inst: &ast::Inst, number: u32) -> u32 {
        let row = self.reg(at, number);
        let guard = Operand::Reg(number);
        let overwritten = match inst.operands.first() {
            Some(Operand::Pair(first, second)) => **first == guard || **second == guard,
            first => first == Some(&guard),
        };
        if overwritten { self.make(Op::MovP, &[row]) } else { row }
    }

    fn guarded_control(
        &mut self,
        at: &mut Instance<'m>,
        inst: &'m ast::Inst,
        parts: &[&str],
        p: u32,
        negated: bool,
    ) -> Result<(), Error> {
        if let ("bra", [Operand::Symbol(name)]) = (parts[0], inst.operands.as_slice()) {
            let target = self.find_label(at, name)?;
            self.item(Item::Branch { p, negated, target });
            return Ok(());
        }
        let past = self.label();
        self.item(Item::Branch { p, negated: !negated, target: past });
        self.plain(at, inst, parts)?;
        self.item(Item::Label(past));
        Ok(())
    }

    fn find_label(&self, at: &Instance<'m>, name: &str) -> Result<u32, Error> {
        at.labels.get(name).copied().ok_or_else(|| self.error(format!("a branch to {name}: no such label")))
    }

    fn plain(&mut self, at: &mut Instance<'m>, inst: &'m ast::Inst, parts: &[&str]) -> Result<(), Error> {
        let done = self.control(at, inst, parts)?
            || self.integer(at, parts, &inst.operands)?
            || self.logic(at, parts, &inst.operands)?
            || self.compare(at, parts, &inst.operands)?
            || self.convert(at, parts, &inst.operands)?
            || self.memory(at, parts, &inst.operands)?
            || self.synchronise(at, parts, &inst.operands)?;
        if done { Ok(()) } else { Err(self.error(format!("the instruction `{}`", inst.opcode))) }
    }

    fn control(&mut self, at: &mut Instance<'m>, inst: &'m ast::Inst, parts: &[&str]) -> Result<bool, Error> {
        match (parts, inst.operands.as_slice()) {
            (["bra"] | ["bra", "uni"], [Operand::Symbol(name)]) => {
                let target = self.find_label(at, name)?;
                self.item(Item::Jump(target));
            }
            (["brx", "idx"] | ["brx", "idx", "uni"], [index, Operand::Symbol(table)]) => {
                self.branch_table(at, index, table)?;
            }
            (["ret"] | ["ret", "uni"], []) => self.item(match at.end {
                Some(label) => Item::Jump(label),
                None => Item::Exit,
            }),
            (["exit"], []) => self.item(Item::Exit),
            (["trap"] | ["brkpt"], []) => self.item(Item::Trap),
            (["call"] | ["call", "uni"], _) => self.call(at, inst)?,
            (["nanosleep", "u32"], [_]) | (["pmevent"], [_]) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn branch_table(&mut self, at: &mut Instance<'m>, index: &Operand, table: &str) -> Result<(), Error> {
        let index = self.source(at, index, super::types::Ty::U32)?;
        let names = at.tables.get(table).copied();
        let names =
            names.ok_or_else(|| self.error(format!("the branch table {table}: nothing declares it")))?;
        self.spend(names.len())?;
        let targets = names.iter().map(|name| self.find_label(at, name)).collect::<Result<_, _>>()?;
        self.item(Item::Table { index, targets });
        Ok(())
    }
}

/// Instructions that end a basic block: their guards become branches.
fn is_control(name: &str) -> bool {
    matches!(
        name,
        "bra"
            | "brx"
            | "ret"
            | "exit"
            | "trap"
            | "brkpt"
            | "call"
            | "bar"
            | "barrier"
            | "shfl"
            | "vote"
            | "match"
    )
}
