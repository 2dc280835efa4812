//! Copies between host and devices.

use super::current;
use super::registry::Context;
use super::status::{ERROR_ECC_UNCORRECTABLE, ERROR_INVALID_VALUE, Outcome};
use crate::config::{Occasion, strikes};
use std::ffi::c_void;
use std::sync::Arc;

fn begin(stream: usize) -> Outcome<Arc<Context>> {
    let context = current::with_stream(stream)?;
    if strikes(Occasion::Memcpy) {
        return Err(context.stick(ERROR_ECC_UNCORRECTABLE));
    }
    Ok(context)
}

fn to_device(to: u64, from: *const c_void, bytes: usize, stream: usize) -> Outcome<()> {
    let context = begin(stream)?;
    if bytes == 0 {
        return Ok(());
    }
    if from.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    let (allocation, offset) = context.locate(to, bytes as u64)?;
    let (data, shadow) = allocation.range(offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    // SAFETY: the device range was checked; the caller gives `bytes` of the host.
    unsafe {
        data.copy_from_nonoverlapping(from.cast(), bytes);
        shadow.write_bytes(1, bytes);
    }
    Ok(())
}

fn to_host(to: *mut c_void, from: u64, bytes: usize, stream: usize) -> Outcome<()> {
    let context = begin(stream)?;
    if bytes == 0 {
        return Ok(());
    }
    if to.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    let (allocation, offset) = context.locate(from, bytes as u64)?;
    let (data, _) = allocation.range(offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    // SAFETY: the device range was checked; the caller gives `bytes` of the host.
    unsafe { to.cast::<u8>().copy_from_nonoverlapping(data, bytes) };
    Ok(())
}

/// What is not initialised stays so at the target.
fn within(to: (&Context, u64), from: (&Context, u64), bytes: usize) -> Outcome<()> {
    if bytes == 0 {
        return Ok(());
    }
    let (target, target_offset) = to.0.locate(to.1, bytes as u64)?;
    let (source, source_offset) = from.0.locate(from.1, bytes as u64)?;
    let (data, shadow) = target.range(target_offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    let (from_data, from_shadow) = source.range(source_offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    // SAFETY: both ranges were checked; they may overlap.
    unsafe {
        data.copy_from(from_data, bytes);
        shadow.copy_from(from_shadow, bytes);
    }
    Ok(())
}

fn on_device(to: u64, from: u64, bytes: usize, stream: usize) -> Outcome<()> {
    let context = begin(stream)?;
    within((&context, to), (&context, from), bytes)
}

fn between(to: u64, to_context: usize, from: u64, from_context: usize, bytes: usize) -> Outcome<()> {
    begin(0)?;
    let (target, source) = (current::by_handle(to_context)?, current::by_handle(from_context)?);
    target.check()?;
    source.check()?;
    within((&target, to), (&source, from), bytes)
}

api! {
    fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) {
        to_device(to, from, bytes, 0)
    }

    fn cuMemcpyHtoDAsync_v2(to: u64, from: *const c_void, bytes: usize, stream: usize) {
        to_device(to, from, bytes, stream)
    }

    fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) {
        to_host(to, from, bytes, 0)
    }

    fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: u64, bytes: usize, stream: usize) {
        to_host(to, from, bytes, stream)
    }

    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) {
        on_device(to, from, bytes, 0)
    }

    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: usize) {
        on_device(to, from, bytes, stream)
    }

    fn cuMemcpyPeer(to: u64, to_context: usize, from: u64, from_context: usize, bytes: usize) {
        between(to, to_context, from, from_context, bytes)
    }

    fn cuMemcpyPeerAsync(
        to: u64,
        to_context: usize,
        from: u64,
        from_context: usize,
        bytes: usize,
        stream: usize,
    ) {
        current::with_stream(stream)?;
        between(to, to_context, from, from_context, bytes)
    }
}
