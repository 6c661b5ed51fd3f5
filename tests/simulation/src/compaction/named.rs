//! Runs that have failed once. Each says what was wrong.

use super::actions::Action;
use super::run;

/// An aborted transaction whose marker was not in a segment yet counted as a newer record of its keys.
#[test]
fn a_record_that_only_an_aborted_one_stands_behind_stays() {
    let actions = [
        Action::Produce {
            log: 7_708_768_809_888_129_302,
            producer: 8_981_928_436_058_771_331,
            records: 3_710_094_090_181_768_951,
        },
        Action::Transact {
            log: 10_983_809_082_079_294_148,
            producer: 5_203_489_845_636_975_956,
            records: 5_694_223_221_898_099_208,
        },
        Action::Commit,
        Action::Advance { ms: 3168 },
        Action::EndTransaction {
            log: 6_960_323_957_216_241_623,
            producer: 10_889_466_247_697_987_070,
            is_commit: false,
        },
        Action::Compact { steps: 27 },
        Action::Flush,
        Action::Commit,
        Action::Compact { steps: 30 },
        Action::Flush,
    ];
    run(115, &actions).unwrap();
}

/// Batches that compaction had replaced were still read from memory, those of transactions among them
/// that were not listed as aborted any more.
#[test]
fn what_is_compacted_is_not_read_from_memory() {
    let mut actions = Vec::new();
    for records in 0..12 {
        actions.push(Action::Append {
            log: 0,
            records: 4 * records,
        });
        actions.push(Action::Commit);
    }
    actions.push(Action::CompactAll);
    run(1, &actions).unwrap();
}
