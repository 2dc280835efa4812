//! Kernels of lookup arguments, on host data; formulas in [`zkwatt_kernels::lookup`].
//!
//! Beside what each names, an error is too little memory for the result and its scratch space.

#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
use crate::device::{Backend, LookupOps};
use crate::device::{Device, cpu_lookup};
use crate::error::Result;
use zkwatt_kernels::Fr;

pub use zkwatt_kernels::lookup::{GrandSum, LogupTerms, PermutedPair, RangeTable, TableIndex};

/// m_j = #{i : valuesᵢ = start + j}. Errors name the first value outside.
pub fn multiplicities_range(device: &Device, values: &[Fr], table: RangeTable) -> Result<Vec<u32>> {
    here_or_there!(device,
        cpu => cpu_lookup::multiplicities_range(cpu, values, table),
        device => device.download_blocking(&device.multiplicities_range(&device.upload(values)?, table)?))
}

/// m_j = #{i : valuesᵢ = table_j}, the first of equal rows counts. Errors name the first value that is not there.
pub fn multiplicities_table(device: &Device, values: &[Fr], table: &TableIndex<'_>) -> Result<Vec<u32>> {
    here_or_there!(device,
    cpu => cpu_lookup::multiplicities_table(cpu, values, table),
    device => {
        let (values, table) = (device.upload(values)?, device.upload(table.table())?);
        device.download_blocking(&device.multiplicities_table(&values, &table)?)
    })
}

/// hᵢ = 1/(β + fᵢ) and m_j/(β + t_j). Errors when a denominator is zero.
pub fn logup_terms(
    device: &Device,
    values: &[Fr],
    table: &[Fr],
    multiplicities: &[u32],
    beta: Fr,
) -> Result<LogupTerms> {
    here_or_there!(device,
    cpu => cpu_lookup::logup_terms(cpu, values, table, multiplicities, beta),
    device => {
        let (values, table) = (device.upload(values)?, device.upload(table)?);
        let [inputs, table] = device.logup_terms(&values, &table, &device.upload(multiplicities)?, beta)?;
        Ok(LogupTerms { inputs: device.download_blocking(&inputs)?, table: device.download_blocking(&table)? })
    })
}

/// φ_0 = 0, φ_{i+1} = φ_i + Σ_c inputs_{c,i} − table_i; the last value is zero for a valid lookup.
pub fn grand_sum(device: &Device, inputs: &[&[Fr]], table: &[Fr]) -> Result<GrandSum> {
    here_or_there!(device,
    cpu => cpu_lookup::grand_sum(cpu, inputs, table),
    device => {
        let inputs = inputs.iter().map(|input| device.upload(input)).collect::<Result<Vec<_>>>()?;
        let inputs: Vec<_> = inputs.iter().collect();
        let (phi, last) = device.grand_sum(&inputs, &device.upload(table)?)?;
        Ok(GrandSum { phi: device.download_blocking(&phi)?, last })
    })
}

/// The sorted input A′ and the table S′ aligned to it.
pub fn permuted_pair(device: &Device, input: &[Fr], table: &[Fr]) -> Result<PermutedPair> {
    here_or_there!(device,
    cpu => cpu_lookup::permuted_pair(cpu, input, table),
    device => {
        let [input, table] = device.permuted_pair(&device.upload(input)?, &device.upload(table)?)?;
        Ok(PermutedPair { input: device.download_blocking(&input)?, table: device.download_blocking(&table)? })
    })
}
