//! Device memory.

use super::current;
use super::entry::put;
use super::status::{ERROR_INVALID_VALUE, ERROR_OUT_OF_MEMORY, Outcome};
use crate::config::{Occasion, strikes};
use std::ffi::{c_uchar, c_uint};

fn allocate(to: *mut u64, bytes: usize) -> Outcome<()> {
    let context = current::context()?;
    if to.is_null() || bytes == 0 {
        return Err(ERROR_INVALID_VALUE);
    }
    if strikes(Occasion::Alloc) {
        return Err(ERROR_OUT_OF_MEMORY);
    }
    put(to, context.allocate(bytes as u64, 1, None, false)?)
}

fn fill(address: u64, pattern: &[u8], count: usize) -> Outcome<()> {
    let context = current::context()?;
    let width = pattern.len();
    let bytes = count.checked_mul(width).ok_or(ERROR_INVALID_VALUE)?;
    if !address.is_multiple_of(width as u64) {
        return Err(ERROR_INVALID_VALUE);
    }
    let (allocation, offset) = context.locate(address, bytes as u64)?;
    let (data, shadow) = allocation.range(offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    // SAFETY: the range was checked; the allocation outlives the call.
    unsafe {
        match pattern {
            [byte] => data.write_bytes(*byte, count),
            _ => (0..count).for_each(|index| {
                data.add(index * width).copy_from_nonoverlapping(pattern.as_ptr(), width);
            }),
        }
        shadow.write_bytes(1, bytes);
    }
    Ok(())
}

api! {
    fn cuMemAlloc_v2(address: *mut u64, bytes: usize) {
        allocate(address, bytes)
    }

    fn cuMemAllocAsync(address: *mut u64, bytes: usize, stream: usize) {
        current::with_stream(stream)?;
        allocate(address, bytes)
    }

    fn cuMemFree_v2(address: u64) {
        let context = current::context()?;
        if address == 0 { Ok(()) } else { context.free(address) }
    }

    fn cuMemFreeAsync(address: u64, stream: usize) {
        current::with_stream(stream)?.free(address)
    }

    fn cuMemGetAddressRange_v2(base: *mut u64, bytes: *mut usize, address: u64) {
        let (allocation, _) = current::context()?.locate(address, 1)?;
        if !base.is_null() {
            put(base, allocation.base)?;
        }
        if bytes.is_null() { Ok(()) } else { put(bytes, allocation.len as usize) }
    }

    fn cuMemsetD8_v2(address: u64, value: c_uchar, count: usize) {
        fill(address, &[value], count)
    }

    fn cuMemsetD8Async(address: u64, value: c_uchar, count: usize, stream: usize) {
        current::with_stream(stream)?;
        fill(address, &[value], count)
    }

    fn cuMemsetD32_v2(address: u64, value: c_uint, count: usize) {
        fill(address, &value.to_le_bytes(), count)
    }

    fn cuMemsetD32Async(address: u64, value: c_uint, count: usize, stream: usize) {
        current::with_stream(stream)?;
        fill(address, &value.to_le_bytes(), count)
    }
}
