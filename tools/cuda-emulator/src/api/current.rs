//! Initialisation, and the context of each thread.

use super::queue::StreamId;
use super::registry::{self, Context, Object};
use super::status::{
    ERROR_CONTEXT_IS_DESTROYED, ERROR_INVALID_CONTEXT, ERROR_INVALID_HANDLE, ERROR_NOT_INITIALIZED, Outcome,
};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

pub static INITIALISED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Handles, the current one last; 0 is no context.
    static STACK: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

pub fn ready() -> Outcome<()> {
    if INITIALISED.load(SeqCst) { Ok(()) } else { Err(ERROR_NOT_INITIALIZED) }
}

pub fn handle() -> usize {
    STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

pub fn push(handle: usize) {
    STACK.with_borrow_mut(|stack| stack.push(handle));
}

pub fn pop() -> Option<usize> {
    STACK.with_borrow_mut(Vec::pop)
}

/// Replaces the top of the stack.
pub fn set(handle: usize) {
    STACK.with_borrow_mut(|stack| {
        stack.pop();
        if handle != 0 {
            stack.push(handle);
        }
    });
}

pub fn by_handle(handle: usize) -> Outcome<Arc<Context>> {
    ready()?;
    match registry::find(handle) {
        Some(Object::Context(context)) => Ok(context),
        _ => Err(ERROR_INVALID_CONTEXT),
    }
}

/// The current context.
pub fn any() -> Outcome<Arc<Context>> {
    match handle() {
        0 => ready().and(Err(ERROR_INVALID_CONTEXT)),
        handle => by_handle(handle).map_err(|_| ERROR_CONTEXT_IS_DESTROYED),
    }
}

/// The current context, if no fault has struck it.
pub fn context() -> Outcome<Arc<Context>> {
    let context = any()?;
    context.check()?;
    Ok(context)
}

thread_local! {
    /// The default stream of the thread, `CU_STREAM_PER_THREAD`. Its number is no handle.
    static OWN: StreamId = StreamId { number: NEXT_OWN.fetch_add(1, SeqCst), blocking: true };
}

static NEXT_OWN: AtomicUsize = AtomicUsize::new(1);

/// The current context and one of its streams: 0 and 1 are its null stream, 2 is the thread's default stream.
pub fn with_stream(stream: usize) -> Outcome<(Arc<Context>, StreamId)> {
    let context = context()?;
    let id = match stream {
        0 | 1 => StreamId::NULL,
        2 => OWN.with(|id| *id),
        handle => {
            let stream = registry::stream(handle)?;
            if !Arc::ptr_eq(&stream.context, &context) {
                return Err(ERROR_INVALID_HANDLE);
            }
            StreamId { number: handle, blocking: stream.blocking }
        }
    };
    Ok((context, id))
}
