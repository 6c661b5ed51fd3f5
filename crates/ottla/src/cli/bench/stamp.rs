//! The time at which a record was due, in front of its value: what a consumer, in this process or
//! another one, takes the end-to-end latency from.

use std::time::{Instant, SystemTime};

/// What tells such a value from others.
const MARK: &[u8; 8] = b"ottla-ns";

/// Bytes that a stamp takes.
pub(super) const STAMP_BYTES: usize = 16;

/// The wall clock, read once: from then on time goes by the monotonic one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    read_at: Instant,
    wall_ns: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            read_at: Instant::now(),
            wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// A time in ns since 1970.
    pub(super) fn wall_ns(self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.read_at);
        let before = self.read_at.saturating_duration_since(at);
        let ns = |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(0);
        (self.wall_ns + ns(since)).saturating_sub(ns(before))
    }
}

/// Puts a time in front of a value, which has at least [`STAMP_BYTES`].
pub(super) fn put(value: &mut [u8], wall_ns: u64) {
    if let Some(stamp) = value.first_chunk_mut::<STAMP_BYTES>() {
        stamp[..8].copy_from_slice(MARK);
        stamp[8..].copy_from_slice(&wall_ns.to_be_bytes());
    }
}

/// The time in front of a value, if there is one.
pub(super) fn get(value: &[u8]) -> Option<u64> {
    let (mark, time) = value.first_chunk::<STAMP_BYTES>()?.split_at(MARK.len());
    let time = time.first_chunk()?;
    (mark == MARK).then(|| u64::from_be_bytes(*time))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_stamp_is_found_where_there_is_one() {
        let mut value = [7; 20];
        assert_eq!(get(&value), None);
        put(&mut value, 1_795_251_071_361_000_001);
        assert_eq!(get(&value), Some(1_795_251_071_361_000_001));
        assert_eq!(value[STAMP_BYTES..], [7; 4]);
        assert_eq!(get(&value[..15]), None);
        assert_eq!(get(b""), None);
    }

    #[test]
    fn wall_times_are_as_far_apart_as_the_moments_are() {
        let clock = Clock::new();
        let now = Instant::now();
        let later = now + Duration::from_micros(1_500_001);
        assert_eq!(clock.wall_ns(later) - clock.wall_ns(now), 1_500_001_000);
        let earlier = now.checked_sub(Duration::from_millis(3)).unwrap();
        assert_eq!(clock.wall_ns(now) - clock.wall_ns(earlier), 3_000_000);
    }
}
