//! [`Device`] as a backend: provers over it choose their device at run time, at the cost of one branch an operation.

use super::backend::{
    Backend, Buffer, DeviceInfo, Elem, Group, LookupOps, MsmOps, MsmScalars, NttOps, QuotientOps, VectorOps,
};
use super::cpu::CpuDevice;
#[cfg(feature = "cuda")]
use super::cuda::CudaDevice;
use super::facade::Device;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
use super::hybrid::Hybrid;
#[cfg(feature = "icicle")]
use super::icicle::IcicleDevice;
#[cfg(feature = "wgpu")]
use super::wgpu::WgpuDevice;
use crate::error::{Error, Result};
use std::sync::Arc;
use zkwatt_kernels::Fr;
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::msm::BaseHints;
use zkwatt_kernels::ntt::NttPlan;
use zkwatt_kernels::quotient::Program;
use zkwatt_kernels::vector::Scan;

/// The devices of [`Device`], and where their memory is among [`DeviceBuffer`]'s.
macro_rules! devices {
    ($($(#[$cfg:meta])? $name:ident: $device:ty;)*) => {
        /// Memory of a [`Device`].
        #[non_exhaustive]
        pub enum DeviceBuffer<T: Elem> {
            $($(#[$cfg])? #[doc = concat!("Of `Device::", stringify!($name), "`.")] $name(<$device as Backend>::Buf<T>),)*
        }

        /// Bases that a [`Device`] holds.
        #[non_exhaustive]
        pub enum PreparedBases<G: Group> {
            $($(#[$cfg])? #[doc = concat!("Of `Device::", stringify!($name), "`.")] $name(<$device as MsmOps<G>>::Bases),)*
        }

        impl<T: Elem> Buffer<T> for DeviceBuffer<T> {
            fn len(&self) -> usize {
                match self {
                    $($(#[$cfg])? Self::$name(buffer) => buffer.len(),)*
                }
            }
        }

        $($(#[$cfg])? impl Part for $device {
            #[allow(irrefutable_let_patterns, reason = "there may be one device only")]
            fn part<T: Elem>(buffer: &DeviceBuffer<T>) -> Option<&Self::Buf<T>> {
                if let DeviceBuffer::$name(buffer) = buffer { Some(buffer) } else { None }
            }

            #[allow(irrefutable_let_patterns, reason = "there may be one device only")]
            fn part_mut<T: Elem>(buffer: &mut DeviceBuffer<T>) -> Option<&mut Self::Buf<T>> {
                if let DeviceBuffer::$name(buffer) = buffer { Some(buffer) } else { None }
            }

            fn whole<T: Elem>(buffer: Self::Buf<T>) -> DeviceBuffer<T> {
                DeviceBuffer::$name(buffer)
            }
        }

        $(#[$cfg])? impl<G: Group> PartBases<G> for $device {
            #[allow(irrefutable_let_patterns, reason = "there may be one device only")]
            fn bases(bases: &PreparedBases<G>) -> Option<&Self::Bases> {
                if let PreparedBases::$name(bases) = bases { Some(bases) } else { None }
            }

            fn whole_bases(bases: Self::Bases) -> PreparedBases<G> {
                PreparedBases::$name(bases)
            }
        })*
    };
}

devices! {
    Cpu: CpuDevice;
    #[cfg(feature = "wgpu")]
    Wgpu: WgpuDevice;
    #[cfg(feature = "wgpu")]
    HybridWgpu: Hybrid<WgpuDevice>;
    #[cfg(feature = "cuda")]
    Cuda: CudaDevice;
    #[cfg(feature = "cuda")]
    HybridCuda: Hybrid<CudaDevice>;
    #[cfg(feature = "icicle")]
    Icicle: Hybrid<IcicleDevice>;
}

/// A device of [`Device`].
trait Part: Backend {
    fn part<T: Elem>(buffer: &DeviceBuffer<T>) -> Option<&Self::Buf<T>>;
    fn part_mut<T: Elem>(buffer: &mut DeviceBuffer<T>) -> Option<&mut Self::Buf<T>>;
    fn whole<T: Elem>(buffer: Self::Buf<T>) -> DeviceBuffer<T>;
}

/// The same for bases.
trait PartBases<G: Group>: MsmOps<G> {
    fn bases(bases: &PreparedBases<G>) -> Option<&Self::Bases>;
    fn whole_bases(bases: Self::Bases) -> PreparedBases<G>;
}

fn of<'a, B: Part, T: Elem>(_: &Arc<B>, buffer: &'a DeviceBuffer<T>) -> Result<&'a B::Buf<T>> {
    B::part(buffer).ok_or_else(|| elsewhere("buffer"))
}

fn of_mut<'a, B: Part, T: Elem>(_: &Arc<B>, buffer: &'a mut DeviceBuffer<T>) -> Result<&'a mut B::Buf<T>> {
    B::part_mut(buffer).ok_or_else(|| elsewhere("buffer"))
}

fn all_of<'a, B: Part>(_: &Arc<B>, buffers: &[&'a DeviceBuffer<Fr>]) -> Result<Vec<&'a B::Buf<Fr>>> {
    buffers.iter().map(|buffer| B::part(buffer).ok_or_else(|| elsewhere("buffer"))).collect()
}

fn whole<B: Part, T: Elem>(_: &Arc<B>, buffer: B::Buf<T>) -> DeviceBuffer<T> {
    B::whole(buffer)
}

fn elsewhere(argument: &'static str) -> Error {
    Error::invalid(argument, "is in the memory of another kind of device; upload it to this one")
}

impl Backend for Device {
    type Buf<T: Elem> = DeviceBuffer<T>;

    fn info(&self) -> &DeviceInfo {
        on_device!(self, d => d.info())
    }

    fn on_host<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        on_device!(self, d => d.on_host(work))
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<DeviceBuffer<T>> {
        on_device!(self, d => Ok(whole(d, d.alloc(len)?)))
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<DeviceBuffer<T>> {
        on_device!(self, d => Ok(whole(d, d.upload(data)?)))
    }

    fn write<T: Elem>(&self, buffer: &mut DeviceBuffer<T>, start: usize, data: &[T]) -> Result<()> {
        on_device!(self, d => d.write(of_mut(d, buffer)?, start, data))
    }

    async fn download<T: Elem>(&self, buffer: &DeviceBuffer<T>) -> Result<Vec<T>> {
        on_device!(self, d => d.download(of(d, buffer)?).await)
    }

    fn download_blocking<T: Elem>(&self, buffer: &DeviceBuffer<T>) -> Result<Vec<T>> {
        on_device!(self, d => d.download_blocking(of(d, buffer)?))
    }
}

fn prepared<G: Group, B: PartBases<G>>(
    device: &Arc<B>,
    bases: &[Affine<G::Coordinate>],
    hints: BaseHints,
) -> Result<PreparedBases<G>> {
    Ok(B::whole_bases(device.prepare_with(bases, hints)?))
}

fn scalars_of<'a, B: Part>(scalars: MsmScalars<'a, Device>) -> Result<MsmScalars<'a, B>> {
    Ok(match scalars {
        MsmScalars::Host(scalars) => MsmScalars::Host(scalars),
        MsmScalars::Device(buffer) => {
            MsmScalars::Device(B::part(buffer).ok_or_else(|| elsewhere("scalars"))?)
        }
    })
}

