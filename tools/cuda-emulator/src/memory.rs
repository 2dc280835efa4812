//! Device memory: allocations with a shadow that knows which bytes have been written.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Addresses of allocations are multiples of this.
pub const ALIGNMENT: u64 = 512;
/// Unused addresses after each allocation; addresses are never used again.
pub const RED_ZONE: u64 = 1 << 20;

/// Zeroed bytes that any thread may access, atomically.
pub struct Bytes {
    data: NonNull<u8>,
    layout: Layout,
}

// SAFETY: accesses of launches, copies and fills are those of `read`, `write`, `copy_in`, `copy_out`, `fill` and
// `exec::atomics`, all atomic: threads of a kernel may race, and copies in other streams with them. Plain accesses are
// those to storage that one thread has: fresh allocations, shared and local memory between blocks.
unsafe impl Send for Bytes {}
// SAFETY: as for `Send`.
unsafe impl Sync for Bytes {}

impl Bytes {
    pub fn new(len: u64) -> Self {
        // Accesses of up to 16 bytes stay inside of the storage whatever `len` is.
        let size = usize::try_from(len).unwrap_or(usize::MAX / 2).max(1).next_multiple_of(64);
        let layout = Layout::from_size_align(size, 64).expect("fewer bytes than an address space has");
        // SAFETY: the size is not zero.
        let data = unsafe { alloc_zeroed(layout) };
        Self { data: NonNull::new(data).unwrap_or_else(|| handle_alloc_error(layout)), layout }
    }

    pub fn pointer(&self) -> *mut u8 {
        self.data.as_ptr()
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and owners of pointers keep the `Arc` of the allocation.
        unsafe { dealloc(self.data.as_ptr(), self.layout) };
    }
}

/// One allocation of a context.
pub struct Allocation {
    pub base: u64,
    pub len: u64,
    pub data: Bytes,
    /// One byte per byte: 1 where it has been written.
    pub shadow: Bytes,
    /// Constant memory of a module.
    pub constant: bool,
    /// What reports call it.
    pub name: String,
}

impl Allocation {
    pub fn new(base: u64, len: u64, poison: Option<u8>, name: String) -> Self {
        let found = Self { base, len, data: Bytes::new(len), shadow: Bytes::new(len), constant: false, name };
        if let Some(pattern) = poison {
            // SAFETY: nobody else has the storage yet.
            unsafe { found.data.pointer().write_bytes(pattern, len as usize) };
        }
        found
    }

    /// Pointers to `bytes` at `offset`, if they are inside: data and shadow.
    pub fn range(&self, offset: u64, bytes: u64) -> Option<(*mut u8, *mut u8)> {
        if offset > self.len || bytes > self.len - offset {
            return None;
        }
        // SAFETY: the offset is inside of both storages, or at their end.
        Some(unsafe {
            (self.data.pointer().add(offset as usize), self.shadow.pointer().add(offset as usize))
        })
    }
}

/// The allocations of a context at one time, by address.
#[derive(Clone, Default)]
pub struct Snapshot {
    pub allocations: Vec<Arc<Allocation>>,
    /// Ranges of freed allocations, for reports.
    pub freed: Arc<Vec<(u64, u64)>>,
}

impl Snapshot {
    /// Number of the allocation that holds `address`, or comes last before it.
    pub fn find(&self, address: u64) -> Option<usize> {
        self.allocations.partition_point(|allocation| allocation.base <= address).checked_sub(1)
    }

    /// Where an address outside of all allocations lies.
    pub fn describe(&self, address: u64) -> String {
        if let Some((base, len)) = self.freed.iter().find(|(base, len)| address.wrapping_sub(*base) < *len) {
            return format!("{} bytes into {len} bytes that have been freed", address - base);
        }
        let before = self.find(address).map(|index| &self.allocations[index]);
        let after = self.allocations.iter().find(|allocation| allocation.base > address);
        match (before, after) {
            (Some(one), _) if address - one.base < one.len => {
                format!("{} bytes into {}, of {} bytes", address - one.base, one.name, one.len)
            }
            (Some(one), _) if address - one.base - one.len < RED_ZONE => {
                format!(
                    "{} bytes past the end of {}, of {} bytes",
                    address - one.base - one.len,
                    one.name,
                    one.len
                )
            }
            (_, Some(one)) if one.base - address < RED_ZONE => {
                format!("{} bytes before {}, of {} bytes", one.base - address, one.name, one.len)
            }
            _ => "far from any allocation".to_owned(),
        }
    }
}

