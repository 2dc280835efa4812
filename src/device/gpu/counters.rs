//! What a device has done so far, counted while it does it.

use crate::device::DeviceCounters;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident),*) => {
        #[derive(Default)]
        pub(crate) struct Counters { $(pub(crate) $name: AtomicU64),* }

        impl Counters {
            pub(crate) fn snapshot(&self) -> DeviceCounters {
                DeviceCounters { $($name: self.$name.load(Ordering::Relaxed)),* }
            }
        }
    };
}

counters!(
    uploaded_bytes,
    downloaded_bytes,
    dispatches,
    submits,
    pipelines,
    pipeline_ns,
    transfer_ns,
    wait_ns,
    compute_ns,
    peak_bytes
);

pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
