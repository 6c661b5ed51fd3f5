//! Medians, and how sure they are.

/// How often the blocks are drawn again for the interval.
const RESAMPLES: usize = 10_000;

/// A median with the interval in which it lies in 95 of 100 draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The median of values and its interval by bootstrapping; `None` without values. The draws follow from
/// the number of values alone, so that the same results give the same page.
pub(crate) fn estimate(values: &[f64]) -> Option<Estimate> {
    let median_of_all = median(values)?;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        values[(random % values.len() as u64) as usize]
    };
    let resample = |_| {
        let drawn: Vec<f64> = (0..values.len()).map(|_| draw()).collect();
        median(&drawn)
    };
    let mut medians: Vec<f64> = (0..RESAMPLES).filter_map(resample).collect();
    medians.sort_by(f64::total_cmp);
    let at = |part: f64| quantile(&medians, part);
    Some(Estimate {
        median: median_of_all,
        low: at(0.025)?,
        high: at(0.975)?,
    })
}

/// The value in the middle, or between the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        count if count % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The value below which so large a part of them lies; they are in order. `None` without values.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((part * last as f64).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn quantiles_are_values_that_are_there() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), Some(50.0));
        assert_eq!(quantile(&values, 0.99), Some(99.0));
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_interval_holds_the_median_and_is_wide_where_values_differ() {
        let narrow = estimate(&[0.50, 0.51, 0.49, 0.50, 0.50, 0.52, 0.48]).unwrap();
        assert_eq!(narrow.median, 0.50);
        assert!(0.48 <= narrow.low && narrow.low <= 0.50);
        assert!(0.50 <= narrow.high && narrow.high <= 0.52);
        let wide = estimate(&[0.1, 0.9, 0.5, 0.2, 0.8, 0.5, 0.5]).unwrap();
        assert!(wide.high - wide.low > narrow.high - narrow.low);
        assert_eq!(estimate(&[]), None);
        assert_eq!(estimate(&[2.0]).unwrap().low, 2.0);
    }
}
