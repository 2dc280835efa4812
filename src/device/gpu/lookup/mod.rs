//! Lookups.

#[cfg(test)]
mod tests;

use super::Access::{Read, ReadWrite};
use super::pieces::{elements, pieces};
use super::sort::{Sort, SortedTable};
use super::{
    Arithmetic, BatchInverse, Gpu, GpuMemory, GpuWork, ScanU32, Source, Stage, VectorAsync, fe_words, source,
};
use crate::device::{Buffer, LookupOps};
use crate::error::{Error, Result};
use zkwatt_kernels::Fr;
use zkwatt_kernels::lookup::{LookupError, RangeTable, Side, check_rows};
use zkwatt_kernels::vector::{LengthMismatch, Scan};

const SOURCE: Source = source!("lookup");

/// Values that one workgroup counts: four a thread.
const COUNTED: usize = 256;
const COUNT_WORKGROUP: u32 = COUNTED as u32 / 4;

const COUNT_RANGE: Stage = Stage::new("lookup_multiplicities_range", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[Read, ReadWrite, ReadWrite])
    .workgroup(COUNT_WORKGROUP)
    .products(4);
const COUNT_TABLE: Stage = Stage::new("lookup_multiplicities_table", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[Read, ReadWrite, ReadWrite, Read, Read])
    .workgroup(COUNT_WORKGROUP)
    .products(16);
const LEFT_OVER: Stage = Stage::new("lookup_left_over", SOURCE).over(Arithmetic::Fr).bind(&[Read, ReadWrite]);
const LEFT_ROWS: Stage =
    Stage::new("lookup_left_rows", SOURCE).over(Arithmetic::Fr).bind(&[Read, Read, Read, ReadWrite]);
const PERMUTED_PAIR: Stage = Stage::new("lookup_permuted_pair", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[Read, Read, Read, Read, Read, ReadWrite, ReadWrite])
    .products(2);
const SHIFT: Stage =
    Stage::new("lookup_shift", SOURCE).over(Arithmetic::Fr).bind(&[Read, ReadWrite, ReadWrite]);
const SCALE: Stage =
    Stage::new("lookup_scale", SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite, Read]).products(2);
const SUM_TERMS: Stage = Stage::new("lookup_sum_terms", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[ReadWrite, Read, Read, Read, Read, Read]);

/// Input columns that one pass of [`SUM_TERMS`] adds.
const SUMMED: usize = 4;

/// By what a table's values are counted.
#[derive(Copy, Clone)]
pub(crate) enum CountBy {
    /// The first row that holds the value.
    Row,
    /// Its first place in the sorted table.
    Place,
}

/// Rows at fault, of which stages keep the first in each slot.
pub(crate) struct Faults<M>(M);

const FAULT_SLOTS: usize = 2;

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] =
    &[COUNT_RANGE, COUNT_TABLE, LEFT_OVER, LEFT_ROWS, PERMUTED_PAIR, SHIFT, SCALE, SUM_TERMS];

impl<M: GpuMemory> Faults<M> {
    fn new(device: &impl Gpu<Memory = M>, work: &mut impl GpuWork<Memory = M>) -> Result<Self> {
        let slots = device.scratch(4 * FAULT_SLOTS as u64)?;
        work.clear(&slots);
        Ok(Self(slots))
    }

    async fn read(&self, device: &impl Gpu<Memory = M>) -> Result<[Option<usize>; FAULT_SLOTS]> {
        let slots = device.read::<u32>(&self.0, 0, FAULT_SLOTS).await?;
        // Stages keep the greatest complement, so that zero is none.
        let row = |slot: usize| slots.get(slot).filter(|&&kept| kept != 0).map(|kept| !kept as usize);
        Ok(std::array::from_fn(row))
    }
}

/// The operations of [`LookupOps`] for callers that may not block.
pub(crate) trait Lookups: Gpu {
    /// As [`LookupOps::multiplicities_range`].
    async fn multiplicities_range_async(
        &self,
        values: &Self::Buf<Fr>,
        table: RangeTable,
    ) -> Result<Self::Buf<u32>> {
        check_rows("table", table.len)?;
        check_rows("values", values.len())?;
        let counts = self.alloc::<u32>(table.len)?;
        if values.is_empty() || table.len == 0 {
            return self.all_in_table(values, table.len).await.map(|()| counts);
        }
        let mut work = self.work()?;
        let faults = Faults::new(self, &mut work)?;
        let limit = self.limits().max_binding_bytes;
        for rows in pieces(table.len, 4, limit) {
            for part in pieces(values.len(), 32, limit) {
                let bindings = [
                    part.of::<Fr, _>(Self::raw(values)),
                    rows.of::<u32, _>(Self::raw(&counts)),
                    faults.0.whole(),
                ];
                let threads = count_threads(part.len);
                let sizes = [threads as usize, part.len, part.first, table.len, rows.first, rows.len, 0, 0];
                let params = [sizes.map(|x| x as u32), fe_words(Fr::from(table.start))].concat();
                work.dispatch(&COUNT_RANGE, &bindings, &params, threads)?;
            }
        }
        work.submit()?;
        self.none_missing(values, &faults).await?;
        Ok(counts)
    }

