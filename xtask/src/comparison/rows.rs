//! The rows of the comparison.

use serde_json::Value;

use super::contender::Measured;
use super::load::Load;

/// What a row measures, and with what.
pub(super) struct Row {
    /// In file names and on the command line.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What an acknowledgement means in it.
    pub(super) durability: Durability,
    /// Whether it is one of those that count most.
    pub(super) is_to_close: bool,
    pub(super) kind: Kind,
    pub(super) figures: &'static [Figure],
}

/// What an acknowledgement means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It is forced to disk: Ottla's default, and `flush.messages=1` in Kafka.
    Strict,
    /// The operating system has it: `flush.messages` far away, which is Kafka's default.
    Relaxed,
    /// Nothing is written.
    None,
}

pub(super) enum Kind {
    /// Both are up and under load by turns.
    Load(Load),
    /// They are started on empty directories.
    Start,
}

/// One number of a row.
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// From what was measured; `None` if it was not.
    pub(super) of: fn(&Measured) -> Option<f64>,
    pub(super) target: Target,
}

/// What Ottla's number divided by Kafka's is to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    pub(super) fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::AtLeast(limit) => ratio >= limit,
        }
    }
}

/// The row of this name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// In the order of the page.
pub(super) const ROWS: &[Row] = &[
    Row {
        name: "produce-1x1024-relaxed",
        title: "20,000 records of 1 KiB a second to 1 partition, linger 1 ms",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 1 -c flush.messages=9223372036854775807 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-1x100-relaxed",
        title: "50,000 records of 100 B a second to 1 partition, linger 1 ms",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 1 -c flush.messages=9223372036854775807 --rate 50000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 100 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-16x1024-relaxed",
        title: "20,000 records of 1 KiB a second to 16 partitions, linger 1 ms",
        durability: Durability::Relaxed,
        is_to_close: true,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-16x100-relaxed",
        title: "50,000 records of 100 B a second to 16 partitions, linger 1 ms",
        durability: Durability::Relaxed,
        is_to_close: true,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --rate 50000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 100 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-100x1024-relaxed",
        title: "20,000 records of 1 KiB a second to 100 partitions, linger 1 ms",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 100 -c flush.messages=9223372036854775807 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-100x100-relaxed",
        title: "50,000 records of 100 B a second to 100 partitions, linger 1 ms",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 100 -c flush.messages=9223372036854775807 --rate 50000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 100 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-16x1024-strict",
        title: "16 KB batches of 1 KiB records to 16 partitions, 2,000 records a second",
        durability: Durability::Strict,
        is_to_close: true,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=1 --rate 2000 --linger-ms 5 --batch-bytes 16384 --record-bytes 1024 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.6),
        }],
    },
    Row {
        name: "produce-small-relaxed",
        title: "keyed records of 100 B one by one, 100 connections",
        durability: Durability::Relaxed,
        is_to_close: true,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --keys 10000 --batch-records 1 --record-bytes 100 --connections 100 --in-flight 1 --rate 5000 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU microseconds per request",
            of: cpu_microseconds_per_request,
            target: Target::AtMost(0.4),
        }],
    },
    Row {
        name: "produce-64k-relaxed",
        title: "records of 64 KiB to 16 partitions, as many as it takes",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --record-bytes 65536 --batch-bytes 1000000 --in-flight 2 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[
            Figure {
                name: "CPU seconds per GB produced",
                of: cpu_seconds_per_gigabyte,
                target: Target::AtMost(0.5),
            },
            Figure {
                name: "MB a second",
                of: |measured| number(measured, "result", "megabytes_per_second"),
                target: Target::AtLeast(1.5),
            },
        ],
    },
    Row {
        name: "produce-lz4-relaxed",
        title: "20,000 records of 1 KiB a second to 16 partitions, lz4",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --codec lz4 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "produce-zstd-relaxed",
        title: "20,000 records of 1 KiB a second to 16 partitions, zstd",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --codec zstd --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB produced",
            of: cpu_seconds_per_gigabyte,
            target: Target::AtMost(0.5),
        }],
    },
    Row {
        name: "group-commit",
        title: "64 producers, each with one record of 1 KiB at a time, one partition",
        durability: Durability::Strict,
        is_to_close: true,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -c flush.messages=1 --batch-records 1 --record-bytes 1024 --connections 64 --in-flight 1 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "acknowledgements a second",
            of: |measured| number(measured, "result", "acknowledgements_per_second"),
            target: Target::AtLeast(5.0),
        }],
    },
    Row {
        name: "group-commit-forces",
        title: "the same, and how often the disk is forced",
        durability: Durability::Strict,
        is_to_close: true,
        kind: Kind::Load(Load {
            fill: None,
            measured: "produce TOPIC -c flush.messages=1 --batch-records 1 --record-bytes 1024 --connections 64 --in-flight 1 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: true,
        }),
        figures: &[Figure {
            name: "forces per 1,000 acknowledgements",
            of: forces_per_thousand,
            target: Target::AtMost(0.2),
        }],
    },
    Row {
        name: "drain-1",
        title: "a backlog of 1 GB read by 1 consumer",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: Some(
                "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --records 1000000 --record-bytes 1024 --batch-bytes 100000",
            ),
            measured: "consume TOPIC --consumers 1 --seconds 600",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB consumed",
            of: cpu_seconds_per_gigabyte_consumed,
            target: Target::AtMost(0.9),
        }],
    },
    Row {
        name: "drain-8",
        title: "a backlog of 1 GB read by 8 consumers",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: Some(
                "produce TOPIC -p 16 -c flush.messages=9223372036854775807 --records 1000000 --record-bytes 1024 --batch-bytes 100000",
            ),
            measured: "consume TOPIC --consumers 8 --seconds 600",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds per GB consumed",
            of: cpu_seconds_per_gigabyte_consumed,
            target: Target::AtMost(0.9),
        }],
    },
    Row {
        name: "latency-strict",
        title: "1,000 records of 100 B a second, one by one",
        durability: Durability::Strict,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "latency TOPIC -c flush.messages=1 --rate 100 --seconds SECONDS",
            are_forces_counted: false,
        }),
        figures: &[
            Figure {
                name: "p99 end to end in ms",
                of: |measured| latency(measured, "END-TO-END", "p99_ms"),
                target: Target::AtMost(0.7),
            },
            Figure {
                name: "p99.9 end to end in ms",
                of: |measured| latency(measured, "END-TO-END", "p99_9_ms"),
                target: Target::AtMost(0.5),
            },
        ],
    },
    Row {
        name: "latency-relaxed",
        title: "1,000 records of 100 B a second, one by one",
        durability: Durability::Relaxed,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "latency TOPIC -c flush.messages=9223372036854775807 --rate 1000 --seconds SECONDS",
            are_forces_counted: false,
        }),
        figures: &[
            Figure {
                name: "p99 end to end in ms",
                of: |measured| latency(measured, "END-TO-END", "p99_ms"),
                target: Target::AtMost(0.7),
            },
            Figure {
                name: "p99.9 end to end in ms",
                of: |measured| latency(measured, "END-TO-END", "p99_9_ms"),
                target: Target::AtMost(0.5),
            },
        ],
    },
    Row {
        name: "offset-commits",
        title: "16 members commit offsets, each as soon as it is answered",
        durability: Durability::None,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "groups TOPIC --commits --members 16 --seconds SECONDS --warm-up-seconds 1",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "OffsetCommits per CPU second",
            of: commits_per_cpu_second,
            target: Target::AtLeast(2.0),
        }],
    },
    Row {
        name: "rebalance-200",
        title: "200 members join a group, and one leaves",
        durability: Durability::None,
        is_to_close: false,
        kind: Kind::Load(Load {
            fill: None,
            measured: "groups TOPIC -p 200 --rebalance 200 --heartbeat-ms 500",
            are_forces_counted: false,
        }),
        figures: &[Figure {
            name: "CPU seconds",
            of: |measured| Some(measured.used.cpu_seconds),
            target: Target::AtMost(1.0),
        }],
    },
    Row {
        name: "start",
        title: "a start on an empty directory",
        durability: Durability::None,
        is_to_close: true,
        kind: Kind::Start,
        figures: &[
            Figure {
                name: "first answer in ms",
                of: |measured| number(measured, "result", "first_answer_ms"),
                target: Target::AtMost(0.05),
            },
            Figure {
                name: "memory at rest in bytes",
                of: |measured| number(measured, "result", "memory_bytes"),
                target: Target::AtMost(0.05),
            },
        ],
    },
];

