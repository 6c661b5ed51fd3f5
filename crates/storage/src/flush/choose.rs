//! Which logs are worth a flush. Decides, and touches nothing.

use crate::log::FlushCandidate;

/// Logs with this much are always taken: their files are written in large pieces.
const WORTH_BYTES: u64 = 1 << 20;

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

/// The logs to flush: those with much to write, those that keep old rounds, and as many more of
/// the largest as memory wants.
pub(crate) fn choose(candidates: &[FlushCandidate], scope: Scope) -> Vec<u32> {
    let is_worth = |candidate: &&FlushCandidate| {
        scope.everything
            || candidate.roll_requested
            || (scope.is_memory_high && candidate.bytes >= WORTH_BYTES)
            || candidate.oldest_round <= scope.older_than_round
    };
    let mut chosen: Vec<u32> = candidates
        .iter()
        .filter(is_worth)
        .map(|candidate| candidate.log_id)
        .collect();
    if !scope.is_memory_high {
        return chosen;
    }
    let mut rest: Vec<_> = candidates
        .iter()
        .filter(|candidate| !is_worth(candidate))
        .collect();
    rest.sort_unstable_by_key(|candidate| std::cmp::Reverse((candidate.bytes, candidate.log_id)));
    let mut left: u64 = rest.iter().map(|candidate| candidate.bytes).sum();
    for candidate in rest {
        if left <= scope.memory_target_bytes {
            break;
        }
        left -= candidate.bytes;
        chosen.push(candidate.log_id);
    }
    chosen
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
        let scope = |older_than_round, is_memory_high| Scope {
            older_than_round,
            is_memory_high,
            ..SCOPE
        };
        assert_eq!(choose(&candidates, scope(5, false)), [2]);
        assert_eq!(choose(&candidates, scope(0, true)), [1, 3]);
        assert_eq!(choose(&candidates, scope(5, true)), [1, 2, 3]);
        let everything = Scope {
            everything: true,
            ..SCOPE
        };
        assert_eq!(choose(&candidates, everything), [1, 2, 3, 4]);
    }
}
