//! Sums over several GPUs: each has a part of the bases.

use super::driver::NO_GPU;
use super::{CudaBases, CudaDevice, CudaOptions, GpuReport, gpus, none};
use crate::device::{Backend, Group, MsmOps, MsmScalars};
use crate::error::{Error, Result};
use std::ops::Range;
use zkwatt_kernels::curve::{Affine, Xyzz};
use zkwatt_kernels::msm::{BaseHints, Scalars};

/// Several GPUs, one at least.
pub struct CudaMulti {
    devices: Vec<CudaDevice>,
    left_out: Vec<GpuReport>,
}

/// Bases on several GPUs, in parts of lengths that differ by one at most.
pub struct MultiBases<G: Group> {
    parts: Vec<(Range<usize>, CudaBases<G::Coordinate>)>,
    n: usize,
}

impl<G: Group> MultiBases<G> {
    /// Number of bases.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }
}

impl CudaMulti {
    /// Opens every GPU that can be used, each with `options` but for the number. Errors: none can; the reason of the first.
    pub fn new(options: &CudaOptions) -> Result<Self> {
        let (mut devices, mut left_out, mut first) = (Vec::new(), Vec::new(), None);
        for gpu in gpus()? {
            let options = CudaOptions { ordinal: Some(gpu.ordinal), ..options.clone() };
            // Of GPUs that are known not to serve, this says why.
            match CudaDevice::new(options) {
                Ok(device) => devices.push(device),
                Err(error) => {
                    left_out.push(GpuReport { unusable: Some(error.to_string()), ..gpu });
                    first = first.or(Some(error));
                }
            }
        }
        if devices.is_empty() {
            return Err(first.unwrap_or_else(|| none(NO_GPU)));
        }
        Ok(Self { devices, left_out })
    }

    /// Devices that are open already. Errors: there are none.
    pub fn over(devices: Vec<CudaDevice>) -> Result<Self> {
        if devices.is_empty() {
            return Err(none("no GPUs are given"));
        }
        Ok(Self { devices, left_out: Vec::new() })
    }

    /// GPUs that [`CudaMulti::new`] did not open, with why.
    pub fn left_out(&self) -> &[GpuReport] {
        &self.left_out
    }

    /// The devices.
    pub fn devices(&self) -> &[CudaDevice] {
        &self.devices
    }

    /// Puts a part of the bases on each device.
    pub fn prepare<G: Group>(
        &self,
        bases: &[Affine<G::Coordinate>],
        hints: BaseHints,
    ) -> Result<MultiBases<G>> {
        let n = bases.len();
        let parts = parts(n, self.devices.len());
        let prepared = self.on_each(&parts, |device, range| {
            MsmOps::<G>::prepare_with(device, &bases[range.clone()], hints)
        })?;
        Ok(MultiBases { parts: parts.into_iter().zip(prepared).collect(), n })
    }

    /// Σ kᵢ·Pᵢ over the first `scalars.len()` bases. Errors: more scalars than bases; bases that other devices hold; those of
    /// the devices.
    pub fn msm<G: Group>(
        &self,
        bases: &MultiBases<G>,
        scalars: Scalars<'_>,
    ) -> Result<Affine<G::Coordinate>> {
        let n = scalars.len();
        if n > bases.n {
            let (left, right) = ("bases", "scalars");
            return Err(Error::LengthMismatch { left, left_len: bases.n, right, right_len: n });
        }
        // Whether each part is on its device the device itself says.
        let (here, there) = (self.devices.len(), bases.parts.len());
        if here != there {
            let reason = format!("they are on {there} devices, and these are {here}; prepare them on these");
            return Err(Error::invalid("bases", reason));
        }
        let sums = self.on_each(&bases.parts, |device, (range, bases)| {
            let here = scalars.slice(range.start.min(n)..range.end.min(n));
            MsmOps::<G>::msm(device, bases, MsmScalars::Host(here))
        })?;
        Ok(sums.into_iter().fold(Xyzz::IDENTITY, |sum, part| sum.add_affine(part)).to_affine())
    }

    /// Runs `work` on every device at the same time, each with its part.
    fn on_each<P: Sync, R: Send>(
        &self,
        parts: &[P],
        work: impl Fn(&CudaDevice, &P) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let work = &work;
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .devices
                .iter()
                .zip(parts)
                .map(|(device, part)| (device, scope.spawn(move || work(device, part))))
                .collect();
            let results = threads.into_iter().map(|(device, thread)| {
                thread.join().unwrap_or_else(|_| {
                    let device = format!("cuda ({})", device.info().name);
                    Err(Error::DeviceFailed { device, reason: "its thread panicked".into() })
                })
            });
            results.collect()
        })
    }
}

/// 0..n in `count` parts.
fn parts(n: usize, count: usize) -> Vec<Range<usize>> {
    (0..count).map(|i| n * i / count..n * (i + 1) / count).collect()
}
