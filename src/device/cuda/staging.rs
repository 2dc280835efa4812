//! Copies between host and device, through pinned memory that both reach.

use super::driver::{DriverError, Entered, Event, Stream};
use super::memory::Raw;
use super::session::Session;
use crate::device::Elem;
use crate::device::gpu::GpuMemory;
use crate::device::gpu::counters::add;
use crate::error::{Error, Result};
use std::ops::Range;
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
            let slot = self.free_slot(&entered, &mut ring)?;
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

    /// The slot whose last copy is oldest, once that is done; or a new one, while all are busy and may be more.
    fn free_slot(self: &Arc<Self>, entered: &Entered<'_>, ring: &mut Ring) -> Result<Slot> {
        let oldest = ring.slots.get(ring.next).copied();
        let is_free = oldest.is_some_and(|slot| entered.is_done(slot.free) == Ok(true));
        if !is_free && ring.slots.len() < ring.count {
            ring.insert(self.new_slot(entered, ring.slot_bytes)?);
        } else if let Some(slot) = oldest {
            self.wait(entered, slot.free)?;
        }
        ring.take().ok_or_else(|| self.failed("there is no pinned memory for copies".into()))
    }

    /// The slot for part `k`: the one that was used longest ago, after every other one.
    fn slot_of_part(self: &Arc<Self>, entered: &Entered<'_>, ring: &mut Ring, k: usize) -> Result<Slot> {
        if ring.slots.len() <= k && ring.slots.len() < ring.count {
            ring.insert(self.new_slot(entered, ring.slot_bytes)?);
        }
        let slot = ring.take().ok_or_else(|| self.failed("there is no pinned memory for copies".into()))?;
        self.wait(entered, slot.free)?;
        Ok(slot)
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

    /// Elements of the device, once all work before is done.
    pub(super) fn download<T: Elem>(
        self: &Arc<Self>,
        from: &Raw,
        offset: u64,
        count: usize,
    ) -> Result<Vec<T>> {
        from.check(self)?;
        let bytes = count
            .checked_mul(size_of::<T>())
            .filter(|bytes| offset.checked_add(*bytes as u64).is_some_and(|end| end <= from.bytes()));
        let bytes = bytes.ok_or_else(|| self.failed("a download reaches beyond its buffer".into()))?;
        let entered = self.enter()?;
        let mut data = Vec::<T>::with_capacity(count);
        let mut ring = self.staging.downloads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queued = None;
        for (k, start) in (0..bytes).step_by(SLOT_BYTES).enumerate() {
            let len = SLOT_BYTES.min(bytes - start);
            let slot = self.slot_of_part(&entered, &mut ring, k)?;
            let at = from.pointer() + offset + start as u64;
            // SAFETY: within the buffer and the slot, which is ours until the event below is done.
            unsafe { entered.download(slot.memory, at, len, self.compute) }
                .map_err(|error| self.refused("cuMemcpyDtoHAsync", error))?;
            self.end_copy(&entered, &mut ring, slot, self.compute)?;
            // The device copies this part while the one before is taken out.
            if let Some((slot, part)) = queued.replace((slot, start..start + len)) {
                self.take_out(&entered, slot, part, &mut data)?;
            }
        }
        if let Some((slot, part)) = queued {
            self.take_out(&entered, slot, part, &mut data)?;
        }
        // SAFETY: the parts that were taken out are all bytes of `count` elements, and every bit pattern is a value of
        // `Elem`'s types, which is sealed.
        unsafe { data.set_len(count) };
        add(&self.counters.downloaded_bytes, bytes as u64);
        Ok(data)
    }

    /// Writes what a slot gets into these bytes of `data`'s capacity.
    fn take_out<T: Elem>(
        self: &Arc<Self>,
        entered: &Entered<'_>,
        slot: Slot,
        part: Range<usize>,
        data: &mut Vec<T>,
    ) -> Result<()> {
        self.wait(entered, slot.free)?;
        let start = Instant::now();
        let room = data.spare_capacity_mut();
        // SAFETY: the copy into the slot is done; the part is within the capacity, which nobody else has.
        unsafe {
            let to = room.as_mut_ptr().cast::<u8>().add(part.start);
            std::ptr::copy_nonoverlapping(slot.memory, to, part.len());
        }
        add(&self.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Backend;
    use crate::device::gpu::testing::{cuda, numbers};

    fn random(n: usize) -> Vec<u8> {
        let mut numbers = numbers(n as u64);
        (0..n).map(|_| numbers() as u8).collect()
    }

    #[test]
    fn bytes_of_any_number_come_back() {
        let Some(device) = cuda(None) else { return };
        let around = |n: usize| [n - 1, n, n + 1];
        let sizes = [around(1), around(SMALL_BYTES), around(SLOT_BYTES), around(3 * SLOT_BYTES)];
        for n in sizes.concat() {
            let data = random(n);
            let buffer = device.upload(&data).unwrap();
            assert!(device.download_blocking(&buffer).unwrap() == data, "{n} bytes");
        }
    }

    #[test]
    fn more_uploads_than_slots() {
        let Some(device) = cuda(None) else { return };
        let data: Vec<_> = (1..3 * SMALL_SLOTS).map(random).collect();
        let buffers: Vec<_> = data.iter().map(|data| device.upload(data).unwrap()).collect();
        for (data, buffer) in data.iter().zip(&buffers) {
            assert!(device.download_blocking(buffer).unwrap() == *data, "{} bytes", data.len());
        }
    }
}