    /// As [`LookupOps::multiplicities_table`].
    async fn multiplicities_table_async(
        &self,
        values: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
    ) -> Result<Self::Buf<u32>> {
        check_rows("table", table.len())?;
        check_rows("values", values.len())?;
        let counts = self.alloc::<u32>(table.len())?;
        if values.is_empty() || table.is_empty() {
            return self.all_in_table(values, table.len()).await.map(|()| counts);
        }
        let sorted = self.sorted_table(table).await?;
        self.count_in_table(values, &sorted, Self::raw(&counts), CountBy::Row).await?;
        Ok(counts)
    }

    /// counts_j ← counts_j + #{i : values_i is counted by j}. Error: a value that is not in the table.
    async fn count_in_table(
        &self,
        values: &Self::Buf<Fr>,
        table: &SortedTable<Self::Memory>,
        counts: &Self::Memory,
        by: CountBy,
    ) -> Result<()> {
        let n = table.len;
        let mut work = self.work()?;
        let faults = Faults::new(self, &mut work)?;
        for part in pieces(values.len(), 32, self.limits().max_binding_bytes) {
            let bindings = [
                part.of::<Fr, _>(Self::raw(values)),
                elements::<u32, _>(counts, 0, n),
                faults.0.whole(),
                elements::<Fr, _>(&table.keys, 0, n),
                elements::<u32, _>(&table.rows, 0, n),
            ];
            let threads = count_threads(part.len);
            let params = [threads as usize, part.len, part.first, n, by as usize].map(|x| x as u32);
            work.dispatch(&COUNT_TABLE, &bindings, &params, threads)?;
        }
        work.submit()?;
        self.none_missing(values, &faults).await
    }

    async fn none_missing(&self, values: &Self::Buf<Fr>, faults: &Faults<Self::Memory>) -> Result<()> {
        match faults.read(self).await?[0] {
            None => Ok(()),
            Some(index) => Err(self.not_in_table(values, index).await?),
        }
    }

    /// Where values or table are empty: an error if there are values.
    async fn all_in_table(&self, values: &Self::Buf<Fr>, table_len: usize) -> Result<()> {
        if values.is_empty() || table_len > 0 { Ok(()) } else { Err(self.not_in_table(values, 0).await?) }
    }

    async fn not_in_table(&self, values: &Self::Buf<Fr>, index: usize) -> Result<Error> {
        let value = self.read::<Fr>(Self::raw(values), index as u64 * 32, 1).await?;
        Ok(LookupError::NotInTable { index, value: value[0] }.into())
    }

    /// As [`LookupOps::permuted_pair`].
    async fn permuted_pair_async(
        &self,
        input: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
    ) -> Result<[Self::Buf<Fr>; 2]> {
        LengthMismatch::check("table", table.len(), input.len()).map_err(LookupError::from)?;
        check_rows("table", table.len())?;
        let n = table.len();
        let pair = [self.room::<Fr>(n)?, self.room::<Fr>(n)?];
        if n == 0 {
            return Ok(pair);
        }
        let sorted = self.sorted_table(table).await?;
        // One slot more each for the totals.
        let starts = self.alloc::<u32>(n + 1)?;
        self.count_in_table(input, &sorted, Self::raw(&starts), CountBy::Place).await?;

        let left_starts = self.scratch(4 * (n as u64 + 1))?;
        let left_rows = self.scratch(4 * n as u64)?;
        let counts = elements::<u32, _>(Self::raw(&starts), 0, n + 1);
        let left_counts = elements::<u32, _>(&left_starts, 0, n + 1);
        let rows = elements::<u32, _>(&sorted.rows, 0, n);
        let left = elements::<u32, _>(&left_rows, 0, n);
        let params = [n as u32];
        let mut work = self.work()?;
        work.dispatch(&LEFT_OVER, &[counts, left_counts], &params, n as u64)?;
        self.scan_u32(&mut work, Self::raw(&starts), n)?;
        self.scan_u32(&mut work, &left_starts, n)?;
        work.dispatch(&LEFT_ROWS, &[counts, left_counts, rows, left], &params, n as u64)?;
        let values = [table, &pair[0], &pair[1]].map(|buffer| elements::<Fr, _>(Self::raw(buffer), 0, n));
        let [values, a, s] = values;
        work.dispatch(&PERMUTED_PAIR, &[counts, left_counts, rows, left, values, a, s], &params, n as u64)?;
        work.submit()?;
        Ok(pair)
    }

