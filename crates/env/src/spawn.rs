//! Threads and tasks.

use std::future::Future;
use std::pin::Pin;

/// A future that owns what it needs and may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Where concurrent work runs.
pub trait Spawn: Send + Sync {
    /// Runs a future in the background until it ends.
    fn task(&self, name: &'static str, future: BoxFuture<()>);

    /// Runs a loop that blocks (a commit loop, a flusher) beside the tasks, on a thread of its own.
    fn thread(&self, name: &'static str, body: Box<dyn FnOnce() + Send + 'static>);

    /// Runs a short piece of work that blocks (a disk read) without holding up the tasks. The work
    /// is done even if nobody waits for it.
    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<()>;
}