fn sums<G: Group, B: PartBases<G> + Part>(
    device: &Arc<B>,
    bases: &PreparedBases<G>,
    batch: Vec<MsmScalars<'_, Device>>,
) -> Result<Vec<Affine<G::Coordinate>>> {
    let bases = B::bases(bases).ok_or_else(|| elsewhere("bases"))?;
    device.msm_batch(bases, batch.into_iter().map(scalars_of).collect::<Result<_>>()?)
}

fn sum<G: Group, B: PartBases<G> + Part>(
    device: &Arc<B>,
    bases: &PreparedBases<G>,
    scalars: MsmScalars<'_, Device>,
) -> Result<Affine<G::Coordinate>> {
    device.msm(B::bases(bases).ok_or_else(|| elsewhere("bases"))?, scalars_of(scalars)?)
}

impl<G: Group> MsmOps<G> for Device {
    type Bases = PreparedBases<G>;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<PreparedBases<G>> {
        self.prepare_with(bases, BaseHints::default())
    }

    fn prepare_with(&self, bases: &[Affine<G::Coordinate>], hints: BaseHints) -> Result<PreparedBases<G>> {
        on_device!(self, d => prepared::<G, _>(d, bases, hints))
    }

    fn msm(&self, bases: &PreparedBases<G>, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        on_device!(self, d => sum::<G, _>(d, bases, scalars))
    }

    fn msm_batch(
        &self,
        bases: &PreparedBases<G>,
        batch: Vec<MsmScalars<'_, Self>>,
    ) -> Result<Vec<Affine<G::Coordinate>>> {
        on_device!(self, d => sums::<G, _>(d, bases, batch))
    }
}

impl NttOps for Device {
    fn ntt(&self, data: &mut DeviceBuffer<Fr>, plan: &NttPlan) -> Result<()> {
        on_device!(self, d => NttOps::ntt(&**d, of_mut(d, data)?, plan))
    }

    fn ntt_batch(&self, columns: Vec<&mut DeviceBuffer<Fr>>, plan: &NttPlan) -> Result<()> {
        on_device!(self, d => {
            let columns = columns.into_iter().map(|column| of_mut(d, column)).collect::<Result<_>>()?;
            d.ntt_batch(columns, plan)
        })
    }
}

impl VectorOps for Device {
    fn add_assign(&self, a: &mut DeviceBuffer<Fr>, b: &DeviceBuffer<Fr>) -> Result<()> {
        on_device!(self, d => d.add_assign(of_mut(d, a)?, of(d, b)?))
    }

    fn sub_assign(&self, a: &mut DeviceBuffer<Fr>, b: &DeviceBuffer<Fr>) -> Result<()> {
        on_device!(self, d => d.sub_assign(of_mut(d, a)?, of(d, b)?))
    }

