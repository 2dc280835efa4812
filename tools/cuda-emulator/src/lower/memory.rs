//! Loads, stores, atomics.

use super::builder::{Builder, Instance};
use super::types::Ty;
use crate::program::{AtomOp, Class, Detail, NONE, Op, Reg, Space};
use crate::ptx::Error;
use crate::ptx::ast::{Operand, RegType};

/// Modifiers of an access, read from left to right.
struct Access {
    space: Option<Space>,
    param: bool,
    strong: bool,
    count: usize,
    ty: Ty,
}

impl Access {
    /// None where a modifier is not known.
    fn parse(parts: &[&str]) -> Option<Self> {
        let (last, modifiers) = parts.split_last()?;
        let mut found =
            Self { space: None, param: false, strong: false, count: 1, ty: Ty::parse_bits(last)? };
        for modifier in modifiers {
            match *modifier {
                "global" | "const" => found.space = Some(Space::Global),
                "shared" | "shared::cta" => found.space = Some(Space::Shared),
                "local" => found.space = Some(Space::Local),
                "param" | "param::entry" | "param::func" => found.param = true,
                "v2" => found.count = 2,
                "v4" => found.count = 4,
                "volatile" | "relaxed" | "acquire" | "release" => found.strong = true,
                "weak" | "nc" | "cta" | "cluster" | "gpu" | "sys" => {}
                "ca" | "cg" | "cs" | "lu" | "cv" | "wb" | "wt" => {}
                hint if hint.starts_with("L1::") || hint.starts_with("L2::") => {}
                _ => return None,
            }
        }
        Some(found)
    }
}

