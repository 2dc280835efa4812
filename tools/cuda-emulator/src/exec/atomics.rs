//! Atomic updates of memory that other host threads may update at the same time.

use crate::program::AtomOp;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

fn updated32(op: AtomOp, old: u32, a: u32, b: u32) -> u32 {
    match op {
        AtomOp::Add => old.wrapping_add(a),
        AtomOp::MinU => old.min(a),
        AtomOp::MinS => (old as i32).min(a as i32) as u32,
        AtomOp::MaxU => old.max(a),
        AtomOp::MaxS => (old as i32).max(a as i32) as u32,
        AtomOp::Inc => {
            if old >= a {
                0
            } else {
                old + 1
            }
        }
        AtomOp::Dec => {
            if old == 0 || old > a {
                a
            } else {
                old - 1
            }
        }
        AtomOp::And => old & a,
        AtomOp::Or => old | a,
        AtomOp::Xor => old ^ a,
        AtomOp::Exchange => a,
        AtomOp::CompareSwap => {
            if old == a {
                b
            } else {
                old
            }
        }
    }
}

fn updated64(op: AtomOp, old: u64, a: u64, b: u64) -> u64 {
    match op {
        AtomOp::Add => old.wrapping_add(a),
        AtomOp::MinU => old.min(a),
        AtomOp::MinS => (old as i64).min(a as i64) as u64,
        AtomOp::MaxU => old.max(a),
        AtomOp::MaxS => (old as i64).max(a as i64) as u64,
        AtomOp::Inc => {
            if old >= a {
                0
            } else {
                old + 1
            }
        }
        AtomOp::Dec => {
            if old == 0 || old > a {
                a
            } else {
                old - 1
            }
        }
        AtomOp::And => old & a,
        AtomOp::Or => old | a,
        AtomOp::Xor => old ^ a,
        AtomOp::Exchange => a,
        AtomOp::CompareSwap => {
            if old == a {
                b
            } else {
                old
            }
        }
    }
}

/// Updates 4 or 8 bytes and returns what was there.
///
/// # Safety
/// `at` must be valid for `width` bytes and aligned to them; concurrent accesses must be atomic.
pub unsafe fn update(at: *mut u8, width: u32, op: AtomOp, a: u64, b: u64) -> u64 {
    // SAFETY: the caller's.
    unsafe {
        if width == 4 {
            let cell = &*at.cast::<AtomicU32>();
            let (a, b) = (a as u32, b as u32);
            let old = cell.fetch_update(SeqCst, SeqCst, |old| Some(updated32(op, old, a, b)));
            return u64::from(old.unwrap_or_else(|old| old));
        }
        let cell = &*at.cast::<AtomicU64>();
        let old = cell.fetch_update(SeqCst, SeqCst, |old| Some(updated64(op, old, a, b)));
        old.unwrap_or_else(|old| old)
    }
}
