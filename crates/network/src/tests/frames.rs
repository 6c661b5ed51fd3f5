//! Frames put together from any pieces; answers taken apart into any pieces.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::{BufMut, Bytes};
use chunks::{Chunk, Chunks, FileRange};
use proptest::prelude::*;

use super::toy::frame;
use crate::frame::FrameAssembler;
use crate::fuzzing;
use crate::limits::FRAME_FIRST_BYTES;
use crate::output::{Output, Sink};

/// The frames in bytes that come in pieces of these sizes, again and again.
fn assemble(bytes: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = bytes;
    let pieces = sizes.iter().cycle().map_while(|size| {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    let mut frames = Vec::new();
    let assembled = fuzzing::assemble(pieces, 1 << 30, |frame| frames.push(frame));
    assert_eq!(assembled, Ok(()));
    frames
}

/// Takes at most so many bytes at a time.
struct Sips {
    taken: Vec<u8>,
    bytes_max: usize,
}

impl Sink for Sips {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let before = self.taken.len();
        let offered = slices.iter().flat_map(|slice| slice.iter().copied());
        self.taken.extend(offered.take(self.bytes_max));
        Ok(self.taken.len() - before)
    }

    fn write_file(&mut self, file: &File, position: u64, bytes: usize) -> io::Result<usize> {
        let mut buffer = vec![0; bytes.min(self.bytes_max)];
        file.read_exact_at(&mut buffer, position)?;
        self.taken.extend_from_slice(&buffer);
        Ok(buffer.len())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn frames_come_out_whole_however_they_arrive(
        lengths in proptest::collection::vec(prop_oneof![0..20usize, 0..200_000usize], 0..6),
        sizes in proptest::collection::vec(prop_oneof![1..9usize, 1..9000usize], 1..9),
    ) {
        let contents: Vec<Vec<u8>> = lengths
            .iter()
            .enumerate()
            .map(|(number, length)| (0..*length).map(|i| (i * 7 + number) as u8).collect())
            .collect();
        let bytes: Vec<u8> = contents.iter().flat_map(|content| frame(content)).collect();
        prop_assert_eq!(assemble(&bytes, &sizes), contents);
    }

    #[test]
    fn answers_are_written_whole_however_little_the_socket_takes(
        answers in proptest::collection::vec(
            proptest::collection::vec(
                (any::<bool>(), 0..100u64, prop_oneof![0..20usize, 3000..9000usize]), 0..5), 0..5),
        sizes in proptest::collection::vec(1..20_000usize, 1..9),
        is_written_between in any::<bool>(),
    ) {
        let mut file = tempfile::tempfile()?;
        let content: Vec<u8> = (0..10_000).map(|number| (number % 251) as u8).collect();
        file.write_all(&content)?;
        let file = Arc::new(file);
        let mut output = Output::default();
        let mut expected = Vec::new();
        let mut sink = Sips { taken: Vec::new(), bytes_max: 0 };
        let mut sizes = sizes.iter().copied().cycle();
        for pieces in answers {
            let chunks = pieces.into_iter().map(|(is_in_file, position, bytes)| {
                let range = FileRange { file: Arc::clone(&file), position, bytes };
                match is_in_file {
                    true => Chunk::File(range),
                    false => Chunk::File(range).into_bytes().into(),
                }
            });
            let answer = Chunks::from(chunks.collect::<Vec<_>>());
            expected.extend(frame(&answer.clone().into_bytes()));
            prop_assert!(output.push_answer(answer));
            prop_assert_eq!(output.bytes(), expected.len() - sink.taken.len());
            if is_written_between {
                sink.bytes_max = sizes.next().unwrap_or(1);
                prop_assert!(output.write(&mut sink)? > 0);
            }
        }
        while !output.is_empty() {
            sink.bytes_max = sizes.next().unwrap_or(1);
            prop_assert!(output.write(&mut sink)? > 0);
        }
        prop_assert_eq!(output.bytes(), 0);
        prop_assert_eq!(sink.taken, expected);
    }
}

#[test]
fn a_large_length_alone_costs_nothing() {
    let mut assembler = FrameAssembler::new(1 << 30, true);
    let mut input = &frame(&[])[..0];
    assert_eq!(assembler.push(&mut input), Ok(None));
    let announced = (1_u32 << 29).to_be_bytes();
    assert_eq!(assembler.push(&mut &announced[..]), Ok(None));
    assert_eq!(assembler.wanted_capacity(), Some(64 * 1024));
    assert_eq!(assembler.space(64 * 1024).remaining_mut(), 64 * 1024);
}

#[test]
fn no_frame_begins_with_more_than_any_other_may() {
    let first = FRAME_FIRST_BYTES;
    for (length, capacity) in [
        (first - 5, first - 1),
        (first - 4, first),
        (first - 1, first),
        (first, first),
        (first + 1, first),
    ] {
        let mut assembler = FrameAssembler::new(1 << 30, true);
        let announced = u32::try_from(length).unwrap().to_be_bytes();
        assert_eq!(assembler.push(&mut &announced[..]), Ok(None));
        assert_eq!(assembler.wanted_capacity(), Some(capacity), "{length}");
    }
}
