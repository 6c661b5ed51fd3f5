//! Kills the broker, starts it again, and measures how soon it answers.

mod flush_watch;
mod ground;
mod moment;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use rdkafka::consumer::BaseConsumer;
use rdkafka::topic_partition_list::TopicPartitionList;
use testkit::{BrokerProcess, ProcessLog};

pub use ground::{Directory, Ground, PowerLoss};
pub use moment::{Aim, Phase};

use crate::findings::Violation;
use crate::journal::{Entry, Journal, Operation, Pen};
use crate::plan::Plan;
use crate::random::Random;
use crate::reading::{committed_offsets, consumer_config, persevere};
use crate::workload::{Control, Event, Role, spots};
use flush_watch::{FlushWatch, was_flushing};

/// The one warning that a kill explains: the last round was not finished.
const EXPECTED_WARNING: &str = "cut what the last run wrote and never acknowledged";
/// How long it may take until the first records are acknowledged after a start.
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);
/// How many acknowledgements make a life worth ending.
const PROGRESS_RECORDS: u64 = 20;
/// How long to wait for the moment that a kill is aimed at.
const AIM_LIMIT: Duration = Duration::from_secs(4);
/// A start that takes this long is counted as slow.
pub const SLOW_START: Duration = Duration::from_secs(2);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// What the nemesis did.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    /// Kills by what they were aimed at.
    pub aims: BTreeMap<Aim, u32>,
    /// Kills by what they hit.
    pub phases: BTreeMap<Phase, u32>,
    /// How long each start took until the broker answered.
    pub starts: Vec<Duration>,
    /// How long the kills under load took, with everything between them.
    pub under_load: Duration,
}

impl Deeds {
    /// Kills by what they hit, zeros included.
    pub fn by_phase(&self) -> BTreeMap<String, u32> {
        let count = |phase| self.phases.get(&phase).copied().unwrap_or_default();
        let phases = Phase::ALL.into_iter();
        phases
            .map(|phase| (phase.to_string(), count(phase)))
            .collect()
    }

    /// All kills.
    pub fn kills(&self) -> u32 {
        self.phases.values().sum()
    }
}

/// Kills one broker.
pub struct Nemesis {
    broker: BrokerProcess,
    ground: Box<dyn Ground>,
    control: Control,
    pen: Pen,
    random: Random,
    plan: Plan,
    groups: Vec<BaseConsumer>,
    started: SystemTime,
    deeds: Deeds,
    /// The mean time from an answer to the next kill.
    interval_ms: u64,
}

