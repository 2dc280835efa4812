//! Comparisons and selections.

use super::builder::{Builder, Instance};
use super::logic::predicate_op;
use super::types::Ty;
use crate::program::{Class, Op};
use crate::ptx::Error;
use crate::ptx::ast::Operand;

/// Operation of a comparison, and whether its operands change places.
fn comparison(name: &str, ty: Ty) -> Option<(Op, bool)> {
    let signed = match name {
        "eq" | "ne" => false,
        "lo" | "ls" | "hi" | "hs" if !ty.signed => false,
        "lt" | "le" | "gt" | "ge" if !ty.untyped => ty.signed,
        _ => return None,
    };
    let ops = match (name, signed) {
        ("eq", _) => [Op::Eq32, Op::Eq64],
        ("ne", _) => [Op::Ne32, Op::Ne64],
        ("lt" | "lo" | "gt" | "hi", false) => [Op::LtU32, Op::LtU64],
        ("lt" | "gt", true) => [Op::LtS32, Op::LtS64],
        (_, false) => [Op::LeU32, Op::LeU64],
        (_, true) => [Op::LeS32, Op::LeS64],
    };
    let swapped = matches!(name, "gt" | "hi" | "ge" | "hs");
    Some((ops[usize::from(ty.wide())], swapped))
}

impl<'m> Builder<'m> {
    /// Lowers a comparison or selection; false if it is none.
    pub fn compare(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<bool, Error> {
        match (parts, operands) {
            (["setp", name, ty], [d, a, b]) => self.set_predicate(at, name, ty, d, [a, b], None),
            (["setp", name, with @ ("and" | "or" | "xor"), ty], [d, a, b, c]) => {
                self.set_predicate(at, name, ty, d, [a, b], Some((with, c)))
            }
            (["set", name, to, ty], [d, a, b]) => self.set_word(at, name, to, ty, d, [a, b], None),
            (["set", name, with @ ("and" | "or" | "xor"), to, ty], [d, a, b, c]) => {
                self.set_word(at, name, to, ty, d, [a, b], Some((with, c)))
            }
            (["selp", ty], [d, a, b, c]) => {
                let c = self.predicate(at, c)?;
                self.select(at, ty, d, [a, b], c)
            }
            (["slct", ty, "s32"], [d, a, b, c]) => {
                let c = self.source(at, c, Ty { bits: 32, signed: true, untyped: false })?;
                let zero = self.word(0);
                let c = self.make(Op::LeS32, &[zero, c]);
                self.select(at, ty, d, [a, b], c)
            }
            _ => Ok(false),
        }
    }

    /// Row of the comparison, or of its negation, combined with the third operand.
    fn compared(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        ty: Ty,
        [a, b]: [&Operand; 2],
        negated: bool,
        with: Option<(&&str, &Operand)>,
    ) -> Result<Option<u32>, Error> {
        let Some((op, swapped)) = comparison(name, ty) else { return Ok(None) };
        let (a, b) = (self.source(at, a, ty)?, self.source(at, b, ty)?);
        let combined = match with {
            Some((with, c)) => Some((predicate_op(with), self.predicate(at, c)?)),
            None => None,
        };
        let mut row = self.make(op, &if swapped { [b, a] } else { [a, b] });
        if negated {
            row = self.make(Op::NotP, &[row]);
        }
        Ok(Some(match combined {
            Some((op, c)) => self.make(op, &[row, c]),
            None => row,
        }))
    }

    fn set_predicate(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        ty: &str,
        d: &Operand,
        sources: [&Operand; 2],
        with: Option<(&&str, &Operand)>,
    ) -> Result<bool, Error> {
        let Some(ty) = Ty::parse(ty).filter(|ty| ty.bits > 8) else { return Ok(false) };
        let (first, second) = match d {
            Operand::Pair(first, second) => (&**first, Some(&**second)),
            d => (d, None),
        };
        let fails = match second {
            Some(_) => self.compared(at, name, ty, sources, true, with)?,
            None => None,
        };
        let Some(holds) = self.compared(at, name, ty, sources, false, with)? else { return Ok(false) };
        let first = self.target(at, first, Class::P)?;
        self.copy(Op::MovP, first, holds);
        if let (Some(second), Some(fails)) = (second, fails) {
            let second = self.target(at, second, Class::P)?;
            self.push(Op::MovP, second, &[fails]);
        }
        Ok(true)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the instruction")]
    fn set_word(
        &mut self,
        at: &mut Instance<'m>,
        name: &str,
        to: &str,
        ty: &str,
        d: &Operand,
        sources: [&Operand; 2],
        with: Option<(&&str, &Operand)>,
    ) -> Result<bool, Error> {
        let Some(ty) = Ty::parse(ty).filter(|ty| ty.bits > 8) else { return Ok(false) };
        if !matches!(to, "u32" | "s32") {
            return Ok(false);
        }
        let Some(holds) = self.compared(at, name, ty, sources, false, with)? else { return Ok(false) };
        let (ones, zero) = (self.word(u32::MAX), self.word(0));
        let d = self.destination(at, d, Ty::U32)?;
        self.push(Op::Sel32, d, &[ones, zero, holds]);
        Ok(true)
    }

    fn select(
        &mut self,
        at: &mut Instance<'m>,
        ty: &str,
        d: &Operand,
        [a, b]: [&Operand; 2],
        c: u32,
    ) -> Result<bool, Error> {
        let Some(ty) = Ty::parse_bits(ty).filter(|ty| ty.bits > 8) else { return Ok(false) };
        // Sources of 16 bits stay zero-extended.
        let ty = Ty { signed: false, ..ty };
        let sources = [self.source(at, a, ty)?, self.source(at, b, ty)?, c];
        let d = self.destination(at, d, ty)?;
        self.push(if ty.wide() { Op::Sel64 } else { Op::Sel32 }, d, &sources);
        Ok(true)
    }
}
