//! Streams.

use super::context::strike_at_wait;
use super::entry::put;
use super::registry::{self, Object, Stream, add};
use super::status::{ERROR_INVALID_HANDLE, ERROR_INVALID_VALUE, Outcome};
use super::{current, event};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

fn create(to: *mut usize) -> Outcome<()> {
    let context = current::context()?;
    if to.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    put(to, add(Object::Stream(Arc::new(Stream { context }))))
}

type HostFunction = Option<unsafe extern "C" fn(*mut c_void)>;

api! {
    fn cuStreamCreate(stream: *mut usize, flags: c_uint) {
        if flags > 1 {
            return Err(ERROR_INVALID_VALUE);
        }
        create(stream)
    }

    fn cuStreamCreateWithPriority(stream: *mut usize, flags: c_uint, _priority: c_int) {
        if flags > 1 {
            return Err(ERROR_INVALID_VALUE);
        }
        create(stream)
    }

    fn cuStreamDestroy_v2(stream: usize) {
        current::any()?;
        registry::stream(stream)?;
        registry::remove(stream).map(drop).ok_or(ERROR_INVALID_HANDLE)
    }

    fn cuStreamSynchronize(stream: usize) {
        let context = current::with_stream(stream)?;
        strike_at_wait(&context)
    }

    fn cuStreamQuery(stream: usize) {
        current::with_stream(stream).map(drop)
    }

    fn cuStreamWaitEvent(stream: usize, event: usize, _flags: c_uint) {
        current::with_stream(stream)?;
        event::find(event).map(drop)
    }

    fn cuStreamIsCapturing(stream: usize, status: *mut c_uint) {
        current::with_stream(stream)?;
        put(status, 0)
    }

    fn cuStreamGetCtx(stream: usize, context: *mut usize) {
        current::with_stream(stream)?;
        put(context, current::handle())
    }

    fn cuLaunchHostFunc(stream: usize, function: HostFunction, data: *mut c_void) {
        current::with_stream(stream)?;
        let function = function.ok_or(ERROR_INVALID_VALUE)?;
        // SAFETY: the caller gives a function for this argument.
        unsafe { function(data) };
        Ok(())
    }
}
