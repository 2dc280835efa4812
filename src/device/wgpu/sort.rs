//! Tables in the order of their canonical integers.

use super::WgpuDevice;
use super::memory::{Raw, WgpuBuffer};
use super::pieces::{elements, pieces};
use super::stage::Access::{Read, ReadWrite};
use super::stage::{Arithmetic, Source, Stage, source};
use super::work::Work;
use crate::device::Buffer;
use crate::error::Result;
use std::mem::swap;
use zkwatt_kernels::Fr;

const SOURCE: Source = source!("sort");

/// Elements that the first pass sorts in workgroup memory: more would cost more comparisons than a merge saves.
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
pub(super) struct SortedTable {
    /// The integers.
    pub(super) keys: Raw,
    /// Where each comes from.
    pub(super) rows: Raw,
    /// Their number.
    pub(super) len: usize,
}

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] = &[KEYS, CHECK, BLOCKS, MERGE];

impl SortedTable {
    fn new(device: &WgpuDevice, len: usize) -> Result<Self> {
        let keys = device.scratch(32 * len as u64)?;
        Ok(Self { keys, rows: device.scratch(4 * len as u64)?, len })
    }
}

impl WgpuDevice {
    /// Sorts a table of at least one row, whose keys must fit one binding.
    ///
    /// Cost: a product a row if it is sorted already; else also log₂(n/64) merges, and memory for the table twice.
    pub(super) async fn sorted_table(&self, table: &WgpuBuffer<Fr>) -> Result<SortedTable> {
        let sorted = SortedTable::new(self, table.len())?;
        if self.read_keys(table, &sorted).await? { Ok(sorted) } else { self.sort(sorted) }
    }

    /// The keys of a table in the order of its rows; whether they ascend.
    async fn read_keys(&self, table: &WgpuBuffer<Fr>, keys: &SortedTable) -> Result<bool> {
        let n = keys.len;
        let disorder = self.scratch(4)?;
        let mut work = self.work()?;
        work.clear(&disorder);
        for piece in pieces(n, 32, self.limits().max_binding_bytes) {
            let bindings =
                [piece.of::<Fr>(table.raw()), piece.of::<Fr>(&keys.keys), piece.of::<u32>(&keys.rows)];
            work.dispatch(&KEYS, &bindings, &[piece.len as u32, piece.first as u32], piece.len as u64)?;
        }
        work.dispatch(&CHECK, &[elements::<Fr>(&keys.keys, 0, n), disorder.whole()], &[n as u32], n as u64)?;
        work.submit()?;
        Ok(self.read::<u32>(&disorder, 0, 1).await? == [0])
    }

    fn sort(&self, mut from: SortedTable) -> Result<SortedTable> {
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

fn sort_pass(
    work: &mut Work<'_>,
    stage: &Stage,
    from: &SortedTable,
    to: &SortedTable,
    run: usize,
) -> Result<()> {
    let n = from.len;
    let bindings = [
        elements::<Fr>(&from.keys, 0, n),
        elements::<u32>(&from.rows, 0, n),
        elements::<Fr>(&to.keys, 0, n),
        elements::<u32>(&to.rows, 0, n),
    ];
    work.dispatch(stage, &bindings, &[n as u32, run as u32], n as u64)
}
