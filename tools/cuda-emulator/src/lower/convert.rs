//! Moves, conversions between integer types, conversions of addresses.

use super::builder::{Builder, Instance, class_of};
use super::types::Ty;
use crate::program::{Class, LOCAL_WINDOW, Op, PARAM_WINDOW, SHARED_WINDOW};
use crate::ptx::Error;
use crate::ptx::ast::{Operand, RegType};

impl<'m> Builder<'m> {
    /// Lowers a move or conversion; false if it is none.
    pub fn convert(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<bool, Error> {
        match (parts, operands) {
            (["mov", "pred"], [d, a]) => {
                let a = self.predicate(at, a)?;
                let d = self.target(at, d, Class::P)?;
                self.copy(Op::MovP, d, a);
            }
            (["mov", ty], [Operand::Vector(halves), a]) => return self.unpack(at, ty, halves, a),
            (["mov", ty], [d, Operand::Vector(halves)]) => return self.pack(at, ty, d, halves),
            (["mov", ty], [d, a]) => {
                let Some(ty) = Ty::parse_bits(ty).filter(|ty| ty.bits > 8) else { return Ok(false) };
                let row = self.source(at, a, Ty { signed: false, ..ty })?;
                let d = self.destination(at, d, ty)?;
                self.copy(if ty.wide() { Op::Mov64 } else { Op::Mov32 }, d, row);
            }
            (["cvt", to, from], [d, a]) => return self.cvt(at, to, from, false, d, a),
            (["cvt", "sat", to, from], [d, a]) => return self.cvt(at, to, from, true, d, a),
            (["cvta", space, "u64"], [d, a]) => return self.cvta(at, space, false, d, a),
            (["cvta", "to", space, "u64"], [d, a]) => return self.cvta(at, space, true, d, a),
            (["isspacep", space], [p, a]) => return self.is_space(at, space, p, a),
            (["activemask", "b32"], [d]) => {
                let d = self.destination(at, d, Ty::U32)?;
                self.push_immediate(Op::Special, d, &[], crate::program::special::ACTIVE_MASK);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn half_type(&self, ty: &str, count: usize) -> Option<Ty> {
        let ty = Ty::parse_bits(ty)?;
        let bits = ty.bits / u32::try_from(count).ok()?.max(1);
        ((count == 2 || count == 4) && bits >= 16).then_some(Ty { bits, signed: false, untyped: true })
    }

    fn pack(
        &mut self,
        at: &mut Instance<'m>,
        ty: &str,
        d: &Operand,
        parts: &[Operand],
    ) -> Result<bool, Error> {
        let Some(part) = self.half_type(ty, parts.len()) else { return Ok(false) };
        let mut rows =
            parts.iter().map(|part_| self.source(at, part_, part)).collect::<Result<Vec<_>, _>>()?;
        if part.bits == 16 {
            let sixteen = self.word(16);
            rows = rows
                .chunks(2)
                .map(|pair| {
                    let high = self.make(Op::Shl32, &[pair[1], sixteen]);
                    self.make(Op::Or32, &[pair[0], high])
                })
                .collect();
        }
        match rows[..] {
            [word] => self.result(at, d, Ty::U32, word)?,
            [low, high] => {
                let row = self.make(Op::Pack, &[low, high]);
                self.result(at, d, Ty::U64, row)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn unpack(
        &mut self,
        at: &mut Instance<'m>,
        ty: &str,
        parts: &[Operand],
        a: &Operand,
    ) -> Result<bool, Error> {
        let Some(part) = self.half_type(ty, parts.len()) else { return Ok(false) };
        let whole = part.bits * parts.len() as u32;
        let a = self.source(at, a, Ty { bits: whole, signed: false, untyped: true })?;
        let words = match whole {
            64 => vec![self.make(Op::Low, &[a]), self.make(Op::High, &[a])],
            _ => vec![a],
        };
        // Destinations may be parts of the source: all values exist before the first is written.
        let rows: Vec<u32> = if part.bits == 32 {
            words
        } else {
            let (mask, sixteen) = (self.word(0xffff), self.word(16));
            let split =
                |word: u32| [self.make(Op::And32, &[word, mask]), self.make(Op::ShrU32, &[word, sixteen])];
            words.into_iter().flat_map(split).collect()
        };
        for (d, row) in parts.iter().zip(rows) {
            let d = self.destination(at, d, part)?;
            self.push(Op::Mov32, d, &[row]);
        }
        Ok(true)
    }

    fn cvt(
        &mut self,
        at: &mut Instance<'m>,
        to: &str,
        from: &str,
        saturate: bool,
        d: &Operand,
        a: &Operand,
    ) -> Result<bool, Error> {
        let (Some(to), Some(from)) = (Ty::parse(to), Ty::parse(from)) else { return Ok(false) };
        if to.untyped || from.untyped {
            return Ok(false);
        }
        let mut row = self.narrowed(at, a, from)?;
        let mut wide = from.wide();
        if saturate {
            if !wide {
                row = self.make(if from.signed { Op::Sext } else { Op::Zext }, &[row]);
                wide = true;
            }
            row = self.clamped(row, from, to);
        }
        let class = match d {
            Operand::Reg(number) => at.func.regs[*number as usize],
            _ => return Err(self.error("a conversion to what is no register")),
        };
        if u32::from(class == RegType::B16) * 16
            + u32::from(class == RegType::B32) * 32
            + u32::from(class == RegType::B64) * 64
            < to.bits
        {
            return Err(self.error("a conversion to a register that is too small"));
        }
        // The result fills a wider register by the sign of its own type.
        let word = |builder: &mut Self| if wide { builder.make(Op::Low, &[row]) } else { row };
        let row = match (to.bits, class) {
            (64, _) if wide => row,
            (64, _) => self.make(if from.signed { Op::Sext } else { Op::Zext }, &[row]),
            (bits, _) => {
                let low = word(self);
                let low = if bits == 32 { low } else { self.extended(low, to) };
                match class {
                    RegType::B64 => self.make(if to.signed { Op::Sext } else { Op::Zext }, &[low]),
                    _ => low,
                }
            }
        };
        let bits = if class == RegType::B64 { 64 } else { if class == RegType::B32 { 32 } else { 16 } };
        self.result(at, d, Ty { bits, ..to }, row)?;
        debug_assert_eq!(class_of(class) == Class::D, bits == 64);
        Ok(true)
    }

    /// Low bits of a register, as `ty`: in a row of 64 bits if the type has them, else extended to 32.
    fn narrowed(&mut self, at: &mut Instance<'m>, a: &Operand, ty: Ty) -> Result<u32, Error> {
        match self.reg_type(at, a) {
            None => {
                let kept =
                    if let Operand::Imm(value) = a { Operand::Imm(ty.extend(*value)) } else { a.clone() };
                self.source(at, &kept, if ty.wide() { ty } else { Ty { bits: 32, ..ty } })
            }
            Some(RegType::Pred) => Err(self.error("a predicate in a conversion")),
            Some(class) => {
                let Operand::Reg(number) = a else { unreachable!("only registers have a type") };
                let row = self.reg(at, *number);
                let has = match class {
                    RegType::B64 => 64,
                    RegType::B32 => 32,
                    _ => 16,
                };
                if has < ty.bits {
                    return Err(self.error("a conversion from a register that is too small"));
                }
                if ty.wide() {
                    return Ok(row);
                }
                let low = if has == 64 { self.make(Op::Low, &[row]) } else { row };
                Ok(if ty.bits == 32 { low } else { self.extended(low, ty) })
            }
        }
    }

    /// Low 8 or 16 bits of a word, extended to 32.
    pub fn extended(&mut self, row: u32, ty: Ty) -> u32 {
        match (ty.bits, ty.signed) {
            (8, true) => self.make(Op::Sext8, &[row]),
            (16, true) => self.make(Op::Sext16, &[row]),
            (bits, _) => {
                let mask = self.word((1 << bits) - 1);
                self.make(Op::And32, &[row, mask])
            }
        }
    }

    /// 64-bit value of the type `from`, clamped to the range of `to`.
    fn clamped(&mut self, row: u32, from: Ty, to: Ty) -> u32 {
        let unsigned_most = u64::MAX >> (64 - to.bits);
        let most = if to.signed { unsigned_most >> 1 } else { unsigned_most };
        if from.wide() && !from.signed {
            let most = self.double(most);
            return self.make(Op::MinU64, &[row, most]);
        }
        let least = if to.signed { (most as i64).wrapping_neg() - 1 } else { 0 };
        let least = self.double(least as u64);
        let row = self.make(Op::MaxS64, &[row, least]);
        if most > i64::MAX as u64 {
            return row;
        }
        let most = self.double(most);
        self.make(Op::MinS64, &[row, most])
    }

    fn cvta(
        &mut self,
        at: &mut Instance<'m>,
        space: &str,
        from_generic: bool,
        d: &Operand,
        a: &Operand,
    ) -> Result<bool, Error> {
        let window = match space {
            "global" | "const" => 0,
            "shared" | "shared::cta" => SHARED_WINDOW,
            "local" => LOCAL_WINDOW,
            "param" => PARAM_WINDOW,
            _ => return Ok(false),
        };
        let a = self.source(at, a, Ty::U64)?;
        let d = self.destination(at, d, Ty::U64)?;
        if window == 0 {
            self.push(Op::Mov64, d, &[a]);
            return Ok(true);
        }
        let window = self.double(window);
        self.push(if from_generic { Op::Sub64 } else { Op::Add64 }, d, &[a, window]);
        Ok(true)
    }

    fn is_space(
        &mut self,
        at: &mut Instance<'m>,
        space: &str,
        p: &Operand,
        a: &Operand,
    ) -> Result<bool, Error> {
        let op = match space {
            "global" | "const" => Op::IsGlobal,
            "shared" | "shared::cta" => Op::IsShared,
            "local" => Op::IsLocal,
            "param" => Op::IsParam,
            _ => return Ok(false),
        };
        let a = self.source(at, a, Ty::U64)?;
        let p = self.target(at, p, Class::P)?;
        self.push(op, p, &[a]);
        Ok(true)
    }
}
