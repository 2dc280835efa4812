//! Large pages for memory that is read at random.
//!
//! A sum over 2^18 bases reads 16 MiB in no order: with pages of 4 KiB that is more than a processor keeps addresses of, and each
//! read waits for a walk through page tables.

/// Below this the addresses of small pages are kept.
const MIN_BYTES: usize = 4 << 20;

/// Asks the system to put what of `values` spans whole large pages into such pages, now. A hint: nothing depends on it.
///
/// Linux 6.1 or newer; nothing elsewhere. Cost: the system copies the memory, before this returns.
pub(crate) fn prefer_large<T>(values: &[T]) {
    if size_of_val(values) < MIN_BYTES {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        const LARGE: usize = 2 << 20;
        /// `MADV_COLLAPSE` of Linux; the bindings have it for one C library only.
        const COLLAPSE: libc::c_int = 25;
        let start = (values.as_ptr() as usize).next_multiple_of(LARGE);
        let end = (values.as_ptr() as usize + size_of_val(values)) & !(LARGE - 1);
        // SAFETY: the range lies within `values`, and the advice changes no content. Its result does not matter.
        unsafe {
            libc::madvise(start as *mut libc::c_void, end.saturating_sub(start), COLLAPSE);
        }
    }
}
