//! Frames put together from any pieces; answers taken apart into any pieces.

use bytes::{BufMut, Bytes};
use proptest::prelude::*;

use super::toy::frame;
use crate::frame::FrameAssembler;
use crate::fuzzing;
use crate::output::Output;

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
        lengths in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![0..20usize, 3000..9000usize], 0..5), 0..5),
        sizes in proptest::collection::vec(1..20_000usize, 1..9),
    ) {
        let mut output = Output::default();
        let mut expected = Vec::new();
        for (number, pieces) in lengths.iter().enumerate() {
            let answer: Vec<Bytes> =
                pieces.iter().map(|length| Bytes::from(vec![number as u8; *length])).collect();
            expected.extend(frame(&answer.concat()));
            prop_assert!(output.push_answer(answer));
        }
        let mut written = Vec::new();
        for size in sizes.iter().cycle() {
            if output.is_empty() {
                break;
            }
            let result: Result<usize, ()> = output.write(|slices| {
                let offered = slices.iter().flat_map(|slice| slice.iter().copied());
                let before = written.len();
                written.extend(offered.take(*size));
                Ok(written.len() - before)
            });
            prop_assert!(result.is_ok_and(|count| count > 0));
        }
        prop_assert_eq!(output.bytes(), 0);
        prop_assert_eq!(written, expected);
    }
}

#[test]
fn a_large_length_alone_costs_nothing() {
    let mut assembler = FrameAssembler::new(1 << 30);
    let mut input = &frame(&[])[..0];
    assert_eq!(assembler.push(&mut input), Ok(None));
    let announced = (1_u32 << 29).to_be_bytes();
    assert_eq!(assembler.push(&mut &announced[..]), Ok(None));
    assert_eq!(assembler.wanted_capacity(), Some(64 * 1024));
    assert_eq!(assembler.space(64 * 1024).remaining_mut(), 64 * 1024);
}
