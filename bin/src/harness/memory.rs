//! Peak resident memory of a phase.

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
        if std::fs::write("/proc/self/clear_refs", "5").is_ok() {
            return Ok(Self(()));
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
    }
}
