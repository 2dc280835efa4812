//! What code costs: all of it, or a way through it.

use crate::sass::{Instruction, Kind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Add, Sub};

/// Counts of instructions.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cost {
    pub instructions: u64,
    /// Products, on the multiply pipe.
    pub multiplies: u64,
    /// Moves on the multiply pipe.
    pub moves: u64,
    /// Cycles to issue all of them from one warp: the sum of ptxas's stall counts.
    pub cycles: u64,
}

impl Cost {
    fn of(instruction: &Instruction) -> Self {
        let kind = instruction.kind();
        if kind == Kind::Padding {
            return Self::default();
        }
        let count = |counted| u64::from(kind == counted);
        Self {
            instructions: 1,
            multiplies: count(Kind::Multiply),
            moves: count(Kind::Move),
            cycles: instruction.stall,
        }
    }

    /// Products, and moves that take a product's place.
    pub fn on_multiply_pipe(&self) -> u64 {
        self.multiplies + self.moves
    }

    /// Every instruction once.
    pub fn of_code(code: &[Instruction]) -> Self {
        code.iter().map(Self::of).fold(Self::default(), Add::add)
    }

    /// The loops of the code, each once, in the order of their ends; an inner one counts in the outer one too.
    pub fn of_loops(code: &[Instruction]) -> Vec<Self> {
        let start = |end: &Instruction| {
            let target = end.target.filter(|target| *target < end.address && end.is("BRA"))?;
            code.iter().position(|instruction| instruction.address == target)
        };
        let cost = |(end, last)| Some(Self::of_code(code.get(start(last)?..=end)?));
        code.iter().enumerate().filter_map(cost).collect()
    }

    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            instructions: f(self.instructions, other.instructions),
            multiplies: f(self.multiplies, other.multiplies),
            moves: f(self.moves, other.moves),
            cycles: f(self.cycles, other.cycles),
        }
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Cost {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.zip(other, u64::saturating_sub)
    }
}

/// The longest way for each number of products.
type Ways = BTreeMap<u64, Cost>;

/// The longest of the ways through a kernel whose number of products is nearest to `multiplies`; `None` if it has a
/// loop.
pub fn way(code: &[Instruction], multiplies: u64) -> Option<Cost> {
    let at = code.iter().enumerate().map(|(k, instruction)| (instruction.address, k)).collect();
    let ways = Walk { code, at, known: HashMap::new() }.ways(0)?;
    ways.into_iter().min_by_key(|(found, _)| found.abs_diff(multiplies)).map(|(_, cost)| cost)
}

struct Walk<'a> {
    code: &'a [Instruction],
    at: HashMap<u64, usize>,
    /// By place; `None` while the place is being looked at, so that a loop finds itself.
    known: HashMap<usize, Option<Ways>>,
}

impl Walk<'_> {
    /// The ways from a place to the end of its function.
    fn ways(&mut self, from: usize) -> Option<Ways> {
        if let Some(known) = self.known.get(&from) {
            return known.clone();
        }
        // Straight code is gathered, which keeps the recursion as deep as there are branches.
        let mut place = from;
        let mut cost = Cost::default();
        while self.code.get(place).is_some_and(|instruction| !ends_a_block(instruction)) {
            cost = cost + Cost::of(&self.code[place]);
            place += 1;
        }
        self.known.insert(from, None);
        let ways = self.after(place)?;
        let ways: Ways =
            ways.into_values().map(|rest| cost + rest).map(|cost| (cost.multiplies, cost)).collect();
        self.known.insert(from, Some(ways.clone()));
        Some(ways)
    }

    /// The ways from an instruction that ends a block.
    fn after(&mut self, place: usize) -> Option<Ways> {
        let end = || Ways::from([(0, Cost::default())]);
        let code = self.code;
        let Some(instruction) = code.get(place) else { return Some(end()) };
        let target = instruction.target.and_then(|target| self.at.get(&target).copied());
        let mut ways = Ways::new();
        let mut lead_on = |found: Ways| {
            for (multiplies, cost) in found {
                let longest = ways.entry(multiplies).or_default();
                *longest = cost.max(*longest);
            }
        };
        if instruction.is("CALL") {
            let (called, rest) = (self.ways(target?)?, self.ways(place + 1)?);
            for a in called.values() {
                lead_on(rest.values().map(|&b| *a + b).map(|cost| (cost.multiplies, cost)).collect());
            }
        } else {
            if instruction.is("BRA") {
                lead_on(self.ways(target?)?);
            } else {
                lead_on(end());
            }
            if instruction.predicated {
                lead_on(self.ways(place + 1)?);
            }
        }
        let own = Cost::of(instruction);
        Some(ways.into_values().map(|cost| own + cost).map(|cost| (cost.multiplies, cost)).collect())
    }
}

fn ends_a_block(instruction: &Instruction) -> bool {
    ["BRA", "CALL", "RET", "EXIT"].iter().any(|operation| instruction.is(operation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sass::tests::code;

    fn found(lines: &[&str], multiplies: u64) -> Option<(u64, u64)> {
        way(&code(lines), multiplies).map(|cost| (cost.instructions, cost.multiplies))
    }

    #[test]
    fn ways_are_told_apart_by_their_products() {
        let lines =
            ["@P0 BRA 0x30", "IMAD R1, R2, R3, R4", "IMAD R1, R2, R3, R4", "IADD3 R1, R2, R3, RZ", "EXIT"];
        assert_eq!(found(&lines, 0), Some((3, 0)));
        assert_eq!(found(&lines, 2), Some((5, 2)));
        assert_eq!(found(&lines, 9), Some((5, 2)));
    }

    #[test]
    fn calls_cost_what_they_call() {
        let lines = [
            "CALL.REL.NOINC 0x30",
            "CALL.REL.NOINC 0x30",
            "EXIT",
            "IMAD R1, R2, R3, R4",
            "RET.REL.NODEC R2 0x0",
        ];
        assert_eq!(found(&lines, 2), Some((7, 2)));
    }

    #[test]
    fn loops_have_no_way() {
        assert_eq!(found(&["IADD3 R1, R2, R3, RZ", "@P0 BRA 0x0", "EXIT"], 0), None);
    }

    #[test]
    fn loops_go_from_a_branch_back_to_its_target() {
        let lines = ["NOP", "IADD3 R1, R2, R3, RZ", "@P0 BRA 0x10", "@P1 BRA 0x0", "@P2 BRA 0x50", "EXIT"];
        let loops = Cost::of_loops(&code(&lines));
        assert_eq!(loops.iter().map(|cost| cost.instructions).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn padding_costs_nothing() {
        assert_eq!(Cost::of_code(&code(&["EXIT", "BRA 0x10", "NOP"])).instructions, 1);
    }
}
