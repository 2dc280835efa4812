//! Tables in the order of their canonical integers.

use super::Access::{Read, ReadWrite};
use super::pieces::{elements, pieces};
use super::{Arithmetic, Gpu, GpuMemory, GpuWork, Source, Stage, source};
use crate::device::Buffer;
use crate::error::Result;
use std::mem::swap;
use zkwatt_kernels::Fr;

const SOURCE: Source = source!("sort");

/// Elements that the first pass sorts in workgroup memory: more would cost more comparisons than merges save.
const BLOCK: u32 = 64;

const KEYS: Stage =
    Stage::new("sort_keys", SOURCE).over(Arithmetic::Fr).bind(&[Read, ReadWrite, ReadWrite]).products(1);
const CHECK: Stage = Stage::new("sort_check", SOURCE).over(Arithmetic::Fr).bind(&[Read, ReadWrite]);
const BLOCKS: Stage = Stage::new("sort_blocks", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[Read, Read, ReadWrite, ReadWrite])
    .workgroup(BLOCK)
    .products(8);
const MERGE: Stage = Stage::new("sort_merge", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[Read, Read, ReadWrite, ReadWrite])
    .products(4);

/// The rows of a table, ascending by canonical integer and then by row.
pub(crate) struct SortedTable<M> {
    /// The integers.
    pub(super) keys: M,
    /// Where each comes from.
    pub(super) rows: M,
    /// Their number.
    pub(super) len: usize,
}

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] = &[KEYS, CHECK, BLOCKS, MERGE];

impl<M: GpuMemory> SortedTable<M> {
    fn new(device: &impl Gpu<Memory = M>, len: usize) -> Result<Self> {
        let keys = device.scratch(32 * len as u64)?;
        Ok(Self { keys, rows: device.scratch(4 * len as u64)?, len })
    }
}

/// Stages `sort_keys` to `sort_merge`.
pub(super) trait Sort: Gpu {
    /// Sorts a table of at least one row, whose keys must fit one binding.
    ///
    /// Cost: a product a row if it is sorted already; else also log₂(n/64) merges, and the memory twice.
    async fn sorted_table(&self, table: &Self::Buf<Fr>) -> Result<SortedTable<Self::Memory>> {
        let sorted = SortedTable::new(self, table.len())?;
        if self.read_keys(table, &sorted).await? { Ok(sorted) } else { self.sort(sorted) }
    }

    /// The keys of a table in the order of its rows; whether they ascend.
    async fn read_keys(&self, table: &Self::Buf<Fr>, keys: &SortedTable<Self::Memory>) -> Result<bool> {
        let n = keys.len;
        let disorder = self.scratch(4)?;
        let mut work = self.work()?;
        work.clear(&disorder);
        for piece in pieces(n, 32, self.limits().max_binding_bytes) {
            let bindings = [
                piece.of::<Fr, _>(Self::raw(table)),
                piece.of::<Fr, _>(&keys.keys),
                piece.of::<u32, _>(&keys.rows),
            ];
            work.dispatch(&KEYS, &bindings, &[piece.len as u32, piece.first as u32], piece.len as u64)?;
        }
        work.dispatch(
            &CHECK,
            &[elements::<Fr, _>(&keys.keys, 0, n), disorder.whole()],
            &[n as u32],
            n as u64,
        )?;
        work.submit()?;
        Ok(self.read::<u32>(&disorder, 0, 1).await? == [0])
    }

    fn sort(&self, mut from: SortedTable<Self::Memory>) -> Result<SortedTable<Self::Memory>> {
        let n = from.len;
        let mut to = SortedTable::new(self, n)?;
        let mut work = self.work()?;
        sort_pass(&mut work, &BLOCKS, &from, &to, BLOCK as usize)?;
        let mut run = BLOCK as usize;
        while run < n {
            swap(&mut from, &mut to);
            sort_pass(&mut work, &MERGE, &from, &to, run)?;
            run *= 2;
        }
        work.submit()?;
        Ok(to)
    }
}

impl<D: Gpu> Sort for D {}

fn sort_pass<W: GpuWork>(
    work: &mut W,
    stage: &Stage,
    from: &SortedTable<W::Memory>,
    to: &SortedTable<W::Memory>,
    run: usize,
) -> Result<()> {
    let n = from.len;
    let bindings = [
        elements::<Fr, _>(&from.keys, 0, n),
        elements::<u32, _>(&from.rows, 0, n),
        elements::<Fr, _>(&to.keys, 0, n),
        elements::<u32, _>(&to.rows, 0, n),
    ];
    work.dispatch(stage, &bindings, &[n as u32, run as u32], n as u64)
}
