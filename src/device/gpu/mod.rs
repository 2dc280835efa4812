//! What GPUs share: stages, and the host's part of every operation whose stages are the same on all of them.
//!
//! A [`Gpu`] has memory and takes lists of commands. `wgpu` and `cuda` are such; each also has a form of MSM and transforms
//! of its own, because their best forms differ.

pub(crate) mod counters;
#[cfg(test)]
pub(crate) mod field_tests;
mod finish;
mod inverse;
mod lookup;
mod memory;
mod pieces;
mod powers;
mod quotient;
mod scalars;
mod scan_u32;
mod sort;
mod stage;
#[cfg(test)]
pub(crate) mod testing;
mod vector;

pub(crate) use finish::{window_combine, window_sum};
pub(crate) use inverse::{BatchInverse, batch_inverse_scratch_bytes};
pub(crate) use lookup::Lookups;
pub(crate) use memory::{Binding, GpuMemory, bytes, elements, fe_words};
pub(crate) use powers::{Powers, ends};
pub(crate) use scalars::{DeviceScalars, ScalarJob, ScalarOps, scalar_bytes, scalars_len};
pub(crate) use scan_u32::ScanU32;
pub(crate) use stage::{Access, Arithmetic, Source, Stage, source};
pub(crate) use vector::VectorAsync;

use super::{Backend, Elem, MemoryBudget};
use crate::error::Result;

/// The stages of all modules. Those that are given constants when they are dispatched have typical ones here.
pub(crate) const STAGES: &[&[Stage]] = &[
    inverse::STAGES,
    lookup::STAGES,
    quotient::STAGES,
    scan_u32::STAGES,
    sort::STAGES,
    scalars::STAGES,
    vector::STAGES[0],
    vector::STAGES[1],
    vector::STAGES[2],
];

/// Offsets of bindings are multiples of this many bytes: what every WebGPU implementation allows, and more than CUDA needs.
pub(crate) const ALIGNMENT: u64 = 256;

/// What plans must keep to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that a stage can see of one buffer.
    pub max_binding_bytes: u64,
}

/// Least bound on bindings that can be asked for: pieces of every buffer then have elements, in whole alignments.
pub(crate) const MIN_BINDING_BYTES: u64 = 16 << 10;

impl Limits {
    /// Bindings of at most `most` bytes, or as many as are asked for, [`MIN_BINDING_BYTES`] at least.
    pub(crate) fn new(asked: Option<u64>, most: u64) -> Self {
        Self { max_binding_bytes: asked.map_or(most, |asked| asked.max(MIN_BINDING_BYTES).min(most)) }
    }
}

/// A device with memory of its own that runs stages.
pub trait Gpu: Backend {
    /// Its memory; clones share it, and it is free for others when the last one is dropped.
    type Memory: GpuMemory;

    /// Commands to it.
    type Work<'a>: GpuWork<Memory = Self::Memory>;

    /// The memory of a buffer.
    fn raw<T: Elem>(buffer: &Self::Buf<T>) -> &Self::Memory;

    /// A buffer of undefined contents.
    fn room<T: Elem>(&self, len: usize) -> Result<Self::Buf<T>>;

    /// Memory of undefined contents.
    fn scratch(&self, bytes: u64) -> Result<Self::Memory>;

    /// An empty list of commands.
    fn work(&self) -> Result<Self::Work<'_>>;

    /// Host data into memory, behind all work submitted before; the rest of the last word becomes zero.
    fn write_bytes(&self, memory: &Self::Memory, offset: u64, data: &[u8]) -> Result<()>;

    /// `count` elements from byte `offset` on, once earlier work is done.
    fn read<T: Elem>(
        &self,
        memory: &Self::Memory,
        offset: u64,
        count: usize,
    ) -> impl Future<Output = Result<Vec<T>>> + Send;

    /// The value of a future of this device, for callers that may block.
    fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T>;

    /// What plans must keep to.
    fn limits(&self) -> Limits;

    /// Bound on all memory.
    fn budget(&self) -> MemoryBudget;

    /// Bytes that buffers hold now.
    fn bytes_in_use(&self) -> u64;
}

/// Commands to a device, in order. What is not submitted is forgotten.
pub trait GpuWork: Sized {
    /// Memory of the device.
    type Memory: GpuMemory;

    /// Runs `stage` with `threads` invocations, rounded up to workgroups, and constants beside those of the stage; none
    /// for zero.
    fn dispatch_with(
        &mut self,
        stage: &Stage,
        constants: &[(&'static str, u32)],
        bindings: &[Binding<'_, Self::Memory>],
        params: &[u32],
        threads: u64,
    ) -> Result<()>;

    /// As [`GpuWork::dispatch_with`], without further constants.
    fn dispatch(
        &mut self,
        stage: &Stage,
        bindings: &[Binding<'_, Self::Memory>],
        params: &[u32],
        threads: u64,
    ) -> Result<()> {
        self.dispatch_with(stage, &[], bindings, params, threads)
    }

    /// Copies bytes between two buffers; offsets and size are multiples of 4.
    fn copy(&mut self, from: &Self::Memory, from_offset: u64, to: &Self::Memory, to_offset: u64, bytes: u64);

    /// Fills part of a buffer with zeros; multiples of 4.
    fn clear_range(&mut self, memory: &Self::Memory, offset: u64, bytes: u64);

    /// Fills a buffer with zeros.
    fn clear(&mut self, memory: &Self::Memory) {
        self.clear_range(memory, 0, memory.bytes());
    }

    /// Submits everything. The device works in order; what it does shows in later work and downloads.
    fn submit(self) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::VectorOps;
    use testing::{numbers, on_every_gpu, random};
    use zkwatt_kernels::{Field, Fr};

    on_every_gpu! {
        work_within_the_least_bound with [Some(0), Some(255)];
    }

    fn work_within_the_least_bound<D: Gpu + VectorOps>(device: &D) {
        assert_eq!(device.limits().max_binding_bytes, MIN_BINDING_BYTES);
        let mut numbers = numbers(5);
        let values: Vec<Fr> = (0..700).map(|_| random(&mut numbers)).collect();
        let mut buffer = device.upload(&values).unwrap();
        device.batch_inverse(&mut buffer).unwrap();
        device.mul_assign(&mut buffer, &device.upload(&values).unwrap()).unwrap();
        assert!(device.download_blocking(&buffer).unwrap() == [Fr::ONE; 700]);
    }

    #[test]
    fn bounds_on_bindings() {
        let bound = |asked, most| Limits::new(asked, most).max_binding_bytes;
        assert_eq!(bound(None, 1 << 30), 1 << 30);
        assert_eq!(bound(Some(1 << 20), 1 << 30), 1 << 20);
        assert_eq!(bound(Some(u64::MAX), 1 << 30), 1 << 30);
        assert_eq!(bound(Some(0), 1 << 30), MIN_BINDING_BYTES);
    }
}
