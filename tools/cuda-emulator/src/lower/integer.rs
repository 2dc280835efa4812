//! Integer arithmetic.

use super::builder::{Builder, Instance};
use super::types::Ty;
use crate::program::Op;
use crate::ptx::Error;
use crate::ptx::ast::Operand;

/// Whether the carry flag is written, and read, with the operation for each case.
pub fn carry_form(ops: [Op; 4], reads: bool, writes: bool) -> Op {
    ops[2 * usize::from(reads) + usize::from(writes)]
}

fn add_op(wide: bool, reads: bool, writes: bool) -> Op {
    let ops = if wide {
        [Op::Add64, Op::AddCc64, Op::Addc64, Op::AddcCc64]
    } else {
        [Op::Add32, Op::AddCc32, Op::Addc32, Op::AddcCc32]
    };
    carry_form(ops, reads, writes)
}

fn sub_op(wide: bool, reads: bool, writes: bool) -> Op {
    let ops = if wide {
        [Op::Sub64, Op::SubCc64, Op::Subc64, Op::SubcCc64]
    } else {
        [Op::Sub32, Op::SubCc32, Op::Subc32, Op::SubcCc32]
    };
    carry_form(ops, reads, writes)
}

/// Operation of two operands by name and type; 16 bits are computed in 32.
fn binary_op(name: &str, ty: Ty) -> Option<Op> {
    let ops = match (name, ty.signed) {
        ("add", _) => [Op::Add32, Op::Add64],
        ("sub", _) => [Op::Sub32, Op::Sub64],
        ("div", false) => [Op::DivU32, Op::DivU64],
        ("div", true) => [Op::DivS32, Op::DivS64],
        ("rem", false) => [Op::RemU32, Op::RemU64],
        ("rem", true) => [Op::RemS32, Op::RemS64],
        ("min", false) => [Op::MinU32, Op::MinU64],
        ("min", true) => [Op::MinS32, Op::MinS64],
        ("max", false) => [Op::MaxU32, Op::MaxU64],
        ("max", true) => [Op::MaxS32, Op::MaxS64],
        _ => return None,
    };
    Some(ops[usize::from(ty.wide())])
}

