//! Transforms by ICICLE, over our roots of unity. Cosets are ours too: ICICLE's backends differ in what they allow.

use super::IcicleDevice;
use super::msm::wrong;
use crate::device::backend::{Backend, NttOps};
use crate::device::cpu::CpuBuffer;
use crate::error::{Error, Result};
use zkwatt_kernels::ntt::{Direction, NttError, NttPlan, Order, ntt_bit_reverse};
use zkwatt_kernels::{Field, Fr, vector};

impl NttOps for IcicleDevice {
    fn ntt(&self, data: &mut CpuBuffer<Fr>, plan: &NttPlan) -> Result<()> {
        let (data, n) = (data.0.as_mut_slice(), plan.n());
        if !data.len().is_multiple_of(n) {
            return Err(NttError::Length { len: data.len(), n }.into());
        }
        let shifts = self.shifts(plan)?;
        // A column of one element is its own transform.
        if data.is_empty() || n == 1 {
            return Ok(());
        }
        if plan.direction == Direction::Forward {
            self.multiply(data, shifts.as_deref())?;
        }
        self.session.ntt(data, plan)?;
        if plan.direction == Direction::Inverse {
            self.multiply(data, shifts.as_deref())?;
        }
        Ok(())
    }

    fn ntt_batch(&self, columns: Vec<&mut CpuBuffer<Fr>>, plan: &NttPlan) -> Result<()> {
        let n = plan.n();
        if let Some(column) = columns.iter().find(|column| column.0.len() != n) {
            return Err(NttError::Length { len: column.0.len(), n }.into());
        }
        columns.into_iter().try_for_each(|column| self.ntt(column, plan))
    }
}

impl IcicleDevice {
    /// Powers of a coset's shift, or of its inverse, in the order of the coefficients.
    fn shifts(&self, plan: &NttPlan) -> Result<Option<Vec<Fr>>> {
        let Some(shift) = plan.coset else { return Ok(None) };
        let inverse = shift.inverse_vartime().ok_or(NttError::ZeroCoset)?;
        let (ratio, is_reversed) = match plan.direction {
            Direction::Forward => (shift, matches!(plan.order, Order::RN | Order::RR)),
            Direction::Inverse => (inverse, matches!(plan.order, Order::NR | Order::RR)),
        };
        let mut powers = vector::powers(self.path(), Fr::ONE, ratio, plan.n());
        if is_reversed {
            ntt_bit_reverse(&mut powers);
        }
        Ok(Some(powers))
    }

    fn multiply(&self, data: &mut [Fr], factors: Option<&[Fr]>) -> Result<()> {
        let Some(factors) = factors else { return Ok(()) };
        data.chunks_exact_mut(factors.len())
            .try_for_each(|column| vector::mul_assign(self.path(), column, factors))
            .map_err(Error::from)
    }

    pub(super) fn check_transform(&self, values: &[Fr]) -> Result<()> {
        let plan = NttPlan::new(values.len().ilog2(), Direction::Forward)?;
        let (mut here, mut there) = (self.host.upload(values)?, self.upload(values)?);
        self.host.ntt(&mut here, &plan)?;
        self.ntt(&mut there, &plan)?;
        if here == there { Ok(()) } else { Err(wrong("a transform")) }
    }
}