    /// As [`LookupOps::logup_terms`].
    async fn logup_terms_async(
        &self,
        values: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
        multiplicities: &Self::Buf<u32>,
        beta: Fr,
    ) -> Result<[Self::Buf<Fr>; 2]> {
        let lengths = LengthMismatch::check("multiplicities", multiplicities.len(), table.len());
        let terms = [self.room::<Fr>(values.len())?, self.room::<Fr>(table.len())?];
        let mut work = self.work()?;
        let faults = Faults::new(self, &mut work)?;
        self.shifted_inverses(&mut work, values, beta, &terms[0], &faults, 0)?;
        if lengths.is_ok() {
            self.shifted_inverses(&mut work, table, beta, &terms[1], &faults, 1)?;
            for part in pieces(table.len(), 32, self.limits().max_binding_bytes) {
                let bindings =
                    [part.of::<Fr, _>(Self::raw(&terms[1])), part.of::<u32, _>(Self::raw(multiplicities))];
                work.dispatch(&SCALE, &bindings, &[part.len as u32], part.len as u64)?;
            }
        }
        work.submit()?;
        // In the order in which the CPU meets them.
        let [input_pole, table_pole] = faults.read(self).await?;
        let pole =
            |side, row: Option<usize>| row.map_or(Ok(()), |index| Err(LookupError::Pole { side, index }));
        pole(Side::Input, input_pole)?;
        lengths.map_err(LookupError::from)?;
        pole(Side::Table, table_pole)?;
        Ok(terms)
    }

    /// out_i ← 1/(beta + x_i); the first zero among the denominators goes to `slot`.
    fn shifted_inverses(
        &self,
        work: &mut Self::Work<'_>,
        x: &Self::Buf<Fr>,
        beta: Fr,
        out: &Self::Buf<Fr>,
        faults: &Faults<Self::Memory>,
        slot: u32,
    ) -> Result<()> {
        for part in pieces(x.len(), 32, self.limits().max_binding_bytes) {
            let bindings =
                [part.of::<Fr, _>(Self::raw(x)), part.of::<Fr, _>(Self::raw(out)), faults.0.whole()];
            let params = [[part.len as u32, part.first as u32, slot, 0].as_slice(), &fe_words(beta)].concat();
            work.dispatch(&SHIFT, &bindings, &params, part.len as u64)?;
        }
        self.batch_inverse_raw(work, Arithmetic::CoordFr, Self::raw(out), x.len() as u64)
    }

    /// As [`LookupOps::grand_sum`].
    async fn grand_sum_async(
        &self,
        inputs: &[&Self::Buf<Fr>],
        table: &Self::Buf<Fr>,
    ) -> Result<(Self::Buf<Fr>, Fr)> {
        let n = table.len();
        for column in inputs {
            LengthMismatch::check("inputs", column.len(), n).map_err(LookupError::from)?;
        }
        let mut phi = self.room::<Fr>(n)?;
        let mut work = self.work()?;
        for part in pieces(n, 32, self.limits().max_binding_bytes) {
            let mut first = true;
            let mut rest = inputs;
            while first || !rest.is_empty() {
                let (some, others) = rest.split_at(rest.len().min(SUMMED));
                rest = others;
                // What is not added is bound to the table and not read.
                let mut bindings = [part.of::<Fr, _>(Self::raw(table)); 2 + SUMMED];
                bindings[0] = part.of::<Fr, _>(Self::raw(&phi));
                for (binding, column) in bindings[2..].iter_mut().zip(some) {
                    *binding = part.of::<Fr, _>(Self::raw(column));
                }
                let params = [part.len as u32, some.len() as u32, u32::from(first)];
                work.dispatch(&SUM_TERMS, &bindings, &params, part.len as u64)?;
                first = false;
            }
        }
        work.submit()?;
        let last = self.prefix_sum_async(&mut phi, Scan::Exclusive).await?;
        Ok((phi, last))
    }
}

impl<D: Gpu> Lookups for D {}

/// Threads that count `values` values: whole workgroups.
fn count_threads(values: usize) -> u64 {
    values.div_ceil(COUNTED) as u64 * u64::from(COUNT_WORKGROUP)
}

impl<D: Gpu> LookupOps for D {
    fn multiplicities_range(&self, values: &Self::Buf<Fr>, table: RangeTable) -> Result<Self::Buf<u32>> {
        self.wait(self.multiplicities_range_async(values, table))
    }

    fn multiplicities_table(&self, values: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<Self::Buf<u32>> {
        self.wait(self.multiplicities_table_async(values, table))
    }

    fn logup_terms(
        &self,
        values: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
        multiplicities: &Self::Buf<u32>,
        beta: Fr,
    ) -> Result<[Self::Buf<Fr>; 2]> {
        self.wait(self.logup_terms_async(values, table, multiplicities, beta))
    }

    fn grand_sum(&self, inputs: &[&Self::Buf<Fr>], table: &Self::Buf<Fr>) -> Result<(Self::Buf<Fr>, Fr)> {
        self.wait(self.grand_sum_async(inputs, table))
    }

    fn permuted_pair(&self, input: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<[Self::Buf<Fr>; 2]> {
        self.wait(self.permuted_pair_async(input, table))
    }
}
