//! Streams.

use super::context::strike_at_wait;
use super::entry::{forbidden, put};
use super::host::PendingRead;
use super::registry::{self, Context, Object, Stream, add, lock};
use super::status::{ERROR_INVALID_HANDLE, ERROR_INVALID_VALUE, ERROR_NOT_READY, Outcome};
use super::{current, event};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

const NON_BLOCKING: c_uint = 1;

fn create(to: *mut usize, flags: c_uint) -> Outcome<()> {
    let context = current::context()?;
    if to.is_null() || flags > NON_BLOCKING {
        return Err(ERROR_INVALID_VALUE);
    }
    put(to, add(Object::Stream(Arc::new(Stream { context, blocking: flags != NON_BLOCKING }))))
}

type HostFunction = Option<unsafe extern "C" fn(*mut c_void)>;

struct HostCall {
    function: unsafe extern "C" fn(*mut c_void),
    data: *mut c_void,
}

// SAFETY: the driver API calls host functions on threads of its own choice.
unsafe impl Send for HostCall {}

impl HostCall {
    fn make(&self) {
        // SAFETY: the caller gives a function for this argument.
        forbidden(|| unsafe { (self.function)(self.data) });
    }
}

api! {
    fn cuStreamCreate(stream: *mut usize, flags: c_uint) {
        create(stream, flags)
    }

    fn cuStreamCreateWithPriority(stream: *mut usize, flags: c_uint, _priority: c_int) {
        create(stream, flags)
    }

    fn cuStreamDestroy_v2(stream: usize) {
        current::any()?;
        registry::stream(stream)?;
        registry::remove(stream).map(drop).ok_or(ERROR_INVALID_HANDLE)
    }

    fn cuStreamSynchronize(stream: usize) {
        let (context, stream) = current::with_stream(stream)?;
        strike_at_wait(&context)?;
        context.drain(stream)
    }

    fn cuStreamQuery(stream: usize) {
        let (context, stream) = current::with_stream(stream)?;
        if !context.poll(stream) {
            return Err(ERROR_NOT_READY);
        }
        strike_at_wait(&context)?;
        context.check()
    }

    fn cuStreamWaitEvent(stream: usize, event: usize, _flags: c_uint) {
        let (context, stream) = current::with_stream(stream)?;
        let latest = lock(&event::find(event)?.latest).clone();
        latest.map_or(Ok(()), |record| context.wait_for(stream, record))
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
        let (context, stream) = current::with_stream(stream)?;
        let call = HostCall { function: function.ok_or(ERROR_INVALID_VALUE)?, data };
        let reads = context.defers().then(PendingRead::anywhere);
        let work = move |_: &Context| {
            call.make();
            drop(reads);
        };
        context.submit(stream, work).map(drop)
    }
}
