//! Lookups on the CPU, on host data and as [`LookupOps`]; each asks for the bytes that it needs beside its arguments.

use super::backend::{Buffer, LookupOps};
use super::cpu::{CpuBuffer, CpuDevice};
use crate::error::Result;
use zkwatt_kernels::lookup::plan::{
    CountPlan, logup_terms_bytes, multiplicities_table_bytes, permuted_pair_bytes,
};
use zkwatt_kernels::lookup::{self, GrandSum, LogupTerms, LookupError, PermutedPair, RangeTable, TableIndex};
use zkwatt_kernels::{CpuPath, Fr};

fn run<R: Send>(
    cpu: &CpuDevice,
    what: &'static str,
    bytes: usize,
    kernel: impl FnOnce(CpuPath) -> Result<R, LookupError> + Send,
) -> Result<R> {
    cpu.budget().require(what, bytes as u64)?;
    Ok(cpu.run(|| kernel(cpu.path()))?)
}

pub(crate) fn multiplicities_range(cpu: &CpuDevice, values: &[Fr], table: RangeTable) -> Result<Vec<u32>> {
    run(cpu, "multiplicities of a range", CountPlan::new(values.len(), table.len).bytes, |path| {
        lookup::multiplicities_range(path, values, table)
    })
}

pub(crate) fn multiplicities_table(
    cpu: &CpuDevice,
    values: &[Fr],
    table: &TableIndex<'_>,
) -> Result<Vec<u32>> {
    run(cpu, "multiplicities of a table", CountPlan::new(values.len(), table.table().len()).bytes, |_| {
        lookup::multiplicities_table(values, table)
    })
}

pub(crate) fn logup_terms(
    cpu: &CpuDevice,
    values: &[Fr],
    table: &[Fr],
    multiplicities: &[u32],
    beta: Fr,
) -> Result<LogupTerms> {
    run(cpu, "logUp terms", logup_terms_bytes(values.len(), table.len()), |path| {
        lookup::logup_terms(path, values, table, multiplicities, beta)
    })
}

pub(crate) fn grand_sum(cpu: &CpuDevice, inputs: &[&[Fr]], table: &[Fr]) -> Result<GrandSum> {
    run(cpu, "grand sum", size_of_val(table), |path| lookup::grand_sum(path, inputs, table))
}

pub(crate) fn permuted_pair(cpu: &CpuDevice, input: &[Fr], table: &[Fr]) -> Result<PermutedPair> {
    run(cpu, "permuted pair", permuted_pair_bytes(table.len()), |path| {
        lookup::permuted_pair(path, input, table)
    })
}

impl LookupOps for CpuDevice {
    fn multiplicities_range(&self, values: &CpuBuffer<Fr>, table: RangeTable) -> Result<CpuBuffer<u32>> {
        multiplicities_range(self, values.as_slice(), table).map(CpuBuffer)
    }

    fn multiplicities_table(&self, values: &CpuBuffer<Fr>, table: &CpuBuffer<Fr>) -> Result<CpuBuffer<u32>> {
        let bytes = multiplicities_table_bytes(values.len(), table.len());
        let counts = run(self, "multiplicities of a table", bytes, |_| {
            lookup::multiplicities_table(values.as_slice(), &TableIndex::new(table.as_slice())?)
        });
        counts.map(CpuBuffer)
    }

    fn logup_terms(
        &self,
        values: &CpuBuffer<Fr>,
        table: &CpuBuffer<Fr>,
        multiplicities: &CpuBuffer<u32>,
        beta: Fr,
    ) -> Result<[CpuBuffer<Fr>; 2]> {
        let terms = logup_terms(self, values.as_slice(), table.as_slice(), multiplicities.as_slice(), beta)?;
        Ok([CpuBuffer(terms.inputs), CpuBuffer(terms.table)])
    }

    fn grand_sum(&self, inputs: &[&CpuBuffer<Fr>], table: &CpuBuffer<Fr>) -> Result<(CpuBuffer<Fr>, Fr)> {
        let inputs: Vec<&[Fr]> = inputs.iter().map(|column| column.as_slice()).collect();
        let sum = grand_sum(self, &inputs, table.as_slice())?;
        Ok((CpuBuffer(sum.phi), sum.last))
    }

    fn permuted_pair(&self, input: &CpuBuffer<Fr>, table: &CpuBuffer<Fr>) -> Result<[CpuBuffer<Fr>; 2]> {
        let pair = permuted_pair(self, input.as_slice(), table.as_slice())?;
        Ok([CpuBuffer(pair.input), CpuBuffer(pair.table)])
    }
}
