//! What a repetition of a measurement is expected to give, and how sure a change between two is.
//!
//! Samples of one run depend on each other: a busy neighbour or a warm core slows several in a row. An interval that
//! takes them as independent is too narrow, and one that estimates the dependence from seven samples is no better. The
//! scale is therefore a *self-normaliser* (Lobato, JASA 96, 2001; Shao, JRSS B 72, 2010): the root mean square of the
//! partial sums of what the samples deviate by, which grows with their dependence as the error of their median does. So
//! that the error relative to that scale is much the same whatever the dependence, and quantiles of it can be found once.
//!
//! With x the logarithms of n samples, clipped at their median ± 1.4826 MAD so that outliers have no weight, m and v
//! their mean and variance, S_t the sum of the first t of x − m, and r the first autocorrelation with its bias undone,
//! (n·r̂ + 1)/(n − 4), kept within −0.3 and 0.8:
//!
//! scale = sqrt(Σ S_t²)/n^1.5 · ((1 + r)/(1 − r))^e,  e = min(1, sqrt(15/n))/4
//!
//! and a fresh run's median is within a factor of exp(c(n)·scale) of this one's, nine times of ten. The power of r is
//! what short series still hide. c(n) is fitted to simulations of 40,000 pairs of runs for each n from 7 to 201 and
//! each of autocorrelation 0, 0.2, 0.4 and outlier rate 0, 5, 15 %, with 90 % on average over these; each of them alone
//! has 87.5 to 92 %. Beyond these, at autocorrelation 0.6, it is 85 % with 7 samples and 88 to 92 % from 15 on.
//! `tests/prediction.rs` simulates other series than those of the fit.

use crate::statistics::{mad, median};

/// Samples from which on there is an interval.
pub const FEWEST: usize = 7;

/// From a MAD to the standard deviation of normal noise.
const MAD_TO_DEVIATION: f64 = 1.4826;

/// Bounds of a quantity.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// Whether `value` is within, the bounds included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The interval that contains the median of a fresh run of as many samples with a probability of 90 %. `None` for
/// fewer than [`FEWEST`] samples or samples that are no times.
pub fn rerun_interval(samples: &[f64]) -> Option<Interval> {
    let factor = half_width(samples)?.exp();
    let centre = median(samples)?;
    Some(Interval { low: centre / factor, high: centre * factor })
}

/// The interval of 90 % for how many times larger the median behind `new` is than that behind `old`.
pub fn ratio_interval(old: &[f64], new: &[f64]) -> Option<Interval> {
    // Each half width is of a difference of two medians, which vary twice as much as one.
    let (a, b) = (half_width(old)?, half_width(new)?);
    let mean_square = (a * a + b * b) / 2.0;
    // Two scales that count the same are a better estimate than one, and need a smaller quantile. Simulated as c(n).
    let balance = if mean_square > 0.0 { a * b / mean_square } else { 0.0 };
    let fewer = old.len().min(new.len()) as f64;
    let factor = (mean_square.sqrt() * (1.0 - balance * (0.11 + 2.2 / fewer))).exp();
    let ratio = median(new)? / median(old)?;
    ratio.is_finite().then(|| Interval { low: ratio / factor, high: ratio * factor })
}

/// Half the width of the interval of a re-run's median, on the scale of natural logarithms.
fn half_width(samples: &[f64]) -> Option<f64> {
    if samples.len() < FEWEST || !samples.iter().all(|s| s.is_finite() && *s > 0.0) {
        return None;
    }
    let logs: Vec<f64> = samples.iter().map(|s| s.ln()).collect();
    let width = critical(samples.len()) * scale(&clipped(logs)?);
    width.is_finite().then_some(width)
}

/// Values with those beyond one robust deviation from the median moved there. More than half of the values being equal,
/// which clocks that tick slowly do, nothing is clipped.
fn clipped(values: Vec<f64>) -> Option<Vec<f64>> {
    let centre = median(&values)?;
    let limit = MAD_TO_DEVIATION * mad(&values)?;
    Some(match limit > 0.0 {
        true => values.into_iter().map(|v| v.clamp(centre - limit, centre + limit)).collect(),
        false => values,
    })
}

fn scale(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviations: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let variance = deviations.iter().map(|d| d * d).sum::<f64>() / n;
    if variance <= 0.0 {
        return 0.0;
    }
    let (mut partial, mut squares) = (0.0, 0.0);
    for deviation in &deviations {
        partial += deviation;
        squares += partial * partial;
    }
    let covariance = deviations.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / n;
    let correlation = ((n * covariance / variance + 1.0) / (n - 4.0)).clamp(-0.3, 0.8);
    let exponent = 0.25 * (15.0 / n).sqrt().min(1.0);
    squares.sqrt() / n.powf(1.5) * ((1.0 + correlation) / (1.0 - correlation)).powf(exponent)
}

/// The quantile of 90 % of the error over the scale. The median of an even count is a mean of two and varies less.
fn critical(n: usize) -> f64 {
    let inverse = 1.0 / n as f64;
    let (first, second) = if n.is_multiple_of(2) { (22.4, 104.5) } else { (25.9, 148.6) };
    12.3 + first * inverse + second * inverse * inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_interval_where_there_is_nothing_to_go_by() {
        assert_eq!(rerun_interval(&[1.0; 6]), None);
        assert_eq!(rerun_interval(&[0.0; 7]), None);
        assert_eq!(rerun_interval(&[-1.0; 9]), None);
        assert_eq!(rerun_interval(&[f64::NAN; 9]), None);
        assert_eq!(rerun_interval(&[f64::INFINITY; 9]), None);
    }

    #[test]
    fn equal_samples_have_no_width() {
        assert_eq!(rerun_interval(&[2.0; 7]), Some(Interval { low: 2.0, high: 2.0 }));
        // A clock that ticks slowly.
        let ticks = rerun_interval(&[2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 2.0]).unwrap();
        assert!(ticks.low < 2.0 && ticks.high > 2.0);
    }

    #[test]
    fn extremes_are_no_panic() {
        assert!(rerun_interval(&[1e-300, 1e300, 1.0, 2.0, 1e-300, 5.0, 7.0]).is_some());
        assert!(rerun_interval(&[f64::MIN_POSITIVE, f64::MAX, 1.0, 1.0, 1.0, 1.0, 1.0]).is_some());
    }

    #[test]
    fn scales_with_the_unit() {
        let samples = [1.0, 1.1, 0.9, 1.05, 1.2, 0.95, 1.0];
        let seconds = rerun_interval(&samples).unwrap();
        let milliseconds = rerun_interval(&samples.map(|s| s * 1e3)).unwrap();
        assert!((milliseconds.high / seconds.high - 1e3).abs() < 1e-6);
        assert!(seconds.contains(1.0) && !seconds.contains(2.0));
    }

    #[test]
    fn change_is_seen_beyond_noise() {
        let old = [1.0, 1.02, 0.99, 1.01, 1.0, 0.98, 1.01];
        assert!(ratio_interval(&old, &old).unwrap().contains(1.0));
        assert!(ratio_interval(&old, &old.map(|s| s * 1.5)).unwrap().low > 1.0);
        assert!(ratio_interval(&old, &old[..3]).is_none());
    }
}
