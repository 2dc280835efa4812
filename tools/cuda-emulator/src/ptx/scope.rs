//! Names visible inside a function: blocks in braces hide outer ones.

use super::ast::{Operand, RegType};
use std::collections::HashMap;

#[derive(Default)]
struct Level {
    names: HashMap<String, Operand>,
    /// `%r<n>` declares n registers: prefix to (count, number of the first).
    families: HashMap<String, (u32, u32)>,
}

/// Scopes of one function, innermost last.
pub struct Scopes {
    levels: Vec<Level>,
    /// Types of all registers of the function, by number.
    pub regs: Vec<RegType>,
    /// Names as declared, each with the number of its first register.
    pub names: Vec<(u32, String)>,
}

impl Scopes {
    pub fn new() -> Self {
        Self { levels: vec![Level::default()], regs: Vec::new(), names: Vec::new() }
    }

    pub fn open(&mut self) {
        self.levels.push(Level::default());
    }

    /// Whether a scope other than the function's own was open.
    pub fn close(&mut self) -> bool {
        self.levels.pop();
        !self.levels.is_empty()
    }

    pub fn declare(&mut self, name: &str, meaning: Operand) {
        self.innermost().names.insert(name.to_owned(), meaning);
    }

    pub fn declare_register(&mut self, name: &str, ty: RegType) {
        let number = self.regs.len() as u32;
        self.regs.push(ty);
        self.names.push((number, name.to_owned()));
        self.declare(name, Operand::Reg(number));
    }

    pub fn declare_family(&mut self, prefix: &str, count: u32, ty: RegType) {
        let first = self.regs.len() as u32;
        self.regs.resize(self.regs.len() + count as usize, ty);
        self.names.push((first, prefix.to_owned()));
        self.innermost().families.insert(prefix.to_owned(), (count, first));
    }

    pub fn resolve(&self, name: &str) -> Option<Operand> {
        let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (prefix, index) = name.split_at(digits);
        let index: Option<u32> = index.parse().ok();
        self.levels.iter().rev().find_map(|level| {
            let family = |index| {
                let &(count, first) = level.families.get(prefix)?;
                (index < count).then_some(Operand::Reg(first + index))
            };
            level.names.get(name).cloned().or_else(|| index.and_then(family))
        })
    }

    fn innermost(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.open();
        }
        self.levels.last_mut().expect("a level was opened")
    }
}
