//! Copies between host and device, through pinned memory that both reach.

use super::driver::{DevicePtr, DriverError, Entered, Event, Stream};
use super::memory::Raw;
use super::session::Session;
use crate::device::gpu::GpuMemory;
use crate::device::gpu::counters::add;
use crate::error::{Error, Result};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// Pinned memory for one copy at a time, and the end of the last copy from it.
#[derive(Copy, Clone)]
struct Slot {
    memory: *mut u8,
    free: Event,
    used: bool,
}

// SAFETY: the memory is reached only by whoever holds the lock of the staging memory.
unsafe impl Send for Slot {}

/// Two slots, one of which is filled while the other is copied.
#[derive(Default)]
pub(super) struct Staging {
    slots: Vec<Slot>,
    next: usize,
}

/// Bytes of a slot: a third of a millisecond over PCIe.
const SLOT_BYTES: usize = 8 << 20;
const SLOTS: usize = 2;

/// Uploads of up to this many bytes are copied by the driver before it returns; it promises that for pageable memory.
const DIRECT_BYTES: usize = 64 << 10;

impl Staging {
    pub(super) fn release(self, entered: &Entered<'_>) {
        for slot in self.slots {
            // SAFETY: nothing uses the slot: the session is dropped. The driver waits for copies.
            let _ = unsafe { (entered.free_host(slot.memory), entered.destroy_event(slot.free)) };
        }
    }
}

impl Session {
    /// Host data into memory, behind the work before; returns when `data` is no longer needed.
    pub(super) fn upload(self: &Arc<Self>, to: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        to.check(self)?;
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > to.bytes()) {
            return Err(self.failed("an upload reaches beyond its buffer".into()));
        }
        let start = Instant::now();
        let entered = self.enter()?;
        let to = to.pointer() + offset;
        if data.len() <= DIRECT_BYTES {
            // SAFETY: within the buffer; the driver has copied pageable memory of this size when it returns.
            unsafe { entered.upload(to, data.as_ptr(), data.len(), self.compute) }
                .map_err(|error| self.refused("cuMemcpyHtoDAsync", error))?;
        } else {
            self.upload_staged(&entered, to, data, self.compute)?;
        }
        add(&self.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        add(&self.counters.uploaded_bytes, data.len() as u64);
        Ok(())
    }

    /// As [`Session::upload`], in the stream of uploads: `compute` has to wait for a mark behind it.
    pub(super) fn upload_ahead(self: &Arc<Self>, to: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        to.check(self)?;
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > to.bytes()) {
            return Err(self.failed("an upload reaches beyond its buffer".into()));
        }
        let start = Instant::now();
        let entered = self.enter()?;
        self.upload_staged(&entered, to.pointer() + offset, data, self.uploads)?;
        add(&self.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        add(&self.counters.uploaded_bytes, data.len() as u64);
        Ok(())
    }

    fn upload_staged(
        self: &Arc<Self>,
        entered: &Entered<'_>,
        to: DevicePtr,
        data: &[u8],
        stream: Stream,
    ) -> Result<()> {
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        for (i, part) in data.chunks(SLOT_BYTES).enumerate() {
            let slot = self.slot(entered, &mut staging)?;
            // SAFETY: the slot is free, ours while the lock is held, and as long as any part.
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), slot.memory, part.len()) };
            let at = to + (i * SLOT_BYTES) as u64;
            // SAFETY: within the buffer; nobody writes to the slot before its event is done.
            unsafe { entered.upload(at, slot.memory, part.len(), stream) }
                .map_err(|error| self.refused("cuMemcpyHtoDAsync", error))?;
            entered.record(slot.free, stream).map_err(|error| self.refused("cuEventRecord", error))?;
        }
        Ok(())
    }

    /// The next slot, once the last copy from it is done.
    fn slot(self: &Arc<Self>, entered: &Entered<'_>, staging: &mut Staging) -> Result<Slot> {
        if staging.slots.len() < SLOTS {
            let memory = entered.alloc_host(SLOT_BYTES).map_err(|error| match error {
                DriverError(DriverError::OUT_OF_MEMORY) => Error::OutOfMemory {
                    what: "pinned memory of the host",
                    requested: SLOT_BYTES as u64,
                    available: 0,
                },
                other => self.refused("cuMemHostAlloc", other),
            })?;
            let free = entered.event().map_err(|error| self.refused("cuEventCreate", error))?;
            staging.slots.push(Slot { memory, free, used: false });
            staging.next = staging.slots.len() - 1;
        }
        let slot = &mut staging.slots[staging.next];
        staging.next = (staging.next + 1) % SLOTS;
        if std::mem::replace(&mut slot.used, true) {
            self.wait(entered, slot.free)?;
        }
        Ok(*slot)
    }

    /// Bytes of the device, once all work before is done.
    pub(super) fn download(self: &Arc<Self>, from: &Raw, offset: u64, bytes: usize) -> Result<Vec<u8>> {
        from.check(self)?;
        if offset.checked_add(bytes as u64).is_none_or(|end| end > from.bytes()) {
            return Err(self.failed("a download reaches beyond its buffer".into()));
        }
        let entered = self.enter()?;
        let mut data = Vec::with_capacity(bytes);
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        for start in (0..bytes).step_by(SLOT_BYTES) {
            let len = SLOT_BYTES.min(bytes - start);
            let slot = self.slot(&entered, &mut staging)?;
            let at = from.pointer() + offset + start as u64;
            // SAFETY: within the buffer and the slot, which is ours until the event below is done.
            unsafe { entered.download(slot.memory, at, len, self.compute) }
                .map_err(|error| self.refused("cuMemcpyDtoHAsync", error))?;
            entered.record(slot.free, self.compute).map_err(|error| self.refused("cuEventRecord", error))?;
            self.wait(&entered, slot.free)?;
            let start = Instant::now();
            // SAFETY: the copy is done, so `len` bytes of the slot are initialised.
            data.extend_from_slice(unsafe { std::slice::from_raw_parts(slot.memory, len) });
            add(&self.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        }
        add(&self.counters.downloaded_bytes, bytes as u64);
        Ok(data)
    }
}
