//! Operations that this backend has not, and copies, which need no device.

use super::IcicleDevice;
use crate::device::backend::{LookupOps, QuotientOps, VectorOps};
use crate::device::cpu::CpuBuffer;
use crate::error::{Error, Result};
use zkwatt_kernels::Fr;
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::quotient::Program;
use zkwatt_kernels::vector::Scan;

type Buf<T = Fr> = CpuBuffer<T>;

fn unsupported<T>(what: &str) -> Result<T> {
    Err(Error::Unsupported {
        what: format!("{what} on ICICLE"),
        reason: "only sums and transforms are given to it; use `Device::only(DeviceKind::Icicle)`, where the CPU does the rest"
            .into(),
    })
}

impl VectorOps for IcicleDevice {
    fn add_assign(&self, _: &mut Buf, _: &Buf) -> Result<()> {
        unsupported("a sum of vectors")
    }

    fn sub_assign(&self, _: &mut Buf, _: &Buf) -> Result<()> {
        unsupported("a difference of vectors")
    }

    fn mul_assign(&self, _: &mut Buf, _: &Buf) -> Result<()> {
        unsupported("a product of vectors")
    }

    fn axpy(&self, _: &mut Buf, _: Fr, _: &Buf) -> Result<()> {
        unsupported("a combination of vectors")
    }

    fn scale(&self, _: &mut Buf, _: Fr) -> Result<()> {
        unsupported("a multiple of a vector")
    }

    fn batch_inverse(&self, _: &mut Buf) -> Result<()> {
        unsupported("inversion")
    }

    fn prefix_sum(&self, _: &mut Buf, _: Scan) -> Result<Fr> {
        unsupported("a running sum")
    }

    fn prefix_product(&self, _: &mut Buf, _: Scan) -> Result<Fr> {
        unsupported("a running product")
    }

    fn evaluate(&self, _: &Buf, _: Fr) -> Result<Fr> {
        unsupported("evaluation")
    }

    fn resized(&self, a: &Buf, len: usize) -> Result<Buf> {
        self.host.resized(a, len)
    }

    fn linear_combination(&self, _: &[(Fr, &Buf)], _: usize) -> Result<Buf> {
        unsupported("a combination of vectors")
    }

    fn divide_by_linear(&self, _: &mut Buf, _: Fr) -> Result<Fr> {
        unsupported("division of polynomials")
    }
}

impl LookupOps for IcicleDevice {
    fn multiplicities_range(&self, _: &Buf, _: RangeTable) -> Result<Buf<u32>> {
        unsupported("a lookup")
    }

    fn multiplicities_table(&self, _: &Buf, _: &Buf) -> Result<Buf<u32>> {
        unsupported("a lookup")
    }

    fn logup_terms(&self, _: &Buf, _: &Buf, _: &Buf<u32>, _: Fr) -> Result<[Buf; 2]> {
        unsupported("a lookup")
    }

    fn grand_sum(&self, _: &[&Buf], _: &Buf) -> Result<(Buf, Fr)> {
        unsupported("a lookup")
    }

    fn permuted_pair(&self, _: &Buf, _: &Buf) -> Result<[Buf; 2]> {
        unsupported("a lookup")
    }
}

impl QuotientOps for IcicleDevice {
    fn run_program(&self, _: &Program, _: &[&Buf], _: &[Fr], _: &mut [&mut Buf]) -> Result<()> {
        unsupported("a program")
    }
}
