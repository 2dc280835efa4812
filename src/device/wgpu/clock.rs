//! Time.

use std::time::Duration;

/// Time since some moment; always zero in a browser, which has no clock in `std`.
#[derive(Copy, Clone)]
pub(super) struct Clock {
    #[cfg(not(target_family = "wasm"))]
    start: std::time::Instant,
}

impl Clock {
    pub(super) fn now() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            start: std::time::Instant::now(),
        }
    }

    pub(super) fn elapsed(self) -> Duration {
        #[cfg(not(target_family = "wasm"))]
        return self.start.elapsed();
        #[cfg(target_family = "wasm")]
        return Duration::ZERO;
    }
}
