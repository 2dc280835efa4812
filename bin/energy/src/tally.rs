//! From what a channel shows, again and again, to joules.

use std::time::Duration;

/// Power in watts that no channel exceeds: a counter that says more was reset, or has wrapped unseen.
pub const MOST_WATTS: f64 = 3000.0;

/// Counters move in steps: a reading may hold what belongs to as much time before the one before it.
const STEP: Duration = Duration::from_millis(100);

/// Readings of power that lie further apart say nothing of what was between them: so many periods, or a second, since
/// a thread may wait for a busy processor.
const MISSED_PERIODS: u32 = 20;

/// What the numbers of a channel are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Energy since some moment.
    Energy {
        /// The largest number that is shown, after which 0 follows; `None` if the counter never gets there.
        range: Option<u64>,
    },
    /// Power at the moment, or the mean of a short while.
    Power,
}

/// Adds up one channel.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    quantity: Quantity,
    unit: f64,
    longest: Option<Duration>,
    last: Option<(Duration, u64)>,
    seconds: f64,
    joules: f64,
}

impl Tally {
    /// Of numbers that count `unit` joules or watts, read every `period`.
    pub(crate) fn new(quantity: Quantity, unit: f64, period: Duration) -> Self {
        let longest = longest_gap(quantity, unit, period);
        Self { quantity, unit, longest, last: None, seconds: 0.0, joules: 0.0 }
    }

    /// Begins again.
    pub(crate) fn reset(&mut self) {
        (self.last, self.seconds, self.joules) = (None, 0.0, 0.0);
    }

    /// Joules since the first reading.
    pub(crate) fn joules(&self) -> f64 {
        self.joules
    }

    /// Seconds from the first reading to the last.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Takes a reading. Err: why the joules since the last one are not known.
    pub(crate) fn add(&mut self, at: Duration, shown: u64) -> Result<(), String> {
        let Some((before, was)) = self.last.replace((at, shown)) else { return Ok(()) };
        let gap = at.saturating_sub(before);
        let seconds = gap.as_secs_f64();
        if let Some(longest) = self.longest
            && gap > longest
        {
            let most = longest.as_secs_f64();
            return Err(format!(
                "was not read for {seconds:.1} s and must be every {most:.1} s; was the machine or the program suspended?"
            ));
        }
        self.seconds += seconds;
        self.joules += match self.quantity {
            Quantity::Power => self.unit * (was as f64 + shown as f64) / 2.0 * seconds,
            Quantity::Energy { range } => {
                let joules = self.unit * steps(was, shown, range)? as f64;
                if joules > MOST_WATTS * (gap + STEP).as_secs_f64() {
                    return Err(format!(
                        "went from {was} to {shown} in {seconds:.3} s, more than {MOST_WATTS} W explain: the counter was \
                         reset (a driver reloaded, the machine asleep)"
                    ));
                }
                joules
            }
        };
        Ok(())
    }
}

/// Steps of a counter from one reading to the next, with one wrap at most.
fn steps(was: u64, shown: u64, range: Option<u64>) -> Result<u64, String> {
    match (shown.checked_sub(was), range) {
        (Some(steps), _) => Ok(steps),
        (None, Some(range)) if was <= range => Ok((range - was).saturating_add(shown)),
        (None, _) => {
            Err(format!("ran backwards, from {was} to {shown}: the counter was reset (a driver reloaded?)"))
        }
    }
}

/// Between two readings, so that no wrap is missed or hardly any power unseen.
fn longest_gap(quantity: Quantity, unit: f64, period: Duration) -> Option<Duration> {
    match quantity {
        Quantity::Power => Some((period * MISSED_PERIODS).max(Duration::from_secs(1))),
        Quantity::Energy { range } => range.map(|range| wrap_time(range, unit)),
    }
}

/// The least time in which a counter goes around once.
pub(crate) fn wrap_time(range: u64, unit: f64) -> Duration {
    Duration::try_from_secs_f64(range as f64 * unit / MOST_WATTS).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICRO: f64 = 1e-6;

    fn counter(range: Option<u64>) -> Tally {
        Tally::new(Quantity::Energy { range }, MICRO, Duration::from_millis(250))
    }

    fn add(tally: &mut Tally, readings: &[(u64, u64)]) -> Result<f64, String> {
        readings.iter().try_for_each(|&(ms, shown)| tally.add(Duration::from_millis(ms), shown))?;
        Ok(tally.joules())
    }

    #[test]
    fn a_counter_counts_what_was_between() {
        let readings = [(0, 7_000_000), (1000, 57_000_000), (2000, 207_000_000)];
        assert_eq!(add(&mut counter(None), &readings), Ok(200.0));
        assert_eq!(add(&mut counter(Some(1 << 40)), &readings), Ok(200.0));
    }

    #[test]
    fn a_wrap_is_bridged() {
        // 10 J to the end of the range, 30 J after it.
        let readings = [(0, 262_133_000_000 - 10_000_000), (1000, 30_000_000)];
        assert_eq!(add(&mut counter(Some(262_133_000_000)), &readings), Ok(40.0));
        let error = add(&mut counter(None), &readings).unwrap_err();
        assert!(error.contains("ran backwards"), "{error}");
    }

    #[test]
    fn a_reset_is_no_wrap() {
        let range = Some(262_133_000_000);
        let error = add(&mut counter(range), &[(0, 90_000_000_000), (1000, 5_000_000)]).unwrap_err();
        assert!(error.contains("reset"), "{error}");
        // A counter beyond its range was never one of this range.
        let error = add(&mut counter(Some(1000)), &[(0, 2000), (0, 5)]).unwrap_err();
        assert!(error.contains("ran backwards"), "{error}");
        let error = add(&mut counter(range), &[(0, 0), (1000, 90_000_000_000)]).unwrap_err();
        assert!(error.contains("more than 3000 W"), "{error}");
    }

    #[test]
    fn a_gap_in_which_a_wrap_may_hide_is_an_error() {
        let mut tally = counter(Some(6_000_000_000));
        // 6 kJ pass in 2 s at 3 kW.
        assert!(add(&mut tally, &[(0, 0), (1999, 1)]).is_ok());
        let error = tally.add(Duration::from_millis(4100), 2).unwrap_err();
        assert!(error.contains("not read for 2.1 s and must be every 2.0 s"), "{error}");
    }

    #[test]
    fn power_is_integrated_by_trapezoids() {
        let mut tally = Tally::new(Quantity::Power, MICRO, Duration::from_millis(50));
        let readings = [(0, 10_000_000), (500, 30_000_000), (1000, 30_000_000)];
        assert!((add(&mut tally, &readings).unwrap() - 25.0).abs() < 1e-9);
        assert!(tally.add(Duration::from_millis(2001), 1).unwrap_err().contains("not read for"));
        tally.reset();
        assert_eq!(add(&mut tally, &[(9000, 5)]), Ok(0.0));
    }
}
