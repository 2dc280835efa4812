//! Operations on vectors of scalars, on host data.

use crate::device::Device;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
use crate::device::{Backend, VectorOps, in_place};
use crate::error::Result;
use zkwatt_kernels::Fr;
use zkwatt_kernels::vector;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
use zkwatt_kernels::vector::LengthMismatch;

pub use zkwatt_kernels::vector::Scan;

/// out ← a, checked as the CPU's kernels do.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
fn copied(out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<()> {
    LengthMismatch::check("a", a.len(), out.len())?;
    LengthMismatch::check("b", b.len(), out.len())?;
    out.copy_from_slice(a);
    Ok(())
}

/// outᵢ = aᵢ + bᵢ; all equally long.
pub fn add(device: &Device, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<()> {
    here_or_there!(device,
    cpu => Ok(cpu.run(|| vector::add(cpu.path(), out, a, b))?),
    device => {
        copied(out, a, b)?;
        in_place(&**device, out, |out| device.add_assign(out, &device.upload(b)?))
    })
}

/// outᵢ = aᵢ·bᵢ; all equally long.
pub fn mul(device: &Device, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<()> {
    here_or_there!(device,
    cpu => Ok(cpu.run(|| vector::mul(cpu.path(), out, a, b))?),
    device => {
        copied(out, a, b)?;
        in_place(&**device, out, |out| device.mul_assign(out, &device.upload(b)?))
    })
}

/// yᵢ ← yᵢ + a·xᵢ; both equally long.
pub fn axpy(device: &Device, y: &mut [Fr], a: Fr, x: &[Fr]) -> Result<()> {
    here_or_there!(device,
        cpu => Ok(cpu.run(|| vector::axpy(cpu.path(), y, a, x))?),
        device => in_place(&**device, y, |y| device.axpy(y, a, &device.upload(x)?)))
}

/// aᵢ ← 1/aᵢ, zeros stay zero. Cost: three products an element.
pub fn batch_inverse(device: &Device, values: &mut [Fr]) -> Result<()> {
    here_or_there!(device,
        cpu => {
            cpu.run(|| vector::batch_inverse(cpu.path(), values));
            Ok(())
        },
        device => in_place(&**device, values, |values| device.batch_inverse(values)))
}

/// Running sums in place; returns the total.
pub fn prefix_sum(device: &Device, values: &mut [Fr], scan: Scan) -> Result<Fr> {
    here_or_there!(device,
        cpu => Ok(cpu.run(|| vector::prefix_sum(cpu.path(), values, scan))),
        device => in_place(&**device, values, |values| device.prefix_sum(values, scan)))
}

/// Running products in place; returns the total.
pub fn prefix_product(device: &Device, values: &mut [Fr], scan: Scan) -> Result<Fr> {
    here_or_there!(device,
        cpu => Ok(cpu.run(|| vector::prefix_product(cpu.path(), values, scan))),
        device => in_place(&**device, values, |values| device.prefix_product(values, scan)))
}

/// Σ cᵢ·xⁱ
pub fn evaluate(device: &Device, coefficients: &[Fr], x: Fr) -> Result<Fr> {
    here_or_there!(device,
        cpu => Ok(cpu.run(|| vector::evaluate(cpu.path(), coefficients, x))),
        device => device.evaluate(&device.upload(coefficients)?, x))
}
