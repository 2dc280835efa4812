//! Events.

use super::context::strike_at_wait;
use super::current;
use super::entry::put;
use super::registry::{self, Event, Object, add, lock};
use super::status::{ERROR_INVALID_HANDLE, ERROR_INVALID_VALUE, ERROR_NOT_READY, Outcome};
use std::ffi::c_uint;
use std::sync::{Arc, Mutex};

const DISABLE_TIMING: c_uint = 2;

pub(super) fn find(handle: usize) -> Outcome<Arc<Event>> {
    registry::event(handle)
}

fn record(event: usize, stream: usize) -> Outcome<()> {
    let (context, stream) = current::with_stream(stream)?;
    let event = find(event)?;
    if !Arc::ptr_eq(&event.context, &context) {
        return Err(ERROR_INVALID_HANDLE);
    }
    let mut latest = lock(&event.latest);
    *latest = Some(context.record(stream)?);
    Ok(())
}

fn query(event: usize) -> Outcome<()> {
    let event = find(event)?;
    event.context.check()?;
    let latest = lock(&event.latest).clone();
    if latest.is_some_and(|record| !record.poll()) {
        return Err(ERROR_NOT_READY);
    }
    strike_at_wait(&event.context)?;
    event.context.check()
}

fn synchronise(event: usize) -> Outcome<()> {
    let event = find(event)?;
    event.context.check()?;
    strike_at_wait(&event.context)?;
    let latest = lock(&event.latest).clone();
    if let Some(record) = latest {
        record.wait();
    }
    event.context.check()
}

fn elapsed(milliseconds: *mut f32, start: usize, end: usize) -> Outcome<()> {
    current::context()?;
    let (start, end) = (find(start)?, find(end)?);
    let latest = [&start, &end].map(|event| lock(&event.latest).clone());
    let [Some(from), Some(to)] = latest else { return Err(ERROR_INVALID_HANDLE) };
    if !start.timed || !end.timed {
        return Err(ERROR_INVALID_HANDLE);
    }
    let (Some(from), Some(to)) = (from.time(), to.time()) else { return Err(ERROR_NOT_READY) };
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
        let made = Event { context, timed: flags & DISABLE_TIMING == 0, latest: Mutex::new(None) };
        put(event, add(Object::Event(Arc::new(made))))
    }

    fn cuEventDestroy_v2(event: usize) {
        current::any()?;
        find(event)?;
        registry::remove(event).map(drop).ok_or(ERROR_INVALID_HANDLE)
    }

    fn cuEventRecord(event: usize, stream: usize) {
        record(event, stream)
    }

    fn cuEventRecordWithFlags(event: usize, stream: usize, _flags: c_uint) {
        record(event, stream)
    }

    fn cuEventQuery(event: usize) {
        query(event)
    }

    fn cuEventSynchronize(event: usize) {
        synchronise(event)
    }

    fn cuEventElapsedTime(milliseconds: *mut f32, start: usize, end: usize) {
        elapsed(milliseconds, start, end)
    }

    fn cuEventElapsedTime_v2(milliseconds: *mut f32, start: usize, end: usize) {
        elapsed(milliseconds, start, end)
    }
}
