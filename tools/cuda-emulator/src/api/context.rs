//! Contexts.

use super::device::checked;
use super::entry::put;
use super::registry::{self, Context, Object, lock};
use super::status::{ERROR_INVALID_CONTEXT, ERROR_INVALID_VALUE, ERROR_LAUNCH_FAILED, Outcome};
use super::{current, registry::add};
use crate::config::{Occasion, strikes};
use std::collections::HashMap;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock, Mutex};

/// Primary context of each device: its handle and how often it is retained.
static PRIMARY: LazyLock<Mutex<HashMap<c_int, (usize, u32)>>> = LazyLock::new(Mutex::default);

fn create(to: *mut usize, device: c_int) -> Outcome<()> {
    let device = checked(device)?;
    if to.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    let handle = add(Object::Context(Arc::new(Context::new(device, false))));
    current::push(handle);
    put(to, handle)
}

fn destroy(handle: usize) -> Outcome<()> {
    let context = current::by_handle(handle)?;
    // Nobody is left whom a fault would concern.
    let _ = context.drain_all();
    context.destroyed.store(true, SeqCst);
    registry::remove(handle);
    context.discard();
    registry::remove_all(&context);
    context.clear();
    if current::handle() == handle {
        current::pop();
    }
    Ok(())
}

/// A fault that an injection puts off until the host waits.
pub(super) fn strike_at_wait(context: &Context) -> Outcome<()> {
    if strikes(Occasion::Sync) { Err(context.stick(ERROR_LAUNCH_FAILED)) } else { Ok(()) }
}

api! {
    fn cuCtxCreate_v2(context: *mut usize, _flags: c_uint, device: c_int) {
        create(context, device)
    }

    fn cuCtxCreate_v3(context: *mut usize, _affinity: *mut c_void, _count: c_int, _flags: c_uint, device: c_int) {
        create(context, device)
    }

    fn cuCtxCreate_v4(context: *mut usize, _parameters: *mut c_void, _flags: c_uint, device: c_int) {
        create(context, device)
    }

    fn cuCtxDestroy_v2(context: usize) {
        if current::by_handle(context)?.primary {
            return Err(ERROR_INVALID_CONTEXT);
        }
        destroy(context)
    }

    fn cuCtxSetCurrent(context: usize) {
        current::ready()?;
        if context != 0 {
            current::by_handle(context)?;
        }
        current::set(context);
        Ok(())
    }

    fn cuCtxGetCurrent(context: *mut usize) {
        current::ready()?;
        put(context, current::handle())
    }

    fn cuCtxPushCurrent_v2(context: usize) {
        current::by_handle(context)?;
        current::push(context);
        Ok(())
    }

    fn cuCtxPopCurrent_v2(context: *mut usize) {
        current::ready()?;
        let popped = current::pop().ok_or(ERROR_INVALID_CONTEXT)?;
        if context.is_null() { Ok(()) } else { put(context, popped) }
    }

    fn cuCtxGetDevice(device: *mut c_int) {
        put(device, current::any()?.device)
    }

    fn cuCtxSynchronize() {
        let context = current::context()?;
        strike_at_wait(&context)?;
        context.drain_all()
    }

    fn cuCtxSetLimit(_limit: c_uint, _value: usize) {
        current::context().map(drop)
    }

    fn cuCtxGetLimit(value: *mut usize, _limit: c_uint) {
        current::context()?;
        put(value, 0)
    }

    fn cuCtxSetCacheConfig(_config: c_uint) {
        current::context().map(drop)
    }

    fn cuCtxGetFlags(flags: *mut c_uint) {
        current::any()?;
        put(flags, 0)
    }

    fn cuCtxGetApiVersion(context: usize, version: *mut c_uint) {
        if context != 0 {
            current::by_handle(context)?;
        }
        put(version, 3020)
    }

    fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) {
        current::context()?;
        if !least.is_null() {
            put(least, 0)?;
        }
        if greatest.is_null() { Ok(()) } else { put(greatest, -5) }
    }

    fn cuDevicePrimaryCtxRetain(context: *mut usize, device: c_int) {
        let device = checked(device)?;
        let mut primary = lock(&PRIMARY);
        let make = || (add(Object::Context(Arc::new(Context::new(device, true)))), 0);
        let (handle, count) = primary.entry(device).or_insert_with(make);
        *count += 1;
        put(context, *handle)
    }

    fn cuDevicePrimaryCtxRelease_v2(device: c_int) {
        let device = checked(device)?;
        let mut primary = lock(&PRIMARY);
        let Some((handle, count)) = primary.get_mut(&device) else { return Err(ERROR_INVALID_CONTEXT) };
        *count -= 1;
        if *count > 0 {
            return Ok(());
        }
        let handle = *handle;
        primary.remove(&device);
        destroy(handle)
    }

    fn cuDevicePrimaryCtxReset_v2(device: c_int) {
        let device = checked(device)?;
        match lock(&PRIMARY).remove(&device) {
            Some((handle, _)) => destroy(handle),
            None => Ok(()),
        }
    }

    fn cuDevicePrimaryCtxSetFlags_v2(device: c_int, _flags: c_uint) {
        checked(device).map(drop)
    }

    fn cuDevicePrimaryCtxGetState(device: c_int, flags: *mut c_uint, active: *mut c_int) {
        let device = checked(device)?;
        put(flags, 0)?;
        put(active, c_int::from(lock(&PRIMARY).contains_key(&device)))
    }
}
