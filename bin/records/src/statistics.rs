//! Medians.

/// The median; the mean of the two middle values of an even count. `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The median absolute deviation from the median, not scaled to a standard deviation.
pub fn mad(values: &[f64]) -> Option<f64> {
    let centre = median(values)?;
    median(&values.iter().map(|value| (value - centre).abs()).collect::<Vec<_>>())
}

/// The median of `theirs[i] / ours[i]` over rounds; robust against drift that hits both of a round.
pub fn paired_ratio(theirs: &[f64], ours: &[f64]) -> Option<f64> {
    median(&theirs.iter().zip(ours).map(|(a, b)| a / b).collect::<Vec<_>>())
}

/// How many values lie so far above the median that something else must have run: by five standard deviations, as the
/// median absolute deviation estimates them for a normal distribution, and by 5 %.
pub fn outliers(values: &[f64]) -> usize {
    let (Some(median), Some(mad)) = (median(values), mad(values)) else { return 0 };
    let limit = median + (5.0 * 1.4826 * mad).max(0.05 * median);
    values.iter().filter(|value| **value > limit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
    }

    #[test]
    fn deviation_ignores_an_outlier() {
        assert_eq!(mad(&[1.0, 2.0, 3.0, 4.0, 1000.0]), Some(1.0));
        assert_eq!(mad(&[7.0]), Some(0.0));
        assert_eq!(mad(&[]), None);
    }

    #[test]
    fn outliers_are_far_above() {
        assert_eq!(outliers(&[1.0, 1.01, 0.99, 1.02, 0.98, 1.07, 2.0]), 1);
        assert_eq!(outliers(&[1.0, 1.0, 1.0, 1.04]), 0);
        assert_eq!(outliers(&[1.0, 1.0, 1.0, 1.06, 0.2]), 1);
        assert_eq!(outliers(&[]), 0);
    }

    #[test]
    fn ratios_pair_rounds() {
        // Both slow down together: the paired ratio stays.
        assert_eq!(paired_ratio(&[2.0, 4.0, 8.0], &[1.0, 2.0, 4.0]), Some(2.0));
    }
}
