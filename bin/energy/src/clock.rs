//! What time it is.

use std::sync::Arc;
use std::time::Duration;

/// Time since a moment that does not change while the program runs.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The system's clock; on Linux it goes on while the machine sleeps, so that sleep shows as a gap between two readings.
pub fn system_clock() -> Clock {
    #[cfg(target_os = "linux")]
    {
        Arc::new(|| {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
            Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
        })
    }
    #[cfg(not(target_os = "linux"))]
    {
        let start = std::time::Instant::now();
        Arc::new(move || start.elapsed())
    }
}
