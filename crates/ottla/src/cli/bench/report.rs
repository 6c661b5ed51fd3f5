//! The result: what was measured, and the settings it was measured with.

use std::time::Duration;

use client::Brokers;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::meter::Measured;
use super::topic::Target;
use crate::cli::output::OutputArguments;
use crate::cli::table::{Cell, Fields, Table};

const LATENCY_COLUMNS: &[&str] = &[
    "OF",
    "COUNT",
    "P50-MS",
    "P90-MS",
    "P99-MS",
    "P99-9-MS",
    "P99-99-MS",
    "MAX-MS",
];

/// The quantiles of those columns.
const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// The settings that every benchmark has.
pub(super) fn settings(benchmark: &str, brokers: &Brokers, target: &Target) -> Fields {
    Fields::default()
        .field("BENCHMARK", benchmark)
        .field("OTTLA-VERSION", env!("CARGO_PKG_VERSION"))
        .field("BROKERS", brokers.to_string())
        .field("TOPIC", target.name.as_str())
        .field("PARTITIONS", number(target.leaders.len() as u64))
}

/// What a benchmark prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) settings: Fields,
    pub(super) result: Fields,
    pub(super) latencies: Table,
    pub(super) errors: Table,
}

impl Report {
    /// A result without latencies.
    pub(super) fn new(settings: Fields, result: Fields) -> Self {
        Self {
            settings,
            result,
            latencies: Table::new(LATENCY_COLUMNS),
            errors: Table::new(&["ERROR", "ANSWERS"]),
        }
    }

    /// Adds the latencies and the errors of what was measured.
    pub(super) fn with(mut self, measured: &Measured) -> Self {
        for (of, histogram) in measured.latencies() {
            self.latencies.row(latency_row(of, histogram));
        }
        for (name, count) in &measured.errors {
            self.errors.row([name.as_str().into(), number(*count)]);
        }
        self
    }

    /// Prints it.
    pub(super) fn print(&self, output: OutputArguments) -> anyhow::Result<()> {
        let mut sections = vec![
            ("SETTINGS", self.settings.text()),
            ("RESULT", self.result.text()),
        ];
        if !self.latencies.is_empty() {
            sections.push(("LATENCIES", self.latencies.text()));
        }
        if !self.errors.is_empty() {
            sections.push(("ERRORS", self.errors.text()));
        }
        output.sections(&sections, self)
    }
}

fn latency_row(of: &str, histogram: &Histogram<u64>) -> Vec<Cell> {
    let quantiles = QUANTILES.map(|quantile| histogram.value_at_quantile(quantile));
    let mut row = vec![of.into(), number(histogram.len())];
    row.extend(
        quantiles
            .into_iter()
            .chain([histogram.max()])
            .map(milliseconds),
    );
    row
}

/// Nanoseconds as ms, to the tenth of a microsecond.
fn milliseconds(ns: u64) -> Cell {
    Cell::Decimal((ns as f64 / 100.0).round() / 10_000.0)
}

/// A duration as ms.
pub(super) fn duration_ms(duration: Duration) -> Cell {
    milliseconds(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// A count.
pub(super) fn number(count: u64) -> Cell {
    Cell::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// So much a second; nothing if no time has passed.
pub(super) fn per_second(amount: u64, passed: Duration) -> Cell {
    rate(amount as f64, passed)
}

/// So many millions of bytes a second.
pub(super) fn megabytes_per_second(bytes: u64, passed: Duration) -> Cell {
    rate(bytes as f64 / 1e6, passed)
}

fn rate(amount: f64, passed: Duration) -> Cell {
    match passed.is_zero() {
        true => Cell::Nothing,
        false => Cell::Decimal((amount / passed.as_secs_f64() * 100.0).round() / 100.0),
    }
}

/// A duration as seconds, to the ms.
pub(super) fn seconds(duration: Duration) -> Cell {
    Cell::Decimal((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_shown_in_ms() {
        let mut histogram = Histogram::new_with_bounds(100, 3_600_000_000_000, 3).unwrap();
        for us in 1..=10_000_u64 {
            histogram.record(us * 1000).unwrap();
        }
        let row = latency_row("A", &histogram);
        assert_eq!(row.len(), LATENCY_COLUMNS.len());
        assert_eq!((&row[0], &row[1]), (&"A".into(), &10_000.into()));
        for (cell, expected) in row[2..].iter().zip([5.0, 9.0, 9.9, 9.99, 9.999, 10.0]) {
            let Cell::Decimal(ms) = cell else {
                panic!("{cell:?}");
            };
            assert!((ms - expected).abs() < 0.01, "{ms} for {expected}");
        }
    }

    #[test]
    fn rates_are_of_the_time_that_has_passed() {
        let half = Duration::from_millis(500);
        assert_eq!(per_second(50, half), Cell::Decimal(100.0));
        assert_eq!(megabytes_per_second(1_234_567, half), Cell::Decimal(2.47));
        assert_eq!(per_second(50, Duration::ZERO), Cell::Nothing);
        assert_eq!(
            duration_ms(Duration::from_nanos(123_456)),
            Cell::Decimal(0.1235)
        );
        assert_eq!(seconds(half), Cell::Decimal(0.5));
    }
}
