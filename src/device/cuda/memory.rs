//! Device memory, kept for the next who asks: the driver's allocation waits for the whole device.

use super::driver::{DevicePtr, DriverError, Entered};
use super::session::Session;
use crate::device::Buffer;
use crate::device::gpu::{ALIGNMENT, GpuMemory};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Memory of the device; kept for others when the last clone is dropped. All work runs in one stream, so whoever takes it
/// next comes after whoever used it last.
#[derive(Clone)]
pub struct Raw(Arc<Lease>);

struct Lease {
    pointer: DevicePtr,
    /// What was allocated.
    size: u64,
    /// What was asked for; whole alignments, but for poisoned memory.
    bytes: u64,
    session: Arc<Session>,
    /// Whether somebody else frees it.
    foreign: bool,
}

impl GpuMemory for Raw {
    fn bytes(&self) -> u64 {
        self.0.bytes
    }
}

impl Raw {
    pub(super) fn pointer(&self) -> DevicePtr {
        self.0.pointer
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.0.session
    }

    /// An error where it is not in `session`: the context that it was in has failed.
    pub(super) fn check(&self, session: &Arc<Session>) -> Result<()> {
        if Arc::ptr_eq(&self.0.session, session) {
            return Ok(());
        }
        self.0.session.check()?;
        Err(session.failed("the buffer is of another device; upload it to this one".into()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.foreign {
            return;
        }
        self.session.in_use.fetch_sub(self.size, Ordering::Relaxed);
        self.session.pool().insert(self.pointer, self.size);
    }
}

/// Elements in a device's memory.
pub struct CudaBuffer<T> {
    raw: Raw,
    len: usize,
    elements: PhantomData<fn() -> T>,
}

impl<T> CudaBuffer<T> {
    pub(super) fn new(raw: Raw, len: usize) -> Self {
        Self { raw, len, elements: PhantomData }
    }

    pub(super) fn raw(&self) -> &Raw {
        &self.raw
    }
}

impl<T> Buffer<T> for CudaBuffer<T> {
    fn len(&self) -> usize {
        self.len
    }
}

/// Memory that nobody uses, by size.
#[derive(Default)]
pub(super) struct Free {
    by_size: BTreeMap<u64, Vec<DevicePtr>>,
    bytes: u64,
}

impl Free {
    /// Gives everything back to the driver.
    pub(super) fn release(self, entered: &Entered<'_>) {
        for pointer in self.by_size.into_values().flatten() {
            // SAFETY: nobody has it, and the driver waits for work that still uses it.
            let _ = unsafe { entered.free(pointer) };
        }
    }

    /// Takes out at least `bytes` bytes, the largest pieces first; all if there is less.
    fn split_off(&mut self, bytes: u64) -> Self {
        let mut taken = Self::default();
        while taken.bytes < bytes
            && let Some(mut entry) = self.by_size.last_entry()
        {
            let size = *entry.key();
            match entry.get_mut().pop() {
                None => drop(entry.remove()),
                Some(pointer) => {
                    self.bytes -= size;
                    taken.insert(pointer, size);
                }
            }
        }
        taken
    }

    fn insert(&mut self, pointer: DevicePtr, size: u64) {
        self.bytes += size;
        self.by_size.entry(size).or_default().push(pointer);
    }

    /// Memory of at least `size` bytes and at most `slack` more.
    fn reuse(&mut self, size: u64, slack: u64) -> Option<(DevicePtr, u64)> {
        let (&found, _) =
            self.by_size.range(size..=size + slack).find(|(_, pointers)| !pointers.is_empty())?;
        let pointer = self.by_size.get_mut(&found)?.pop()?;
        self.bytes -= found;
        Some((pointer, found))
    }
}

impl Session {
    /// At least `bytes` bytes of undefined contents.
    pub(super) fn take(self: &Arc<Self>, what: &'static str, bytes: u64) -> Result<Raw> {
        let entered = self.enter()?;
        let available = self.budget.available().saturating_sub(self.in_use.load(Ordering::Relaxed));
        let too_much = || Error::OutOfMemory { what, requested: bytes, available };
        // Poisoned memory ends where it is said to end, so that what looks for accesses beyond finds them.
        let alignment = if self.poison { size_of::<u32>() as u64 } else { ALIGNMENT };
        let size = bytes.max(1).checked_next_multiple_of(alignment).ok_or_else(too_much)?;
        if size > available {
            return Err(too_much());
        }
        let slack = if self.poison { 0 } else { size / 8 };
        let reused = self.pool().reuse(size, slack);
        let (pointer, allocated) = match reused {
            Some(found) => found,
            None => (self.allocate(&entered, size, available)?.ok_or_else(too_much)?, size),
        };
        let in_use = self.in_use.fetch_add(allocated, Ordering::Relaxed) + allocated;
        self.counters.peak_bytes.fetch_max(in_use, Ordering::Relaxed);
        let lease =
            Lease { pointer, size: allocated, bytes: size, session: Arc::clone(self), foreign: false };
        let raw = Raw(Arc::new(lease));
        if self.poison {
            // SAFETY: the whole of memory that was taken just now, in the stream that all its users share.
            unsafe { entered.fill(pointer, POISON, size, self.compute) }
                .map_err(|error| self.refused("cuMemsetD8Async", error))?;
        }
        Ok(raw)
    }

    /// New memory from the driver; `None` where it has none.
    fn allocate(&self, entered: &Entered<'_>, size: u64, available: u64) -> Result<Option<DevicePtr>> {
        let excess = {
            let mut pool = self.pool();
            let excess = size.saturating_add(pool.bytes).saturating_sub(available);
            pool.split_off(excess)
        };
        excess.release(entered);
        match self.with_room(entered, || entered.alloc(size)) {
            Ok(pointer) => Ok(Some(pointer)),
            Err(DriverError(DriverError::OUT_OF_MEMORY)) => Ok(None),
            Err(error) => Err(self.refused("cuMemAlloc", error)),
        }
    }

    /// What the driver answers; if it has no memory, what it answers when it has got back what nobody uses.
    pub(super) fn with_room<T>(
        &self,
        entered: &Entered<'_>,
        mut call: impl FnMut() -> Result<T, DriverError>,
    ) -> Result<T, DriverError> {
        match call() {
            Err(DriverError(DriverError::OUT_OF_MEMORY)) => {
                self.trim(entered);
                call()
            }
            answer => answer,
        }
    }

    /// Gives memory that nobody uses back to the driver.
    pub(super) fn trim(&self, entered: &Entered<'_>) {
        // Not under the lock: the driver waits for the device.
        let free = std::mem::take(&mut *self.pool());
        free.release(entered);
    }

    fn pool(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory of somebody else, who frees it after the last clone.
    pub(super) fn foreign(self: &Arc<Self>, pointer: DevicePtr, bytes: u64) -> Raw {
        Raw(Arc::new(Lease { pointer, size: bytes, bytes, session: Arc::clone(self), foreign: true }))
    }
}

/// What poisoned memory holds: words that are no field elements and no small numbers.
const POISON: u8 = 0xa5;

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(free: &Free) -> Vec<u64> {
        let sizes: Vec<u64> = free.by_size.iter().flat_map(|(size, p)| vec![*size; p.len()]).collect();
        assert_eq!(free.bytes, sizes.iter().sum::<u64>());
        sizes
    }

    #[test]
    fn as_much_is_taken_out_as_is_asked_for() {
        for (asked, left, taken) in [
            (0, vec![256, 512, 512, 1024], vec![]),
            (1, vec![256, 512, 512], vec![1024]),
            (1024, vec![256, 512, 512], vec![1024]),
            (1025, vec![256, 512], vec![512, 1024]),
            (2300, vec![], vec![256, 512, 512, 1024]),
            (u64::MAX, vec![], vec![256, 512, 512, 1024]),
        ] {
            let mut free = Free::default();
            (1..).zip([512, 256, 1024, 512]).for_each(|(pointer, size)| free.insert(pointer, size));
            // A size of which nothing is left.
            free.by_size.insert(2048, Vec::new());
            let out = free.split_off(asked);
            assert_eq!((sizes(&free), sizes(&out)), (left, taken), "{asked}");
        }
    }
}
