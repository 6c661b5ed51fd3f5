//! What goes on while the broker is killed: producers, groups, and topics that come and go, each
//! in a thread of its own.

mod churn;
mod control;
mod member;
mod producer;
mod sender;
mod topics;
mod trimmer;

use std::thread::JoinHandle;

use anyhow::Context as _;

pub use control::{Control, Event, Role, Window};

use crate::journal::Journal;
use crate::plan::{Kind, Plan};
use churn::Churn;
pub(crate) use member::spots;
pub(crate) use topics::Topics;

/// What the actors of one stage of a run are told.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The plan of the run.
    pub plan: Plan,
    /// Decides what this stage draws.
    pub seed: u64,
    /// The broker.
    pub bootstrap: String,
    /// Where everything is noted.
    pub journal: Journal,
    /// How the actors are told to stop.
    pub control: Control,
    /// The mean rate of a producer.
    pub records_per_second: f64,
}

/// How far each producer has come; lasts over the stages of a run.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    sequences: Vec<u32>,
    churns: Vec<Churn>,
}

type Actor<T> = JoinHandle<anyhow::Result<T>>;

/// The threads of a stage.
#[derive(Debug)]
pub struct Workload {
    control: Control,
    producers: Vec<Actor<u32>>,
    churns: Vec<Actor<Churn>>,
    trimmer: Option<Actor<()>>,
    members: Vec<Actor<()>>,
}

impl Workload {
    /// Starts all actors. The topics that last are there.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started.
    pub fn start(stage: &Stage, progress: &Progress) -> anyhow::Result<Self> {
        stage.control.start();
        let mut this = Self {
            control: stage.control.clone(),
            producers: Vec::new(),
            churns: Vec::new(),
            trimmer: None,
            members: Vec::new(),
        };
        for (index, plan) in stage.plan.producers.iter().enumerate() {
            let number = u16::try_from(index)?;
            let stage = stage.clone();
            let is_churned = plan
                .topics
                .iter()
                .any(|topic| stage.plan.topics[*topic].kind == Kind::Churned);
            if is_churned {
                let churns = progress.churns.get(this.churns.len());
                let mut churn = churns.copied().unwrap_or_default();
                this.churns.push(spawn("churn", move || {
                    churn::run(&stage, number, &mut churn).map(|()| churn)
                })?);
            } else {
                let sequences = progress.sequences.get(this.producers.len());
                let mut sequence = sequences.copied().unwrap_or_default();
                this.producers.push(spawn("producer", move || {
                    producer::run(&stage, number, &mut sequence).map(|()| sequence)
                })?);
            }
        }
        let trimming = stage.clone();
        this.trimmer = Some(spawn("trimmer", move || trimmer::run(&trimming))?);
        let members = stage.plan.groups.iter().enumerate();
        for (group, member) in
            members.flat_map(|(group, plan)| (0..plan.members).map(move |member| (group, member)))
        {
            let stage = stage.clone();
            this.members
                .push(spawn("member", move || member::run(&stage, group, member))?);
        }
        Ok(this)
    }

    /// Stops producers and churned topics, and waits until the broker has answered all of them.
    ///
    /// # Errors
    ///
    /// With what ended an actor before its time.
    pub fn stop_writing(&mut self) -> anyhow::Result<Progress> {
        self.control.stop(Role::Writer);
        let mut progress = Progress::default();
        for producer in self.producers.drain(..) {
            progress.sequences.push(join(producer)?);
        }
        for churn in self.churns.drain(..) {
            progress.churns.push(join(churn)?);
        }
        self.trimmer.take().map_or(Ok(()), join)?;
        Ok(progress)
    }

    /// Lets the members leave their groups.
    ///
    /// # Errors
    ///
    /// With what ended an actor before its time.
    pub fn stop_reading(&mut self) -> anyhow::Result<()> {
        self.control.stop(Role::Reader);
        self.members.drain(..).try_for_each(join)
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        // After an error nobody waits for them; they shall not go on for ever.
        self.control.stop(Role::Reader);
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<Actor<T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .context("start a thread")
}

fn join<T>(actor: Actor<T>) -> anyhow::Result<T> {
    let name = actor.thread().name().unwrap_or_default().to_owned();
    match actor.join() {
        Ok(done) => done.with_context(|| format!("a {name} has ended")),
        Err(_) => anyhow::bail!("a {name} has panicked"),
    }
}
