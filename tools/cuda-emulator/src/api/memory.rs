//! Device memory.

use super::copy::{check_range, present};
use super::current;
use super::entry::put;
use super::registry::Context;
use super::status::{ERROR_INVALID_VALUE, ERROR_OUT_OF_MEMORY, Outcome};
use crate::config::{Occasion, strikes};
use crate::memory;
use std::ffi::{c_uchar, c_uint};

fn allocate(to: *mut u64, bytes: usize) -> Outcome<u64> {
    let context = current::context()?;
    if to.is_null() || bytes == 0 {
        return Err(ERROR_INVALID_VALUE);
    }
    if strikes(Occasion::Alloc) {
        return Err(ERROR_OUT_OF_MEMORY);
    }
    let address = context.allocate(bytes as u64, 1, None, false).or_else(|_| {
        // Streams may have to free some.
        context.drain_all()?;
        context.allocate(bytes as u64, 1, None, false)
    })?;
    put(to, address)?;
    Ok(address)
}

fn allocate_in(to: *mut u64, bytes: usize, stream: usize) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    let address = allocate(to, bytes)?;
    context.put_off(address);
    context.submit(stream, move |context| context.commit(address)).map(drop)
}

fn free_in(address: u64, stream: usize) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    context.doom(address)?;
    let work = move |context: &Context| {
        if present(context, address, 1).is_ok() {
            // Freed before by nobody: it is there.
            let _ = context.free(address);
        }
    };
    context.submit(stream, work).map(drop)
}

/// Fills `count` elements. Also without a stream of its own it is asynchronous.
fn fill(address: u64, pattern: &[u8], count: usize, stream: usize) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    let width = pattern.len();
    let bytes = count.checked_mul(width).ok_or(ERROR_INVALID_VALUE)?;
    if !address.is_multiple_of(width as u64) {
        return Err(ERROR_INVALID_VALUE);
    }
    check_range(&context, address, bytes)?;
    let pattern = pattern.to_vec();
    let work = move |context: &Context| {
        if bytes > 0 {
            // The fault is in the context.
            let _ = fill_now(context, address, &pattern, bytes);
        }
    };
    context.submit(stream, work).map(drop)
}

fn fill_now(context: &Context, address: u64, pattern: &[u8], bytes: usize) -> Outcome<()> {
    let (allocation, offset) = present(context, address, bytes)?;
    let (data, shadow) = allocation.range(offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    // SAFETY: the range was checked; the allocation outlives the call.
    unsafe {
        memory::fill(data, pattern, bytes);
        memory::fill(shadow, &[1], bytes);
    }
    Ok(())
}

api! {
    fn cuMemAlloc_v2(address: *mut u64, bytes: usize) {
        allocate(address, bytes).map(drop)
    }

    fn cuMemAllocAsync(address: *mut u64, bytes: usize, stream: usize) {
        allocate_in(address, bytes, stream)
    }

    fn cuMemFree_v2(address: u64) {
        let context = current::context()?;
        if address == 0 {
            return Ok(());
        }
        context.drain_all()?;
        context.free(address)
    }

    fn cuMemFreeAsync(address: u64, stream: usize) {
        free_in(address, stream)
    }

    fn cuMemGetAddressRange_v2(base: *mut u64, bytes: *mut usize, address: u64) {
        let (allocation, _) = current::context()?.locate(address, 1)?;
        if !base.is_null() {
            put(base, allocation.base)?;
        }
        if bytes.is_null() { Ok(()) } else { put(bytes, allocation.len as usize) }
    }

    fn cuMemsetD8_v2(address: u64, value: c_uchar, count: usize) {
        fill(address, &[value], count, 0)
    }

    fn cuMemsetD8Async(address: u64, value: c_uchar, count: usize, stream: usize) {
        fill(address, &[value], count, stream)
    }

    fn cuMemsetD32_v2(address: u64, value: c_uint, count: usize) {
        fill(address, &value.to_le_bytes(), count, 0)
    }

    fn cuMemsetD32Async(address: u64, value: c_uint, count: usize, stream: usize) {
        fill(address, &value.to_le_bytes(), count, stream)
    }
}
