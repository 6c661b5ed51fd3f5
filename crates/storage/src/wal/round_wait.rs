//! How long a round waits for entries that are likely to come.
//!
//! Whoever was answered by a round often comes again at once. Without waiting, rounds of those who come
//! and of those who were answered follow one another, each half as large as it could be, and each costs
//! a force.

use std::time::Duration;

use env::Monotonic;

/// Larger rounds do not wait: what the disk takes for them counts, not how many there are.
const ROUND_BYTES_MAX: usize = 64 << 10;
/// How many times as long as the force before a round waits, once it has an entry: on one processor a few
/// requests take as long as a force.
const FORCES: u32 = 3;
/// The longest that a round waits.
const TIME_MAX: Duration = Duration::from_millis(1);
/// How many rounds do not wait after one that waited in vain.
const PAUSE_ROUNDS: u32 = 32;

/// What the rounds before tell about the next one.
#[derive(Debug, Default)]
pub(super) struct RoundWait {
    /// How many entries the next round may have.
    expected: usize,
    /// How long it waits for them once there is one.
    time: Duration,
    /// Until when it waits, if it does, and how many entries there were when that began.
    waiting: Option<(Monotonic, usize)>,
    pause_rounds: u32,
}

impl RoundWait {
    /// How many entries the next round waits for; 0 or 1: it does not wait.
    pub(super) fn expected(&self) -> usize {
        match self.pause_rounds {
            0 => self.expected,
            _ => 0,
        }
    }

    /// Until when to wait if there are so many entries and there should be more; `None`: no longer.
    pub(super) fn until(&mut self, queued: usize, now: Monotonic) -> Option<Monotonic> {
        let (until, before) = *self.waiting.get_or_insert((now + self.time, queued));
        if now < until {
            return Some(until);
        }
        let came = queued.saturating_sub(before);
        let missing = self.expected.saturating_sub(before);
        if came * 2 < missing {
            self.pause_rounds = PAUSE_ROUNDS;
        }
        None
    }

    /// Notes a round of so many bytes whose entries waited for it to be forced, and how long that took; as many
    /// entries as it had, and as have come meanwhile, are expected for the next one.
    pub(super) fn note_strict(&mut self, bytes: usize, force: Duration, expected: usize) {
        self.pause_rounds = self.pause_rounds.saturating_sub(1);
        self.waiting = None;
        self.time = force.saturating_mul(FORCES).min(TIME_MAX);
        self.expected = match bytes <= ROUND_BYTES_MAX {
            true => expected,
            false => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Monotonic {
        Monotonic::default() + Duration::from_micros(micros)
    }

    const FORCE: Duration = Duration::from_micros(100);

    fn expecting(entries: usize) -> RoundWait {
        let mut wait = RoundWait::default();
        wait.note_strict(4096, FORCE, entries);
        wait
    }

    #[test]
    fn one_after_the_other_does_not_wait() {
        assert_eq!(RoundWait::default().expected(), 0);
        assert_eq!(expecting(1).expected(), 1);
    }

    #[test]
    fn it_waits_as_long_as_three_forces_take_from_the_first_entry_on() {
        let mut wait = expecting(5);
        assert_eq!(wait.until(2, at(10)), Some(at(310)));
        assert_eq!(wait.until(4, at(309)), Some(at(310)));
        assert_eq!(wait.until(4, at(310)), None);
    }

    #[test]
    fn a_slow_force_is_waited_for_a_millisecond_at_most() {
        let mut wait = RoundWait::default();
        wait.note_strict(4096, Duration::from_secs(5), 5);
        assert_eq!(wait.until(2, at(0)), Some(at(1000)));
    }

    #[test]
    fn large_rounds_do_not_wait() {
        let mut wait = RoundWait::default();
        wait.note_strict(ROUND_BYTES_MAX, FORCE, 5);
        assert_eq!(wait.expected(), 5);
        wait.note_strict(ROUND_BYTES_MAX + 1, FORCE, 5);
        assert_eq!(wait.expected(), 0);
    }

    #[test]
    fn rounds_that_waited_in_vain_are_followed_by_some_that_do_not_wait() {
        let mut wait = expecting(6);
        assert!(wait.until(2, at(0)).is_some());
        // Two of the four that are missing are enough to go on with it.
        assert_eq!(wait.until(4, at(300)), None);
        assert_eq!(wait.expected(), 6);
        wait.note_strict(4096, FORCE, 6);
        assert!(wait.until(2, at(400)).is_some());
        assert_eq!(wait.until(3, at(700)), None);
        for _ in 0..PAUSE_ROUNDS {
            assert_eq!(wait.expected(), 0);
            wait.note_strict(4096, FORCE, 6);
        }
        assert_eq!(wait.expected(), 6);
    }
}
