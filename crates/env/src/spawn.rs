//! Threads and tasks.

use std::future::Future;
use std::pin::Pin;

use crate::Monotonic;

/// A future that owns what it needs and may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// What one step of a loop did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something; there may be more.
    Worked,
    /// Nothing: there is nothing to do until something happens or this time has come.
    Idle {
        /// When to look again even if nothing happens.
        until: Option<Monotonic>,
    },
    /// The loop has ended.
    Stopped,
}

/// A loop that blocks (a commit loop, a flusher), cut into steps so that a simulation can run it
/// without a thread.
pub trait Loop: Send {
    /// Does what is to be done now, a bounded piece of it. Not called again after
    /// [`Step::Stopped`].
    fn step(&mut self) -> Step;

    /// Blocks until somebody says that there is something to do, or until this time has come. Waking
    /// early costs one step.
    fn wait(&mut self, until: Option<Monotonic>);

    /// Whether somebody has said so, so that waiting would return at once.
    fn is_woken(&self) -> bool;
}

/// Where concurrent work runs.
pub trait Spawn: Send + Sync {
    /// Runs a future in the background until it ends.
    fn task(&self, name: &'static str, future: BoxFuture<()>);

    /// Runs a loop beside the tasks, on a thread of its own, until it has stopped.
    fn thread(&self, name: &'static str, body: Box<dyn Loop>);

    /// Runs a short piece of work that blocks (a disk read) without holding up the tasks. The work
    /// is done even if nobody waits for it.
    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<()>;
}