    fn mul_assign(&self, a: &mut DeviceBuffer<Fr>, b: &DeviceBuffer<Fr>) -> Result<()> {
        on_device!(self, d => d.mul_assign(of_mut(d, a)?, of(d, b)?))
    }

    fn axpy(&self, y: &mut DeviceBuffer<Fr>, a: Fr, x: &DeviceBuffer<Fr>) -> Result<()> {
        on_device!(self, d => d.axpy(of_mut(d, y)?, a, of(d, x)?))
    }

    fn scale(&self, a: &mut DeviceBuffer<Fr>, c: Fr) -> Result<()> {
        on_device!(self, d => d.scale(of_mut(d, a)?, c))
    }

    fn batch_inverse(&self, a: &mut DeviceBuffer<Fr>) -> Result<()> {
        on_device!(self, d => d.batch_inverse(of_mut(d, a)?))
    }

    fn prefix_sum(&self, a: &mut DeviceBuffer<Fr>, scan: Scan) -> Result<Fr> {
        on_device!(self, d => d.prefix_sum(of_mut(d, a)?, scan))
    }

    fn prefix_product(&self, a: &mut DeviceBuffer<Fr>, scan: Scan) -> Result<Fr> {
        on_device!(self, d => d.prefix_product(of_mut(d, a)?, scan))
    }

    fn evaluate(&self, coefficients: &DeviceBuffer<Fr>, x: Fr) -> Result<Fr> {
        on_device!(self, d => d.evaluate(of(d, coefficients)?, x))
    }

    fn evaluate_many(&self, polynomials: &[&DeviceBuffer<Fr>], x: Fr) -> Result<Vec<Fr>> {
        on_device!(self, d => d.evaluate_many(&all_of(d, polynomials)?, x))
    }

    fn resized(&self, a: &DeviceBuffer<Fr>, len: usize) -> Result<DeviceBuffer<Fr>> {
        on_device!(self, d => Ok(whole(d, d.resized(of(d, a)?, len)?)))
    }

    fn linear_combination(&self, terms: &[(Fr, &DeviceBuffer<Fr>)], len: usize) -> Result<DeviceBuffer<Fr>> {
        on_device!(self, d => {
            let terms = terms.iter().map(|(a, v)| Ok((*a, of(d, v)?))).collect::<Result<Vec<_>>>()?;
            Ok(whole(d, d.linear_combination(&terms, len)?))
        })
    }

    fn divide_by_linear(&self, coefficients: &mut DeviceBuffer<Fr>, z: Fr) -> Result<Fr> {
        on_device!(self, d => d.divide_by_linear(of_mut(d, coefficients)?, z))
    }
}

impl QuotientOps for Device {
    fn run_program(
        &self,
        program: &Program,
        columns: &[&DeviceBuffer<Fr>],
        uniforms: &[Fr],
        outputs: &mut [&mut DeviceBuffer<Fr>],
    ) -> Result<()> {
        on_device!(self, d => {
            let columns = all_of(d, columns)?;
            let outputs = outputs.iter_mut().map(|output| of_mut(d, output));
            d.run_program(program, &columns, uniforms, &mut outputs.collect::<Result<Vec<_>>>()?)
        })
    }
}

impl LookupOps for Device {
    fn multiplicities_range(
        &self,
        values: &DeviceBuffer<Fr>,
        table: RangeTable,
    ) -> Result<DeviceBuffer<u32>> {
        on_device!(self, d => Ok(whole(d, d.multiplicities_range(of(d, values)?, table)?)))
    }

    fn multiplicities_table(
        &self,
        values: &DeviceBuffer<Fr>,
        table: &DeviceBuffer<Fr>,
    ) -> Result<DeviceBuffer<u32>> {
        on_device!(self, d => Ok(whole(d, d.multiplicities_table(of(d, values)?, of(d, table)?)?)))
    }

    fn logup_terms(
        &self,
        values: &DeviceBuffer<Fr>,
        table: &DeviceBuffer<Fr>,
        multiplicities: &DeviceBuffer<u32>,
        beta: Fr,
    ) -> Result<[DeviceBuffer<Fr>; 2]> {
        on_device!(self, d => {
            let terms = d.logup_terms(of(d, values)?, of(d, table)?, of(d, multiplicities)?, beta)?;
            Ok(terms.map(|buffer| whole(d, buffer)))
        })
    }

    fn grand_sum(
        &self,
        inputs: &[&DeviceBuffer<Fr>],
        table: &DeviceBuffer<Fr>,
    ) -> Result<(DeviceBuffer<Fr>, Fr)> {
        on_device!(self, d => {
            let (sum, last) = d.grand_sum(&all_of(d, inputs)?, of(d, table)?)?;
            Ok((whole(d, sum), last))
        })
    }

    fn permuted_pair(
        &self,
        input: &DeviceBuffer<Fr>,
        table: &DeviceBuffer<Fr>,
    ) -> Result<[DeviceBuffer<Fr>; 2]> {
        on_device!(self, d => {
            let pair = d.permuted_pair(of(d, input)?, of(d, table)?)?;
            Ok(pair.map(|buffer| whole(d, buffer)))
        })
    }
}
