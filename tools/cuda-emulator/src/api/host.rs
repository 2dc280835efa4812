//! Page-locked host memory.

use super::current;
use super::entry::put;
use super::registry::lock;
use super::status::{
    ERROR_HOST_MEMORY_ALREADY_REGISTERED, ERROR_HOST_MEMORY_NOT_REGISTERED, ERROR_INVALID_VALUE,
    ERROR_NOT_SUPPORTED, ERROR_OUT_OF_MEMORY, Outcome,
};
use crate::config::{Occasion, strikes};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::ffi::{c_uint, c_void};
use std::sync::{Arc, Mutex};

/// Page-locked memory: of the emulator, or of a caller who has registered it.
pub(super) struct Pinned {
    address: usize,
    bytes: usize,
    /// Of the emulator's.
    layout: Option<Layout>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(layout) = self.layout {
            // SAFETY: allocated with this layout, and nobody else knows the address.
            unsafe { dealloc(self.address as *mut u8, layout) };
        }
    }
}

/// Page-locked memory by address.
static PINNED: Mutex<BTreeMap<usize, Arc<Pinned>>> = Mutex::new(BTreeMap::new());

/// The page-locked memory that holds all of a range.
pub(super) fn pinned(address: *const c_void, bytes: usize) -> Option<Arc<Pinned>> {
    let pinned = lock(&PINNED);
    let (_, found) = pinned.range(..=address as usize).next_back()?;
    let offset = address as usize - found.address;
    (offset <= found.bytes && bytes <= found.bytes - offset).then(|| Arc::clone(found))
}

/// Ranges of the host that pending work reads.
static READS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// A range of the host that pending work reads, until it is dropped.
pub(super) struct PendingRead {
    begin: usize,
    end: usize,
}

impl PendingRead {
    pub(super) fn new(begin: usize, bytes: usize) -> Self {
        let end = begin.saturating_add(bytes);
        lock(&READS).push((begin, end));
        Self { begin, end }
    }

    /// Of a host function, which may read anything.
    pub(super) fn anywhere() -> Self {
        Self::new(0, usize::MAX)
    }
}

impl Drop for PendingRead {
    fn drop(&mut self) {
        let mut reads = lock(&READS);
        if let Some(index) = reads.iter().position(|&read| read == (self.begin, self.end)) {
            reads.swap_remove(index);
        }
    }
}

/// Makes the destination of a pending copy unlike its result, unless pending work is to read it before.
///
/// # Safety
/// The memory is valid for writes of `bytes`.
pub(super) unsafe fn spoil(at: *mut u8, bytes: usize) {
    let (begin, end) = (at as usize, at as usize + bytes);
    if lock(&READS).iter().all(|&(from, to)| to <= begin || end <= from) {
        // SAFETY: the caller's.
        unsafe { at.write_bytes(SPOILT, bytes) };
    }
}

const SPOILT: u8 = 0xa5;

fn allocate(to: *mut *mut c_void, bytes: usize) -> Outcome<()> {
    current::context()?;
    if to.is_null() || bytes == 0 {
        return Err(ERROR_INVALID_VALUE);
    }
    if strikes(Occasion::Alloc) {
        return Err(ERROR_OUT_OF_MEMORY);
    }
    let layout = Layout::from_size_align(bytes, 4096).map_err(|_| ERROR_OUT_OF_MEMORY)?;
    // SAFETY: the size is not zero.
    let found = unsafe { alloc_zeroed(layout) };
    if found.is_null() {
        return Err(ERROR_OUT_OF_MEMORY);
    }
    let address = found as usize;
    lock(&PINNED).insert(address, Arc::new(Pinned { address, bytes, layout: Some(layout) }));
    put(to, found.cast())
}

fn register(address: usize, bytes: usize) -> Outcome<()> {
    let end = address.checked_add(bytes).filter(|_| address != 0 && bytes != 0).ok_or(ERROR_INVALID_VALUE)?;
    let mut pinned = lock(&PINNED);
    let before = pinned.range(..end).next_back();
    if before.is_some_and(|(_, found)| found.address + found.bytes > address) {
        return Err(ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    }
    pinned.insert(address, Arc::new(Pinned { address, bytes, layout: None }));
    Ok(())
}

api! {
    fn cuMemHostAlloc(to: *mut *mut c_void, bytes: usize, _flags: c_uint) {
        allocate(to, bytes)
    }

    fn cuMemAllocHost_v2(to: *mut *mut c_void, bytes: usize) {
        allocate(to, bytes)
    }

    fn cuMemFreeHost(address: *mut c_void) {
        let context = current::any()?;
        let owned = lock(&PINNED).get(&(address as usize)).is_some_and(|found| found.layout.is_some());
        if !owned {
            return Err(ERROR_INVALID_VALUE);
        }
        // A context that a fault has struck has nothing pending.
        let _ = context.drain_all();
        lock(&PINNED).remove(&(address as usize)).map(drop).ok_or(ERROR_INVALID_VALUE)
    }

    fn cuMemHostRegister_v2(address: *mut c_void, bytes: usize, _flags: c_uint) {
        current::context()?;
        register(address as usize, bytes)
    }

    fn cuMemHostUnregister(address: *mut c_void) {
        let context = current::context()?;
        let registered = lock(&PINNED).get(&(address as usize)).is_some_and(|found| found.layout.is_none());
        if !registered {
            return Err(ERROR_HOST_MEMORY_NOT_REGISTERED);
        }
        let drained = context.drain_all();
        lock(&PINNED).remove(&(address as usize));
        drained
    }

    fn cuMemHostGetDevicePointer_v2(_to: *mut u64, _address: *mut c_void, _flags: c_uint) {
        current::context()?;
        Err(ERROR_NOT_SUPPORTED)
    }
}
