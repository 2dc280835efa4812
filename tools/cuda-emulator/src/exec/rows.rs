//! Registers of a warp: one row of 32 lanes each.

use crate::program::{Class, Constant, Kernel, Reg};

/// Lanes of a warp.
pub const LANES: usize = 32;

#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Words(pub [u32; LANES]);

#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Doubles(pub [u64; LANES]);

/// Registers, carry flags, and what special registers read.
pub struct Rows {
    pub w: Vec<Words>,
    pub d: Vec<Doubles>,
    /// One bit per lane.
    pub p: Vec<u32>,
    /// Carry flag of each lane, 0 or 1.
    pub carry: Words,
    pub thread: [Words; 3],
    /// Special registers that are the same in all lanes, by number.
    pub uniform: [u32; crate::program::special::NAMES.len()],
    pub params: Vec<u8>,
}

impl Rows {
    /// Rows of `kernel` with its constants in place; `address` is that of a module's variable.
    pub fn new(kernel: &Kernel, params: &[u8], address: &dyn Fn(u32) -> u64) -> Self {
        let [w, d, p] = kernel.rows.map(|count| count as usize);
        let mut rows = Self {
            w: vec![Words([0; LANES]); w],
            d: vec![Doubles([0; LANES]); d],
            p: vec![0; p],
            carry: Words([0; LANES]),
            thread: [Words([0; LANES]); 3],
            uniform: [0; crate::program::special::NAMES.len()],
            params: params.to_vec(),
        };
        for (reg, value) in &kernel.constants {
            let value = match value {
                Constant::Bits(bits) => *bits,
                Constant::Address(variable) => address(*variable),
            };
            match reg.class {
                Class::W => rows.w[reg.row as usize] = Words([value as u32; LANES]),
                Class::D => rows.d[reg.row as usize] = Doubles([value; LANES]),
                Class::P => rows.p[reg.row as usize] = if value != 0 { u32::MAX } else { 0 },
            }
        }
        rows
    }

    /// Values of a register as 64 bits, zero-extended.
    pub fn wide(&self, reg: Reg) -> [u64; LANES] {
        let (row, mut found) = (reg.row as usize, [0; LANES]);
        match reg.class {
            Class::W => {
                found.iter_mut().zip(&self.w[row].0).for_each(|(found, word)| *found = u64::from(*word))
            }
            Class::D => found = self.d[row].0,
            Class::P => (0..LANES).for_each(|lane| found[lane] = u64::from(self.p[row] >> lane & 1)),
        }
        found
    }

    pub fn lane(&self, reg: Reg, lane: usize) -> u64 {
        match reg.class {
            Class::W => u64::from(self.w[reg.row as usize].0[lane]),
            Class::D => self.d[reg.row as usize].0[lane],
            Class::P => u64::from(self.p[reg.row as usize] >> lane & 1),
        }
    }

    pub fn set_lane(&mut self, reg: Reg, lane: usize, value: u64) {
        let row = reg.row as usize;
        match reg.class {
            Class::W => self.w[row].0[lane] = value as u32,
            Class::D => self.d[row].0[lane] = value,
            Class::P => self.p[row] = self.p[row] & !(1 << lane) | ((value & 1) as u32) << lane,
        }
    }
}

/// Numbers of the set bits.
pub fn lanes(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(lane)
    })
}
