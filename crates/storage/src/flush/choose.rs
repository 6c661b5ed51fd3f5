//! Which logs are worth a flush. Decides, and touches nothing.

use crate::log::FlushCandidate;

/// Logs with this much are always taken: their files are written in large pieces.
const WORTH_BYTES: u64 = 1 << 20;

/// How many other logs a pass takes.
const SMALL_LOGS_MAX: usize = 256;

/// Why there is a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Take every log.
    pub everything: bool,
    /// Memory is to be freed.
    pub is_memory_high: bool,
    /// Rounds up to this one are to be freed.
    pub older_than_round: u64,
    /// How much may stay in memory.
    pub memory_target_bytes: u64,
}

/// What a pass takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub log_ids: Vec<u32>,
    /// Whether nothing was left for another pass.
    pub is_complete: bool,
}

/// The logs to flush: those with much to write, those that keep old rounds (oldest first), and as
/// many more of the largest as memory wants. Of logs with little to write a pass takes only some,
/// so that what it frees can be used before all of them are done.
pub(crate) fn choose(candidates: &[FlushCandidate], scope: Scope) -> Choice {
    let is_worth = |candidate: &FlushCandidate| {
        scope.everything
            || candidate.roll_requested
            || (scope.is_memory_high && candidate.bytes >= WORTH_BYTES)
    };
    type Split<'a> = (Vec<&'a FlushCandidate>, Vec<&'a FlushCandidate>);
    let (worth, mut rest): Split<'_> = candidates.iter().partition(|candidate| is_worth(candidate));
    let mut log_ids: Vec<u32> = worth.iter().map(|candidate| candidate.log_id).collect();
    rest.sort_unstable_by_key(|candidate| (candidate.oldest_round, candidate.log_id));
    let old = rest.partition_point(|candidate| candidate.oldest_round <= scope.older_than_round);
    let mut large = rest.split_off(old);
    large.sort_unstable_by_key(|candidate| std::cmp::Reverse((candidate.bytes, candidate.log_id)));
    let mut left: u64 = large.iter().map(|candidate| candidate.bytes).sum();
    let wanted = large.iter().take_while(|candidate| {
        let is_wanted = scope.is_memory_high && left > scope.memory_target_bytes;
        left -= candidate.bytes;
        is_wanted
    });
    rest.extend(wanted);
    let is_complete = rest.len() <= SMALL_LOGS_MAX;
    let small = rest.iter().take(SMALL_LOGS_MAX);
    log_ids.extend(small.map(|candidate| candidate.log_id));
    Choice {
        log_ids,
        is_complete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(log_id: u32, bytes: u64, oldest_round: u64) -> FlushCandidate {
        FlushCandidate {
            log_id,
            bytes,
            oldest_round,
            roll_requested: false,
        }
    }

    const SCOPE: Scope = Scope {
        everything: false,
        is_memory_high: false,
        older_than_round: 0,
        memory_target_bytes: 1000,
    };

    #[test]
    fn old_rounds_and_large_logs_are_taken_and_the_rest_as_memory_wants() {
        let candidates = [
            candidate(1, 2 << 20, 50),
            candidate(2, 10, 5),
            candidate(3, 900, 60),
            candidate(4, 800, 70),
        ];
        let chosen = |older_than_round, is_memory_high| {
            let scope = Scope {
                older_than_round,
                is_memory_high,
                ..SCOPE
            };
            choose(&candidates, scope).log_ids
        };
        assert_eq!(chosen(5, false), [2]);
        assert_eq!(chosen(0, true), [1, 3]);
        assert_eq!(chosen(5, true), [1, 2, 3]);
        let everything = Scope {
            everything: true,
            ..SCOPE
        };
        assert_eq!(choose(&candidates, everything).log_ids, [1, 2, 3, 4]);
    }

    #[test]
    fn a_pass_takes_some_of_many_small_logs_the_oldest_first() {
        let mut candidates: Vec<_> = (0..1_000)
            .map(|id| candidate(id, 10, 2_000 - u64::from(id)))
            .collect();
        candidates.push(candidate(5_000, 2 << 20, 9_999));
        let scope = Scope {
            is_memory_high: true,
            older_than_round: 5_000,
            ..SCOPE
        };
        let choice = choose(&candidates, scope);
        assert!(!choice.is_complete);
        assert_eq!(choice.log_ids.len(), SMALL_LOGS_MAX + 1);
        assert_eq!(choice.log_ids[..3], [5_000, 999, 998]);
        candidates.truncate(SMALL_LOGS_MAX);
        assert!(choose(&candidates, scope).is_complete);
    }
}
