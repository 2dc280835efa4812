//! Operations on vectors of scalars, on host data.

use crate::device::Device;
use crate::error::Result;
use zkwatt_kernels::Fr;
use zkwatt_kernels::vector;

pub use zkwatt_kernels::vector::Scan;

/// Runs `f(path)` on the threads of the device that holds host memory.
fn on_host<R: Send>(device: &Device, f: impl FnOnce(zkwatt_kernels::CpuPath) -> R + Send) -> R {
    match device {
        Device::Cpu(cpu) => cpu.install(|| f(cpu.path())),
    }
}

/// outᵢ = aᵢ + bᵢ; all equally long.
pub fn add(device: &Device, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<()> {
    Ok(on_host(device, |path| vector::add(path, out, a, b))?)
}

/// outᵢ = aᵢ·bᵢ; all equally long.
pub fn mul(device: &Device, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<()> {
    Ok(on_host(device, |path| vector::mul(path, out, a, b))?)
}

/// yᵢ ← yᵢ + a·xᵢ; both equally long.
pub fn axpy(device: &Device, y: &mut [Fr], a: Fr, x: &[Fr]) -> Result<()> {
    Ok(on_host(device, |path| vector::axpy(path, y, a, x))?)
}

/// aᵢ ← 1/aᵢ, zeros stay zero. Cost: three products an element.
pub fn batch_inverse(device: &Device, values: &mut [Fr]) -> Result<()> {
    on_host(device, |path| vector::batch_inverse(path, values));
    Ok(())
}

/// Running sums in place; returns the total.
pub fn prefix_sum(device: &Device, values: &mut [Fr], scan: Scan) -> Result<Fr> {
    Ok(on_host(device, |path| vector::prefix_sum(path, values, scan)))
}

/// Running products in place; returns the total.
pub fn prefix_product(device: &Device, values: &mut [Fr], scan: Scan) -> Result<Fr> {
    Ok(on_host(device, |path| vector::prefix_product(path, values, scan)))
}

/// Σ cᵢ·xⁱ
pub fn evaluate(device: &Device, coefficients: &[Fr], x: Fr) -> Result<Fr> {
    Ok(on_host(device, |path| vector::evaluate(path, coefficients, x)))
}
