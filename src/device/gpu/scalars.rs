//! Stages `msm_scalar_bits` and `msm_scalar_digits`: scalars in device memory, how long they are, and their digits.

use super::Access::{Read, ReadWrite};
use super::{Arithmetic, Binding, Gpu, GpuMemory, GpuWork, Source, Stage, source};
use crate::device::{Buffer, MsmScalars};
use crate::error::Result;
use std::ops::Range;
use zkwatt_kernels::Fr;
use zkwatt_kernels::msm::{BitHistogram, Scalars};

const DIGITS: Source = source!("msm_digits");
const SCALAR_BITS: Stage = Stage::new("msm_scalar_bits", DIGITS)
    .over(Arithmetic::Fr)
    .bind(&[Read, Read, ReadWrite])
    .products(SCALARS);
const SCALAR_DIGITS: Stage =
    Stage::new("msm_scalar_digits", DIGITS).over(Arithmetic::Fr).bind(&[Read, Read, ReadWrite]).products(2);

/// Scalars that a thread measures.
const SCALARS: u32 = 8;

/// All stages of this module, with typical constants.
pub(super) const STAGES: &[Stage] = &[
    SCALAR_BITS.constants(&[("SCALAR_WORDS", 8), ("BASE_VECTORS", 4), ("WINDOW_BITS", 8)]),
    SCALAR_DIGITS.constants(&[("SCALAR_WORDS", 8), ("BASE_VECTORS", 4), ("WINDOW_BITS", 13)]),
    SCALAR_DIGITS.constants(&[("SCALAR_WORDS", 1), ("BASE_VECTORS", 0), ("WINDOW_BITS", 8)]),
];

/// Scalars in device memory, integers widened to whole words.
pub(crate) struct DeviceScalars<M> {
    memory: M,
    offset: u64,
    /// Words of each: 8 for field elements, fewer for signed integers.
    words: u32,
}

/// Scalars with their bases, whose identities count as zero scalars.
pub(crate) struct ScalarJob<'a, M> {
    pub(crate) n: usize,
    pub(crate) bases: Binding<'a, M>,
    scalars: Binding<'a, M>,
    /// Constants of the stages that read scalars.
    constants: [(&'static str, u32); 2],
}

impl<'a, M: GpuMemory> ScalarJob<'a, M> {
    /// `vectors`: 16-byte vectors of a base, or 0 where no base is the identity.
    pub(crate) fn new(n: usize, bases: Binding<'a, M>, vectors: u32, scalars: &'a DeviceScalars<M>) -> Self {
        let bytes = n as u64 * 4 * u64::from(scalars.words);
        let constants = [("SCALAR_WORDS", scalars.words), ("BASE_VECTORS", vectors)];
        Self { n, bases, scalars: scalars.memory.range(scalars.offset, bytes), constants }
    }

    /// Records: digits\[w·n + i\] ← |d| of scalar i in window w of `windows`, with the sign in bit 31; 0 for a zero digit.
    pub(crate) fn record_digits<W: GpuWork<Memory = M>>(
        &self,
        work: &mut W,
        window_bits: u32,
        windows: &Range<usize>,
        digits: Binding<'_, M>,
    ) -> Result<()> {
        let constants = [self.constants[0], self.constants[1], ("WINDOW_BITS", window_bits)];
        let params = [self.n as u32, windows.start as u32, windows.len() as u32];
        let bindings = [self.scalars, self.bases, digits];
        work.dispatch_with(&SCALAR_DIGITS, &constants, &bindings, &params, self.n as u64)
    }
}

pub(crate) trait ScalarOps: Gpu {
    /// How many scalars have how many bits.
    async fn scalar_bits(&self, job: &ScalarJob<'_, Self::Memory>) -> Result<BitHistogram> {
        let lengths = self.scratch(4 * 256)?;
        let threads = (job.n as u64).div_ceil(SCALARS.into());
        let mut work = self.work()?;
        work.clear(&lengths);
        // Digits are not asked for: any width will do.
        let constants = [job.constants[0], job.constants[1], ("WINDOW_BITS", 8)];
        let bindings = [job.scalars, job.bases, lengths.whole()];
        work.dispatch_with(&SCALAR_BITS, &constants, &bindings, &[threads as u32, job.n as u32], threads)?;
        work.submit()?;
        let mut histogram = BitHistogram([0; 256]);
        histogram.0.copy_from_slice(&self.read::<u32>(&lengths, 0, 256).await?);
        Ok(histogram)
    }

    /// The scalars of `range` in device memory.
    fn scalars_on_device(
        &self,
        scalars: &MsmScalars<'_, Self>,
        range: Range<usize>,
    ) -> Result<DeviceScalars<Self::Memory>> {
        let host = match scalars {
            MsmScalars::Device(buffer) => {
                let offset = (range.start * size_of::<Fr>()) as u64;
                return Ok(DeviceScalars { memory: Self::raw(buffer).clone(), offset, words: 8 });
            }
            MsmScalars::Host(host) => host.slice(range),
        };
        let (memory, words) = match host {
            Scalars::Field(s) => (Self::raw(&self.upload(s)?).clone(), 8),
            Scalars::I8(s) => (self.upload_widened(s)?, 1),
            Scalars::I16(s) => (self.upload_widened(s)?, 1),
            Scalars::I32(s) => (Self::raw(&self.upload(s)?).clone(), 1),
            Scalars::I64(s) => (Self::raw(&self.upload(s)?).clone(), 2),
            Scalars::I128(s) => (Self::raw(&self.upload(s)?).clone(), 4),
        };
        Ok(DeviceScalars { memory, offset: 0, words })
    }

    fn upload_widened<T: Copy + Into<i32>>(&self, scalars: &[T]) -> Result<Self::Memory> {
        let words: Vec<i32> = scalars.iter().map(|k| (*k).into()).collect();
        Ok(Self::raw(&self.upload(&words)?).clone())
    }
}

impl<D: Gpu> ScalarOps for D {}

/// Number of scalars.
pub(crate) fn scalars_len<D: Gpu>(scalars: &MsmScalars<'_, D>) -> usize {
    match scalars {
        MsmScalars::Host(host) => host.len(),
        MsmScalars::Device(buffer) => buffer.len(),
    }
}
