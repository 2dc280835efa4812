//! Page-locked host memory.

use super::current;
use super::entry::put;
use super::registry::lock;
use super::status::{ERROR_INVALID_VALUE, ERROR_NOT_SUPPORTED, ERROR_OUT_OF_MEMORY, Outcome};
use crate::config::{Occasion, strikes};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::HashMap;
use std::ffi::{c_uint, c_void};
use std::sync::{LazyLock, Mutex};

/// Sizes of what has been handed out, by address.
static OURS: LazyLock<Mutex<HashMap<usize, Layout>>> = LazyLock::new(Mutex::default);

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
    lock(&OURS).insert(found as usize, layout);
    put(to, found.cast())
}

api! {
    fn cuMemHostAlloc(to: *mut *mut c_void, bytes: usize, _flags: c_uint) {
        allocate(to, bytes)
    }

    fn cuMemAllocHost_v2(to: *mut *mut c_void, bytes: usize) {
        allocate(to, bytes)
    }

    fn cuMemFreeHost(address: *mut c_void) {
        current::any()?;
        let layout = lock(&OURS).remove(&(address as usize)).ok_or(ERROR_INVALID_VALUE)?;
        // SAFETY: allocated with this layout, and taken from the table.
        unsafe { dealloc(address.cast(), layout) };
        Ok(())
    }

    fn cuMemHostRegister_v2(address: *mut c_void, bytes: usize, _flags: c_uint) {
        current::context()?;
        if address.is_null() || bytes == 0 { Err(ERROR_INVALID_VALUE) } else { Ok(()) }
    }

    fn cuMemHostUnregister(address: *mut c_void) {
        current::context()?;
        if address.is_null() { Err(ERROR_INVALID_VALUE) } else { Ok(()) }
    }

    fn cuMemHostGetDevicePointer_v2(_to: *mut u64, _address: *mut c_void, _flags: c_uint) {
        current::context()?;
        Err(ERROR_NOT_SUPPORTED)
    }
}
