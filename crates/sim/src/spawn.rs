//! Tasks that run when they are told, one at a time, in an order that the seed chooses.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use env::{BoxFuture, Spawn};
use parking_lot::Mutex;

use crate::Dice;

/// A thread that product code asked for. The simulation does not run it: a loop that blocks cannot
/// share one thread with its test, so tests drive the steps of such loops themselves.
pub struct Thread {
    /// The name it was given.
    pub name: &'static str,
    /// What it would do.
    pub body: Box<dyn FnOnce() + Send + 'static>,
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").field("name", &self.name).finish()
    }
}

/// [`Spawn`] as a deterministic executor.
#[derive(Debug)]
pub struct SimSpawn {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    tasks: Vec<Task>,
    threads: Vec<Thread>,
}

struct Task {
    name: &'static str,
    future: BoxFuture<()>,
    woken: Arc<Woken>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[derive(Debug)]
struct Woken(AtomicBool);

impl Woken {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl SimSpawn {
    /// An executor without tasks.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                dice: Dice::new(seed),
                tasks: Vec::new(),
                threads: Vec::new(),
            }),
        }
    }

    /// Polls woken tasks, one at a time and in random order, until none is woken. Returns how often
    /// a task was polled.
    pub fn run_until_stalled(&self) -> u64 {
        let mut polls = 0;
        while let Some(mut task) = self.take_woken() {
            polls += 1;
            // Without the lock: the task may spawn others.
            let waker = Waker::from(task.woken.clone());
            let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_pending() {
                self.state.lock().tasks.push(task);
            }
        }
        polls
    }

    /// Runs a future beside the tasks until it is ready; `None` if everything waits for something
    /// that will not come by itself.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let woken = Woken::new();
        let waker = Waker::from(woken.clone());
        loop {
            if woken.0.swap(false, Ordering::SeqCst)
                && let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return Some(value);
            }
            if self.run_until_stalled() == 0 && !woken.0.load(Ordering::SeqCst) {
                return None;
            }
        }
    }

    /// Tasks that have not ended.
    pub fn tasks(&self) -> usize {
        self.state.lock().tasks.len()
    }

    /// The threads asked for since the last call.
    pub fn take_threads(&self) -> Vec<Thread> {
        std::mem::take(&mut self.state.lock().threads)
    }

    pub(crate) fn next_seed(&self) -> u64 {
        self.state.lock().dice.number()
    }

    fn take_woken(&self) -> Option<Task> {
        let mut state = self.state.lock();
        let woken: Vec<usize> = (0..state.tasks.len())
            .filter(|index| state.tasks[*index].woken.0.load(Ordering::SeqCst))
            .collect();
        if woken.is_empty() {
            return None;
        }
        let chosen = woken[state.dice.index(woken.len())];
        let task = state.tasks.remove(chosen);
        task.woken.0.store(false, Ordering::SeqCst);
        Some(task)
    }
}

impl Spawn for SimSpawn {
    fn task(&self, name: &'static str, future: BoxFuture<()>) {
        self.state.lock().tasks.push(Task {
            name,
            future,
            woken: Woken::new(),
        });
    }

    fn thread(&self, name: &'static str, body: Box<dyn FnOnce() + Send + 'static>) {
        self.state.lock().threads.push(Thread { name, body });
    }

    fn blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<()> {
        let done = Arc::new(Mutex::new(Done::default()));
        let done_by_task = done.clone();
        self.task(
            "blocking",
            Box::pin(async move {
                work();
                let waiting = {
                    let mut done = done_by_task.lock();
                    done.is_done = true;
                    done.waiting.take()
                };
                if let Some(waker) = waiting {
                    waker.wake();
                }
            }),
        );
        Box::pin(std::future::poll_fn(move |ctx| {
            let mut done = done.lock();
            if done.is_done {
                return Poll::Ready(());
            }
            done.waiting = Some(ctx.waker().clone());
            Poll::Pending
        }))
    }
}

#[derive(Default)]
struct Done {
    is_done: bool,
    waiting: Option<Waker>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<u32> {
        let spawn = SimSpawn::new(seed);
        let order = Arc::new(Mutex::new(Vec::new()));
        for number in 0..6 {
            let order = order.clone();
            spawn.task(
                "numbered",
                Box::pin(async move { order.lock().push(number) }),
            );
        }
        spawn.run_until_stalled();
        let order = order.lock();
        order.clone()
    }

    #[test]
    fn the_seed_chooses_the_order() {
        assert_eq!(order(5), order(5));
        assert!((0..20).any(|seed| order(seed) != order(5)));
    }

    #[test]
    fn blocking_work_is_done_with_and_without_somebody_waiting() {
        let spawn = Arc::new(SimSpawn::new(1));
        let count = Arc::new(Mutex::new(0));
        let work = |count: &Arc<Mutex<i32>>| {
            let count = count.clone();
            Box::new(move || *count.lock() += 1)
        };
        drop(spawn.blocking(work(&count)));
        let waited = spawn.blocking(work(&count));
        assert_eq!(spawn.run(waited), Some(()));
        spawn.run_until_stalled();
        assert_eq!(*count.lock(), 2);
    }

    #[test]
    fn what_waits_for_nothing_ends_the_run() {
        let spawn = SimSpawn::new(1);
        assert_eq!(spawn.run(std::future::pending::<()>()), None);
    }

    #[test]
    fn threads_are_handed_to_the_test() {
        let spawn = SimSpawn::new(1);
        spawn.thread("loop", Box::new(|| {}));
        let threads = spawn.take_threads();
        assert_eq!(threads.len(), 1);
        assert_eq!(threads[0].name, "loop");
        assert!(spawn.take_threads().is_empty());
    }
}
