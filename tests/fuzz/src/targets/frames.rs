//! Frames out of a stream that comes in pieces of any size.
//!
//! The input is two bytes that decide the sizes of the pieces, and then the stream.

use bytes::Bytes;
use network::{close_reason, fuzzing};

use crate::Target;

pub(super) const TARGET: Target = Target {
    seeds,
    input_bytes_max: 128 * 1024,
    ..Target::new("frames", "frames out of a stream in pieces", run)
};

/// Small, so that a fuzzer finds out what is too large.
const FRAME_BYTES_MAX: usize = 100_000;

fn seeds() -> Vec<Vec<u8>> {
    let frame = |length: usize| [&(length as u32).to_be_bytes(), &vec![7; length][..]].concat();
    let streams = [
        [frame(0), frame(9), frame(300)].concat(),
        frame(7_000),
        frame(90_000),
        frame(FRAME_BYTES_MAX + 1)[..20].to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\0\x01".to_vec(),
        (-1i32).to_be_bytes().to_vec(),
    ];
    let whole = streams
        .iter()
        .map(|stream| [&[0xff, 0xff], &stream[..]].concat());
    let bit_by_bit = streams.iter().map(|stream| [&[1, 3], &stream[..]].concat());
    whole.chain(bit_by_bit).collect()
}

fn run(input: &[u8]) {
    let Some((&[one, other], stream)) = input.split_first_chunk() else {
        return;
    };
    let sizes = [usize::from(one) * 97 + 1, usize::from(other) + 1];
    let mut rest = stream;
    let pieces = sizes.iter().cycle().map_while(|size| {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    // With their lengths before them they are the stream again. A list of them would take a multiple
    // of it, as some have no bytes.
    let mut seen = Vec::new();
    let outcome = fuzzing::assemble(pieces, FRAME_BYTES_MAX, |frame: Bytes| {
        seen.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        seen.extend_from_slice(&frame);
    });
    let (bytes, end) = expected(stream);
    assert!(stream[..bytes] == seen, "the frames of the stream");
    assert_eq!(outcome, end);
}

/// How many bytes of a stream are whole frames, read in the plainest way, and how it ends.
fn expected(stream: &[u8]) -> (usize, Result<(), &'static str>) {
    let mut rest = stream;
    let end = loop {
        let Some((&header, after)) = rest.split_first_chunk::<4>() else {
            break Ok(());
        };
        let is_first = rest.len() == stream.len();
        let methods = [
            "GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI ",
        ];
        if is_first && methods.iter().any(|method| method.as_bytes() == header) {
            break Err(close_reason::HTTP);
        }
        if is_first && header.starts_with(&[0x16, 3]) {
            break Err(close_reason::TLS);
        }
        match usize::try_from(i32::from_be_bytes(header)) {
            Err(_) => break Err(close_reason::FRAME_NEGATIVE),
            Ok(length) if length > FRAME_BYTES_MAX => break Err(close_reason::FRAME_TOO_LARGE),
            Ok(length) => match after.split_at_checked(length) {
                None => break Ok(()),
                Some((_, after)) => rest = after,
            },
        }
    };
    (stream.len() - rest.len(), end)
}
