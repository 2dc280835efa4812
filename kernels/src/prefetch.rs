//! Hints to caches, for memory that is read in an order that no processor foresees. They change nothing but time.

/// Asks for the value at `from`, which may be any address.
#[inline(always)]
pub(crate) fn prefetch<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    each_line::<T, { core::arch::x86_64::_MM_HINT_T0 }>(from);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// As [`prefetch`], for what is needed later: not for the first level.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn prefetch_far<T>(from: *const T) {
    each_line::<T, { core::arch::x86_64::_MM_HINT_T1 }>(from);
}

/// Large allocations start 16 bytes into a page, so a value of some lines lies in one line more.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn each_line<T, const HINT: i32>(from: *const T) {
    const LINE: usize = 64;
    let from = from.cast::<i8>();
    let ask = |offset: usize| {
        // SAFETY: reads nothing that the program could see, whatever the address; every x86-64 processor has the instruction.
        unsafe { core::arch::x86_64::_mm_prefetch::<HINT>(from.wrapping_add(offset)) };
    };
    let mut offset = 0;
    while offset < size_of::<T>() {
        ask(offset);
        offset += LINE;
    }
    ask(size_of::<T>().saturating_sub(1));
}
