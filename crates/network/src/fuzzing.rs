//! Frames without sockets: the assembler driven as a connection drives it, for tests and the fuzzer.

use bytes::{BufMut, Bytes};

use crate::frame::FrameAssembler;
use crate::frame_budget::FrameBudget;

/// Feeds the pieces in which bytes arrive, through the scratch buffer or directly into a frame's own,
/// and hands over the frames as they become whole. Errs with the reason to close the connection.
///
/// # Panics
///
/// If a frame keeps its share of the budget when it is done.
pub fn assemble<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    frame_bytes_max: usize,
    mut seen: impl FnMut(Bytes),
) -> Result<(), &'static str> {
    let budget_bytes = 1 << 20;
    let budget = FrameBudget::new(budget_bytes);
    let mut assembler = FrameAssembler::new(frame_bytes_max, true);
    for mut piece in pieces {
        while !piece.is_empty() {
            let Some(capacity) = assembler.wanted_capacity() else {
                assembler.push(&mut piece)?.into_iter().for_each(&mut seen);
                continue;
            };
            let share = assembler.take_share();
            assembler.put_share(budget.try_grow(share, capacity).ok());
            let mut space = assembler.space(capacity);
            let (now, rest) = piece.split_at(piece.len().min(space.remaining_mut()));
            space.put_slice(now);
            piece = rest;
            if let Some((frame, behind)) = assembler.take_complete() {
                seen(frame);
                let mut behind = behind.as_ref();
                while !behind.is_empty() {
                    assembler.push(&mut behind)?.into_iter().for_each(&mut seen);
                }
            }
        }
    }
    assert!(assembler.is_partial() || budget.available() == budget_bytes);
    Ok(())
}
