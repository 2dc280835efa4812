//! Barriers, shuffles, votes.

use super::builder::{Builder, Instance, Item};
use super::types::Ty;
use crate::program::{Class, Detail, Reduction, Reg, ShuffleMode, VoteMode};
use crate::ptx::Error;
use crate::ptx::ast::Operand;

impl<'m> Builder<'m> {
    /// Lowers an instruction at which threads meet; false if it is none.
    pub fn synchronise(
        &mut self,
        at: &mut Instance<'m>,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<bool, Error> {
        let detail = match (parts, operands) {
            (["bar", "warp", "sync"], [mask]) => Some(Detail::WarpSync { mask: self.word_reg(at, mask)? }),
            (["bar" | "barrier", rest @ ..], _) => self.barrier(at, parts[0] == "bar", rest, operands)?,
            (["shfl", "sync", mode, "b32"], [d, a, b, c, mask]) => {
                self.shuffle(at, mode, d, [a, b, c, mask])?
            }
            (["vote", "sync", mode, ty], [d, a, mask]) => self.vote(at, mode, ty, d, a, mask)?,
            (["match", kind @ ("any" | "all"), "sync", ty @ ("b32" | "b64")], [d, a, mask]) => {
                self.matching(at, *kind == "all", ty, d, a, mask)?
            }
            _ => None,
        };
        let Some(detail) = detail else { return Ok(false) };
        self.details.push(detail);
        let index = self.details.len() as u32 - 1;
        self.item(Item::Sync(index));
        Ok(true)
    }

    fn word_reg(&mut self, at: &mut Instance<'m>, operand: &Operand) -> Result<Reg, Error> {
        Ok(Self::row(Class::W, self.source(at, operand, Ty::U32)?))
    }

    fn barrier(
        &mut self,
        at: &mut Instance<'m>,
        short: bool,
        parts: &[&str],
        operands: &[Operand],
    ) -> Result<Option<Detail>, Error> {
        let parts: Vec<&str> = parts.iter().copied().filter(|part| *part != "cta").collect();
        // `bar` is `barrier` with `.aligned`.
        let aligned = short || parts.contains(&"aligned");
        let parts: Vec<&str> = parts.into_iter().filter(|part| *part != "aligned").collect();
        let (wait, reduction, d, operands, p) = match (parts.as_slice(), operands) {
            (["sync"], operands) => (true, Reduction::None, None, operands, None),
            (["arrive"], operands @ [_, _]) => (false, Reduction::None, None, operands, None),
            (["red", "popc", "u32"], [d, middle @ .., p]) => {
                let d = Self::row(Class::W, self.destination(at, d, Ty::U32)?);
                (true, Reduction::Popc, Some(d), middle, Some(p))
            }
            (["red", name @ ("and" | "or"), "pred"], [d, middle @ .., p]) => {
                let d = Self::row(Class::P, self.target(at, d, Class::P)?);
                let reduction = if *name == "and" { Reduction::And } else { Reduction::Or };
                (true, reduction, Some(d), middle, Some(p))
            }
            _ => return Ok(None),
        };
        let (id, count) = match operands {
            [id] => (self.word_reg(at, id)?, None),
            [id, count] => (self.word_reg(at, id)?, Some(self.word_reg(at, count)?)),
            _ => return Ok(None),
        };
        let p = match p {
            Some(p) => Some(Self::row(Class::P, self.predicate(at, p)?)),
            None => None,
        };
        Ok(Some(Detail::Barrier { id, count, wait, aligned, reduction, p, d }))
    }

    fn shuffle(
        &mut self,
        at: &mut Instance<'m>,
        mode: &str,
        d: &Operand,
        [a, b, c, mask]: [&Operand; 4],
    ) -> Result<Option<Detail>, Error> {
        let mode = match mode {
            "up" => ShuffleMode::Up,
            "down" => ShuffleMode::Down,
            "bfly" => ShuffleMode::Butterfly,
            "idx" => ShuffleMode::Index,
            _ => return Ok(None),
        };
        let [a, b, c, mask] =
            [self.word_reg(at, a)?, self.word_reg(at, b)?, self.word_reg(at, c)?, self.word_reg(at, mask)?];
        let (d, p) = self.value_and_predicate(at, d)?;
        Ok(Some(Detail::Shuffle { mode, d, p, a, b, c, mask }))
    }

    fn value_and_predicate(
        &mut self,
        at: &mut Instance<'m>,
        d: &Operand,
    ) -> Result<(Option<Reg>, Option<Reg>), Error> {
        let (d, p) = match d {
            Operand::Pair(d, p) => (&**d, Some(Self::row(Class::P, self.target(at, p, Class::P)?))),
            d => (d, None),
        };
        Ok((Some(Self::row(Class::W, self.destination(at, d, Ty::U32)?)), p))
    }

    fn vote(
        &mut self,
        at: &mut Instance<'m>,
        mode: &str,
        ty: &str,
        d: &Operand,
        a: &Operand,
        mask: &Operand,
    ) -> Result<Option<Detail>, Error> {
        let mode = match (mode, ty) {
            ("all", "pred") => VoteMode::All,
            ("any", "pred") => VoteMode::Any,
            ("uni", "pred") => VoteMode::Uniform,
            ("ballot", "b32") => VoteMode::Ballot,
            _ => return Ok(None),
        };
        let a = Self::row(Class::P, self.predicate(at, a)?);
        let mask = self.word_reg(at, mask)?;
        let d = match mode {
            VoteMode::Ballot => Self::row(Class::W, self.destination(at, d, Ty::U32)?),
            _ => Self::row(Class::P, self.target(at, d, Class::P)?),
        };
        Ok(Some(Detail::Vote { mode, d: Some(d), a, mask }))
    }

    fn matching(
        &mut self,
        at: &mut Instance<'m>,
        all: bool,
        ty: &str,
        d: &Operand,
        a: &Operand,
        mask: &Operand,
    ) -> Result<Option<Detail>, Error> {
        let wide = ty == "b64";
        let a = self.source(at, a, if wide { Ty::U64 } else { Ty::U32 })?;
        let a = Self::row(if wide { Class::D } else { Class::W }, a);
        let mask = self.word_reg(at, mask)?;
        let (d, p) = self.value_and_predicate(at, d)?;
        Ok(Some(Detail::Match { all, d, p, a, mask }))
    }
}
