//! Bounds that nobody needs to set.

use std::time::Duration;

/// Most bytes that are read before it is known what they belong to.
pub(crate) const READ_BYTES: usize = 8 * 1024;

/// What a frame that is not complete may hold without a share of the budget, and most that is read
/// at a time when little of the budget is left.
pub(crate) const FRAME_FREE_BYTES: usize = 1024;

/// What a frame that is larger than [`READ_BYTES`] gets first; doubled as its bytes arrive.
pub(crate) const FRAME_FIRST_BYTES: usize = 64 * 1024;

/// How many bytes of a frame with a share of the budget must come each time that it could stall: a
/// byte now and then would keep the share for as long as somebody likes.
pub(crate) const FRAME_PROGRESS_BYTES: usize = 64 * 1024;

/// Most requests of one connection that may wait for their answers.
pub(crate) const IN_FLIGHT_REQUESTS_MAX: usize = 64;

/// Requests and answers of one connection that wait may hold this many bytes; one more is dispatched
/// as long as they hold less.
pub(crate) const IN_FLIGHT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// No request is dispatched while more than this is waiting to be written.
pub(crate) const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Pieces of answers below this size are copied together, larger ones are sent where they lie.
pub(crate) const COPIED_PIECE_BYTES_MAX: usize = 4 * 1024;

/// Most pieces in one write.
pub(crate) const WRITE_PIECES_MAX: usize = 64;

/// After this without a request under way a connection rests at first: its task ends, until the client sends something.
pub(crate) const REST_AFTER_MIN: Duration = Duration::from_millis(100);

/// After this at most, if it was in use again and again. To rest and to be woken takes about as long as half a request, which who sends
/// something that seldom does not notice.
pub(crate) const REST_AFTER_MAX: Duration = Duration::from_secs(10);

/// Connections come to rest at multiples of this many milliseconds since the start of their listener, so that the
/// processor is not woken for each. One that has been idle for too long before it rests is closed by up to this much
/// later.
pub(crate) const REST_TICK_MS: u64 = 100;

/// Most resting connections that are woken together.
pub(crate) const WOKEN_CONNECTIONS_MAX: usize = 64;

/// Connections that the operating system keeps waiting to be accepted.
pub(crate) const ACCEPT_BACKLOG: i32 = 1024;

const _: () = assert!(FRAME_FREE_BYTES < READ_BYTES && READ_BYTES < FRAME_FIRST_BYTES);