impl<'m> Builder<'m> {
    /// Lowers an access to memory; false if it is none.
    pub fn memory(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<bool, Error> {
        match (parts[0], operands) {
            ("ld" | "ldu", [d, Operand::Address(base, offset)]) => self.load(at, parts, d, base, *offset),
            ("st", [Operand::Address(base, offset), a]) => self.store(at, parts, a, base, *offset),
            ("atom", [d, Operand::Address(base, offset), rest @ ..]) => {
                self.atomic(at, parts, Some(d), base, *offset, rest)
            }
            ("red", [Operand::Address(base, offset), rest @ ..]) => {
                self.atomic(at, parts, None, base, *offset, rest)
            }
            ("membar" | "fence", []) => Ok(is_fence(&parts[1..])),
            ("prefetch" | "prefetchu", [_]) => Ok(true),
            _ => Ok(false),
        }
    }

    /// Row of the address, without the offset.
    fn address(&mut self, at: &mut Instance<'m>, base: &Operand) -> Result<Reg, Error> {
        match base {
            Operand::Reg(number) => {
                let row = self.reg(at, *number);
                match at.func.regs[*number as usize] {
                    RegType::B64 => Ok(Self::row(Class::D, row)),
                    RegType::B32 => Ok(Self::row(Class::W, row)),
                    _ => Err(self.error("an address that has neither 32 nor 64 bits")),
                }
            }
            Operand::Imm(value) => Ok(Self::row(Class::D, self.double(*value))),
            other => Ok(Self::row(Class::D, self.symbol_address(at, other)?)),
        }
    }

    /// Elements of a vector operand, or the operand.
    fn elements<'o>(&self, operand: &'o Operand, count: usize) -> Result<&'o [Operand], Error> {
        let found = match operand {
            Operand::Vector(elements) => elements.as_slice(),
            other => std::slice::from_ref(other),
        };
        if found.len() != count {
            return Err(self.error(format!("a vector of {} where {count} belong", found.len())));
        }
        Ok(found)
    }

    fn load(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        d: &Operand,
        base: &Operand,
        offset: i64,
    ) -> Result<bool, Error> {
        let Some(access) = Access::parse(&parts[1..]) else { return Ok(false) };
        let elements = self.elements(d, access.count)?;
        let in_function = at.end.is_some() || matches!(base, Operand::Var(_));
        if access.param && in_function && !matches!(base, Operand::Reg(_)) {
            let bytes = i64::from(access.ty.bytes());
            for (index, d) in elements.iter().enumerate() {
                self.load_word(at, access.ty, d, base, offset + bytes * index as i64)?;
            }
            return Ok(true);
        }
        if let (true, Operand::Param(number)) = (access.param, base)
            && access.ty.bits >= 32
            && self.fits_param(*number, offset, access.ty.bytes() * access.count as u32)
        {
            let begin = self.params[*number as usize].offset + offset as u32;
            for (index, d) in elements.iter().enumerate() {
                self.load_kernel_param(at, access.ty, d, begin + access.ty.bytes() * index as u32)?;
            }
            return Ok(true);
        }
        let address = self.address(at, base)?;
        let regs =
            elements.iter().map(|d| self.load_target(at, d, access.ty)).collect::<Result<Vec<_>, _>>()?;
        let detail = Detail::Access {
            space: if access.param { Space::Param } else { access.space.unwrap_or(Space::Generic) },
            width: access.ty.bytes(),
            signed: access.ty.signed,
            strong: access.strong,
            address,
            offset,
            regs: regs.clone(),
        };
        self.push_detail(Op::Load, detail);
        // Registers of 16 bits are zero above them.
        if access.ty.bits <= 16 && access.ty.signed {
            for (d, reg) in elements.iter().zip(&regs) {
                if self.reg_type(at, d) == Some(RegType::B16) {
                    let mask = self.word(0xffff);
                    self.push(Op::And32, reg.row, &[reg.row, mask]);
                }
            }
        }
        Ok(true)
    }

    fn fits_param(&self, number: u32, offset: i64, bytes: u32) -> bool {
        let param = self.params[number as usize];
        let begin = i64::from(param.offset) + offset;
        begin % i64::from(bytes.min(16)) == 0
            && offset >= 0
            && offset + i64::from(bytes) <= i64::from(param.size)
    }

    /// Destination of a load: at least as wide as the type.
    fn load_target(&mut self, at: &mut Instance<'m>, d: &Operand, ty: Ty) -> Result<Reg, Error> {
        let class = match (self.reg_type(at, d), ty.bits) {
            (Some(RegType::B64), _) => Class::D,
            (Some(RegType::B32), 8 | 16 | 32) | (Some(RegType::B16), 8 | 16) => Class::W,
            (None, bits) if *d == Operand::Discard => {
                if bits == 64 {
                    Class::D
                } else {
                    Class::W
                }
            }
            _ => return Err(self.error(format!("{d:?} as a destination of {} bits", ty.bits))),
        };
        Ok(Self::row(class, self.target(at, d, class)?))
    }

    fn load_kernel_param(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        d: &Operand,
        offset: u32,
    ) -> Result<(), Error> {
        let to = self.load_target(at, d, ty)?;
        match (ty.wide(), to.class) {
            (true, _) => self.push_immediate(Op::Param64, to.row, &[], offset),
            (false, Class::W) => self.push_immediate(Op::Param32, to.row, &[], offset),
            (false, _) => {
                let word = self.make_immediate(Op::Param32, &[], offset);
                self.push(if ty.signed { Op::Sext } else { Op::Zext }, to.row, &[word]);
            }
        }
        Ok(())
    }

    /// Load from a variable that registers stand for.
    fn load_word(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        d: &Operand,
        base: &Operand,
        offset: i64,
    ) -> Result<(), Error> {
        let (words, shift) = self.words_at(at, base, offset, ty)?;
        let to = self.load_target(at, d, ty)?;
        let row = match (ty.bits, words.as_slice()) {
            (64, &[low, high]) => self.make(Op::Pack, &[low, high]),
            (32, &[word]) => word,
            (_, words) => {
                let (position, length) = (self.word(shift), self.word(ty.bits));
                self.make(if ty.signed { Op::BfeS32 } else { Op::BfeU32 }, &[words[0], position, length])
            }
        };
        match (ty.wide(), to.class) {
            (true, _) => self.copy(Op::Mov64, to.row, row),
            (false, Class::W) if self.reg_type(at, d) == Some(RegType::B16) => {
                let mask = self.word(0xffff);
                self.push(Op::And32, to.row, &[row, mask]);
            }
            (false, Class::W) => self.push(Op::Mov32, to.row, &[row]),
            (false, _) => self.push(if ty.signed { Op::Sext } else { Op::Zext }, to.row, &[row]),
        }
        Ok(())
    }

    /// Words that an access touches, and the bit at which it begins in the first.
    fn words_at(
        &mut self,
        at: &mut Instance<'m>,
        base: &Operand,
        offset: i64,
        ty: Ty,
    ) -> Result<(Vec<u32>, u32), Error> {
        let bytes = i64::from(ty.bytes());
        let wrong = self.error("an access outside of a variable in parameter space, or not aligned in it");
        let words = self.param_words(at, base)?;
        if offset < 0 || offset % bytes != 0 {
            return Err(wrong);
        }
        let first = offset as usize / 4;
        let found = words.get(first..first + ty.bytes().div_ceil(4) as usize).ok_or(wrong)?;
        Ok((found.to_vec(), offset as u32 % 4 * 8))
    }

    /// Row of a value to store: the register may be wider than the type.
    fn stored(&mut self, at: &mut Instance<'m>, a: &Operand, ty: Ty) -> Result<Reg, Error> {
        let found = self.reg_type(at, a);
        match (a, found) {
            (Operand::Reg(number), Some(RegType::B64)) => Ok(Self::row(Class::D, self.reg(at, *number))),
            (Operand::Reg(number), Some(RegType::B32)) if ty.bits <= 32 => {
                Ok(Self::row(Class::W, self.reg(at, *number)))
            }
            (Operand::Reg(number), Some(RegType::B16)) if ty.bits <= 16 => {
                Ok(Self::row(Class::W, self.reg(at, *number)))
            }
            (Operand::Reg(_), _) => Err(self.error(format!("a store of {} bits from {found:?}", ty.bits))),
            (other, _) if ty.wide() => Ok(Self::row(Class::D, self.source(at, other, ty)?)),
            (other, _) => Ok(Self::row(Class::W, self.source(at, other, Ty { bits: 32, ..ty })?)),
        }
    }

    fn store(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        a: &Operand,
        base: &Operand,
        offset: i64,
    ) -> Result<bool, Error> {
        let Some(access) = Access::parse(&parts[1..]) else { return Ok(false) };
        let elements = self.elements(a, access.count)?;
        let regs = elements.iter().map(|a| self.stored(at, a, access.ty)).collect::<Result<Vec<_>, _>>()?;
        if access.param {
            let bytes = i64::from(access.ty.bytes());
            for (index, reg) in regs.into_iter().enumerate() {
                self.store_word(at, access.ty, reg, base, offset + bytes * index as i64)?;
            }
            return Ok(true);
        }
        let address = self.address(at, base)?;
        let detail = Detail::Access {
            space: access.space.unwrap_or(Space::Generic),
            width: access.ty.bytes(),
            signed: false,
            strong: access.strong,
            address,
            offset,
            regs,
        };
        self.push_detail(Op::Store, detail);
        Ok(true)
    }

    fn store_word(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        from: Reg,
        base: &Operand,
        offset: i64,
    ) -> Result<(), Error> {
        let (words, shift) = self.words_at(at, base, offset, ty)?;
        if let (64, &[low, high]) = (ty.bits, words.as_slice()) {
            self.push(Op::Low, low, &[from.row]);
            self.push(Op::High, high, &[from.row]);
            return Ok(());
        }
        let value = if from.class == Class::D { self.make(Op::Low, &[from.row]) } else { from.row };
        if ty.bits == 32 {
            self.push(Op::Mov32, words[0], &[value]);
        } else if shift == 0 {
            // Parts come in ascending order: the first defines the word.
            self.push(Op::Mov32, words[0], &[value]);
        } else {
            let (position, length) = (self.word(shift), self.word(ty.bits));
            self.push(Op::Bfi32, words[0], &[value, words[0], position, length]);
        }
        Ok(())
    }

    fn atomic(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        d: Option<&Operand>,
        base: &Operand,
        offset: i64,
        values: &[Operand],
    ) -> Result<bool, Error> {
        let Some(ty) = parts.last().and_then(|last| Ty::parse(last)).filter(|ty| ty.bits >= 32) else {
            return Ok(false);
        };
        let (mut space, mut op) = (Space::Generic, None);
        for part in &parts[1..parts.len() - 1] {
            match *part {
                "relaxed" | "acquire" | "release" | "acq_rel" | "cta" | "cluster" | "gpu" | "sys" => {}
                "global" => space = Space::Global,
                "shared" | "shared::cta" => space = Space::Shared,
                name => match (atomic_op(name, ty), op) {
                    (Some(found), None) => op = Some(found),
                    _ => return Ok(false),
                },
            }
        }
        let needed = if op == Some(AtomOp::CompareSwap) { 2 } else { 1 };
        let Some(op) = op.filter(|_| values.len() == needed) else { return Ok(false) };
        let class = if ty.wide() { Class::D } else { Class::W };
        let address = self.address(at, base)?;
        let rows = values.iter().map(|value| self.source(at, value, ty)).collect::<Result<Vec<_>, _>>()?;
        let d = match d {
            Some(d) => Some(Self::row(class, self.destination(at, d, ty)?)),
            None => None,
        };
        let reg = |row: &u32| Self::row(class, *row);
        let (a, b) = (reg(&rows[0]), rows.get(1).map(reg));
        self.push_detail(Op::Atom, Detail::Atom { space, op, width: ty.bytes(), address, offset, d, a, b });
        debug_assert_ne!(a.row, NONE);
        Ok(true)
    }
}

fn atomic_op(name: &str, ty: Ty) -> Option<AtomOp> {
    Some(match name {
        "add" if !ty.untyped => AtomOp::Add,
        "min" if !ty.untyped => {
            if ty.signed {
                AtomOp::MinS
            } else {
                AtomOp::MinU
            }
        }
        "max" if !ty.untyped => {
            if ty.signed {
                AtomOp::MaxS
            } else {
                AtomOp::MaxU
            }
        }
        "inc" if ty == Ty::U32 => AtomOp::Inc,
        "dec" if ty == Ty::U32 => AtomOp::Dec,
        "and" if ty.untyped => AtomOp::And,
        "or" if ty.untyped => AtomOp::Or,
        "xor" if ty.untyped => AtomOp::Xor,
        "exch" if ty.untyped => AtomOp::Exchange,
        "cas" if ty.untyped => AtomOp::CompareSwap,
        _ => return None,
    })
}

fn is_fence(modifiers: &[&str]) -> bool {
    let known = ["cta", "gl", "gpu", "sys", "cluster", "sc", "acq_rel", "acquire", "release"];
    !modifiers.is_empty() && modifiers.iter().all(|modifier| known.contains(modifier))
}
