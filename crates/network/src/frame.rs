//! Frames out of bytes: four bytes of length, big-endian, then as many bytes.

use bytes::buf::Limit;
use bytes::{BufMut, Bytes};

use crate::close_reason;
use crate::frame_budget::FrameShare;
use crate::limits::{FRAME_FIRST_BYTES, FRAME_FREE_BYTES, READ_BYTES};

/// The length in front of a frame.
const HEADER_BYTES: usize = 4;

/// Puts frames together. Memory grows with the bytes that have come, never with the length that was
/// announced.
#[derive(Debug)]
pub(crate) struct FrameAssembler {
    frame_bytes_max: usize,
    /// Whether no frame has begun yet: what comes first tells whether this is Kafka's protocol.
    first: bool,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// The announced length, once the header is there.
    length: Option<usize>,
    body: Vec<u8>,
    share: Option<FrameShare>,
}

impl FrameAssembler {
    /// For a connection of which no frame has come yet if `first`.
    pub(crate) fn new(frame_bytes_max: usize, first: bool) -> Self {
        Self {
            frame_bytes_max,
            first,
            header: [0; HEADER_BYTES],
            header_bytes: 0,
            length: None,
            body: Vec::new(),
            share: None,
        }
    }

    /// Whether no frame has begun yet.
    pub(crate) fn is_first(&self) -> bool {
        self.first
    }

    /// Whether a frame has begun and is not complete.
    pub(crate) fn is_partial(&self) -> bool {
        self.header_bytes > 0
    }

    /// Whether the frame that has begun may hold more than the budget has room for.
    pub(crate) fn is_beyond_budget(&self) -> bool {
        matches!(self.share, Some(FrameShare::Beyond(_)))
    }

    /// Takes bytes off the input until a frame is complete. Errs with the reason to close.
    pub(crate) fn push(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, &'static str> {
        let length = match self.length {
            Some(length) => length,
            None => match self.push_header(input)? {
                Some(length) => length,
                None => return Ok(None),
            },
        };
        if self.body.is_empty() && input.len() >= length {
            let (frame, rest) = input.split_at(length);
            *input = rest;
            let frame = Bytes::copy_from_slice(frame);
            self.begin_next();
            return Ok(Some(frame));
        }
        let taken = input.len().min(length - self.body.len());
        let (now, rest) = input.split_at(taken);
        *input = rest;
        self.body.reserve_exact(taken);
        self.body.extend_from_slice(now);
        // Nothing is behind it: no more was taken than it lacked.
        Ok(self.take_complete().map(|(frame, _)| frame))
    }

    fn push_header(&mut self, input: &mut &[u8]) -> Result<Option<usize>, &'static str> {
        let taken = input.len().min(HEADER_BYTES - self.header_bytes);
        let (now, rest) = input.split_at(taken);
        *input = rest;
        for byte in now {
            if let Some(place) = self.header.get_mut(self.header_bytes) {
                *place = *byte;
            }
            self.header_bytes += 1;
        }
        if self.header_bytes < HEADER_BYTES {
            return Ok(None);
        }
        if std::mem::take(&mut self.first)
            && let Some(reason) = other_protocol(self.header)
        {
            return Err(reason);
        }
        let length = i32::from_be_bytes(self.header);
        match usize::try_from(length) {
            Err(_) => Err(close_reason::FRAME_NEGATIVE),
            Ok(length) if length > self.frame_bytes_max => Err(close_reason::FRAME_TOO_LARGE),
            Ok(length) => {
                self.length = Some(length);
                Ok(Some(length))
            }
        }
    }

    /// How large the buffer should be to go on reading into it directly; `None` if so little has come,
    /// or is to come, that it is read together with what follows it. If all of the frame fits, there is room for the
    /// next length too, if that takes no more than a frame may have: so a socket gives less than there is room for
    /// when it is empty, and the next frame begins with its length known.
    pub(crate) fn wanted_capacity(&self) -> Option<usize> {
        let length = self.length?;
        let held = self.body.len();
        let enough = length + HEADER_BYTES;
        if length <= READ_BYTES && held < FRAME_FREE_BYTES {
            None
        } else if length - held < READ_BYTES {
            Some(enough)
        } else if held < self.body.capacity() {
            Some(self.body.capacity().min(enough))
        } else {
            Some((held * 2).max(FRAME_FIRST_BYTES).min(enough))
        }
    }

    /// Bytes that the frame holds and should have a share of the budget for.
    pub(crate) fn bytes_to_share(&self) -> Option<usize> {
        let held = self.body.len();
        (held > FRAME_FREE_BYTES).then_some(held)
    }

    /// Bytes that the frame holds, if it has a share of the budget for them.
    pub(crate) fn bytes_with_share(&self) -> Option<usize> {
        self.share.is_some().then_some(self.body.len())
    }

    /// The share of the budget, to be grown.
    pub(crate) fn take_share(&mut self) -> Option<FrameShare> {
        self.share.take()
    }

    /// Puts the share back.
    pub(crate) fn put_share(&mut self, share: Option<FrameShare>) {
        self.share = share;
    }

    /// The place for the next bytes of the frame, in a buffer of this size.
    pub(crate) fn space(&mut self, capacity: usize) -> Limit<&mut Vec<u8>> {
        let room = capacity.saturating_sub(self.body.len());
        self.body.reserve_exact(room);
        (&mut self.body).limit(room)
    }

    /// The frame, if the bytes put into [`FrameAssembler::space`] have completed it, and what has come behind it.
    pub(crate) fn take_complete(&mut self) -> Option<(Bytes, Bytes)> {
        let length = self.length.filter(|length| *length <= self.body.len())?;
        let mut frame = Bytes::from(std::mem::take(&mut self.body));
        let behind = frame.split_off(length);
        self.begin_next();
        Some((frame, behind))
    }

    fn begin_next(&mut self) {
        self.header_bytes = 0;
        self.length = None;
        self.body = Vec::new();
        self.share = None;
    }
}

/// Whether a connection begins like one of another protocol. Read as lengths, these are all above
/// 300 MB.
fn other_protocol(first: [u8; HEADER_BYTES]) -> Option<&'static str> {
    match &first {
        [0x16, 0x03, _, _] => Some(close_reason::TLS),
        b"GET " | b"POST" | b"PUT " | b"HEAD" | b"DELE" | b"OPTI" | b"PATC" | b"CONN" | b"TRAC"
        | b"PRI " => Some(close_reason::HTTP),
        _ => None,
    }
}
