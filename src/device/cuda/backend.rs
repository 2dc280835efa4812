//! Memory as [`Backend`] wants it, and work as [`Gpu`] does.

use super::CudaDevice;
use super::memory::{CudaBuffer, Raw};
use super::work::Work;
use crate::device::gpu::{Gpu, GpuWork, Limits, bytes};
use crate::device::{Backend, Buffer, DeviceInfo, Elem, MemoryBudget};
use crate::error::{Error, Result};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

impl Backend for CudaDevice {
    type Buf<T: Elem> = CudaBuffer<T>;

    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<CudaBuffer<T>> {
        let buffer = self.room::<T>(len)?;
        let mut work = self.work()?;
        work.clear(buffer.raw());
        work.submit()?;
        Ok(buffer)
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<CudaBuffer<T>> {
        let buffer = self.room::<T>(data.len())?;
        self.write_bytes(buffer.raw(), 0, bytes(data))?;
        Ok(buffer)
    }

    fn write<T: Elem>(&self, buffer: &mut CudaBuffer<T>, start: usize, data: &[T]) -> Result<()> {
        let len = buffer.len();
        if start.checked_add(data.len()).is_none_or(|end| end > len) {
            let reason = format!("{} elements from {start} on reach beyond a buffer of {len}", data.len());
            return Err(Error::invalid("data", reason));
        }
        buffer.raw().session().upload(buffer.raw(), (start * size_of::<T>()) as u64, bytes(data))
    }

    async fn download<T: Elem>(&self, buffer: &CudaBuffer<T>) -> Result<Vec<T>> {
        self.read(buffer.raw(), 0, buffer.len()).await
    }

    fn download_blocking<T: Elem>(&self, buffer: &CudaBuffer<T>) -> Result<Vec<T>> {
        self.wait(self.download(buffer))
    }
}

impl Gpu for CudaDevice {
    type Memory = Raw;
    type Work<'a> = Work;

    fn raw<T: Elem>(buffer: &CudaBuffer<T>) -> &Raw {
        buffer.raw()
    }

    fn room<T: Elem>(&self, len: usize) -> Result<CudaBuffer<T>> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        Ok(CudaBuffer::new(self.session()?.take("buffer", bytes)?, len))
    }

    fn scratch(&self, bytes: u64) -> Result<Raw> {
        self.session()?.take("scratch memory on the device", bytes)
    }

    fn work(&self) -> Result<Work> {
        Ok(Work::new(self.session()?))
    }

    fn write_bytes(&self, memory: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        let session = memory.session();
        session.upload(memory, offset, data)?;
        let rest = data.len() % 4;
        if rest == 0 {
            return Ok(());
        }
        session.upload(memory, offset + data.len() as u64, &[0; 4][rest..])
    }

    // The device is asked and waited for when the future is polled.
    async fn read<T: Elem>(&self, memory: &Raw, offset: u64, count: usize) -> Result<Vec<T>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        memory.session().download(memory, offset, count)
    }

    fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(value) => return value,
                // Not reached: futures of this device wait by themselves.
                Poll::Pending => std::thread::yield_now(),
            }
        }
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn budget(&self) -> MemoryBudget {
        self.current().map_or(MemoryBudget::bytes(self.info.memory_bytes), |session| session.budget)
    }

    fn bytes_in_use(&self) -> u64 {
        self.current().map_or(0, |session| session.in_use.load(Ordering::Relaxed))
    }
}
