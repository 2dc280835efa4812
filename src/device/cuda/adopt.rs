//! Contexts and memory of somebody else.

use super::driver::{Context, driver};
use super::memory::CudaBuffer;
use super::{CudaDevice, CudaOptions, none};
use crate::device::Elem;
use crate::error::{Error, Result};
use std::ffi::c_void;

impl CudaDevice {
    /// A device over a context that lives already. It is never destroyed and, after a fault, not made anew.
    ///
    /// # Errors
    /// As [`CudaDevice::new`].
    ///
    /// # Safety
    /// `context` is a `CUcontext` of this process that outlives the device, all its buffers and bases, and the work on them.
    pub unsafe fn adopt(context: *mut c_void, options: CudaOptions) -> Result<Self> {
        let driver = driver().map_err(none)?;
        // SAFETY: by contract.
        let (context, gpu) = unsafe { Context::adopt(driver, context) }
            .map_err(|error| none(format!("the given context cannot be used: {error}")))?;
        Self::over(driver, context, gpu, false, &options)
    }

    /// `len` elements of memory that lives already; it is not freed here. Work on it runs in a stream of our own: call
    /// [`CudaDevice::synchronise`] before other streams read what was written here, and wait for theirs before.
    ///
    /// # Errors
    /// A context that has failed.
    ///
    /// # Safety
    /// `pointer` is a `CUdeviceptr` of the adopted context to `len` initialised elements, aligned to 32 bytes. They outlive the
    /// buffer and all work on it, which goes on behind the buffer's end, and nobody else uses them meanwhile: until
    /// [`CudaDevice::synchronise`] has answered `Ok` after the last use of the buffer. While it answers with an error, for a
    /// deadline that has passed for one, the device may still use them.
    pub unsafe fn adopt_buffer<T: Elem>(&self, pointer: u64, len: usize) -> Result<CudaBuffer<T>> {
        let bytes = (len * size_of::<T>()) as u64;
        Ok(CudaBuffer::new(self.session()?.foreign(pointer, bytes), len))
    }

    /// Waits until all work that was given to the device is done.
    ///
    /// # Errors
    /// A fault of that work. Where other calls have opened a new context since, the fault was theirs to report.
    pub fn synchronise(&self) -> Result<()> {
        match self.current() {
            Some(session) => session.finish(),
            None => Err(Error::DeviceFailed {
                device: format!("cuda ({})", self.settings.name),
                reason: "its context is lost, and no other could be made".into(),
            }),
        }
    }
}
