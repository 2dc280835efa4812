//! Memory as [`Backend`] wants it.

use super::WgpuDevice;
use super::memory::{Raw, WgpuBuffer};
use crate::device::{Backend, Buffer, DeviceInfo, Elem};
use crate::error::{Error, Result};
use zkwatt_kernels::Fr;

impl Backend for WgpuDevice {
    type Buf<T: Elem> = WgpuBuffer<T>;

    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<WgpuBuffer<T>> {
        let buffer = self.room::<T>(len)?;
        let mut work = self.work()?;
        work.clear(buffer.raw());
        work.submit()?;
        Ok(buffer)
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<WgpuBuffer<T>> {
        let buffer = self.room::<T>(data.len())?;
        self.write_bytes(buffer.raw(), 0, bytes(data))?;
        Ok(buffer)
    }

    fn write<T: Elem>(&self, buffer: &mut WgpuBuffer<T>, start: usize, data: &[T]) -> Result<()> {
        let len = buffer.len();
        if start.checked_add(data.len()).is_none_or(|end| end > len) {
            let reason = format!("{} elements from {start} on reach beyond a buffer of {len}", data.len());
            return Err(Error::invalid("data", reason));
        }
        let (offset, data) = ((start * size_of::<T>()) as u64, bytes(data));
        let lead = offset % 4;
        if lead == 0 && data.len() % 4 == 0 {
            return self.write_bytes(buffer.raw(), offset, data);
        }
        // Words are shared with elements that stay.
        let words = (lead as usize + data.len()).next_multiple_of(4);
        let mut whole: Vec<u8> = self.wait(self.read(buffer.raw(), offset - lead, words))?;
        whole[lead as usize..lead as usize + data.len()].copy_from_slice(data);
        self.write_bytes(buffer.raw(), offset - lead, &whole)
    }

    async fn download<T: Elem>(&self, buffer: &WgpuBuffer<T>) -> Result<Vec<T>> {
        self.read(buffer.raw(), 0, buffer.len()).await
    }

    fn download_blocking<T: Elem>(&self, buffer: &WgpuBuffer<T>) -> Result<Vec<T>> {
        self.wait(self.download(buffer))
    }
}

impl WgpuDevice {
    /// A buffer of undefined contents.
    pub(crate) fn room<T: Elem>(&self, len: usize) -> Result<WgpuBuffer<T>> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        Ok(WgpuBuffer::new(self.pool.take("buffer", bytes)?, len))
    }

    /// Host data into a buffer; the rest of the last word becomes zero.
    pub(crate) fn write_bytes(&self, raw: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        let (words, rest) = data.split_at(data.len() - data.len() % 4);
        if !words.is_empty() {
            self.pool.write(raw, offset, words)?;
        }
        if !rest.is_empty() {
            let mut last = [0; 4];
            last[..rest.len()].copy_from_slice(rest);
            self.pool.write(raw, offset + words.len() as u64, &last)?;
        }
        Ok(())
    }
}

/// The 8 words of an element, as parameters of dispatches hold it.
pub(crate) fn fe_words(x: Fr) -> [u32; 8] {
    let limbs = x.to_montgomery();
    core::array::from_fn(|i| (limbs[i / 2] >> (32 * (i % 2))) as u32)
}

/// The bytes of elements, in the order of this host, which is the device's: little endian.
pub(crate) fn bytes<T: Elem>(elements: &[T]) -> &[u8] {
    const { assert!(cfg!(target_endian = "little"), "WebGPU memory is little endian") };
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
