//! One input through one target, under the rules that hold for all of them.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Target;
use crate::allocation::{MemoryLimits, excess_over};

/// Allocations up to this size are nobody's concern.
pub const ALLOCATION_BYTES_MIN: usize = 64 * 1024;

/// Memory that may be held together for an input, whatever its size.
const HELD_BYTES_MIN: usize = 1024 * 1024;

/// The time of its thread that an input may take. A fuzzer stops one that takes none and never ends.
const THREAD_TIME_MAX: Duration = Duration::from_secs(1);

/// What an input of so many bytes justifies when nothing else is said: one allocation of twice its size,
/// and eight times its size together.
pub const fn twice_received(received_bytes: usize) -> MemoryLimits {
    times_received(received_bytes, 2)
}

/// What an input of so many bytes justifies where the things that it is read into are larger than their
/// bytes: one allocation of so many times its size, and four of them together.
pub const fn times_received(received_bytes: usize, times: usize) -> MemoryLimits {
    let at_once_bytes = received_bytes.saturating_mul(times);
    let held_bytes = at_once_bytes.saturating_mul(4);
    MemoryLimits {
        at_once_bytes: if at_once_bytes > ALLOCATION_BYTES_MIN {
            at_once_bytes
        } else {
            ALLOCATION_BYTES_MIN
        },
        held_bytes: held_bytes.saturating_add(HELD_BYTES_MIN),
    }
}

/// Runs the target with the input.
///
/// # Panics
///
/// When the target does, when it takes more memory than it may for such an input, or when it takes too
/// long.
pub fn check(target: &Target, input: &[u8]) {
    (target.prepare)();
    let limits = (target.memory_limits)(input.len());
    let before = thread_time();
    let excess = excess_over(limits, || (target.run)(input));
    let took = thread_time().saturating_sub(before);
    let received = input.len();
    assert_eq!(excess, None, "{limits:?} for {received} bytes of input");
    assert!(
        took <= THREAD_TIME_MAX,
        "{took:?} for {received} bytes of input"
    );
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
