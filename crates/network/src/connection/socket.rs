//! The calls of the kernel that a connection reads and writes with.

use std::fs::File;
use std::io::{self, IoSlice};

use rustix::fs::sendfile;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::output::Sink;

/// The socket as the place that answers go to.
pub(super) struct Socket<'a>(pub(super) &'a TcpStream);

impl Sink for Socket<'_> {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            // Mostly: a shorter way through the kernel.
            [one] => self.0.try_write(one),
            several => self.0.try_write_vectored(several),
        }
    }

    fn write_file(&mut self, file: &File, mut position: u64, bytes: usize) -> io::Result<usize> {
        self.0.try_io(Interest::WRITABLE, || {
            Ok(sendfile(self.0, file, Some(&mut position), bytes)?)
        })
    }
}

/// Reads what is there, in one call of the kernel. If that is less than there is room for, nothing is left,
/// and the stream counts as empty until the kernel says otherwise, without a second call to see it.
pub(super) fn read_once(
    stream: &TcpStream,
    room_bytes: usize,
    call: impl FnOnce() -> io::Result<usize>,
) -> io::Result<usize> {
    let mut read = Ok(0);
    // Within `try_io`, so that what arrives meanwhile is not taken for what has just been read.
    let noted = stream.try_io(Interest::READABLE, || {
        read = call();
        match &read {
            Ok(count) if *count > 0 && *count < room_bytes => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            _ => Ok(()),
        }
    });
    match (noted, &read) {
        // It was not even tried.
        (Err(error), Ok(0)) => Err(error),
        _ => read,
    }
}
