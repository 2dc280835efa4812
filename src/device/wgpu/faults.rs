//! Faults that tests inject.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

/// A fault to inject.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device vanishes.
    DeviceLost,
    /// An allocation is refused.
    Allocation,
    /// A shader is refused.
    Shader,
    /// Submitted work does not end.
    Hang,
}

/// One fault and when it strikes.
#[derive(Default)]
pub(super) struct Faults {
    /// 0 for none, or 1 + the fault.
    kind: AtomicU8,
    /// Occasions before it strikes.
    left: AtomicI64,
}

impl Faults {
    /// Lets `fault` strike once, after `occasions` occasions at which it could.
    pub(super) fn arm(&self, fault: Fault, occasions: u32) {
        self.left.store(occasions.into(), Ordering::SeqCst);
        self.kind.store(1 + fault as u8, Ordering::SeqCst);
    }

    /// Whether `fault` strikes now.
    pub(super) fn strikes(&self, fault: Fault) -> bool {
        if self.kind.load(Ordering::SeqCst) != 1 + fault as u8 {
            return false;
        }
        let now = self.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if now {
            self.kind.store(0, Ordering::SeqCst);
        }
        now
    }
}
