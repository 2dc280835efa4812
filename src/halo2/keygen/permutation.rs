//! Copies between cells as cycles of one permutation.
//!
//! Cells that must be equal form one cycle. Merging two cycles swaps the successors of one cell of each (the Halo 2
//! book, "Permutation argument"), so the cycles, and with them the key, depend on the order of the copies alone; which
//! cells are in one cycle already, a union-find structure knows.

use crate::error::{Error, Result};
use crate::halo2::roots;
use crate::interop::halo2curves as interop;
use halo2_axiom::plonk::{self, Any, Column};
use halo2curves_axiom::bn256;
use halo2curves_axiom::ff::PrimeField as _;
use std::collections::HashMap;
use zkwatt_kernels::{CpuPath, Field, Fr, parallel, vector};

/// Cells that one thread fills at a time.
const CHUNK: usize = 1 << 12;

/// The permutation. Cell (column i, row j) has number i·n + j.
pub(super) struct Cycles {
    n: usize,
    positions: HashMap<Column<Any>, usize>,
    next: Vec<u32>,
    /// Union-find: a parent for each cell, roots are their own.
    parent: Vec<u32>,
    /// Cells of a root's cycle.
    size: Vec<u32>,
}

impl Cycles {
    /// Every cell for itself.
    pub fn new(k: u32, columns: &[Column<Any>]) -> Result<Self> {
        let n = 1usize << k;
        let cells = u32::try_from(columns.len().saturating_mul(n)).map_err(|_| Error::Unsupported {
            what: format!("equality on {} columns of 2^{k} rows", columns.len()),
            reason: "at most 2^32 − 1 cells are; enable equality on fewer columns".into(),
        })?;
        let next: Vec<u32> = (0..cells).collect();
        let positions = columns.iter().enumerate().map(|(i, column)| (*column, i)).collect();
        Ok(Self { n, positions, parent: next.clone(), size: vec![1; next.len()], next })
    }

    /// Demands that two cells be equal.
    pub fn copy(
        &mut self,
        left: (Column<Any>, usize),
        right: (Column<Any>, usize),
    ) -> Result<(), plonk::Error> {
        let (left, right) = (self.cell(left)?, self.cell(right)?);
        let (mut to, mut from) = (self.root(left), self.root(right));
        if to == from {
            return Ok(());
        }
        if self.size[to] < self.size[from] {
            std::mem::swap(&mut to, &mut from);
        }
        // Cell numbers fit u32.
        self.parent[from] = to as u32;
        self.size[to] += self.size[from];
        self.next.swap(left, right);
        Ok(())
    }

    fn cell(&self, (column, row): (Column<Any>, usize)) -> Result<usize, plonk::Error> {
        let position = self.positions.get(&column).ok_or(plonk::Error::ColumnNotInPermutation(column))?;
        if row >= self.n {
            return Err(plonk::Error::BoundsFailure);
        }
        Ok(position * self.n + row)
    }

    fn root(&mut self, mut cell: usize) -> usize {
        loop {
            let parent = self.parent[cell] as usize;
            if parent == cell {
                return cell;
            }
            // Path halving.
            self.parent[cell] = self.parent[parent];
            cell = parent;
        }
    }

    /// σ_i(ω^j) = δ^i′·ω^j′, where (i′, j′) follows (i, j). Cost: a product a cell.
    pub fn sigma(&self, k: u32) -> Vec<Vec<bn256::Fr>> {
        let path = CpuPath::active();
        let omega = vector::powers(path, Fr::ONE, roots::root_of_unity(k), self.n);
        let delta = interop::scalar(&bn256::Fr::DELTA);
        let deltas = vector::powers(path, Fr::ONE, delta, self.positions.len());
        let column = |next: &[u32]| {
            let mut out = vec![bn256::Fr::zero(); self.n];
            parallel::for_each_chunk_mut(interop::scalars_mut(&mut out), CHUNK, |start, chunk| {
                for (value, cell) in chunk.iter_mut().zip(&next[start..]) {
                    let cell = *cell as usize;
                    *value = deltas[cell / self.n] * omega[cell % self.n];
                }
            });
            out
        };
        self.next.chunks_exact(self.n).map(column).collect()
    }
}
