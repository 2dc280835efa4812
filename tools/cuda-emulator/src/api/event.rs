//! Events.

use super::context::strike_at_wait;
use super::current;
use super::entry::put;
use super::registry::{self, Event, Object, add, lock};
use super::status::{ERROR_INVALID_HANDLE, ERROR_INVALID_VALUE, Outcome};
use std::ffi::c_uint;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const DISABLE_TIMING: c_uint = 2;

pub(super) fn find(handle: usize) -> Outcome<Arc<Event>> {
    registry::event(handle)
}

fn elapsed(milliseconds: *mut f32, start: usize, end: usize) -> Outcome<()> {
    current::context()?;
    let (start, end) = (find(start)?, find(end)?);
    let times = (*lock(&start.recorded), *lock(&end.recorded));
    let (Some(from), Some(to)) = times else { return Err(ERROR_INVALID_HANDLE) };
    if !start.timed || !end.timed {
        return Err(ERROR_INVALID_HANDLE);
    }
    let forward = to.saturating_duration_since(from).as_secs_f32();
    let backward = from.saturating_duration_since(to).as_secs_f32();
    put(milliseconds, (forward - backward) * 1e3)
}

api! {
    fn cuEventCreate(event: *mut usize, flags: c_uint) {
        let context = current::context()?;
        if event.is_null() || flags > 7 {
            return Err(ERROR_INVALID_VALUE);
        }
        let made = Event { context, timed: flags & DISABLE_TIMING == 0, recorded: Mutex::new(None) };
        put(event, add(Object::Event(Arc::new(made))))
    }

    fn cuEventDestroy_v2(event: usize) {
        current::any()?;
        find(event)?;
        registry::remove(event).map(drop).ok_or(ERROR_INVALID_HANDLE)
    }

    fn cuEventRecord(event: usize, stream: usize) {
        current::with_stream(stream)?;
        *lock(&find(event)?.recorded) = Some(Instant::now());
        Ok(())
    }

    fn cuEventRecordWithFlags(event: usize, stream: usize, _flags: c_uint) {
        current::with_stream(stream)?;
        *lock(&find(event)?.recorded) = Some(Instant::now());
        Ok(())
    }

    fn cuEventQuery(event: usize) {
        find(event)?.context.check()
    }

    fn cuEventSynchronize(event: usize) {
        let event = find(event)?;
        event.context.check()?;
        strike_at_wait(&event.context)
    }

    fn cuEventElapsedTime(milliseconds: *mut f32, start: usize, end: usize) {
        elapsed(milliseconds, start, end)
    }

    fn cuEventElapsedTime_v2(milliseconds: *mut f32, start: usize, end: usize) {
        elapsed(milliseconds, start, end)
    }
}
