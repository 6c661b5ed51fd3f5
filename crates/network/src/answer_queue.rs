//! The answers of one connection, in the order of its requests.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use chunks::Chunks;

use crate::close_reason;
use crate::limits::{IN_FLIGHT_BYTES_MAX, IN_FLIGHT_REQUESTS_MAX};
use crate::output::Output;
use crate::service::{BoxFuture, Outcome, Reply};

/// Requests that were dispatched and whose answers have not left.
#[derive(Default)]
pub(crate) struct AnswerQueue {
    entries: VecDeque<Entry>,
    /// Bytes of the requests and answers in `entries`.
    bytes: usize,
    /// Why the connection is to be closed when what has left the queue is written.
    closing: Option<&'static str>,
}

struct Entry {
    bytes: usize,
    answer: Answer,
}

enum Answer {
    There(Outcome),
    /// Frames behind it wait.
    Serial(BoxFuture<Outcome>),
    /// Frames behind it wait, and it may be given up.
    Parked(BoxFuture<Outcome>),
    /// Frames behind it do not wait.
    Pipelined(BoxFuture<Outcome>),
}

impl AnswerQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Why the connection is to be closed when everything is written.
    pub(crate) fn closing(&self) -> Option<&'static str> {
        self.closing
    }

    /// Whether the next frame may be dispatched.
    pub(crate) fn may_dispatch(&self) -> bool {
        let ordered = match self.entries.back() {
            None => true,
            Some(last) => match &last.answer {
                Answer::There(Outcome::Close(_)) | Answer::Serial(_) | Answer::Parked(_) => false,
                Answer::There(_) | Answer::Pipelined(_) => true,
            },
        };
        ordered
            && self.closing.is_none()
            && self.entries.len() < IN_FLIGHT_REQUESTS_MAX
            && self.bytes < IN_FLIGHT_BYTES_MAX
    }

    /// Takes the reply to a frame of this many bytes.
    pub(crate) fn push(&mut self, frame_bytes: usize, reply: Reply, output: &mut Output) {
        let answer = match reply {
            Reply::None => return,
            Reply::Close(reason) => Answer::There(Outcome::Close(reason)),
            Reply::Ready(chunks) => Answer::There(Outcome::Answer(chunks)),
            Reply::Serial(future) => Answer::Serial(future),
            Reply::Parked(future) => Answer::Parked(future),
            Reply::Pipelined(future) => Answer::Pipelined(future),
        };
        match answer {
            // Nothing is before it.
            Answer::There(outcome) if self.entries.is_empty() => self.take_outcome(outcome, output),
            answer => {
                let bytes = match &answer {
                    Answer::There(Outcome::Answer(chunks)) => chunks.len(),
                    _ => frame_bytes,
                };
                self.entries.push_back(Entry { bytes, answer });
                self.bytes += bytes;
            }
        }
    }

    /// Moves answers from the front into the output, as many as are there. Ready when at least one
    /// was moved.
    pub(crate) fn poll_answers(&mut self, ctx: &mut Context<'_>, output: &mut Output) -> Poll<()> {
        let mut moved = Poll::Pending;
        while self.closing.is_none()
            && let Some(front) = self.entries.front_mut()
        {
            match &mut front.answer {
                Answer::There(_) => {}
                Answer::Serial(future) | Answer::Parked(future) | Answer::Pipelined(future) => {
                    match future.as_mut().poll(ctx) {
                        Poll::Ready(outcome) => front.answer = Answer::There(outcome),
                        Poll::Pending => return moved,
                    }
                }
            }
            self.take_ready(output);
            moved = Poll::Ready(());
        }
        moved
    }

    fn take_ready(&mut self, output: &mut Output) {
        while self.closing.is_none()
            && let Some(Entry {
                answer: Answer::There(_),
                ..
            }) = self.entries.front()
            && let Some(entry) = self.entries.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
            if let Answer::There(outcome) = entry.answer {
                self.take_outcome(outcome, output);
            }
        }
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    fn take_outcome(&mut self, outcome: Outcome, output: &mut Output) {
        match outcome {
            Outcome::None => {}
            Outcome::Close(reason) => self.closing = Some(reason),
            Outcome::Answer(chunks) => self.send(chunks, output),
        }
    }

    fn send(&mut self, chunks: Chunks, output: &mut Output) {
        if !output.push_answer(chunks) {
            self.closing = Some(close_reason::IO_ERROR);
        }
    }

    /// Gives up the answer that may never come. Returns whether there was one.
    pub(crate) fn drop_parked(&mut self) -> bool {
        // Nothing is dispatched behind it, so it is the last.
        match self.entries.back() {
            Some(Entry {
                answer: Answer::Parked(_),
                bytes,
            }) => {
                self.bytes = self.bytes.saturating_sub(*bytes);
                self.entries.pop_back();
                true
            }
            _ => false,
        }
    }
}
