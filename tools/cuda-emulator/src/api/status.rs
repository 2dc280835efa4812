//! Results of the driver API.

use std::ffi::CStr;

macro_rules! statuses {
    ($($code:literal $name:ident $text:literal;)*) => {
        $(#[doc = $text] pub const $name: Status = Status($code);)*

        /// Names and descriptions.
        pub(super) fn describe(code: i32) -> Option<(&'static CStr, &'static CStr)> {
            $(if code == $code {
                let name = concat!("CUDA_", stringify!($name), "\0");
                let text = concat!($text, "\0");
                return CStr::from_bytes_with_nul(name.as_bytes()).ok()
                    .zip(CStr::from_bytes_with_nul(text.as_bytes()).ok());
            })*
            None
        }
    };
}

/// A `CUresult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub i32);

statuses! {
    0 SUCCESS "no error";
    1 ERROR_INVALID_VALUE "invalid argument";
    2 ERROR_OUT_OF_MEMORY "out of memory";
    3 ERROR_NOT_INITIALIZED "initialization error";
    100 ERROR_NO_DEVICE "no CUDA-capable device is detected";
    101 ERROR_INVALID_DEVICE "invalid device ordinal";
    200 ERROR_INVALID_IMAGE "device kernel image is invalid";
    201 ERROR_INVALID_CONTEXT "invalid device context";
    209 ERROR_NO_BINARY_FOR_GPU "no kernel image is available for execution on the device";
    214 ERROR_ECC_UNCORRECTABLE "uncorrectable ECC error encountered";
    218 ERROR_INVALID_PTX "a PTX JIT compilation failed";
    222 ERROR_UNSUPPORTED_PTX_VERSION "the provided PTX was compiled with an unsupported toolchain.";
    400 ERROR_INVALID_HANDLE "invalid resource handle";
    500 ERROR_NOT_FOUND "named symbol not found";
    600 ERROR_NOT_READY "device not ready";
    700 ERROR_ILLEGAL_ADDRESS "an illegal memory access was encountered";
    701 ERROR_LAUNCH_OUT_OF_RESOURCES "too many resources requested for launch";
    702 ERROR_LAUNCH_TIMEOUT "the launch timed out and was terminated";
    709 ERROR_CONTEXT_IS_DESTROYED "context is destroyed";
    712 ERROR_HOST_MEMORY_ALREADY_REGISTERED "part or all of the requested memory range is already mapped";
    713 ERROR_HOST_MEMORY_NOT_REGISTERED "pointer does not correspond to a registered memory region";
    716 ERROR_MISALIGNED_ADDRESS "misaligned address";
    719 ERROR_LAUNCH_FAILED "unspecified launch failure";
    800 ERROR_NOT_PERMITTED "operation not permitted";
    801 ERROR_NOT_SUPPORTED "operation not supported";
    999 ERROR_UNKNOWN "unknown error";
}

pub(super) type Outcome<T> = Result<T, Status>;
