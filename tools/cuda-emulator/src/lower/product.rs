//! Products, and products with a sum.

use super::builder::{Builder, Instance};
use super::integer::carry_form;
use super::types::Ty;
use crate::program::Op;
use crate::ptx::Error;
use crate::ptx::ast::Operand;

fn mad_op(ty: Ty, high: bool, reads: bool, writes: bool) -> Op {
    let ops = match (ty.wide(), high, ty.signed) {
        (false, false, _) => [Op::Mad32, Op::MadCc32, Op::Madc32, Op::MadcCc32],
        (false, true, false) => [Op::MadHiU32, Op::MadHiCcU32, Op::MadcHiU32, Op::MadcHiCcU32],
        (false, true, true) => [Op::MadHiS32, Op::MadHiCcS32, Op::MadcHiS32, Op::MadcHiCcS32],
        (true, false, _) => [Op::Mad64, Op::MadCc64, Op::Madc64, Op::MadcCc64],
        (true, true, false) => [Op::MadHiU64, Op::MadHiCcU64, Op::MadcHiU64, Op::MadcHiCcU64],
        (true, true, true) => [Op::MadHiS64, Op::MadHiCcS64, Op::MadcHiS64, Op::MadcHiCcS64],
    };
    carry_form(ops, reads, writes)
}

impl<'m> Builder<'m> {
    pub fn product(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        form: &str,
        ty: Ty,
        d: &Operand,
        [a, b]: [&Operand; 2],
    ) -> Result<bool, Error> {
        if ty.untyped {
            return Ok(false);
        }
        let sources = [self.source(at, a, ty)?, self.source(at, b, ty)?];
        match (name, form) {
            ("mul", "wide") if ty.bits < 64 => {
                let wider = Ty { bits: 2 * ty.bits, ..ty };
                let row = self.wide_product(ty, sources);
                self.result(at, d, wider, row)?;
            }
            ("mul", "lo") => {
                let op = if ty.wide() { Op::Mul64 } else { Op::Mul32 };
                self.compute(at, op, d, ty, &sources)?;
            }
            ("mul", "hi") => {
                let row = self.high_product(ty, sources);
                self.result(at, d, ty, row)?;
            }
            ("mul24", "lo" | "hi") if ty.bits == 32 => {
                let row = self.product24(ty, sources, form);
                self.result(at, d, ty, row)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Full product, in a row of twice the bits.
    fn wide_product(&mut self, ty: Ty, sources: [u32; 2]) -> u32 {
        match (ty.bits, ty.signed) {
            (16, _) => self.make(Op::Mul32, &sources),
            (_, true) => self.make(Op::WideS, &sources),
            (_, false) => self.make(Op::WideU, &sources),
        }
    }

    fn high_product(&mut self, ty: Ty, sources: [u32; 2]) -> u32 {
        let op = match (ty.bits, ty.signed) {
            (16, _) => {
                let product = self.make(Op::Mul32, &sources);
                let sixteen = self.word(16);
                return self.make(Op::ShrU32, &[product, sixteen]);
            }
            (32, false) => Op::MulHiU32,
            (32, true) => Op::MulHiS32,
            (_, false) => Op::MulHiU64,
            (_, true) => Op::MulHiS64,
        };
        self.make(op, &sources)
    }

    /// Product of the low 24 bits: the low or the high 32 bits of its 48.
    fn product24(&mut self, ty: Ty, sources: [u32; 2], form: &str) -> u32 {
        let (zero, length) = (self.word(0), self.word(24));
        let extract = if ty.signed { Op::BfeS32 } else { Op::BfeU32 };
        let [a, b] = sources.map(|row| self.make(extract, &[row, zero, length]));
        if form == "lo" {
            return self.make(Op::Mul32, &[a, b]);
        }
        let product = self.make(if ty.signed { Op::WideS } else { Op::WideU }, &[a, b]);
        let sixteen = self.word(16);
        let shifted = self.make(Op::ShrU64, &[product, sixteen]);
        self.make(Op::Low, &[shifted])
    }

    pub fn multiply_add(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        ty: Ty,
        d: &Operand,
        [a, b, c]: [&Operand; 3],
    ) -> Result<bool, Error> {
        if ty.untyped {
            return Ok(false);
        }
        let (reads, writes) = (parts[0] == "madc", parts.get(2) == Some(&"cc"));
        let form = match parts {
            ["mad" | "madc", form, _] | ["mad" | "madc", form, "cc", _] => *form,
            ["mad24", form @ ("lo" | "hi"), _] if ty.bits == 32 => {
                return self.multiply_add24(at, form, ty, d, [a, b, c]);
            }
            _ => return Ok(false),
        };
        let factors = [self.source(at, a, ty)?, self.source(at, b, ty)?];
        match form {
            "wide" if ty.bits < 64 && !reads && !writes => self.wide_multiply_add(at, ty, d, factors, c),
            "lo" | "hi" if ty.bits == 16 && !reads && !writes => {
                let addend = self.source(at, c, ty)?;
                let product = if form == "lo" {
                    self.make(Op::Mul32, &factors)
                } else {
                    self.high_product(ty, factors)
                };
                self.compute(at, Op::Add32, d, ty, &[product, addend]).map(|()| true)
            }
            "lo" | "hi" if ty.bits > 16 => {
                let addend = self.source(at, c, ty)?;
                let op = mad_op(ty, form == "hi", reads, writes);
                self.compute(at, op, d, ty, &[factors[0], factors[1], addend]).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    fn wide_multiply_add(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        d: &Operand,
        [a, b]: [u32; 2],
        c: &Operand,
    ) -> Result<bool, Error> {
        let wider = Ty { bits: 2 * ty.bits, ..ty };
        let c = self.source(at, c, wider)?;
        let op = match (ty.bits, ty.signed) {
            (16, _) => Op::Mad32,
            (_, true) => Op::MadWideS,
            (_, false) => Op::MadWideU,
        };
        self.compute(at, op, d, wider, &[a, b, c]).map(|()| true)
    }

    fn multiply_add24(
        &mut self,
        at: &mut Instance<'m>,
        form: &str,
        ty: Ty,
        d: &Operand,
        [a, b, c]: [&Operand; 3],
    ) -> Result<bool, Error> {
        let factors = [self.source(at, a, ty)?, self.source(at, b, ty)?];
        let addend = self.source(at, c, ty)?;
        let product = self.product24(ty, factors, form);
        self.compute(at, Op::Add32, d, ty, &[product, addend]).map(|()| true)
    }
}
