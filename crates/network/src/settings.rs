//! What a listener is told.

use std::time::Duration;

/// The limits of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSettings {
    /// `max.connections`: most connections at a time.
    pub connections_max: usize,
    /// `max.connections.per.ip`: most connections of one address at a time.
    pub connections_per_ip_max: usize,
    /// `connections.max.idle.ms`: how long a connection may send nothing while nothing is asked.
    pub idle: Duration,
    /// `socket.request.max.bytes`: the largest frame.
    pub frame_bytes_max: usize,
    /// `socket.send.buffer.bytes`: how much of its answers a connection hands to the system; `None`: as
    /// much as the system thinks right. The system counts what it needs besides, and doubles it for that.
    pub send_buffer_bytes: Option<usize>,
    /// How long a frame may stop in the middle, and a client not take its answers; 30 s.
    pub stall: Duration,
    /// How much memory frames of all connections may hold while they arrive; 12 MiB. One frame at a
    /// time may hold more, so that any frame gets through.
    pub frames_in_progress_bytes_max: usize,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            connections_max: usize::MAX,
            connections_per_ip_max: usize::MAX,
            idle: Duration::from_secs(600),
            frame_bytes_max: 100 * 1024 * 1024,
            send_buffer_bytes: Some(256 * 1024),
            stall: Duration::from_secs(30),
            frames_in_progress_bytes_max: 12 * 1024 * 1024,
        }
    }
}
