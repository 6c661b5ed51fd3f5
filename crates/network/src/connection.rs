//! One connection: a loop that reads frames, dispatches them and writes answers.
//!
//! The loop never waits for one thing only, so a client that stops reading, sending or living is
//! noticed whatever the connection is busy with. While a request is worked on that no other may
//! overtake, at most a little is read ahead: that tells when the client has gone.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

mod deadlines;
mod socket;

use self::deadlines::{Due, longer};
use self::socket::{Socket, read_once};
use crate::answer_queue::AnswerQueue;
use crate::close_reason;
use crate::frame::FrameAssembler;
use crate::frame_budget::{FrameBudget, FrameShare};
use crate::limits::{
    FRAME_FREE_BYTES, FRAME_PROGRESS_BYTES, OUTPUT_BYTES_MAX, READ_BYTES, REST_AFTER_MIN,
};
use crate::listener::Open;
use crate::output::Output;
use crate::resting::Resting;
use crate::service::{BoxFuture, Service};

thread_local! {
    /// Where bytes land before it is known what they belong to; one for all connections of a
    /// thread, so that a connection that sends nothing holds nothing.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

pub(crate) struct Connection<S: Service> {
    stream: TcpStream,
    open: Open<S>,
    budget: FrameBudget,
    assembler: FrameAssembler,
    /// Frames that arrived together and cannot be dispatched yet.
    frames: VecDeque<Bytes>,
    answers: AnswerQueue,
    output: Output,
    waiting_for_budget: Option<BoxFuture<FrameShare>>,
    /// The client sends no more.
    end_of_input: bool,
    draining: bool,
    last_active: Instant,
    last_received: Instant,
    /// After how long without a request under way it rests. Twice as long each time that it is in use after all when that
    /// is over, or is woken.
    rest_after: Duration,
    /// Since when the socket has taken nothing of what is to be written.
    blocked_since: Option<Instant>,
    /// Until when the service wants no more frames.
    held_until: Option<Instant>,
    /// What the frame that is arriving has made of its share of the budget.
    share_use: Option<ShareUse>,
}

/// Since when a frame holds a share of the budget without going on, and with how many bytes.
struct ShareUse {
    since: Instant,
    bytes: usize,
}

/// How a task stops serving its connection.
enum End {
    /// The client has closed it.
    Client,
    /// Nothing is under way.
    Rests,
}

enum Event {
    Drain,
    Answers,
    Share(FrameShare),
    Writable,
    Readable,
    Timer,
    Failed,
}

impl<S: Service> Connection<S> {
    /// A connection that has just been accepted.
    pub(crate) fn new(stream: TcpStream, open: Open<S>) -> Self {
        Self::from_parts(stream, open, true, REST_AFTER_MIN)
    }

    /// A connection whose client has sent something while it was at rest. `None` if the runtime does not take its
    /// socket; then it is closed.
    pub(crate) fn woken(resting: Resting<S>) -> Option<Self> {
        match TcpStream::from_std(resting.stream) {
            Ok(stream) => {
                let rest_after = longer(resting.rest_after);
                Some(Self::from_parts(
                    stream,
                    resting.open,
                    resting.first,
                    rest_after,
                ))
            }
            Err(_) => {
                resting.open.close(close_reason::IO_ERROR);
                None
            }
        }
    }

    fn from_parts(stream: TcpStream, open: Open<S>, first: bool, rest_after: Duration) -> Self {
        let now = Instant::now();
        let shared = open.shared();
        Self {
            stream,
            budget: shared.budget.clone(),
            assembler: FrameAssembler::new(shared.settings.frame_bytes_max, first),
            open,
            frames: VecDeque::new(),
            answers: AnswerQueue::default(),
            output: Output::default(),
            waiting_for_budget: None,
            end_of_input: false,
            draining: false,
            last_active: now,
            last_received: now,
            rest_after,
            blocked_since: None,
            held_until: None,
            share_use: None,
        }
    }

    /// Serves the connection to its end, or until nothing is under way: then it is given back. `drain` says when the
    /// server is shut down.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would hold the connection twice: as given, and as worked with"
    )]
    pub(crate) fn run(
        mut self,
        mut drain: watch::Receiver<Option<Instant>>,
    ) -> impl Future<Output = Option<Resting<S>>> + Send {
        async move {
            let reason = match self.serve(&mut drain).await {
                Ok(End::Rests) => return self.into_resting(),
                Ok(End::Client) => close_reason::CLIENT,
                Err(reason) => reason,
            };
            self.open.close(reason);
            None
        }
    }

    /// Errs with the reason to close.
    async fn serve(
        &mut self,
        drain: &mut watch::Receiver<Option<Instant>>,
    ) -> Result<End, &'static str> {
        let mut timer = pin!(sleep_until(self.rests_at()));
        let mut drained = pin!(drain.changed());
        loop {
            self.look_whether_held();
            self.dispatch();
            self.write()?;
            if self.may_dispatch() && !self.frames.is_empty() {
                // What has just been written was in the way.
                continue;
            }
            if self.is_finished()? {
                return Ok(End::Client);
            }
            let wants_input = self.wants_input();
            if !wants_input && !self.assembler.is_beyond_budget() {
                // While nothing is read, that nothing comes is not the client's doing.
                self.share_use = None;
            }
            let deadline = self.deadline().map(|(at, _)| at);
            let wake_at = deadline.into_iter().chain(self.held_until).min();
            if let Some(at) = wake_at
                && (timer.is_elapsed() || at < timer.deadline())
            {
                timer.as_mut().reset(at);
            }
            let event = poll_fn(|ctx| {
                if !self.draining && drained.as_mut().poll(ctx).is_ready() {
                    return Poll::Ready(Event::Drain);
                }
                let event = self.poll_event(wants_input, ctx);
                if event.is_pending() && wake_at.is_some() {
                    return timer.as_mut().poll(ctx).map(|()| Event::Timer);
                }
                event
            })
            .await;
            match event {
                Event::Drain => self.drain(),
                Event::Answers | Event::Writable => {}
                Event::Share(share) => self.take_share(share),
                Event::Readable => self.read()?,
                Event::Timer => match self.due() {
                    Some(Due::Close(reason)) => return Err(reason),
                    Some(Due::Rest) => return Ok(End::Rests),
                    None => self.rest_after = longer(self.rest_after),
                },
                Event::Failed => return Err(close_reason::IO_ERROR),
            }
        }
    }

    /// What is there to be done next, shutting down and deadlines apart. The socket is asked directly: its futures would take
    /// 300 bytes of the task of every connection.
    fn poll_event(&mut self, wants_input: bool, ctx: &mut Context<'_>) -> Poll<Event> {
        let moved = self.answers.poll_answers(ctx, &mut self.output);
        if moved.is_ready() {
            return Poll::Ready(Event::Answers);
        }
        if let Some(wait) = &mut self.waiting_for_budget
            && let Poll::Ready(share) = wait.as_mut().poll(ctx)
        {
            return Poll::Ready(Event::Share(share));
        }
        if !self.output.is_empty()
            && let Poll::Ready(ready) = self.stream.poll_write_ready(ctx)
        {
            return Poll::Ready(ready.map_or(Event::Failed, |()| Event::Writable));
        }
        if wants_input && let Poll::Ready(ready) = self.stream.poll_read_ready(ctx) {
            return Poll::Ready(ready.map_or(Event::Failed, |()| Event::Readable));
        }
        Poll::Pending
    }

    /// Hands over the frames that may be handed over.
    fn dispatch(&mut self) {
        while self.may_dispatch()
            && let Some(frame) = self.frames.pop_front()
        {
            let frame_bytes = frame.len();
            let reply = self.open.call(frame);
            self.answers.push(frame_bytes, reply, &mut self.output);
            self.drop_parked_if_useless();
            self.look_whether_held();
        }
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
    }

    fn may_dispatch(&self) -> bool {
        self.held_until.is_none()
            && self.answers.may_dispatch()
            && self.output.bytes() <= OUTPUT_BYTES_MAX
    }

    /// Asks the service whether it wants the next frame now.
    fn look_whether_held(&mut self) {
        let time = self.open.held_back();
        let was_held = self.held_until.is_some();
        self.held_until = (time > Duration::ZERO).then(|| Instant::now() + time);
        if was_held && self.held_until.is_none() {
            // The wait was ours, so the client's time begins anew.
            self.last_active = Instant::now();
            self.last_received = self.last_active;
        }
    }

    /// Whether to look for more input. What may be dispatched at once is read whatever its size, the
    /// rest only in the small.
    fn wants_input(&self) -> bool {
        !self.end_of_input
            && !self.draining
            && self.answers.closing().is_none()
            && self.waiting_for_budget.is_none()
            && self.frames.is_empty()
            && (self.may_dispatch() || self.assembler.wanted_capacity().is_none())
    }

    fn read(&mut self) -> Result<(), &'static str> {
        let read = match self.assembler.wanted_capacity() {
            None => self.read_small()?,
            Some(capacity) => {
                let share = self.assembler.take_share();
                match self.budget.try_grow(share, capacity) {
                    Ok(share) => self.assembler.put_share(Some(share)),
                    Err(share) => {
                        let wait = self.budget.clone().grow(share, capacity);
                        self.waiting_for_budget = Some(Box::pin(wait));
                        return Ok(());
                    }
                }
                self.read_large(capacity)?
            }
        };
        match read {
            Ok(0) => {
                self.end_of_input = true;
                self.drop_parked_if_useless();
            }
            Ok(bytes) => {
                self.open.shared().metrics.received(bytes);
                self.last_received = Instant::now();
                self.last_active = self.last_received;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(close_reason::IO_ERROR),
        }
        self.note_share_use();
        Ok(())
    }

    /// Sees whether the frame that is arriving still deserves its share of the budget.
    fn note_share_use(&mut self) {
        let Some(bytes) = self.assembler.bytes_with_share() else {
            self.share_use = None;
            return;
        };
        let goes_on = match &self.share_use {
            None => true,
            // Its time was given to it as a whole.
            Some(_) if self.assembler.is_beyond_budget() => false,
            Some(before) => bytes >= before.bytes + FRAME_PROGRESS_BYTES,
        };
        if goes_on {
            let since = Instant::now();
            self.share_use = Some(ShareUse { since, bytes });
        }
    }

    /// Reads what is there, up to a few kilobytes, and takes it apart.
    fn read_small(&mut self) -> Result<io::Result<usize>, &'static str> {
        // What is read and cannot be dispatched has to be held.
        let limit = match self.may_dispatch() && !self.budget.is_scarce() {
            true => READ_BYTES,
            false => FRAME_FREE_BYTES,
        };
        SCRATCH.with_borrow_mut(|scratch| {
            let scratch = scratch.get_mut(..limit).unwrap_or_default();
            let read = read_once(&self.stream, limit, || {
                (&*SockRef::from(&self.stream)).read(scratch)
            });
            let count = *read.as_ref().unwrap_or(&0);
            self.take_apart(scratch.get(..count).unwrap_or_default())?;
            Ok(read)
        })
    }

    /// Takes the frames out of what has been read.
    fn take_apart(&mut self, mut input: &[u8]) -> Result<(), &'static str> {
        while !input.is_empty() {
            match self.assembler.push(&mut input) {
                Ok(Some(frame)) => {
                    self.frames.push_back(frame);
                    self.share_use = None;
                }
                Ok(None) => {}
                // The frames before it are the service's all the same.
                Err(reason) => {
                    self.dispatch();
                    return Err(reason);
                }
            }
        }
        self.share_what_is_held();
        Ok(())
    }

    /// Takes a share for the part of a frame that has come with others. If there is none left it goes
    /// without: it is here already, and nothing more is read of it before it has one.
    fn share_what_is_held(&mut self) {
        if let Some(bytes) = self.assembler.bytes_to_share() {
            let share = self.assembler.take_share();
            let share = self.budget.try_grow(share, bytes);
            self.assembler
                .put_share(share.map_or_else(|before| before, Some));
        }
    }

    /// Reads more of one frame into its own buffer.
    fn read_large(&mut self, capacity: usize) -> Result<io::Result<usize>, &'static str> {
        let mut space = self.assembler.space(capacity);
        let room_bytes = space.remaining_mut();
        let read = read_once(&self.stream, room_bytes, || {
            self.stream.try_read_buf(&mut space)
        });
        if let Some((frame, behind)) = self.assembler.take_complete() {
            self.frames.push_back(frame);
            self.take_apart(&behind)?;
        }
        Ok(read)
    }

    fn take_share(&mut self, share: FrameShare) {
        self.waiting_for_budget = None;
        // The wait was ours, so the client's time begins anew.
        self.last_received = Instant::now();
        self.share_use = None;
        self.assembler.put_share(Some(share));
        self.note_share_use();
    }

    fn write(&mut self) -> Result<(), &'static str> {
        while !self.output.is_empty() {
            match self.output.write(&mut Socket(&self.stream)) {
                Ok(0) => return Err(close_reason::IO_ERROR),
                Ok(bytes) => {
                    self.open.shared().metrics.sent(bytes);
                    self.blocked_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Err(_) => return Err(close_reason::IO_ERROR),
            }
            self.last_active = Instant::now();
        }
        Ok(())
    }

    /// Whether there is nothing left to do, and errs with the reason if that was not the client's
    /// will.
    fn is_finished(&self) -> Result<bool, &'static str> {
        if !self.output.is_empty() {
            return Ok(false);
        }
        if let Some(reason) = self.answers.closing() {
            return Err(reason);
        }
        if !self.answers.is_empty() {
            return Ok(false);
        }
        if self.draining {
            return Err(close_reason::SHUTDOWN);
        }
        Ok(self.end_of_input && self.frames.is_empty())
    }

    /// What is left when nothing is under way; `None` if the runtime does not give the socket back, which closes it.
    fn into_resting(self) -> Option<Resting<S>> {
        let idle_at = self.idle_at();
        match self.stream.into_std() {
            Ok(stream) => Some(Resting {
                stream,
                open: self.open,
                first: self.assembler.is_first(),
                rest_after: self.rest_after,
                idle_at,
            }),
            Err(_) => {
                self.open.close(close_reason::IO_ERROR);
                None
            }
        }
    }

    /// The server is shut down: requests that were not taken up are left, those that were are
    /// answered.
    fn drain(&mut self) {
        self.draining = true;
        self.frames = VecDeque::new();
        self.drop_parked_if_useless();
    }

    fn drop_parked_if_useless(&mut self) {
        if self.end_of_input || self.draining {
            self.answers.drop_parked();
        }
    }
}
