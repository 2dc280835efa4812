//! Device memory, kept for the next who asks: the driver's allocation waits for the whole device.

use super::driver::{DevicePtr, DriverError, Entered};
use super::session::Session;
use crate::device::Buffer;
use crate::device::gpu::{ALIGNMENT, GpuMemory};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Memory of the device; kept for others when the last clone is dropped. All work runs in one stream, so whoever takes it
/// next comes after whoever used it last.
#[derive(Clone)]
pub struct Raw(Arc<Lease>);

struct Lease {
    pointer: DevicePtr,
    /// What was allocated.
    size: u64,
    /// What was asked for, in whole alignments.
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
        let mut free = self.session.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.bytes += self.size;
        free.by_size.entry(self.size).or_default().push(self.pointer);
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

    /// Memory of at least `size` bytes, an eighth larger at most.
    fn reuse(&mut self, size: u64) -> Option<(DevicePtr, u64)> {
        let (&found, _) =
            self.by_size.range(size..=size + size / 8).find(|(_, pointers)| !pointers.is_empty())?;
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
        let size = bytes.max(1).checked_next_multiple_of(ALIGNMENT).ok_or_else(too_much)?;
        if size > available {
            return Err(too_much());
        }
        let reused = self.free.lock().unwrap_or_else(PoisonError::into_inner).reuse(size);
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
        if size + self.free.lock().unwrap_or_else(PoisonError::into_inner).bytes > available {
            self.trim(entered);
        }
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
        std::mem::take(&mut *self.free.lock().unwrap_or_else(PoisonError::into_inner)).release(entered);
    }

    /// Memory of somebody else, who frees it after the last clone.
    pub(super) fn foreign(self: &Arc<Self>, pointer: DevicePtr, bytes: u64) -> Raw {
        Raw(Arc::new(Lease { pointer, size: bytes, bytes, session: Arc::clone(self), foreign: true }))
    }
}

/// What poisoned memory holds: words that are no field elements and no small numbers.
const POISON: u8 = 0xa5;
