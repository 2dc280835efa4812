//! zkwatt on contexts and buffers of [`cust`], without copies.
//!
//! [`adopt`] makes a device over a context that a program has already; [`lend`] makes a buffer of one of its buffers.

use cust::context::Context;
use cust::memory::{DeviceBuffer, DeviceCopy};
use std::ffi::c_void;
use std::ops::{Deref, DerefMut};
use zkwatt::device::Elem;
use zkwatt::device::cuda::{CudaBuffer, CudaDevice, CudaOptions};
use zkwatt::{Error, Result};

/// A device over `context`, of which it keeps one reference until the process ends: buffers of the device may outlive it.
///
/// Memory that the device takes for itself, and its streams, are in this context.
///
/// # Errors
/// [`Error::NoSuchDevice`] where the driver or the GPU is too old.
pub fn adopt(context: Context, options: CudaOptions) -> Result<CudaDevice> {
    let raw: *mut c_void = context.as_raw().cast();
    // The primary context lives as long as somebody has a reference.
    std::mem::forget(context);
    // SAFETY: the context was made by the driver of this process; the reference above is never given back.
    unsafe { CudaDevice::adopt(raw, options) }
}

/// Memory of cust that a device works on; dropping it waits for that work.
///
/// Where waiting fails the device may still write to the memory, which then nobody gets: the owner's buffer is empty, and what it
/// held is never freed.
pub struct Lent<'a, T, U: DeviceCopy> {
    device: &'a CudaDevice,
    buffer: CudaBuffer<T>,
    owner: &'a mut DeviceBuffer<U>,
    settled: bool,
}

/// The memory of `buffer` as elements of another type, which is for the device alone while the result lives.
///
/// # Errors
/// `buffer` is not a whole number of elements long, or the device has failed.
///
/// # Safety
/// `buffer` is in the context of `device`, and it holds elements: canonical Montgomery residues for fields. Work of other
/// streams on it is done. The result is dropped or finished, not forgotten ([`std::mem::forget`]), and the [`CudaBuffer`] within
/// is not moved out of it, as by [`std::mem::swap`].
pub unsafe fn lend<'a, T: Elem, U: DeviceCopy>(
    device: &'a CudaDevice,
    buffer: &'a mut DeviceBuffer<U>,
) -> Result<Lent<'a, T, U>> {
    let bytes = buffer.len() * size_of::<U>();
    if !bytes.is_multiple_of(size_of::<T>()) {
        let reason = format!("its {bytes} bytes are no whole number of elements of {}", size_of::<T>());
        return Err(Error::InvalidArgument { argument: "buffer", reason });
    }
    let pointer = buffer.as_device_ptr().as_raw();
    // SAFETY: the driver aligns allocations to 256 bytes; the rest is by contract, and `owner` has the memory until work is done.
    let lent = unsafe { device.adopt_buffer(pointer, bytes / size_of::<T>())? };
    Ok(Lent { device, buffer: lent, owner: buffer, settled: false })
}

impl<T, U: DeviceCopy> Lent<'_, T, U> {
    /// Waits for all work of the device; then the memory is its owner's again.
    ///
    /// # Errors
    /// A fault of that work: what the memory held is lost, and the owner's buffer is empty.
    pub fn finish(mut self) -> Result<()> {
        self.settle()
    }

    fn settle(&mut self) -> Result<()> {
        self.settled = true;
        self.device.synchronise().inspect_err(|_| {
            // SAFETY: no elements are read that are not initialised: there are none. Nothing is allocated for them.
            if let Ok(empty) = unsafe { DeviceBuffer::uninitialized(0) } {
                std::mem::forget(std::mem::replace(&mut *self.owner, empty));
            }
        })
    }
}

impl<T, U: DeviceCopy> Drop for Lent<'_, T, U> {
    fn drop(&mut self) {
        // Whoever wants to know of faults calls `finish`.
        if !self.settled {
            let _ = self.settle();
        }
    }
}

impl<T, U: DeviceCopy> Deref for Lent<'_, T, U> {
    type Target = CudaBuffer<T>;

    fn deref(&self) -> &CudaBuffer<T> {
        &self.buffer
    }
}

impl<T, U: DeviceCopy> DerefMut for Lent<'_, T, U> {
    fn deref_mut(&mut self) -> &mut CudaBuffer<T> {
        &mut self.buffer
    }
}
