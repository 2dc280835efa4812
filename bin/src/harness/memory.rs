//! Peak resident memory of a phase.

use std::sync::atomic::{AtomicU64, Ordering};

/// The highest mark that resets have wiped since the last [`LongPeak::begin`].
static WIPED: AtomicU64 = AtomicU64::new(0);

/// Resets the system's high-water mark where it lets us, and reads it.
///
/// Linux: `VmHWM` of `/proc/self/status`, reset through `/proc/self/clear_refs`. The reset costs microseconds and
/// touches no page.
#[derive(Debug, Default)]
pub struct PeakRss(());

/// Why there is no figure.
#[cfg(target_os = "linux")]
const UNAVAILABLE: &str = "the kernel does not let this process reset its peak (/proc/self/clear_refs)";
/// Why there is no figure.
#[cfg(not(target_os = "linux"))]
const UNAVAILABLE: &str = "peak memory of a phase can be read on Linux only";

impl PeakRss {
    /// Starts a phase.
    ///
    /// # Errors
    /// The reason why the peak of a phase cannot be known here.
    pub fn begin() -> Result<Self, &'static str> {
        #[cfg(target_os = "linux")]
        {
            let before = Self(()).bytes().unwrap_or(0);
            if std::fs::write("/proc/self/clear_refs", "5").is_ok() {
                WIPED.fetch_max(before, Ordering::Relaxed);
                return Ok(Self(()));
            }
        }
        Err(UNAVAILABLE)
    }

    /// Peak bytes since [`PeakRss::begin`].
    pub fn bytes(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        return high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?);
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// The peak of a phase within which others may be measured. One at a time: a second replaces the first.
#[derive(Debug)]
pub struct LongPeak(PeakRss);

impl LongPeak {
    /// Starts a phase.
    ///
    /// # Errors
    /// As [`PeakRss::begin`].
    pub fn begin() -> Result<Self, &'static str> {
        let peak = PeakRss::begin()?;
        WIPED.store(0, Ordering::Relaxed);
        Ok(Self(peak))
    }

    /// Peak bytes since [`LongPeak::begin`], whatever was reset in between.
    pub fn bytes(&self) -> Option<u64> {
        self.0.bytes().map(|now| now.max(WIPED.load(Ordering::Relaxed)))
    }
}

/// `VmHWM` in bytes from the text of `/proc/self/status`.
#[cfg(any(target_os = "linux", test))]
fn high_water_mark(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_status() {
        assert_eq!(high_water_mark("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 5 kB\n"), Some(1234 * 1024));
        assert_eq!(high_water_mark("Name:\tx\n"), None);
    }

    #[test]
    fn sees_an_allocation_of_the_phase() {
        let Ok(before) = PeakRss::begin() else {
            eprintln!("skipped: {UNAVAILABLE}");
            return;
        };
        let base = before.bytes().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        drop(block);
        assert!(before.bytes().unwrap() >= base + (48 << 20));
        // Other tests of this process may reset as well; a long phase sees through that.
        let long = LongPeak::begin().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        drop(block);
        PeakRss::begin().unwrap();
        assert!(long.bytes().unwrap() >= 48 << 20);
    }
}
