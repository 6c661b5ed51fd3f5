//! The numbers that are compared, from what was measured.

use serde_json::Value;

use super::contender::Measured;

/// One number of a row.
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// From what was measured of Ottla; `None` if it was not.
    pub(super) of: fn(&Measured) -> Option<f64>,
    /// From what was measured of what it is compared with.
    pub(super) of_peer: fn(&Measured) -> Option<f64>,
    pub(super) target: Target,
}

/// What Ottla's number divided by the other is to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing; it is told all the same.
    None,
}

impl Target {
    pub(super) fn is_met(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtMost(limit) => Some(ratio <= limit),
            Self::AtLeast(limit) => Some(ratio >= limit),
            Self::None => None,
        }
    }
}

const fn same(name: &'static str, of: fn(&Measured) -> Option<f64>, target: Target) -> Figure {
    Figure {
        name,
        of,
        of_peer: of,
        target,
    }
}

const fn acknowledged(target: Target) -> Figure {
    same(
        "acknowledgements a second",
        |measured| result(measured, "acknowledgements_per_second"),
        target,
    )
}

const fn requested(target: Target) -> Figure {
    same("CPU microseconds per request", cpu_per_request, target)
}

use Target::{AtLeast, AtMost};

const PER_GIGABYTE: &str = "CPU seconds per GB produced";
const PER_GIGABYTE_CONSUMED: &str = "CPU seconds per GB consumed";

pub(super) const PRODUCED_RELAXED: &[Figure] = &[same(PER_GIGABYTE, cpu_per_gigabyte, AtMost(0.5))];
pub(super) const PRODUCED_STRICT: &[Figure] = &[same(PER_GIGABYTE, cpu_per_gigabyte, AtMost(0.6))];
pub(super) const PRODUCED_MOST: &[Figure] = &[
    same("MB a second", megabytes_per_second, AtLeast(1.5)),
    same(PER_GIGABYTE, cpu_per_gigabyte, AtMost(0.5)),
];
pub(super) const SMALL: &[Figure] = &[requested(AtMost(0.4))];
pub(super) const ACKNOWLEDGED: &[Figure] = &[acknowledged(AtLeast(5.0))];
pub(super) const ONE_EACH: &[Figure] = &[acknowledged(Target::None), requested(Target::None)];
pub(super) const FORCES: &[Figure] = &[same(
    "forces per 1,000 acknowledgements",
    forces_per_thousand,
    AtMost(0.2),
)];
pub(super) const DRAINED: &[Figure] = &[
    same(
        PER_GIGABYTE_CONSUMED,
        cpu_per_gigabyte_consumed,
        AtMost(0.9),
    ),
    same("MB a second", megabytes_per_second, Target::None),
];
pub(super) const TAIL: &[Figure] = &[same(
    "CPU seconds per GB consumed, the writing included",
    cpu_per_gigabyte_consumed,
    AtMost(0.6),
)];
pub(super) const LATENCY: &[Figure] = &[
    same(
        "median end to end in ms",
        |measured| end_to_end(measured, "p50_ms"),
        Target::None,
    ),
    same(
        "p99 end to end in ms",
        |measured| end_to_end(measured, "p99_ms"),
        AtMost(0.7),
    ),
    same(
        "p99.9 end to end in ms",
        |measured| end_to_end(measured, "p99_9_ms"),
        AtMost(0.5),
    ),
];
pub(super) const COMMITS: &[Figure] = &[same(
    "OffsetCommits per CPU second",
    commits_per_cpu_second,
    AtLeast(2.0),
)];
pub(super) const REBALANCE: &[Figure] = &[
    same(
        "CPU seconds",
        |measured| Some(measured.used?.cpu_seconds),
        AtMost(1.0),
    ),
    same(
        "time of the join in ms",
        |measured| result(measured, "join_ms"),
        Target::None,
    ),
];
pub(super) const START: &[Figure] = &[
    same(
        "first answer in ms",
        |measured| result(measured, "first_answer_ms"),
        AtMost(0.05),
    ),
    same(
        "memory at rest in bytes",
        |measured| result(measured, "memory_bytes"),
        AtMost(0.05),
    ),
];
pub(super) const RECOVERY: &[Figure] = &[same(
    "first record after the start in ms",
    |measured| result(measured, "recovery_ms"),
    AtMost(0.3),
)];
pub(super) const PER_PARTITION: &[Figure] = &[same("bytes per partition", bytes_each, AtMost(0.5))];
pub(super) const PER_CONNECTION: &[Figure] =
    &[same("bytes per connection", bytes_each, AtMost(0.3))];
