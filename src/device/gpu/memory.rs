//! Parts of memory, and elements as bytes and words.

use crate::device::Elem;
use zkwatt_kernels::Fr;

/// Memory of a device.
pub trait GpuMemory: Clone + Send + Sync + 'static {
    /// Its size: what was asked for, in whole alignments.
    fn bytes(&self) -> u64;

    /// All of it.
    fn whole(&self) -> Binding<'_, Self> {
        self.range(0, self.bytes())
    }

    /// `bytes` bytes from `offset` on, which is a multiple of [`ALIGNMENT`](super::ALIGNMENT).
    fn range(&self, offset: u64, bytes: u64) -> Binding<'_, Self> {
        Binding { memory: self, offset, bytes }
    }
}

/// A part of memory that a stage sees.
pub struct Binding<'a, M> {
    pub(crate) memory: &'a M,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

impl<M> Copy for Binding<'_, M> {}

impl<M> Clone for Binding<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

/// The 8 words of an element, as parameters of dispatches hold it.
pub(crate) fn fe_words(x: Fr) -> [u32; 8] {
    let limbs = x.to_montgomery();
    core::array::from_fn(|i| (limbs[i / 2] >> (32 * (i % 2))) as u32)
}

/// The bytes of elements, in the order of this host, which is the device's: little endian.
pub(crate) fn bytes<T: Elem>(elements: &[T]) -> &[u8] {
    const { assert!(cfg!(target_endian = "little"), "memory of GPUs is little endian") };
    // SAFETY: `Elem` is sealed; its types are plain data without padding, so every byte is initialised.
    unsafe { core::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// Elements from their bytes; a rest that is no whole element is left out.
pub(crate) fn elements<T: Elem>(bytes: &[u8]) -> Vec<T> {
    let mut elements = vec![T::default(); bytes.len() / size_of::<T>()];
    let len = size_of_val(elements.as_slice());
    // SAFETY: `Elem` is sealed; every bit pattern is a value of its types. Both ranges are `len` bytes long and apart.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), elements.as_mut_ptr().cast(), len) };
    elements
}
