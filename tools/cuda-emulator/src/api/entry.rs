//! What every entry point does.

use super::status::{ERROR_INVALID_VALUE, ERROR_NOT_PERMITTED, ERROR_UNKNOWN, Outcome, SUCCESS};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Defines entry points whose bodies return [`Outcome`], and their table.
macro_rules! api {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block)*) => {
        $(
            $(#[$meta])*
            #[doc = concat!("`", stringify!($name), "` of the CUDA driver API.")]
            #[allow(non_snake_case, reason = "names of the CUDA driver API")]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($arg: $ty),*) -> std::ffi::c_int {
                $crate::api::entry::guarded(stringify!($name), || $body)
            }
        )*

        pub(super) fn table() -> Vec<(&'static str, *mut std::ffi::c_void)> {
            vec![$((stringify!($name), $name as *mut std::ffi::c_void)),*]
        }
    };
}

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs a host function of a stream, which must not call the driver.
pub(super) fn forbidden(function: impl FnOnce()) {
    FORBIDDEN.set(true);
    function();
    FORBIDDEN.set(false);
}

/// Runs a body; a panic must not cross the interface.
pub(super) fn guarded(name: &str, body: impl FnOnce() -> Outcome<()>) -> std::ffi::c_int {
    if FORBIDDEN.get() {
        return ERROR_NOT_PERMITTED.0;
    }
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SUCCESS.0,
        Ok(Err(status)) => status.0,
        Err(_) => {
            eprintln!("cuda-emulator: {name} panicked; this is a bug of the emulator");
            ERROR_UNKNOWN.0
        }
    }
}

/// Writes a result through a caller's pointer.
pub(super) fn put<T>(to: *mut T, value: T) -> Outcome<()> {
    if to.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    // SAFETY: callers of the driver API give pointers that are null or valid.
    unsafe { to.write(value) };
    Ok(())
}
