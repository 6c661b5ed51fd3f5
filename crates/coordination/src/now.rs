//! The time of a call.

use std::time::Duration;

/// The time of a call, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The clock that never jumps, since an arbitrary start; all timers go by it.
    pub monotonic: Duration,
    /// Milliseconds since the Unix epoch; what records are stamped with and retention goes by.
    pub wall_ms: i64,
}
