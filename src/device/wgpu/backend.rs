//! Memory as [`Backend`] wants it.

use super::WgpuDevice;
use super::memory::{Raw, WgpuBuffer};
use super::work::Work;
use crate::device::gpu::{Gpu, GpuWork, Limits, bytes};
use crate::device::{Backend, Buffer, DeviceInfo, Elem, MemoryBudget};
use crate::error::{Error, Result};

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

impl Gpu for WgpuDevice {
    type Memory = Raw;
    type Work<'a> = Work<'a>;

    fn raw<T: Elem>(buffer: &WgpuBuffer<T>) -> &Raw {
        buffer.raw()
    }

    fn room<T: Elem>(&self, len: usize) -> Result<WgpuBuffer<T>> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        Ok(WgpuBuffer::new(self.pool.take("buffer", bytes)?, len))
    }

    fn scratch(&self, bytes: u64) -> Result<Raw> {
        self.pool.take("scratch memory on the device", bytes)
    }

    fn work(&self) -> Result<Work<'_>> {
        self.context.check()?;
        Ok(Work::new(self))
    }

    fn write_bytes(&self, raw: &Raw, offset: u64, data: &[u8]) -> Result<()> {
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

    async fn read<T: Elem>(&self, raw: &Raw, offset: u64, count: usize) -> Result<Vec<T>> {
        self.read_elements(raw, offset, count).await
    }

    fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.block_on(future)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn budget(&self) -> MemoryBudget {
        self.pool.budget()
    }

    fn bytes_in_use(&self) -> u64 {
        self.pool.in_use()
    }
}
