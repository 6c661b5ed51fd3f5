//! The rows of the comparison.

use super::bare::Bare;
use super::contender::Name;
use super::figures::{self, Figure};
use super::load::{GIGABYTE, Load};
use super::memory::Held;

/// What a row measures, and with what.
pub(super) struct Row {
    /// In file names and on the command line.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What an acknowledgement means in it.
    pub(super) durability: Durability,
    pub(super) cores: Cores,
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
    /// Whatever each of them does where nothing is set.
    Default,
}

impl Durability {
    /// The setting of a topic.
    pub(super) fn flush_messages(self) -> Option<u64> {
        match self {
            Self::Strict => Some(1),
            Self::Relaxed => Some(i64::MAX as u64),
            Self::Default => None,
        }
    }
}

/// Who has which processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cores {
    /// The broker has one, the load the other.
    OneEach,
    /// Both have both.
    Shared,
}

pub(super) enum Kind {
    /// Both are up and under load by turns.
    Load(Load),
    /// They are started on empty directories.
    Start,
    /// They are killed and started again.
    Recovery,
    /// They are made to hold many of something.
    Memory(Held),
    /// Ottla is under load, and the other is no broker but what the machine can do.
    Limit(Load, Bare),
}

impl Row {
    /// Whether it makes sense next to this one.
    pub(super) fn is_for(&self, peer: Name) -> bool {
        match peer {
            Name::Ottla => false,
            Name::Kafka => true,
            // What it does at rest and at its start is about the heap that it usually has.
            Name::KafkaWith4G => matches!(self.kind, Kind::Load(_)),
            // It keeps nothing that is forced or read from disk, and a group of 200 got no answer from it for 30 s.
            Name::Tansu => match self.kind {
                Kind::Recovery | Kind::Limit(..) | Kind::Load(Load { is_cold: true, .. }) => false,
                _ => self.durability != Durability::Strict && self.name != "rebalance-200",
            },
            // It speaks a protocol of its own.
            Name::Nats => ["start", "one-each-relaxed"].contains(&self.name),
        }
    }
}

/// The row of this name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

const fn load(partitions: u32, measured: &'static str) -> Load {
    Load {
        partitions,
        is_topic_new: false,
        fill: None,
        beside: None,
        measured,
        are_forces_counted: false,
        is_cold: false,
    }
}

/// As much as is taken.
const fn most(partitions: u32, measured: &'static str) -> Load {
    Load {
        is_topic_new: true,
        ..load(partitions, measured)
    }
}

const fn of_load(
    name: &'static str,
    title: &'static str,
    durability: Durability,
    load: Load,
    figures: &'static [Figure],
) -> Row {
    Row {
        name,
        title,
        durability,
        cores: Cores::OneEach,
        is_to_close: false,
        kind: Kind::Load(load),
        figures,
    }
}

const fn other(
    name: &'static str,
    title: &'static str,
    kind: Kind,
    figures: &'static [Figure],
) -> Row {
    Row {
        name,
        title,
        durability: Durability::Default,
        cores: Cores::OneEach,
        is_to_close: false,
        kind,
        figures,
    }
}

const fn to_close(row: Row) -> Row {
    Row {
        is_to_close: true,
        ..row
    }
}

const fn shared(row: Row) -> Row {
    Row {
        cores: Cores::Shared,
        ..row
    }
}

const KIBIBYTE_1: &str = "produce TOPIC -p 1 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds SECONDS";
const KIBIBYTE_16: &str = "produce TOPIC -p 16 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds SECONDS";
const SMALL: &str = "produce TOPIC -p 16 --keys 10000 --batch-records 1 --record-bytes 100 --connections 100 --in-flight 1 --rate 5000 --seconds SECONDS";
const ONE_EACH: &str = "produce TOPIC -p 1 --batch-records 1 --record-bytes 1024 --connections 64 --in-flight 1 --seconds SECONDS";
const LATENCY: &str = "latency TOPIC -p 1 --rate 1000 --record-bytes 100 --seconds SECONDS";

const DRAIN: Load = Load {
    fill: Some(GIGABYTE),
    ..load(16, "consume TOPIC --consumers 1 --seconds 600")
};
const DRAIN_BY_8: Load = Load {
    measured: "consume TOPIC --consumers 8 --seconds 600",
    ..DRAIN
};
const COLD: Load = Load {
    fill: Some("produce TOPIC -p 16 --records 8000000 --record-bytes 1024 --batch-bytes 100000"),
    is_cold: true,
    ..DRAIN
};
const TAIL: Load = Load {
    beside: Some(
        "produce TOPIC -p 16 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds LONGER",
    ),
    ..load(16, "consume TOPIC --tail --consumers 1 --seconds SECONDS")
};
const TAIL_BY_8: Load = Load {
    measured: "consume TOPIC --tail --consumers 8 --seconds SECONDS",
    ..TAIL
};
const FAN_OUT: Load = Load {
    is_topic_new: true,
    beside: Some("produce TOPIC -p 16 --record-bytes 1024 --batch-bytes 100000 --seconds LONGER"),
    ..TAIL_BY_8
};

