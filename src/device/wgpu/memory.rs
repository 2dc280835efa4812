//! Device memory and its pool.

use super::clock::Clock;
use super::context::Context;
use super::faults::Fault;
use super::recording::{Command, hex};
use crate::device::gpu::counters::add;
use crate::device::gpu::{ALIGNMENT, GpuMemory};
use crate::device::{Buffer, MemoryBudget};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory of the device; returned to the pool when the last clone is dropped.
#[derive(Clone)]
pub struct Raw(Arc<Lease>);

struct Lease {
    /// `Some` until it is dropped.
    buffer: Option<wgpu::Buffer>,
    /// What was asked for, in whole alignments: the buffer may be larger, and a binding of all of it too large.
    bytes: u64,
    id: u64,
    pool: Arc<Pool>,
}

impl GpuMemory for Raw {
    fn bytes(&self) -> u64 {
        self.0.bytes
    }
}

impl Raw {
    pub(super) fn id(&self) -> u64 {
        self.0.id
    }

    /// `None` never: the buffer leaves only when the lease is dropped.
    pub(super) fn buffer(&self) -> Option<&wgpu::Buffer> {
        self.0.buffer.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.pool.give_back(self.id, buffer);
        }
    }
}

/// Elements in a device's memory.
pub struct WgpuBuffer<T> {
    raw: Raw,
    len: usize,
    elements: PhantomData<fn() -> T>,
}

impl<T> WgpuBuffer<T> {
    pub(super) fn new(raw: Raw, len: usize) -> Self {
        Self { raw, len, elements: PhantomData }
    }

    pub(crate) fn raw(&self) -> &Raw {
        &self.raw
    }
}

impl<T> Buffer<T> for WgpuBuffer<T> {
    fn len(&self) -> usize {
        self.len
    }
}

/// Memory that is free or in use. Buffers come back for sizes that are at most an eighth smaller.
pub(super) struct Pool {
    context: Arc<Context>,
    free: Mutex<Free>,
    in_use: AtomicU64,
    next_id: AtomicU64,
    budget: MemoryBudget,
    /// Whether fresh memory is filled with garbage.
    poison: bool,
}

#[derive(Default)]
struct Free {
    by_size: BTreeMap<u64, Vec<(u64, wgpu::Buffer)>>,
    bytes: u64,
}

impl Pool {
    pub(super) fn new(context: Arc<Context>, budget: MemoryBudget, poison: bool) -> Self {
        let (free, in_use, next_id) = Default::default();
        Self { context, free, in_use, next_id, budget, poison }
    }

    pub(super) fn budget(&self) -> MemoryBudget {
        self.budget
    }

    /// Bytes that are in use.
    pub(super) fn in_use(&self) -> u64 {
        self.in_use.load(Ordering::Relaxed)
    }

    /// At least `bytes` bytes of undefined contents.
    pub(super) fn take(self: &Arc<Self>, what: &'static str, bytes: u64) -> Result<Raw> {
        self.context.check()?;
        let limit = self.context.device.limits().max_buffer_size;
        // Every buffer can be bound.
        let size = bytes.max(1).checked_next_multiple_of(ALIGNMENT).filter(|size| *size <= limit);
        let too_much = |available| Error::OutOfMemory { what, requested: bytes, available };
        let size = size.ok_or_else(|| too_much(limit))?;
        let available = self.budget.available().saturating_sub(self.in_use());
        if size > available || self.context.faults.strikes(Fault::Allocation) {
            return Err(too_much(available));
        }
        let (id, buffer) = match self.reuse(size) {
            Some(found) => found,
            None => self
                .create(size, available)
                .map_err(|reason| reason.unwrap_or_else(|| too_much(available)))?,
        };
        let in_use = self.in_use.fetch_add(buffer.size(), Ordering::Relaxed) + buffer.size();
        self.context.counters.peak_bytes.fetch_max(in_use, Ordering::Relaxed);
        let raw = Raw(Arc::new(Lease { buffer: Some(buffer), bytes: size, id, pool: Arc::clone(self) }));
        if self.poison {
            self.write(&raw, 0, &vec![POISON; raw.bytes() as usize])?;
        }
        Ok(raw)
    }

    /// Host data into a buffer; whole words at a whole word.
    pub(super) fn write(&self, raw: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        let Some(buffer) = raw.buffer() else { return Ok(()) };
        self.context.recorder.note(|| Command::Write { id: raw.id(), offset, data: hex(data) });
        let start = Clock::now();
        // wgpu copies what it is given: in parts, so that the copies are small.
        for (i, part) in data.chunks(UPLOAD_BYTES).enumerate() {
            let at = offset + (i * UPLOAD_BYTES) as u64;
            match self.context.caught(|| self.context.queue.write_buffer(buffer, at, part)).1 {
                None => (),
                Some(wgpu::Error::OutOfMemory { .. }) => {
                    let requested = part.len() as u64;
                    return Err(Error::OutOfMemory { what: "upload", requested, available: 0 });
                }
                Some(other) => return Err(self.context.failed(format!("it took no upload: {other}"))),
            }
        }
        add(&self.context.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        add(&self.context.counters.uploaded_bytes, data.len() as u64);
        Ok(())
    }

    fn reuse(&self, size: u64) -> Option<(u64, wgpu::Buffer)> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (&found, _) =
            free.by_size.range(size..=size + size / 8).find(|(_, buffers)| !buffers.is_empty())?;
        let buffer = free.by_size.get_mut(&found)?.pop()?;
        free.bytes -= found;
        Some(buffer)
    }

    /// A new buffer. `Err(None)`: the device has no memory.
    fn create(&self, size: u64, available: u64) -> Result<(u64, wgpu::Buffer), Option<Error>> {
        if size + self.free.lock().unwrap_or_else(PoisonError::into_inner).bytes > available {
            self.trim();
        }
        let new = || {
            let usage =
                wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
            let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            self.context.caught(|| self.context.device.create_buffer(&descriptor))
        };
        let (buffer, error) = match new() {
            (_, Some(wgpu::Error::OutOfMemory { .. })) => {
                self.trim();
                new()
            }
            other => other,
        };
        match error {
            None => {
                let id = self.next_id.fetch_add(1, Ordering::Relaxed);
                self.context.recorder.note(|| Command::Buffer { id, bytes: size });
                Ok((id, buffer))
            }
            Some(wgpu::Error::OutOfMemory { .. }) => Err(None),
            Some(other) => {
                Err(Some(self.context.failed(format!("it made no buffer of {size} bytes: {other}"))))
            }
        }
    }

    /// Gives free memory back to the device.
    pub(super) fn trim(&self) {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) = Free::default();
    }

    fn give_back(&self, id: u64, buffer: wgpu::Buffer) {
        let size = buffer.size();
        self.in_use.fetch_sub(size, Ordering::Relaxed);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.bytes += size;
        free.by_size.entry(size).or_default().push((id, buffer));
    }
}

/// Bytes of one copy to the device.
const UPLOAD_BYTES: usize = 16 << 20;

/// What poisoned memory holds: words that are no field elements and no small numbers.
const POISON: u8 = 0xa5;
