//! Entry points by name.

use super::entry::put;
use super::status::{ERROR_INVALID_VALUE, ERROR_NOT_FOUND, Outcome};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

const FOUND: c_uint = 0;
const NOT_FOUND: c_uint = 1;

fn tables() -> Vec<(&'static str, *mut c_void)> {
    let all = [
        super::context::table(),
        super::copy::table(),
        super::device::table(),
        super::event::table(),
        super::host::table(),
        super::launch::table(),
        super::memory::table(),
        super::module::table(),
        super::stream::table(),
        table(),
    ];
    all.into_iter().flatten().collect()
}

/// The newest form of a function that the emulator has.
fn look_up(symbol: *const c_char) -> Outcome<Option<*mut c_void>> {
    if symbol.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller gives a C string.
    let name = unsafe { CStr::from_ptr(symbol) }.to_str().map_err(|_| ERROR_INVALID_VALUE)?;
    let tables = tables();
    let forms = ["_v4", "_v3", "_v2", ""].map(|suffix| format!("{name}{suffix}"));
    Ok(forms.iter().find_map(|form| tables.iter().find(|(known, _)| known == form).map(|(_, found)| *found)))
}

api! {
    fn cuGetProcAddress(symbol: *const c_char, function: *mut *mut c_void, _version: c_int, _flags: u64) {
        let found = look_up(symbol)?;
        put(function, found.unwrap_or(std::ptr::null_mut()))?;
        found.map(drop).ok_or(ERROR_NOT_FOUND)
    }

    fn cuGetProcAddress_v2(
        symbol: *const c_char,
        function: *mut *mut c_void,
        _version: c_int,
        _flags: u64,
        status: *mut c_uint,
    ) {
        let found = look_up(symbol)?;
        put(function, found.unwrap_or(std::ptr::null_mut()))?;
        if !status.is_null() {
            put(status, if found.is_some() { FOUND } else { NOT_FOUND })?;
        }
        found.map(drop).ok_or(ERROR_NOT_FOUND)
    }
}
