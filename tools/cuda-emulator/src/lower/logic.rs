//! Logic and shifts.

use super::builder::{Builder, Instance};
use super::types::Ty;
use crate::program::{Class, Op};
use crate::ptx::Error;
use crate::ptx::ast::Operand;

/// Modes of `prmt`, by the number that the executor knows.
const PERMUTATIONS: [&str; 6] = ["f4e", "b4e", "rc8", "ecl", "ecr", "rc16"];

impl<'m> Builder<'m> {
    /// Lowers a logic or shift instruction; false if it is none.
    pub fn logic(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<bool, Error> {
        match (parts, operands) {
            (["and" | "or" | "xor", "pred"], [d, a, b]) => {
                let op = predicate_op(parts[0]);
                let sources = [self.predicate(at, a)?, self.predicate(at, b)?];
                let d = self.target(at, d, Class::P)?;
                self.push(op, d, &sources);
            }
            (["not", "pred"], [d, a]) => {
                let a = self.predicate(at, a)?;
                let d = self.target(at, d, Class::P)?;
                self.push(Op::NotP, d, &[a]);
            }
            (["and" | "or" | "xor", ty], [d, a, b]) => return self.bitwise(at, parts[0], ty, d, [a, b]),
            (["not" | "cnot", ty], [d, a]) => return self.complement(at, parts[0], ty, d, a),
            (["shl" | "shr", ty], [d, a, b]) => return self.shift(at, parts[0], ty, d, [a, b]),
            (["shf", side @ ("l" | "r"), mode @ ("wrap" | "clamp"), "b32"], [d, a, b, c]) => {
                let op = match (*side, *mode) {
                    ("l", "wrap") => Op::ShfLWrap,
                    ("l", _) => Op::ShfLClamp,
                    (_, "wrap") => Op::ShfRWrap,
                    _ => Op::ShfRClamp,
                };
                self.three(at, op, d, [a, b, c], u32::MAX)?;
            }
            (["lop3", "b32"], [d, a, b, c, Operand::Imm(table)]) => {
                self.three(at, Op::Lop3, d, [a, b, c], *table as u32 & 0xff)?;
            }
            (["prmt", "b32"], [d, a, b, c]) => self.three(at, Op::Prmt, d, [a, b, c], 0)?,
            (["prmt", "b32", mode], [d, a, b, c]) => {
                let Some(number) = PERMUTATIONS.iter().position(|known| known == mode) else {
                    return Ok(false);
                };
                self.three(at, Op::Prmt, d, [a, b, c], number as u32 + 1)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn three(
        &mut self,
        at: &mut Instance<'m>,
        op: Op,
        d: &Operand,
        [a, b, c]: [&Operand; 3],
        immediate: u32,
    ) -> Result<(), Error> {
        let ty = Ty::U32;
        let sources = [self.source(at, a, ty)?, self.source(at, b, ty)?, self.source(at, c, ty)?];
        let d = self.destination(at, d, ty)?;
        self.push_immediate(op, d, &sources, immediate);
        Ok(())
    }

    fn bitwise(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        ty: &str,
        d: &Operand,
        [a, b]: [&Operand; 2],
    ) -> Result<bool, Error> {
        let Some(ty) = Ty::parse(ty).filter(|ty| ty.untyped && ty.bits > 8) else { return Ok(false) };
        let ops = match name {
            "and" => [Op::And32, Op::And64],
            "or" => [Op::Or32, Op::Or64],
            _ => [Op::Xor32, Op::Xor64],
        };
        let sources = [self.source(at, a, ty)?, self.source(at, b, ty)?];
        // Sixteen bits stay sixteen bits.
        let d = self.destination(at, d, ty)?;
        self.push(ops[usize::from(ty.wide())], d, &sources);
        Ok(true)
    }

    fn complement(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        ty: &str,
        d: &Operand,
        a: &Operand,
    ) -> Result<bool, Error> {
        let Some(ty) = Ty::parse(ty).filter(|ty| ty.untyped && ty.bits > 8) else { return Ok(false) };
        let a = self.source(at, a, ty)?;
        let row = match (name, ty.wide()) {
            ("not", false) => self.make(Op::Not32, &[a]),
            ("not", true) => self.make(Op::Not64, &[a]),
            (_, false) => {
                let (zero, one) = (self.word(0), self.word(1));
                let is_zero = self.make(Op::Eq32, &[a, zero]);
                self.make(Op::Sel32, &[one, zero, is_zero])
            }
            (_, true) => {
                let (zero, one) = (self.double(0), self.double(1));
                let is_zero = self.make(Op::Eq64, &[a, zero]);
                self.make(Op::Sel64, &[one, zero, is_zero])
            }
        };
        self.result(at, d, ty, row)?;
        Ok(true)
    }

    /// Shift amounts have 32 bits whatever the type, and clamp at its width.
    fn shift(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        ty: &str,
        d: &Operand,
        [a, b]: [&Operand; 2],
    ) -> Result<bool, Error> {
        let Some(ty) = Ty::parse(ty).filter(|ty| ty.bits > 8 && (ty.untyped || name == "shr")) else {
            return Ok(false);
        };
        let op = match (name, ty.wide(), ty.signed) {
            ("shl", false, _) => Op::Shl32,
            ("shl", true, _) => Op::Shl64,
            (_, false, false) => Op::ShrU32,
            (_, false, true) => Op::ShrS32,
            (_, true, false) => Op::ShrU64,
            (_, true, true) => Op::ShrS64,
        };
        // What a 16-bit value loses beyond 16 bits it has lost in 32 as well.
        let sources = [self.source(at, a, ty)?, self.source(at, b, Ty::U32)?];
        let row = self.make(op, &sources);
        self.result(at, d, ty, row)?;
        Ok(true)
    }
}

/// Operation that combines predicates.
pub fn predicate_op(name: &str) -> Op {
    match name {
        "and" => Op::AndP,
        "or" => Op::OrP,
        _ => Op::XorP,
    }
}