/// In the order of the page.
pub(super) const ROWS: &[Row] = &[
    to_close(other(
        "start",
        "a start on an empty directory",
        Kind::Start,
        figures::START,
    )),
    to_close(of_load(
        "produce-16x1024-relaxed",
        "20,000 records of 1 KiB a second to 16 partitions, linger 1 ms",
        Durability::Relaxed,
        load(16, KIBIBYTE_16),
        figures::PRODUCED_RELAXED,
    )),
    to_close(of_load(
        "produce-16x100-relaxed",
        "50,000 records of 100 B a second to 16 partitions, linger 1 ms",
        Durability::Relaxed,
        load(
            16,
            "produce TOPIC -p 16 --rate 50000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 100 --seconds SECONDS",
        ),
        figures::PRODUCED_RELAXED,
    )),
    to_close(of_load(
        "produce-16x1024-strict",
        "2,000 records of 1 KiB a second to 16 partitions in batches of 16 KB",
        Durability::Strict,
        load(
            16,
            "produce TOPIC -p 16 --rate 2000 --linger-ms 5 --batch-bytes 16384 --record-bytes 1024 --seconds SECONDS",
        ),
        figures::PRODUCED_STRICT,
    )),
    to_close(of_load(
        "produce-small-relaxed",
        "5,000 keyed records of 100 B a second one by one, 100 connections",
        Durability::Relaxed,
        load(16, SMALL),
        figures::SMALL,
    )),
    to_close(of_load(
        "group-commit",
        "64 producers, each with one record of 1 KiB at a time, one partition",
        Durability::Strict,
        load(1, ONE_EACH),
        figures::ACKNOWLEDGED,
    )),
    of_load(
        "group-commit-forces",
        "the same, and how often the disk is forced",
        Durability::Strict,
        Load {
            are_forces_counted: true,
            ..load(1, ONE_EACH)
        },
        figures::FORCES,
    ),
    of_load(
        "one-each-relaxed",
        "64 producers, each with one record of 1 KiB at a time, one partition",
        Durability::Relaxed,
        load(1, ONE_EACH),
        figures::ONE_EACH,
    ),
    of_load(
        "produce-1x1024-relaxed",
        "20,000 records of 1 KiB a second to 1 partition, linger 1 ms",
        Durability::Relaxed,
        load(1, KIBIBYTE_1),
        figures::PRODUCED_RELAXED,
    ),
    of_load(
        "produce-1x100-relaxed",
        "50,000 records of 100 B a second to 1 partition, linger 1 ms",
        Durability::Relaxed,
        load(
            1,
            "produce TOPIC -p 1 --rate 50000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 100 --seconds SECONDS",
        ),
        figures::PRODUCED_RELAXED,
    ),
    of_load(
        "produce-100x1024-relaxed",
        "20,000 records of 1 KiB a second to 100 partitions, linger 1 ms",
        Durability::Relaxed,
        load(
            100,
            "produce TOPIC -p 100 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --seconds SECONDS",
        ),
        figures::PRODUCED_RELAXED,
    ),
    of_load(
        "produce-100x100-relaxed",
        "50,000 records of 100 B a second to 100 partitions, linger 1 ms",
        Durability::Relaxed,
        load(
            100,
            "produce TOPIC -p 100 --rate 50000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 100 --seconds SECONDS",
        ),
        figures::PRODUCED_RELAXED,
    ),
    of_load(
        "produce-lz4-relaxed",
        "20,000 records of 1 KiB a second to 16 partitions, lz4",
        Durability::Relaxed,
        load(
            16,
            "produce TOPIC -p 16 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --codec lz4 --seconds SECONDS",
        ),
        figures::PRODUCED_RELAXED,
    ),
    of_load(
        "produce-zstd-relaxed",
        "20,000 records of 1 KiB a second to 16 partitions, zstd",
        Durability::Relaxed,
        load(
            16,
            "produce TOPIC -p 16 --rate 20000 --linger-ms 1 --batch-bytes 1000000 --record-bytes 1024 --codec zstd --seconds SECONDS",
        ),
        figures::PRODUCED_RELAXED,
    ),
    of_load(
        "produce-most-relaxed",
        "records of 1 KiB to 16 partitions in batches of 100 KB, as many as are taken",
        Durability::Relaxed,
        most(
            16,
            "produce TOPIC -p 16 --record-bytes 1024 --batch-bytes 100000 --seconds SECONDS",
        ),
        figures::PRODUCED_MOST,
    ),
    of_load(
        "produce-64k-relaxed",
        "records of 64 KiB to 16 partitions in batches of 1 MB, as many as are taken",
        Durability::Relaxed,
        most(
            16,
            "produce TOPIC -p 16 --record-bytes 65536 --batch-bytes 1000000 --in-flight 2 --seconds SECONDS",
        ),
        figures::PRODUCED_MOST,
    ),
    of_load(
        "drain-1",
        "a backlog of 1 GB read by 1 consumer",
        Durability::Relaxed,
        DRAIN,
        figures::DRAINED,
    ),
    of_load(
        "drain-8",
        "a backlog of 1 GB read by each of 8 consumers",
        Durability::Relaxed,
        DRAIN_BY_8,
        figures::DRAINED,
    ),
    of_load(
        "drain-cold",
        "8 GB that are only on disk, read by 1 consumer",
        Durability::Relaxed,
        COLD,
        figures::DRAINED,
    ),
    of_load(
        "tail-1",
        "20,000 records of 1 KiB a second, read as they come by 1 consumer",
        Durability::Relaxed,
        TAIL,
        figures::TAIL,
    ),
    of_load(
        "tail-8",
        "20,000 records of 1 KiB a second, read as they come by each of 8 consumers",
        Durability::Relaxed,
        TAIL_BY_8,
        figures::TAIL,
    ),
    of_load(
        "latency-relaxed",
        "1,000 records of 100 B a second, one by one",
        Durability::Relaxed,
        load(1, LATENCY),
        figures::LATENCY,
    ),
    of_load(
        "latency-strict",
        "100 records of 100 B a second, one by one",
        Durability::Strict,
        load(
            1,
            "latency TOPIC -p 1 --rate 100 --record-bytes 100 --seconds SECONDS",
        ),
        figures::LATENCY,
    ),
    of_load(
        "offset-commits",
        "16 members commit offsets, each as soon as it is answered",
        Durability::Default,
        load(
            1,
            "groups TOPIC -p 1 --commits --members 16 --seconds SECONDS",
        ),
        figures::COMMITS,
    ),
    of_load(
        "rebalance-200",
        "200 members join a group, and one leaves",
        Durability::Default,
        load(
            200,
            "groups TOPIC -p 200 --rebalance 200 --heartbeat-ms 500",
        ),
        figures::REBALANCE,
    ),
    Row {
        durability: Durability::Relaxed,
        ..other(
            "recovery",
            "killed with 1 GB in a topic, and started again",
            Kind::Recovery,
            figures::RECOVERY,
        )
    },
    other(
        "memory-partitions",
        "1,000 partitions with a record each",
        Kind::Memory(Held::Partitions),
        figures::PER_PARTITION,
    ),
    other(
        "memory-connections",
        "8,000 idle connections",
        Kind::Memory(Held::Connections),
        figures::PER_CONNECTION,
    ),
    other(
        "memory-groups",
        "1,000 groups with an offset each",
        Kind::Memory(Held::Groups),
        figures::PER_GROUP,
    ),
    shared(of_load(
        "shared-produce-16x1024-relaxed",
        "20,000 records of 1 KiB a second to 16 partitions; broker and load share both processors",
        Durability::Relaxed,
        load(16, KIBIBYTE_16),
        figures::PRODUCED_RELAXED,
    )),
    shared(of_load(
        "shared-produce-small-relaxed",
        "5,000 keyed records of 100 B a second one by one; broker and load share both processors",
        Durability::Relaxed,
        load(16, SMALL),
        figures::SMALL,
    )),
    shared(of_load(
        "shared-group-commit",
        "64 producers, each with one record of 1 KiB at a time; broker and load share both processors",
        Durability::Strict,
        load(1, ONE_EACH),
        figures::ACKNOWLEDGED,
    )),
    Row {
        durability: Durability::Strict,
        ..other(
            "limit-latency",
            "1,000 records of 100 B a second one by one, next to 4 KiB appended and forced",
            Kind::Limit(load(1, LATENCY), Bare::Append),
            figures::LIMIT_OF_LATENCY,
        )
    },
    Row {
        durability: Durability::Strict,
        ..other(
            "limit-writing",
            "batches of 1 MB to 1 partition, next to 1 MB appended and forced",
            Kind::Limit(
                most(
                    1,
                    "produce TOPIC -p 1 --record-bytes 1024 --batch-bytes 1000000 --seconds SECONDS",
                ),
                Bare::Stream,
            ),
            figures::LIMIT_OF_WRITING,
        )
    },
    Row {
        durability: Durability::Relaxed,
        ..other(
            "limit-sending",
            "as many records of 1 KiB as are taken, read as they come by each of 8 consumers, next to bytes sent to 8 connections",
            Kind::Limit(FAN_OUT, Bare::Send),
            figures::LIMIT_OF_SENDING,
        )
    },
    Row {
        durability: Durability::Relaxed,
        ..other(
            "limit-answering",
            "5,000 keyed records of 100 B a second one by one, next to a process that only reads and answers as often",
            Kind::Limit(load(16, SMALL), Bare::Answer),
            figures::LIMIT_OF_ANSWERING,
        )
    },
];