pub(super) const PER_GROUP: &[Figure] = &[same("bytes per group", bytes_each, Target::None)];

pub(super) const LIMIT_OF_LATENCY: &[Figure] = &[
    Figure {
        name: "median end to end, next to the median of a force, in ms",
        of: |measured| end_to_end(measured, "p50_ms"),
        of_peer: |measured| result(measured, "p50_ms"),
        target: AtMost(4.0),
    },
    Figure {
        name: "p99 end to end, next to the median of a force, in ms",
        of: |measured| end_to_end(measured, "p99_ms"),
        of_peer: |measured| result(measured, "p50_ms"),
        target: AtMost(12.0),
    },
];
pub(super) const LIMIT_OF_WRITING: &[Figure] =
    &[same("MB a second", megabytes_per_second, AtLeast(0.8))];
pub(super) const LIMIT_OF_SENDING: &[Figure] =
    &[same("MB a second", megabytes_per_second, AtLeast(0.6))];

pub(super) const LIMIT_OF_ANSWERING: &[Figure] = &[Figure {
    name: "CPU microseconds per request",
    of: cpu_per_request,
    of_peer: |measured| {
        Some(result(measured, "cpu_seconds")? * 1e6 / result(measured, "total_records")?)
    },
    target: Target::None,
}];

/// Bytes of values that the load has written, warm-up included.
fn written_gigabytes(measured: &Measured) -> Option<f64> {
    let bytes = number(&measured.report["settings"]["value_bytes"])?;
    Some(result(measured, "total_records")? * bytes / 1e9)
}

fn cpu_per_gigabyte(measured: &Measured) -> Option<f64> {
    Some(measured.used?.cpu_seconds / written_gigabytes(measured)?)
}

/// Of all that the consumers were given, warm-up included.
fn cpu_per_gigabyte_consumed(measured: &Measured) -> Option<f64> {
    let records = result(measured, "records")?;
    let gigabytes = result(measured, "batch_bytes")? / 1e9;
    let total = gigabytes * result(measured, "total_records")? / records;
    Some(measured.used?.cpu_seconds / total)
}

/// Of requests that carry one record each.
fn cpu_per_request(measured: &Measured) -> Option<f64> {
    Some(measured.used?.cpu_seconds * 1e6 / result(measured, "total_records")?)
}

fn forces_per_thousand(measured: &Measured) -> Option<f64> {
    Some(result(measured, "forces")? * 1e3 / result(measured, "total_records")?)
}

fn commits_per_cpu_second(measured: &Measured) -> Option<f64> {
    Some(result(measured, "total_commits")? / measured.used?.cpu_seconds)
}

fn megabytes_per_second(measured: &Measured) -> Option<f64> {
    result(measured, "megabytes_per_second")
}

fn bytes_each(measured: &Measured) -> Option<f64> {
    result(measured, "bytes_each")
}

fn end_to_end(measured: &Measured, quantile: &str) -> Option<f64> {
    let rows = measured.report["latencies"].as_array()?;
    let row = rows.iter().find(|row| row["of"] == "END-TO-END")?;
    number(&row[quantile])
}

fn result(measured: &Measured, name: &str) -> Option<f64> {
    number(&measured.report["result"][name])
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}
