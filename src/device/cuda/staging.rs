//! Copies between host and device, through pinned memory that both reach.

use super::driver::{DriverError, Entered, Event, Stream};
use super::memory::Raw;
use super::session::Session;
use crate::device::gpu::GpuMemory;
use crate::device::gpu::counters::add;
use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Pinned memory for one copy at a time, and the end of the last copy from or to it.
#[derive(Copy, Clone)]
struct Slot {
    memory: *mut u8,
    free: Event,
}

// SAFETY: the memory is reached only by whoever holds the lock of the ring.
unsafe impl Send for Slot {}

/// Slots of one size, used in turn.
struct Ring {
    slots: Vec<Slot>,
    next: usize,
    slot_bytes: usize,
    /// Most slots.
    count: usize,
}

/// Pinned memory: what callers have may be pinned too or not, and the driver returns before it has read what is.
pub(super) struct Staging {
    small: Mutex<Ring>,
    uploads: Mutex<Ring>,
    /// Apart: whoever downloads waits for the work before.
    downloads: Mutex<Ring>,
}

/// Bytes of a slot: a third of a millisecond over PCIe.
const SLOT_BYTES: usize = 8 << 20;
/// One is filled while the other is copied.
const SLOTS: usize = 2;

/// Uploads of up to this many bytes go through slots of this size: so many can wait for the work before them.
const SMALL_BYTES: usize = 64 << 10;
const SMALL_SLOTS: usize = 32;

impl Default for Staging {
    fn default() -> Self {
        let ring = |slot_bytes, count| Mutex::new(Ring { slots: Vec::new(), next: 0, slot_bytes, count });
        Self {
            small: ring(SMALL_BYTES, SMALL_SLOTS),
            uploads: ring(SLOT_BYTES, SLOTS),
            downloads: ring(SLOT_BYTES, SLOTS),
        }
    }
}

impl Staging {
    pub(super) fn release(self, entered: &Entered<'_>) {
        for ring in [self.small, self.uploads, self.downloads] {
            for slot in ring.into_inner().unwrap_or_else(PoisonError::into_inner).slots {
                // SAFETY: nothing uses the slot: the session is dropped. The driver waits for copies.
                let _ = unsafe { (entered.free_host(slot.memory), entered.destroy_event(slot.free)) };
            }
        }
    }
}

impl Ring {
    /// Puts a new slot in the place of the one that is next.
    fn insert(&mut self, slot: Slot) {
        self.slots.insert(self.next, slot);
    }

    /// The next slot, to be asked for again if it is used once more.
    fn take(&mut self) -> Option<Slot> {
        let slot = *self.slots.get(self.next)?;
        self.next = (self.next + 1) % self.slots.len();
        Some(slot)
    }

    /// Forgets a slot that a copy without an end may still reach. Its memory goes with the context.
    fn forget(&mut self, slot: Slot) {
        self.slots.retain(|kept| kept.memory != slot.memory);
        self.next = 0;
    }
}

impl Session {
    /// Host data into memory, behind the work before; returns when `data` is no longer needed.
    pub(super) fn upload(self: &Arc<Self>, to: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        self.upload_in(self.compute, to, offset, data)
    }

    /// As [`Session::upload`], in the stream of uploads: `compute` has to wait for a mark behind it, even where it fails.
    pub(super) fn upload_ahead(self: &Arc<Self>, to: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        self.upload_in(self.uploads, to, offset, data)
    }

    fn upload_in(self: &Arc<Self>, stream: Stream, to: &Raw, offset: u64, data: &[u8]) -> Result<()> {
        to.check(self)?;
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > to.bytes()) {
            return Err(self.failed("an upload reaches beyond its buffer".into()));
        }
        if data.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let entered = self.enter()?;
        let ring = if data.len() <= SMALL_BYTES { &self.staging.small } else { &self.staging.uploads };
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        let to = to.pointer() + offset;
        for (i, part) in data.chunks(ring.slot_bytes).enumerate() {
            let slot = self.slot(&entered, &mut ring)?;
            // SAFETY: the slot is free, ours while the lock is held, and as long as any part.
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), slot.memory, part.len()) };
            let at = to + (i * ring.slot_bytes) as u64;
            // SAFETY: within the buffer; nobody writes to the slot before its event is done.
            unsafe { entered.upload(at, slot.memory, part.len(), stream) }
                .map_err(|error| self.refused("cuMemcpyHtoDAsync", error))?;
            self.end_copy(&entered, &mut ring, slot, stream)?;
        }
        add(&self.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        add(&self.counters.uploaded_bytes, data.len() as u64);
        Ok(())
    }

    /// Marks the end of a copy from or to a slot.
    fn end_copy(&self, entered: &Entered<'_>, ring: &mut Ring, slot: Slot, stream: Stream) -> Result<()> {
        entered.record(slot.free, stream).map_err(|error| {
            ring.forget(slot);
            self.refused("cuEventRecord", error)
        })
    }

    /// The slot whose last copy is oldest, once that is done; or a new one, while there are too few.
    fn slot(self: &Arc<Self>, entered: &Entered<'_>, ring: &mut Ring) -> Result<Slot> {
        let oldest = ring.slots.get(ring.next).copied();
        let is_free = oldest.is_some_and(|slot| entered.is_done(slot.free) == Ok(true));
        if !is_free && ring.slots.len() < ring.count {
            ring.insert(self.new_slot(entered, ring.slot_bytes)?);
        } else if let Some(slot) = oldest {
            self.wait(entered, slot.free)?;
        }
        ring.take().ok_or_else(|| self.failed("there is no pinned memory for copies".into()))
    }

    fn new_slot(&self, entered: &Entered<'_>, bytes: usize) -> Result<Slot> {
        let free = entered.event().map_err(|error| self.refused("cuEventCreate", error))?;
        let memory = entered.alloc_host(bytes).map_err(|error| {
            // SAFETY: nobody else has the event.
            let _ = unsafe { entered.destroy_event(free) };
            match error {
                DriverError(DriverError::OUT_OF_MEMORY) => Error::OutOfMemory {
                    what: "pinned memory of the host",
                    requested: bytes as u64,
                    available: 0,
                },
                other => self.refused("cuMemHostAlloc", other),
            }
        })?;
        Ok(Slot { memory, free })
    }

    /// Bytes of the device, once all work before is done.
    pub(super) fn download(self: &Arc<Self>, from: &Raw, offset: u64, bytes: usize) -> Result<Vec<u8>> {
        from.check(self)?;
        if offset.checked_add(bytes as u64).is_none_or(|end| end > from.bytes()) {
            return Err(self.failed("a download reaches beyond its buffer".into()));
        }
        let entered = self.enter()?;
        let mut data = Vec::with_capacity(bytes);
        let mut ring = self.staging.downloads.lock().unwrap_or_else(PoisonError::into_inner);
        for start in (0..bytes).step_by(SLOT_BYTES) {
            let len = SLOT_BYTES.min(bytes - start);
            let slot = self.slot(&entered, &mut ring)?;
            let at = from.pointer() + offset + start as u64;
            // SAFETY: within the buffer and the slot, which is ours until the event below is done.
            unsafe { entered.download(slot.memory, at, len, self.compute) }
                .map_err(|error| self.refused("cuMemcpyDtoHAsync", error))?;
            self.end_copy(&entered, &mut ring, slot, self.compute)?;
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