/// Bytes of values that the load has written, warm-up included.
fn written_gigabytes(measured: &Measured) -> Option<f64> {
    let records = number(measured, "result", "total_records")?;
    let bytes = number(measured, "settings", "value_bytes")?;
    Some(records * bytes / 1e9)
}

fn cpu_seconds_per_gigabyte(measured: &Measured) -> Option<f64> {
    Some(measured.used.cpu_seconds / written_gigabytes(measured)?)
}

fn cpu_seconds_per_gigabyte_consumed(measured: &Measured) -> Option<f64> {
    let megabytes = number(measured, "result", "megabytes_per_second")?;
    let seconds = number(measured, "result", "measured_seconds")?;
    Some(measured.used.cpu_seconds / (megabytes * seconds / 1e3))
}

/// Of requests that carry one record each.
fn cpu_microseconds_per_request(measured: &Measured) -> Option<f64> {
    let records = number(measured, "result", "total_records")?;
    Some(measured.used.cpu_seconds * 1e6 / records)
}

fn forces_per_thousand(measured: &Measured) -> Option<f64> {
    let records = number(measured, "result", "total_records")?;
    Some(number(measured, "result", "forces")? * 1e3 / records)
}

fn commits_per_cpu_second(measured: &Measured) -> Option<f64> {
    Some(number(measured, "result", "total_commits")? / measured.used.cpu_seconds)
}

fn latency(measured: &Measured, of: &str, quantile: &str) -> Option<f64> {
    let rows = measured.report["latencies"].as_array()?;
    rows.iter().find(|row| row["of"] == of)?[quantile].as_f64()
}

fn number(measured: &Measured, part: &str, name: &str) -> Option<f64> {
    Value::as_f64(&measured.report[part][name])
}