impl Nemesis {
    /// A nemesis of this broker, which runs on this ground.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub fn new(
        broker: BrokerProcess,
        ground: Box<dyn Ground>,
        plan: &Plan,
        journal: &Journal,
        control: &Control,
        interval_ms: u64,
    ) -> anyhow::Result<Self> {
        let bootstrap = broker.kafka().to_string();
        let groups = plan.groups.iter();
        let groups = groups.map(|group| consumer_config(&bootstrap, &group.id).create());
        Ok(Self {
            broker,
            ground,
            control: control.clone(),
            pen: journal.pen("nemesis")?,
            random: Random::new(plan.seed, 1),
            plan: plan.clone(),
            groups: groups.collect::<Result<_, _>>()?,
            started: SystemTime::now(),
            deeds: Deeds::default(),
            interval_ms,
        })
    }

    /// The broker.
    pub fn broker(&self) -> &BrokerProcess {
        &self.broker
    }

    /// What was done so far.
    pub fn deeds(&self) -> &Deeds {
        &self.deeds
    }

    /// Ends its work; the broker goes on.
    pub fn into_parts(self) -> (BrokerProcess, Box<dyn Ground>, Deeds) {
        (self.broker, self.ground, self.deeds)
    }

    /// Kills so many times under load, and until `deadline` at most. The broker answers in the end.
    ///
    /// # Errors
    ///
    /// When the broker ends by itself or does not start.
    pub fn kill(&mut self, kills: u32, deadline: Instant) -> anyhow::Result<()> {
        let mut aims: Vec<Aim> = (0..kills).map(|_| Aim::draw(&mut self.random)).collect();
        if let Some(first) = aims.first_mut().filter(|first| **first == Aim::Start) {
            // A start can only be hit when the broker is down.
            *first = Aim::Anything;
        }
        let began = Instant::now();
        let mut aims = aims.into_iter().peekable();
        while let Some(aim) = aims.next() {
            if Instant::now() > deadline {
                break;
            }
            self.wait_for_progress();
            let mean = self.interval_ms;
            let delay = self.random.millis(mean / 10, mean * 19 / 10);
            self.control.pause(Role::Reader, delay);
            self.wait_for(aim)?;
            self.strike(aim)?;
            while aims.next_if_eq(&Aim::Start).is_some() {
                self.kill_start()?;
            }
            self.start()?;
        }
        self.deeds.under_load += began.elapsed();
        Ok(())
    }

    /// Kills the broker under load.
    fn strike(&mut self, aim: Aim) -> anyhow::Result<()> {
        self.control.hold_commits(true);
        let is_failing = self.ground.before_kill(&mut self.random);
        if is_failing {
            let delay = self.random.millis(1, 40);
            self.control.pause(Role::Reader, delay);
        }
        let is_creating = self.control.is_under_way(Operation::Create);
        let is_deleting = self.control.is_under_way(Operation::Delete);
        self.broker.kill()?;
        let phase = match () {
            () if was_flushing(self.ground.data_dir(), self.started) => Phase::Flush,
            () if is_creating => Phase::Create,
            () if is_deleting => Phase::Delete,
            () => Phase::Serving,
        };
        if !is_failing {
            find_alarms(self.broker.log(), &self.control);
        }
        self.note_kill(aim, phase)
    }

    /// Kills the broker while nobody asks anything of it.
    ///
    /// # Errors
    ///
    /// When the broker ends by itself or does not start.
    pub fn kill_idle(&mut self) -> anyhow::Result<()> {
        self.broker.kill()?;
        find_alarms(self.broker.log(), &self.control);
        self.note_kill(Aim::Anything, Phase::Idle)?;
        self.start()
    }

    /// Lets each life do something.
    fn wait_for_progress(&self) {
        let wanted = self.control.count(Event::Acknowledged) + PROGRESS_RECORDS;
        let limit = PROGRESS_LIMIT;
        if !self.control.wait_for(Event::Acknowledged, wanted, limit) {
            let text = format!("no {PROGRESS_RECORDS} acknowledgements in {PROGRESS_LIMIT:?}");
            self.control.find(Violation::Stalled, text);
        }
    }

    /// Waits for the moment that is aimed at. If it does not come, another one will do.
    fn wait_for(&mut self, aim: Aim) -> anyhow::Result<()> {
        if aim == Aim::Flush {
            let watch = FlushWatch::new(self.ground.data_dir())?;
            watch.wait(AIM_LIMIT)?;
            let delay = self.random.millis(0, 15);
            self.control.pause(Role::Reader, delay);
        }
        if let Some(event) = aim.event() {
            let next = self.control.count(event) + 1;
            self.control.wait_for(event, next, AIM_LIMIT);
        }
        if matches!(aim, Aim::Create | Aim::Delete) {
            // The request is on its way.
            let delay = self.random.millis(0, 4);
            self.control.pause(Role::Reader, delay);
        }
        Ok(())
    }

    /// Starts the broker only to kill it within its first milliseconds.
    fn kill_start(&mut self) -> anyhow::Result<()> {
        let after = self.random.millis(0, 30);
        let log = self.broker.start_and_kill(after)?;
        find_alarms(&log, &self.control);
        let says = |what: &str| log.lines().iter().any(|line| line.text().contains(what));
        let phase = match () {
            () if says("protocol=\"kafka\"") => Phase::Serving,
            () if says("recovered") => Phase::BeforeListening,
            () => Phase::Recovery,
        };
        self.note_kill(Aim::Start, phase)
    }

    fn note_kill(&mut self, aim: Aim, phase: Phase) -> anyhow::Result<()> {
        *self.deeds.aims.entry(aim).or_default() += 1;
        *self.deeds.phases.entry(phase).or_default() += 1;
        let (aim, phase) = (aim.to_string(), phase.to_string());
        self.pen.note(Entry::Killed(self.deeds.kills(), aim, phase));
        self.ground.after_kill()
    }

    /// Starts the broker, measures until it answers, and asks it for the offsets of all groups.
    fn start(&mut self) -> anyhow::Result<()> {
        self.started = SystemTime::now();
        let began = Instant::now();
        self.broker.start_again()?;
        ask_versions(self.broker.kafka())?;
        let took = began.elapsed();
        self.deeds.starts.push(took);
        let micros = u64::try_from(took.as_micros())?;
        self.pen.note(Entry::Answers(micros));
        self.read_back()?;
        self.control.hold_commits(false);
        Ok(())
    }

    /// Notes the offsets that the groups remember.
    fn read_back(&self) -> anyhow::Result<()> {
        for (index, (group, consumer)) in self.plan.groups.iter().zip(&self.groups).enumerate() {
            let mut list = TopicPartitionList::new();
            for topic in group.topics.iter().map(|topic| &self.plan.topics[*topic]) {
                list.add_partition_range(&topic.name, 0, topic.partitions - 1);
            }
            let since = self.pen.now();
            let offsets = persevere(|| committed_offsets(consumer, &list, ANSWER_LIMIT))
                .with_context(|| format!("the offsets of group {}", group.id))?;
            self.pen
                .note(Entry::ReadBack(index, since, spots(&self.plan, &offsets)));
        }
        Ok(())
    }
}

/// Finds what the broker warned of in one of its lives.
pub fn find_alarms(log: &ProcessLog, control: &Control) {
    for line in log.lines().iter().filter(|line| line.is_alarming()) {
        if !line.text().contains(EXPECTED_WARNING) {
            control.find(Violation::Alarm, line.text());
        }
    }
}

/// Asks the simplest of all questions, ApiVersions in its version 0, and waits for the answer.
fn ask_versions(address: SocketAddr) -> anyhow::Result<()> {
    const CORRELATION_ID: [u8; 4] = [0, 0, 0, 7];
    let request = [
        &[0, 0, 0, 10][..], // the length of what follows
        &[0, 18, 0, 0],     // ApiVersions, version 0
        &CORRELATION_ID,
        &[0xff, 0xff], // no client id
    ];
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(&request.concat())?;
    let mut answer = [0; 10];
    stream.read_exact(&mut answer)?;
    ensure!(
        answer[4..8] == CORRELATION_ID && answer[8..] == [0, 0],
        "a strange answer: {answer:?}"
    );
    Ok(())
}