/// Reads `width` bytes.
///
/// # Safety
/// `at` must be valid for `width` bytes and aligned to them; concurrent accesses must be atomic.
#[inline(always)]
pub unsafe fn read(at: *const u8, width: u32) -> u64 {
    // SAFETY: the caller's.
    unsafe {
        match width {
            1 => u64::from((*at.cast::<AtomicU8>()).load(Relaxed)),
            2 => u64::from((*at.cast::<AtomicU16>()).load(Relaxed)),
            4 => u64::from((*at.cast::<AtomicU32>()).load(Relaxed)),
            _ => (*at.cast::<AtomicU64>()).load(Relaxed),
        }
    }
}

/// Writes the low `width` bytes of `value`.
///
/// # Safety
/// As for [`read`].
#[inline(always)]
pub unsafe fn write(at: *mut u8, width: u32, value: u64) {
    // SAFETY: the caller's.
    unsafe {
        match width {
            1 => (*at.cast::<AtomicU8>()).store(value as u8, Relaxed),
            2 => (*at.cast::<AtomicU16>()).store(value as u16, Relaxed),
            4 => (*at.cast::<AtomicU32>()).store(value as u32, Relaxed),
            _ => (*at.cast::<AtomicU64>()).store(value, Relaxed),
        }
    }
}

const WRITTEN: u64 = 0x0101_0101_0101_0101;

/// Whether all of `bytes` are marked as written.
///
/// # Safety
/// As for [`read`], with `bytes` of 1, 2, 4 or a multiple of 8.
#[inline(always)]
pub unsafe fn is_written(shadow: *const u8, bytes: u32) -> bool {
    // SAFETY: the caller's.
    unsafe {
        match bytes {
            1 | 2 | 4 => read(shadow, bytes) == WRITTEN & ((1 << (8 * bytes)) - 1),
            _ => (0..bytes / 8).all(|word| read(shadow.add(8 * word as usize), 8) == WRITTEN),
        }
    }
}

/// Marks `bytes` as written.
///
/// # Safety
/// As for [`is_written`].
#[inline(always)]
pub unsafe fn mark_written(shadow: *mut u8, bytes: u32) {
    // SAFETY: the caller's.
    unsafe {
        match bytes {
            1 | 2 | 4 => write(shadow, bytes, WRITTEN),
            _ => (0..bytes / 8).for_each(|word| write(shadow.add(8 * word as usize), 8, WRITTEN)),
        }
    }
}

/// Gives each piece of a range by its offset and width: words where they are aligned, bytes before and after.
#[inline(always)]
fn pieces(at: *const u8, bytes: usize, mut each: impl FnMut(usize, u32)) {
    let head = at.align_offset(8).min(bytes);
    let tail = head + (bytes - head) / 8 * 8;
    (0..head).for_each(|offset| each(offset, 1));
    (head..tail).step_by(8).for_each(|offset| each(offset, 8));
    (tail..bytes).for_each(|offset| each(offset, 1));
}

/// Copies to a device from memory that nobody writes meanwhile.
///
/// # Safety
/// Both are valid for `bytes`; concurrent accesses to `to` are atomic.
pub unsafe fn copy_in(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's; words are aligned at `to`.
    pieces(to, bytes, |offset, width| unsafe {
        let from = from.add(offset);
        let value = if width == 8 { from.cast::<u64>().read_unaligned() } else { u64::from(*from) };
        write(to.add(offset), width, value);
    });
}

/// Copies from a device to memory that nobody accesses meanwhile.
///
/// # Safety
/// Both are valid for `bytes`; concurrent accesses to `from` are atomic.
pub unsafe fn copy_out(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's; words are aligned at `from`.
    pieces(from, bytes, |offset, width| unsafe {
        let (value, to) = (read(from.add(offset), width), to.add(offset));
        if width == 8 { to.cast::<u64>().write_unaligned(value) } else { to.write(value as u8) }
    });
}

/// Repeats a pattern of 1 or 4 bytes.
///
/// # Safety
/// `to` is valid for `bytes` and aligned to the pattern; concurrent accesses are atomic.
pub unsafe fn fill(to: *mut u8, pattern: &[u8], bytes: usize) {
    let byte = |offset: usize| pattern[offset % pattern.len()];
    let word = u64::from_le_bytes(std::array::from_fn(byte));
    // SAFETY: the caller's; words begin where the pattern does.
    pieces(to, bytes, |offset, width| unsafe {
        write(to.add(offset), width, if width == 8 { word } else { u64::from(byte(offset)) });
    });
}