impl<'m> Builder<'m> {
    /// Lowers an integer instruction; false if it is none.
    pub fn integer(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<bool, Error> {
        let Some(ty) = parts.last().and_then(|last| Ty::parse(last)).filter(|ty| ty.bits > 8) else {
            return Ok(false);
        };
        match (parts, operands) {
            (["add" | "addc" | "sub" | "subc", ..], [d, a, b]) => self.sum(at, parts, ty, d, [a, b]),
            ([name @ ("div" | "rem" | "min" | "max"), _], [d, a, b]) if !ty.untyped => {
                let op = binary_op(name, ty).ok_or_else(|| self.error("an operation"))?;
                let sources = [self.source(at, a, ty)?, self.source(at, b, ty)?];
                self.compute(at, op, d, ty, &sources).map(|()| true)
            }
            (["mul" | "mul24", form, _], [d, a, b]) => self.product(at, parts[0], form, ty, d, [a, b]),
            (["mad" | "madc" | "mad24", ..], [d, a, b, c]) => self.multiply_add(at, parts, ty, d, [a, b, c]),
            (["neg" | "abs", _], [d, a]) if ty.signed => self.negate(at, parts[0] == "abs", ty, d, a),
            (["sad", _], [d, a, b, c]) if !ty.untyped => self.absolute_difference(at, ty, d, [a, b, c]),
            (["popc" | "clz" | "brev", _], [d, a]) if ty.untyped && ty.bits >= 32 => {
                self.bit_count(at, parts[0], ty, d, a)
            }
            (["bfind", _], [d, a]) if ty.bits >= 32 => self.leading_bit(at, ty, d, a, false),
            (["bfind", "shiftamt", _], [d, a]) if ty.bits >= 32 => self.leading_bit(at, ty, d, a, true),
            (["bfe", _], [d, a, b, c]) if ty.bits >= 32 => self.extract(at, ty, d, [a, b, c]),
            (["bfi", _], [f, a, b, c, d]) if ty.bits >= 32 => self.insert(at, ty, f, [a, b, c, d]),
            (["bmsk", mode @ ("clamp" | "wrap"), "b32"], [d, a, b]) => self.bit_mask(at, mode, d, a, b),
            (["szext", mode @ ("clamp" | "wrap"), _], [d, a, b]) if ty.bits == 32 => {
                self.extend_bits(at, mode, ty, d, a, b)
            }
            _ => Ok(false),
        }
    }

    /// Computes in rows of `ty` and writes a destination of that type.
    pub fn compute(
        &mut self,
        at: &mut Instance<'m>,
        op: Op,
        d: &Operand,
        ty: Ty,
        sources: &[u32],
    ) -> Result<(), Error> {
        if ty.bits == 16 {
            let row = self.make(op, sources);
            return self.result(at, d, ty, row);
        }
        let d = self.destination(at, d, ty)?;
        self.push(op, d, sources);
        Ok(())
    }

    fn sum(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        ty: Ty,
        d: &Operand,
        [a, b]: [&Operand; 2],
    ) -> Result<bool, Error> {
        let (name, modifiers) = (parts[0], &parts[1..parts.len() - 1]);
        let sources = [self.source(at, a, ty)?, self.source(at, b, ty)?];
        let reads = name.ends_with('c');
        let writes = match modifiers {
            [] => false,
            ["cc"] => true,
            ["sat"] if !reads && ty.bits == 32 && ty.signed => {
                return self.saturating_sum(at, name, d, sources);
            }
            _ => return Ok(false),
        };
        if (reads || writes) && ty.bits < 32 || ty.untyped {
            return Ok(false);
        }
        let op = if name.starts_with("add") { add_op } else { sub_op }(ty.wide(), reads, writes);
        self.compute(at, op, d, ty, &sources).map(|()| true)
    }

    fn saturating_sum(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        d: &Operand,
        [a, b]: [u32; 2],
    ) -> Result<bool, Error> {
        let (a, b) = (self.make(Op::Sext, &[a]), self.make(Op::Sext, &[b]));
        let exact = self.make(if name == "add" { Op::Add64 } else { Op::Sub64 }, &[a, b]);
        let (least, most) = (self.double(i32::MIN as i64 as u64), self.double(i32::MAX as u64));
        let clamped = self.make(Op::MaxS64, &[exact, least]);
        let clamped = self.make(Op::MinS64, &[clamped, most]);
        let d = self.destination(at, d, Ty::U32)?;
        self.push(Op::Low, d, &[clamped]);
        Ok(true)
    }

    fn negate(
        &mut self,
        at: &mut Instance<'m>,
        absolute: bool,
        ty: Ty,
        d: &Operand,
        a: &Operand,
    ) -> Result<bool, Error> {
        let a = self.source(at, a, ty)?;
        if absolute {
            let op = if ty.wide() { Op::Abs64 } else { Op::Abs32 };
            return self.compute(at, op, d, ty, &[a]).map(|()| true);
        }
        let zero = if ty.wide() { self.double(0) } else { self.word(0) };
        let op = if ty.wide() { Op::Sub64 } else { Op::Sub32 };
        self.compute(at, op, d, ty, &[zero, a]).map(|()| true)
    }

    fn absolute_difference(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        d: &Operand,
        [a, b, c]: [&Operand; 3],
    ) -> Result<bool, Error> {
        let pair = [self.source(at, a, ty)?, self.source(at, b, ty)?];
        let c = self.source(at, c, ty)?;
        let op = |name| binary_op(name, ty).expect("operations of every type");
        let (most, least) = (self.make(op("max"), &pair), self.make(op("min"), &pair));
        let difference = self.make(op("sub"), &[most, least]);
        self.compute(at, op("add"), d, ty, &[difference, c]).map(|()| true)
    }

    fn bit_count(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        ty: Ty,
        d: &Operand,
        a: &Operand,
    ) -> Result<bool, Error> {
        let a = self.source(at, a, ty)?;
        let (op, ty) = match (name, ty.wide()) {
            ("popc", false) => (Op::Popc32, Ty::U32),
            ("popc", true) => (Op::Popc64, Ty::U32),
            ("clz", false) => (Op::Clz32, Ty::U32),
            ("clz", true) => (Op::Clz64, Ty::U32),
            (_, false) => (Op::Brev32, ty),
            (_, true) => (Op::Brev64, ty),
        };
        self.compute(at, op, d, ty, &[a]).map(|()| true)
    }

    fn leading_bit(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        d: &Operand,
        a: &Operand,
        shift: bool,
    ) -> Result<bool, Error> {
        let a = self.source(at, a, ty)?;
        let op = match (ty.wide(), ty.signed) {
            (false, false) => Op::BfindU32,
            (false, true) => Op::BfindS32,
            (true, false) => Op::BfindU64,
            (true, true) => Op::BfindS64,
        };
        let position = self.make(op, &[a]);
        if !shift {
            return self.result(at, d, Ty::U32, position).map(|()| true);
        }
        // Not found stays 0xffffffff.
        let (none, top) = (self.word(u32::MAX), self.word(ty.bits - 1));
        let amount = self.make(Op::Sub32, &[top, position]);
        let missing = self.make(Op::Eq32, &[position, none]);
        let row = self.make(Op::Sel32, &[none, amount, missing]);
        self.result(at, d, Ty::U32, row).map(|()| true)
    }

    fn extract(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        d: &Operand,
        [a, b, c]: [&Operand; 3],
    ) -> Result<bool, Error> {
        let op = match (ty.wide(), ty.signed) {
            (false, false) => Op::BfeU32,
            (false, true) => Op::BfeS32,
            (true, false) => Op::BfeU64,
            (true, true) => Op::BfeS64,
        };
        let sources = [self.source(at, a, ty)?, self.source(at, b, Ty::U32)?, self.source(at, c, Ty::U32)?];
        self.compute(at, op, d, ty, &sources).map(|()| true)
    }

    fn insert(
        &mut self,
        at: &mut Instance<'m>,
        ty: Ty,
        f: &Operand,
        [a, b, c, d]: [&Operand; 4],
    ) -> Result<bool, Error> {
        let op = if ty.wide() { Op::Bfi64 } else { Op::Bfi32 };
        let sources = [
            self.source(at, a, ty)?,
            self.source(at, b, ty)?,
            self.source(at, c, Ty::U32)?,
            self.source(at, d, Ty::U32)?,
        ];
        self.compute(at, op, f, ty, &sources).map(|()| true)
    }

    /// `b` ones from position `a` on.
    fn bit_mask(
        &mut self,
        at: &mut Instance<'m>,
        mode: &str,
        d: &Operand,
        a: &Operand,
        b: &Operand,
    ) -> Result<bool, Error> {
        let [position, count] = self.limited(at, mode, [a, b])?;
        let ones = self.word(u32::MAX);
        // Shifts clamp: 32 ones are what all ones shifted left by 32 leave out.
        let above = self.make(Op::Shl32, &[ones, count]);
        let low = self.make(Op::Xor32, &[above, ones]);
        let row = self.make(Op::Shl32, &[low, position]);
        self.result(at, d, Ty::U32, row).map(|()| true)
    }

    /// Sign or zero extension from `b` bits.
    fn extend_bits(
        &mut self,
        at: &mut Instance<'m>,
        mode: &str,
        ty: Ty,
        d: &Operand,
        a: &Operand,
        b: &Operand,
    ) -> Result<bool, Error> {
        let value = self.source(at, a, ty)?;
        let [length, _] = self.limited(at, mode, [b, b])?;
        let zero = self.word(0);
        let extract = if ty.signed { Op::BfeS32 } else { Op::BfeU32 };
        let row = self.make(extract, &[value, zero, length]);
        self.result(at, d, ty, row).map(|()| true)
    }

    /// Sources modulo 32, or left to operations that clamp.
    fn limited(&mut self, at: &mut Instance<'m>, mode: &str, of: [&Operand; 2]) -> Result<[u32; 2], Error> {
        let rows = [self.source(at, of[0], Ty::U32)?, self.source(at, of[1], Ty::U32)?];
        if mode == "clamp" {
            // Extraction looks at eight bits of a length only.
            let most = self.word(32);
            return Ok(rows.map(|row| self.make(Op::MinU32, &[row, most])));
        }
        let mask = self.word(31);
        Ok(rows.map(|row| self.make(Op::And32, &[row, mask])))
    }
}
