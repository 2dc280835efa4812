//! Stand-in for the device traits.
#![allow(missing_docs)]

use crate::error::{Error, Result};
use zkwatt_kernels::curve::{Affine, Coordinate};
use zkwatt_kernels::msm::{self, MsmBases, Scalars};
use zkwatt_kernels::ntt::{self, NttPlan, Twiddles};
use zkwatt_kernels::{CpuPath, Fq, Fq2, Fr, vector};

pub trait Elem: Copy + Send + Sync + 'static {}
impl Elem for Fr {}
pub trait Group: Copy + Send + Sync + 'static {
    type Coordinate: Coordinate;
}
#[derive(Copy, Clone, Debug)]
pub struct G1;
#[derive(Copy, Clone, Debug)]
pub struct G2;
impl Group for G1 {
    type Coordinate = Fq;
}
impl Group for G2 {
    type Coordinate = Fq2;
}
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Cpu,
}
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    pub kind: DeviceKind,
}
pub trait Backend: Send + Sync + Sized + 'static {
    type Buf<T: Elem>: Send + Sync;
    fn info(&self) -> &DeviceInfo;
    fn upload<T: Elem>(&self, data: &[T]) -> Result<Self::Buf<T>>;
}
pub enum MsmScalars<'a, B: Backend> {
    Host(Scalars<'a>),
    Device(&'a B::Buf<Fr>),
}
pub trait MsmOps<G: Group>: Backend {
    type Bases: Send + Sync;
    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases>;
    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>>;
}
pub trait NttOps: Backend {
    fn ntt(&self, data: &mut Self::Buf<Fr>, plan: &NttPlan) -> Result<()>;
}
pub trait VectorOps: Backend {
    fn mul_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()>;
    fn sub_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()>;
}

#[derive(Debug)]
pub struct CpuDevice(CpuPath, DeviceInfo);

#[derive(Debug, Default)]
pub struct CpuOptions {
    pub threads: Option<usize>,
}

impl CpuDevice {
    pub fn new(_: CpuOptions) -> Result<Self> {
        Ok(Self(CpuPath::active(), DeviceInfo { kind: DeviceKind::Cpu }))
    }
}

impl Backend for CpuDevice {
    type Buf<T: Elem> = Vec<T>;
    fn info(&self) -> &DeviceInfo {
        &self.1
    }
    fn upload<T: Elem>(&self, data: &[T]) -> Result<Vec<T>> {
        Ok(data.to_vec())
    }
}
impl<G: Group> MsmOps<G> for CpuDevice {
    type Bases = MsmBases<G::Coordinate>;
    fn prepare(&self, points: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        Ok(MsmBases::new(points.to_vec()))
    }
    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let scalars = match scalars {
            MsmScalars::Host(scalars) => scalars,
            MsmScalars::Device(buffer) => Scalars::Field(buffer),
        };
        Ok(msm::msm(bases, scalars, self.0))
    }
}
impl NttOps for CpuDevice {
    fn ntt(&self, data: &mut Vec<Fr>, plan: &NttPlan) -> Result<()> {
        let bad = |e: ntt::NttError| Error::invalid("ntt", e.to_string());
        let twiddles = Twiddles::new(plan.log_n, self.0).map_err(bad)?;
        ntt::ntt(data, plan, &twiddles, self.0).map_err(bad)
    }
}
impl VectorOps for CpuDevice {
    fn mul_assign(&self, a: &mut Vec<Fr>, b: &Vec<Fr>) -> Result<()> {
        vector::mul_assign(self.0, a, b).map_err(|e| Error::invalid("vector", e.to_string()))
    }
    fn sub_assign(&self, a: &mut Vec<Fr>, b: &Vec<Fr>) -> Result<()> {
        vector::sub_assign(self.0, a, b).map_err(|e| Error::invalid("vector", e.to_string()))
    }
}
