//! Tasks and loops that run when they are told, one at a time, in an order that the seed chooses.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use env::{BoxFuture, Loop, Monotonic, Spawn, Step};
use parking_lot::Mutex;

use crate::Dice;

/// [`Spawn`] as a deterministic executor.
#[derive(Debug)]
pub struct SimSpawn {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    tasks: Vec<Task>,
    loops: Vec<SimLoop>,
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

/// A loop that product code wanted a thread for.
struct SimLoop {
    name: &'static str,
    body: Box<dyn Loop>,
    state: LoopState,
}

#[derive(Clone, Copy, Debug)]
enum LoopState {
    Working,
    Asleep { until: Option<Monotonic> },
}

impl std::fmt::Debug for SimLoop {
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
                loops: Vec::new(),
            }),
        }
    }

    /// Polls woken tasks, one at a time and in random order, until none is woken. Returns how often
    /// a task was polled.
    pub fn run_until_stalled(&self) -> u64 {
        let mut polls = 0;
        while self.poll_one() {
            polls += 1;
        }
        polls
    }

    fn poll_one(&self) -> bool {
        let Some(mut task) = self.take_woken() else {
            return false;
        };
        // Without the lock: the task may spawn others.
        let waker = Waker::from(task.woken.clone());
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            self.state.lock().tasks.push(task);
        }
        true
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

    /// Drops all tasks and loops, as the end of a process does.
    pub fn clear(&self) {
        let (tasks, loops) = {
            let mut state = self.state.lock();
            (
                std::mem::take(&mut state.tasks),
                std::mem::take(&mut state.loops),
            )
        };
        // Without the lock: what they hold may say something when it goes.
        drop((tasks, loops));
    }

    /// Tasks that have not ended.
    pub fn tasks(&self) -> usize {
        self.state.lock().tasks.len()
    }

    /// The names of the loops that have not stopped, in the order in which they were started.
    pub fn loops(&self) -> Vec<&'static str> {
        let state = self.state.lock();
        state.loops.iter().map(|each| each.name).collect()
    }

    /// Runs one step of the loop with this name; `None` if there is none.
    pub fn step_loop(&self, name: &str) -> Option<Step> {
        let index = self.loops().iter().position(|other| *other == name)?;
        Some(self.step_loop_at(index))
    }

    /// Runs one thing that can run at this time: a woken task, or a loop that may have something to
    /// do. `false` if nothing can: everybody waits for a request, an operation or the clock.
    pub fn turn(&self, now: Monotonic) -> bool {
        let (tasks, loops) = {
            let state = self.state.lock();
            let is_woken = |index: &usize| state.tasks[*index].woken.0.load(Ordering::SeqCst);
            let is_ready = |index: &usize| match state.loops[*index].state {
                LoopState::Working => true,
                LoopState::Asleep { until } => {
                    state.loops[*index].body.is_woken() || until.is_some_and(|until| until <= now)
                }
            };
            (
                (0..state.tasks.len()).filter(is_woken).count(),
                (0..state.loops.len()).filter(is_ready).collect::<Vec<_>>(),
            )
        };
        if tasks + loops.len() == 0 {
            return false;
        }
        let chosen = self.state.lock().dice.index(tasks + loops.len());
        match chosen.checked_sub(tasks) {
            Some(index) => {
                self.step_loop_at(loops[index]);
            }
            None => {
                self.poll_one();
            }
        }
        true
    }

    fn step_loop_at(&self, index: usize) -> Step {
        // Without the lock: a step may spawn tasks.
        let mut running = self.state.lock().loops.remove(index);
        if matches!(running.state, LoopState::Asleep { .. }) && running.body.is_woken() {
            // Returns at once: somebody has woken it.
            running.body.wait(None);
        }
        let step = running.body.step();
        running.state = match step {
            Step::Worked => LoopState::Working,
            Step::Idle { until } => LoopState::Asleep { until },
            Step::Stopped => return step,
        };
        self.state.lock().loops.insert(index, running);
        step
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

    fn thread(&self, name: &'static str, body: Box<dyn Loop>) {
        self.state.lock().loops.push(SimLoop {
            name,
            body,
            state: LoopState::Working,
        });
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

    /// Counts its steps and sleeps when it has none left.
    struct Countdown {
        left: u32,
        wakes_at: Option<Monotonic>,
        woken: Arc<AtomicBool>,
    }

    impl Loop for Countdown {
        fn step(&mut self) -> Step {
            match self.left.checked_sub(1) {
                Some(left) => {
                    self.left = left;
                    Step::Worked
                }
                None => Step::Idle {
                    until: self.wakes_at,
                },
            }
        }

        fn wait(&mut self, _: Option<Monotonic>) {
            let was_woken = self.woken.swap(false, Ordering::SeqCst);
            assert!(was_woken, "nothing blocks in a simulation");
        }

        fn is_woken(&self) -> bool {
            self.woken.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn a_loop_runs_until_it_sleeps_and_again_when_it_is_woken() {
        let spawn = SimSpawn::new(1);
        let at = |seconds| Monotonic(std::time::Duration::from_secs(seconds));
        let woken = Arc::new(AtomicBool::new(false));
        let body = Countdown {
            left: 3,
            wakes_at: Some(at(5)),
            woken: woken.clone(),
        };
        spawn.thread("loop", Box::new(body));
        assert_eq!(spawn.loops(), ["loop"]);
        let turns = |now| {
            std::iter::from_fn(|| spawn.turn(now).then_some(()))
                .take(9)
                .count()
        };
        assert_eq!(turns(at(0)), 4);
        assert_eq!(turns(at(4)), 0);
        woken.store(true, Ordering::SeqCst);
        assert_eq!(turns(at(4)), 1);
        assert!(spawn.turn(at(5)));
    }

    #[test]
    fn a_loop_that_stops_is_gone() {
        struct Ends;
        impl Loop for Ends {
            fn step(&mut self) -> Step {
                Step::Stopped
            }
            fn wait(&mut self, _: Option<Monotonic>) {}
            fn is_woken(&self) -> bool {
                false
            }
        }
        let spawn = SimSpawn::new(1);
        spawn.thread("ends", Box::new(Ends));
        assert_eq!(spawn.step_loop("ends"), Some(Step::Stopped));
        assert_eq!(spawn.step_loop("ends"), None);
    }
}
