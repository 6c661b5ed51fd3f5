//! One input through one target, under the rules that hold for all of them.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Target;
use crate::allocation::excess_over;

/// Allocations up to this size are nobody's concern.
pub const ALLOCATION_BYTES_MIN: usize = 64 * 1024;

/// The time of its thread that an input may take. A fuzzer stops one that takes none and never ends.
const THREAD_TIME_MAX: Duration = Duration::from_secs(1);

/// Largest allocation for an input of which so many bytes have been received.
pub const fn twice_received(received_bytes: usize) -> usize {
    let twice = received_bytes.saturating_mul(2);
    if twice > ALLOCATION_BYTES_MIN {
        twice
    } else {
        ALLOCATION_BYTES_MIN
    }
}

/// Runs the target with the input.
///
/// # Panics
///
/// When the target does, when it allocates more at a time than it may for such an input, or when it
/// takes too long.
pub fn check(target: &Target, input: &[u8]) {
    (target.prepare)();
    let limit_bytes = (target.allocation_bytes_max)(input.len());
    let before = thread_time();
    let excess = excess_over(limit_bytes, || (target.run)(input));
    let took = thread_time().saturating_sub(before);
    let received = input.len();
    assert_eq!(
        excess, None,
        "an allocation above {limit_bytes} bytes for {received} bytes of input"
    );
    assert!(
        took <= THREAD_TIME_MAX,
        "{took:?} for {received} bytes of input"
    );
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
