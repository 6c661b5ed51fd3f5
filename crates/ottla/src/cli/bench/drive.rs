//! The loop of one connection: send what is due, look at what has come, wait.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use client::{Frame, Pipeline};

use super::alarm::Alarm;

/// What a connection is to do next.
pub(super) enum Next<T> {
    /// Send this request; the token comes back with the answer.
    Send(Frame, T),
    /// Send this request, which is not answered.
    Unanswered(Frame),
    /// Nothing before this time.
    At(Instant),
    /// Nothing any more; what is under way is still waited for.
    Done,
}

/// What is done on a connection.
pub(super) trait Work {
    /// What has to be remembered of a request until its answer comes.
    type Token;

    /// Asked whenever another request may be under way; `room_since` is the time since when.
    fn next(&mut self, now: Instant, room_since: Instant) -> anyhow::Result<Next<Self::Token>>;

    /// An answer, without its length.
    fn answered(
        &mut self,
        pipeline: &Pipeline,
        token: Self::Token,
        answer: Bytes,
        now: Instant,
    ) -> anyhow::Result<()>;
}

/// Does the work with at most so many requests under way.
pub(super) async fn drive<W: Work>(
    mut pipeline: Pipeline,
    mut work: W,
    in_flight_max: usize,
) -> anyhow::Result<()> {
    let mut tokens = VecDeque::new();
    let mut alarm = None;
    let mut room_since = Instant::now();
    loop {
        let mut wake_at = None;
        let mut is_done = false;
        while pipeline.under_way() < in_flight_max {
            match work.next(Instant::now(), room_since)? {
                Next::Send(frame, token) => {
                    pipeline.send(&frame, true);
                    tokens.push_back(token);
                }
                Next::Unanswered(frame) => pipeline.send(&frame, false),
                Next::At(when) => {
                    wake_at = Some(when);
                    break;
                }
                Next::Done => {
                    is_done = true;
                    break;
                }
            }
        }
        if is_done && pipeline.under_way() == 0 {
            return Ok(());
        }
        let is_full = pipeline.under_way() >= in_flight_max;
        match wake_at {
            None => pipeline.advance().await?,
            Some(when) => {
                let alarm = match &mut alarm {
                    Some(alarm) => alarm,
                    None => alarm.insert(Alarm::new()?),
                };
                tokio::select! {
                    biased;
                    moved = pipeline.advance() => moved?,
                    woken = alarm.at(when) => woken?,
                }
            }
        }
        while let Some(answer) = pipeline.answer()? {
            // The pipeline has seen to it that there is a request for each answer.
            let Some(token) = tokens.pop_front() else {
                break;
            };
            work.answered(&pipeline, token, answer, Instant::now())?;
        }
        if is_full && pipeline.under_way() < in_flight_max {
            room_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests;
