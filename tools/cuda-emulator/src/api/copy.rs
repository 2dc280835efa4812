//! Copies between host and devices.

use super::current;
use super::emulator;
use super::host::{PendingRead, Pinned, pinned, spoil};
use super::queue::StreamId;
use super::registry::Context;
use super::status::{ERROR_ECC_UNCORRECTABLE, ERROR_ILLEGAL_ADDRESS, ERROR_INVALID_VALUE, Outcome};
use crate::config::{Occasion, strikes};
use crate::memory::{Allocation, copy_in, copy_out};
use std::ffi::c_void;
use std::sync::Arc;

/// Refuses a range that is not inside of an allocation.
pub(super) fn check_range(context: &Context, address: u64, bytes: usize) -> Outcome<()> {
    if bytes == 0 { Ok(()) } else { context.locate(address, bytes as u64).map(drop) }
}

/// The range for a task that runs; a fault if it is not there.
pub(super) fn present(context: &Context, address: u64, bytes: usize) -> Outcome<(Arc<Allocation>, u64)> {
    context.present(address, bytes as u64).ok_or_else(|| {
        emulator::complain(&format!(
            "a copy or fill of {bytes} bytes at {address:#x} runs when the memory is freed or not yet allocated"
        ));
        context.stick(ERROR_ILLEGAL_ADDRESS)
    })
}

/// A range of the host that a task accesses when it runs.
struct HostRange {
    at: *mut u8,
    bytes: usize,
    /// Keeps it.
    memory: Option<Arc<Pinned>>,
}

// SAFETY: callers of asynchronous copies leave the range to the stream.
unsafe impl Send for HostRange {}

impl HostRange {
    fn new(at: *mut c_void, bytes: usize) -> Self {
        Self { at: at.cast(), bytes, memory: pinned(at, bytes) }
    }

    fn write_to(&self, context: &Context, to: u64) -> Outcome<()> {
        // SAFETY: the caller gives these bytes of the host until the copy has run.
        unsafe { write_device(context, to, self.at, self.bytes) }
    }

    fn read_from(&self, context: &Context, from: u64) -> Outcome<()> {
        let (allocation, offset) = present(context, from, self.bytes)?;
        let (data, _) = allocation.range(offset, self.bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
        // SAFETY: the device range was checked; the host's is the caller's until the copy has run.
        unsafe { copy_out(self.at, data, self.bytes) };
        Ok(())
    }
}

/// # Safety
/// `from` is valid for reads of `bytes`.
unsafe fn write_device(context: &Context, to: u64, from: *const u8, bytes: usize) -> Outcome<()> {
    let (allocation, offset) = present(context, to, bytes)?;
    let (data, shadow) = allocation.range(offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    // SAFETY: the device range was checked; the host's is the caller's.
    unsafe {
        copy_in(data, from, bytes);
        crate::memory::fill(shadow, &[1], bytes);
    }
    Ok(())
}

/// Puts a copy into a stream; an injected fault strikes in its place.
fn submit(
    context: &Context,
    stream: StreamId,
    copy: impl FnOnce(&Context) -> Outcome<()> + Send + 'static,
) -> Outcome<u64> {
    let struck = strikes(Occasion::Memcpy);
    let work = move |context: &Context| {
        if struck {
            context.stick(ERROR_ECC_UNCORRECTABLE);
        } else {
            // The fault is in the context.
            let _ = copy(context);
        }
    };
    context.submit(stream, work)
}

fn to_device(to: u64, from: *const c_void, bytes: usize, stream: usize, waits: bool) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    if from.is_null() && bytes > 0 {
        return Err(ERROR_INVALID_VALUE);
    }
    check_range(&context, to, bytes)?;
    let range = HostRange::new(from.cast_mut(), bytes);
    if bytes == 0 {
        return submit(&context, stream, |_| Ok(())).map(drop);
    }
    if !context.defers() {
        return submit(&context, stream, move |context| range.write_to(context, to)).map(drop);
    }
    if range.memory.is_some() {
        let read = PendingRead::new(from as usize, bytes);
        let copy = move |context: &Context| {
            let done = range.write_to(context, to);
            drop(read);
            done
        };
        let number = submit(&context, stream, copy)?;
        return if waits { context.wait(stream, number) } else { Ok(()) };
    }
    if waits {
        context.drain(stream)?;
    }
    // SAFETY: the caller gives these bytes during the call.
    let staged = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), bytes) }.to_vec();
    // SAFETY: the vector has these bytes.
    let copy = move |context: &Context| unsafe { write_device(context, to, staged.as_ptr(), staged.len()) };
    submit(&context, stream, copy).map(drop)
}

