//! Random scripts of commits, transactions, deletions and restarts. What must come of them is read
//! from the whole list of what was written, each time anew.

use proptest::prelude::*;

use super::request;
use crate::tests::harness::{GROUP, Harness, offset_to_commit};
use crate::*;

const PARTITIONS: i32 = 3;

#[derive(Clone, Debug)]
enum Action {
    Commit {
        partition: i32,
        offset: i64,
    },
    /// Commits in the transaction of a producer, which begins one with it if it has none.
    Pend {
        producer: i64,
        partition: i32,
        offset: i64,
    },
    End {
        producer: i64,
        is_commit: bool,
    },
    DeleteOffset(i32),
    DeleteTopic,
    DeleteGroup,
    Pass(u64),
    Restart,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let partition = || 0..PARTITIONS;
    let action = prop_oneof![
        4 => (partition(), 0..1_000_i64)
            .prop_map(|(partition, offset)| Action::Commit { partition, offset }),
        8 => (0..3_i64, partition(), 0..1_000_i64).prop_map(|(producer, partition, offset)| {
            Action::Pend { producer, partition, offset }
        }),
        5 => (0..3_i64, any::<bool>())
            .prop_map(|(producer, is_commit)| Action::End { producer, is_commit }),
        1 => partition().prop_map(Action::DeleteOffset),
        1 => Just(Action::DeleteTopic),
        1 => Just(Action::DeleteGroup),
        1 => (0..3_600_000_u64).prop_map(Action::Pass),
        2 => Just(Action::Restart),
    ];
    prop::collection::vec(action, 1..80)
}

/// A commit, and what has become of it.
#[derive(Clone, Debug)]
struct Written {
    partition: i32,
    offset: i64,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Shown,
    Waiting { producer: i64 },
    Gone,
}

struct World {
    h: Harness,
    written: Vec<Written>,
}

impl World {
    fn run(&mut self, action: &Action) {
        let shown = Fate::Shown;
        match *action {
            Action::Commit { partition, offset } => {
                let offsets = vec![offset_to_commit("t", partition, offset)];
                let result = self.h.commit_with(request(offsets));
                assert_eq!(result, Ok(vec![Ok(())]));
                self.note(partition, offset, shown);
            }
            Action::Pend {
                producer,
                partition,
                offset,
            } => {
                let offsets = vec![offset_to_commit("t", partition, offset)];
                let result = self.h.commit_in_transaction(producer, request(offsets));
                assert_eq!(result, Ok(vec![Ok(())]));
                self.note(partition, offset, Fate::Waiting { producer });
            }
            Action::End {
                producer,
                is_commit,
            } => {
                self.h.end_transaction(producer, is_commit);
                let of_producer = Fate::Waiting { producer };
                for written in &mut self.written {
                    if written.fate == of_producer {
                        written.fate = if is_commit { shown } else { Fate::Gone };
                    }
                }
            }
            Action::DeleteOffset(partition) => {
                let expected = match self.has_group() {
                    true => Ok(vec![Ok(())]),
                    false => Err(GroupError::GroupIdNotFound),
                };
                assert_eq!(self.h.delete_offsets(&[("t", partition)]), expected);
                self.forget(|written| written.partition == partition);
            }
            Action::DeleteTopic => {
                self.h.delete_topic("t");
                self.forget(|_| true);
            }
            Action::DeleteGroup => {
                let expected = match self.has_group() {
                    true => Ok(()),
                    false => Err(GroupError::GroupIdNotFound),
                };
                assert_eq!(self.h.delete_group(), expected);
                self.forget(|_| true);
            }
            Action::Pass(ms) => self.h.pass_ms(ms),
            Action::Restart => self.h.restart(),
        }
        self.check();
    }

    fn note(&mut self, partition: i32, offset: i64, fate: Fate) {
        self.written.push(Written {
            partition,
            offset,
            fate,
        });
    }

    fn forget(&mut self, is_gone: impl Fn(&Written) -> bool) {
        for written in self.written.iter_mut().filter(|written| is_gone(written)) {
            written.fate = Fate::Gone;
        }
    }

    fn has_group(&self) -> bool {
        let mut written = self.written.iter();
        written.any(|written| written.fate != Fate::Gone)
    }

    fn check(&self) {
        for partition in 0..PARTITIONS {
            let of_partition = || {
                let written = self.written.iter();
                written.filter(move |written| written.partition == partition)
            };
            let mut shown = of_partition().filter(|written| written.fate == Fate::Shown);
            let expected = shown.next_back().map(|written| written.offset);
            assert_eq!(self.h.offset_of("t", partition), expected);
            let is_pending =
                of_partition().any(|written| matches!(written.fate, Fate::Waiting { .. }));
            let found = self.h.coordinator.has_pending(GROUP, "t", partition);
            assert_eq!(found, is_pending, "partition {partition}");
        }
        assert_eq!(self.h.coordinator.group_count() > 0, self.has_group());
        self.h.compare_with_restart();
    }
}

proptest! {
    #[test]
    fn offsets_are_those_of_the_last_commit_that_counts(actions in actions()) {
        let mut world = World {
            h: Harness::new(),
            written: Vec::new(),
        };
        for action in &actions {
            world.run(action);
        }
        for producer in 0..3 {
            world.run(&Action::End { producer, is_commit: true });
        }
        prop_assert_eq!(world.h.coordinator.pending(), Vec::new());
    }
}
