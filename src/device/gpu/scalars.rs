//! Stages `msm_scalar_bits` and `msm_scalar_digits`: scalars in device memory, how long they are, and their digits.

use super::Access::{Read, ReadWrite};
use super::{Arithmetic, Binding, Gpu, GpuMemory, GpuWork, Source, Stage, bytes, source};
use crate::device::{Buffer, MsmScalars};
use crate::error::Result;
use std::borrow::Cow;
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

impl<M> DeviceScalars<M> {
    /// From byte `offset` of `memory` on.
    pub(crate) fn new(memory: M, offset: u64, words: u32) -> Self {
        Self { memory, offset, words }
    }
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

    /// Records: lengths\[b\] += scalars of b bits, b < 256.
    pub(crate) fn record_bits<W: GpuWork<Memory = M>>(
        &self,
        work: &mut W,
        lengths: Binding<'_, M>,
    ) -> Result<()> {
        let threads = (self.n as u64).div_ceil(SCALARS.into());
        // Digits are not asked for: any width will do.
        let constants = [self.constants[0], self.constants[1], ("WINDOW_BITS", 8)];
        let bindings = [self.scalars, self.bases, lengths];
        work.dispatch_with(&SCALAR_BITS, &constants, &bindings, &[threads as u32, self.n as u32], threads)
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
        let mut work = self.work()?;
        work.clear(&lengths);
        job.record_bits(&mut work, lengths.whole())?;
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
        let (bytes, words) = scalar_bytes(host);
        let memory = self.scratch(bytes.len() as u64)?;
        self.write_bytes(&memory, 0, &bytes)?;
        Ok(DeviceScalars::new(memory, 0, words))
    }
}

/// Scalars as they are on a device, integers widened to whole words, and the words of each.
pub(crate) fn scalar_bytes(scalars: Scalars<'_>) -> (Cow<'_, [u8]>, u32) {
    match scalars {
        Scalars::Field(s) => (bytes(s).into(), 8),
        Scalars::I8(s) => (widened(s), 1),
        Scalars::I16(s) => (widened(s), 1),
        Scalars::I32(s) => (bytes(s).into(), 1),
        Scalars::I64(s) => (bytes(s).into(), 2),
        Scalars::I128(s) => (bytes(s).into(), 4),
    }
}

fn widened<T: Copy + Into<i32>>(scalars: &[T]) -> Cow<'static, [u8]> {
    let mut words = Vec::with_capacity(4 * scalars.len());
    scalars.iter().for_each(|k| words.extend_from_slice(&(*k).into().to_le_bytes()));
    words.into()
}

impl<D: Gpu> ScalarOps for D {}

/// Number of scalars.
pub(crate) fn scalars_len<D: Gpu>(scalars: &MsmScalars<'_, D>) -> usize {
    match scalars {
        MsmScalars::Host(host) => host.len(),
        MsmScalars::Device(buffer) => buffer.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::gpu::testing::{numbers, on_every_gpu, random};
    use zkwatt_kernels::{Field, G1Affine};

    on_every_gpu! {
        bits_of_scalars_equal_the_hosts with [None];
    }

    /// Bits of the magnitude.
    fn bits(value: Fr) -> usize {
        let bits = |limbs: [u64; 4]| {
            limbs
                .iter()
                .rposition(|limb| *limb != 0)
                .map_or(0, |i| 64 * i + 64 - limbs[i].leading_zeros() as usize)
        };
        bits(value.to_canonical()).min(bits((-value).to_canonical()))
    }

    /// Scalars of every class.
    fn values() -> Vec<Fr> {
        let powers = std::iter::successors(Some(Fr::ONE), |power| Some(power.double())).take(254);
        let ends: Vec<Fr> = powers.flat_map(|power| [power, power - Fr::ONE, power + Fr::ONE]).collect();
        // The words of the modulus alone, which a reduction too many would make zero.
        let words =
            |k: usize| zkwatt_kernels::bn254::SCALAR_MODULUS.map(|limb| limb >> (32 * k) & 0xffff_ffff);
        let words = (0..2).flat_map(|k| words(k).map(Fr::from));
        let small = (0..3000u64).map(|i| Fr::from(i * i * i));
        let mut numbers = numbers(3);
        let uniform: Vec<Fr> = (0..500).map(|_| random(&mut numbers)).collect();
        let values = ends.into_iter().chain(words).chain(small).chain(uniform);
        values.flat_map(|value| [value, -value]).collect()
    }

    /// The device's count, where some bases are the identity or none.
    fn counted<D: Gpu>(device: &D, scalars: Scalars<'_>, bases: Option<&[G1Affine]>) -> BitHistogram {
        let n = scalars.len();
        let on_device = device.scalars_on_device(&MsmScalars::Host(scalars), 0..n).unwrap();
        let vectors = if bases.is_some() { 4 } else { 0 };
        let bases = device.upload(bases.unwrap_or(&[G1Affine::IDENTITY])).unwrap();
        let job = ScalarJob::new(n, D::raw(&bases).whole(), vectors, &on_device);
        device.wait(device.scalar_bits(&job)).unwrap()
    }

    fn histogram(bits: impl Iterator<Item = usize>) -> BitHistogram {
        let mut histogram = BitHistogram([0; 256]);
        bits.for_each(|bits| histogram.0[bits] += 1);
        histogram
    }

    /// Plans take what the device counts for the truth.
    fn bits_of_scalars_equal_the_hosts<D: Gpu>(device: &D) {
        let values = values();
        let expected = histogram(values.iter().map(|value| bits(*value)));
        assert_eq!(counted(device, Scalars::Field(&values), None), expected);

        let bases: Vec<G1Affine> = (0..values.len())
            .map(|i| if i % 3 == 0 { G1Affine::IDENTITY } else { G1Affine::generator() })
            .collect();
        let kept = |(value, base): (&Fr, &G1Affine)| if base.is_identity() { 0 } else { bits(*value) };
        let expected = histogram(values.iter().zip(&bases).map(kept));
        assert_eq!(counted(device, Scalars::Field(&values), Some(&bases)), expected);

        let wide: Vec<i128> = (0..128)
            .flat_map(|k| [1i128 << k, !(1i128 << k), (1i128 << k).wrapping_neg(), i128::MAX >> k])
            .collect();
        macro_rules! integers {
            ($($variant:ident $type:ty),*) => {$(
                let integers: Vec<$type> = wide.iter().map(|k| *k as $type).collect();
                let magnitude = |k: &$type| (<$type>::BITS - k.unsigned_abs().leading_zeros()) as usize;
                let expected = histogram(integers.iter().map(magnitude));
                assert_eq!(counted(device, Scalars::$variant(&integers), None), expected, stringify!($variant));
            )*};
        }
        integers!(I8 i8, I16 i16, I32 i32, I64 i64, I128 i128);
    }
}