fn to_host(to: *mut c_void, from: u64, bytes: usize, stream: usize, waits: bool) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    if to.is_null() && bytes > 0 {
        return Err(ERROR_INVALID_VALUE);
    }
    check_range(&context, from, bytes)?;
    if bytes == 0 {
        return submit(&context, stream, |_| Ok(())).map(drop);
    }
    let range = HostRange::new(to, bytes);
    let waits = waits || range.memory.is_none();
    if !waits && context.defers() {
        // SAFETY: the caller gives these bytes.
        unsafe { spoil(range.at, bytes) };
    }
    let number = submit(&context, stream, move |context| range.read_from(context, from))?;
    if waits { context.wait(stream, number) } else { Ok(()) }
}

/// What is not initialised stays so at the target.
fn within(to: (&Context, u64), from: (&Context, u64), bytes: usize) -> Outcome<()> {
    let (target, target_offset) = present(to.0, to.1, bytes)?;
    let (source, source_offset) = present(from.0, from.1, bytes)?;
    let (data, shadow) = target.range(target_offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    let (from_data, from_shadow) = source.range(source_offset, bytes as u64).ok_or(ERROR_INVALID_VALUE)?;
    let mut buffer = vec![0; bytes];
    for (to, from) in [(data, from_data), (shadow, from_shadow)] {
        // SAFETY: both ranges were checked; the buffer has these bytes.
        unsafe {
            copy_out(buffer.as_mut_ptr(), from, bytes);
            copy_in(to, buffer.as_ptr(), bytes);
        }
    }
    Ok(())
}

fn on_device(to: u64, from: u64, bytes: usize, stream: usize) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    check_range(&context, to, bytes)?;
    check_range(&context, from, bytes)?;
    let copy = move |context: &Context| match bytes {
        0 => Ok(()),
        _ => within((context, to), (context, from), bytes),
    };
    submit(&context, stream, copy).map(drop)
}

/// One side of a copy between contexts.
type Side = (usize, u64);

fn between(to: Side, from: Side, bytes: usize, stream: Option<usize>) -> Outcome<()> {
    let (context, id) = current::with_stream(stream.unwrap_or(0))?;
    let (target, source) = (current::by_handle(to.0)?, current::by_handle(from.0)?);
    for (context, address) in [(&target, to.1), (&source, from.1)] {
        context.check()?;
        check_range(context, address, bytes)?;
        if stream.is_none() {
            context.drain_all()?;
        }
    }
    let copy = move |_: &Context| match bytes {
        0 => Ok(()),
        _ => within((&target, to.1), (&source, from.1), bytes),
    };
    let number = submit(&context, id, copy)?;
    if stream.is_none() { context.wait(id, number) } else { Ok(()) }
}

api! {
    fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, bytes: usize) {
        to_device(to, from, bytes, 0, true)
    }

    fn cuMemcpyHtoDAsync_v2(to: u64, from: *const c_void, bytes: usize, stream: usize) {
        to_device(to, from, bytes, stream, false)
    }

    fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, bytes: usize) {
        to_host(to, from, bytes, 0, true)
    }

    fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: u64, bytes: usize, stream: usize) {
        to_host(to, from, bytes, stream, false)
    }

    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize) {
        on_device(to, from, bytes, 0)
    }

    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: usize) {
        on_device(to, from, bytes, stream)
    }

    fn cuMemcpyPeer(to: u64, to_context: usize, from: u64, from_context: usize, bytes: usize) {
        between((to_context, to), (from_context, from), bytes, None)
    }

    fn cuMemcpyPeerAsync(
        to: u64,
        to_context: usize,
        from: u64,
        from_context: usize,
        bytes: usize,
        stream: usize,
    ) {
        between((to_context, to), (from_context, from), bytes, Some(stream))
    }
}
