//! A run: a broker on an empty directory, a workload, kills, and a check by another process.

mod drain;
mod result;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use testkit::{BrokerOptions, BrokerProcess};

pub use result::Summary;

use crate::check::Report;
use crate::findings::Violation;
use crate::journal::{Entry, Journal};
use crate::nemesis::{Directory, Ground, Nemesis, PowerLoss, find_alarms};
use crate::plan::Plan;
use crate::workload::{Control, Progress, Stage, Topics, Workload};

/// How long the broker may take to end when it is told to.
const END_LIMIT: Duration = Duration::from_secs(30);

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Kills under load.
    pub kills: u32,
    /// Decides what is sent and when is killed; the moments of the machine stay its own.
    pub seed: u64,
    /// The `ottla` to run.
    pub binary: PathBuf,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// More settings of the broker.
    pub settings: Vec<(String, String)>,
    /// Where the run keeps everything, in a directory of its own.
    pub directory: PathBuf,
    /// Where the result goes.
    pub result: PathBuf,
    /// The check comes after so many kills, and in the end.
    pub check_every: u32,
    /// The mean time from an answer of the broker to the next kill.
    pub interval_ms: u64,
    /// The mean rate of a producer.
    pub records_per_second: f64,
    /// When no more kill begins.
    pub time_limit: Duration,
    /// Whether the power goes with each kill, below a disk that loses what was not forced.
    pub power_loss: bool,
    /// Whether the data stays when nothing was found.
    pub keep: bool,
}

/// Runs, writes the result, and tells what came out.
///
/// # Errors
///
/// When the run itself failed, so that it proves nothing. Violations are no such error.
pub fn run(options: &RunOptions) -> anyhow::Result<Summary> {
    let directory = options.directory.join(format!("seed-{}", options.seed));
    if directory.exists() {
        std::fs::remove_dir_all(&directory).context("remove an earlier run of this seed")?;
    }
    let journal_directory = directory.join("journal");
    std::fs::create_dir_all(&journal_directory)
        .with_context(|| journal_directory.display().to_string())?;
    let ground: Box<dyn Ground> = if options.power_loss {
        Box::new(PowerLoss::mount(&directory.join("disk"), options.seed)?)
    } else {
        Box::new(Directory::new(&directory.join("data")))
    };
    let summary = Run::start(options, &directory, &journal_directory, ground)?.finish()?;
    summary.write(&options.result)?;
    if summary.passed() && !options.keep {
        std::fs::remove_dir_all(&directory).context("remove the data of a good run")?;
    }
    Ok(summary)
}

struct Run<'a> {
    options: &'a RunOptions,
    directory: PathBuf,
    journal: Journal,
    control: Control,
    stage: Stage,
    nemesis: Nemesis,
    began: Instant,
    /// What the last check found; what was found before it is with `control`.
    report: Report,
}

impl<'a> Run<'a> {
    /// Starts the broker and makes the topics that last.
    fn start(
        options: &'a RunOptions,
        directory: &Path,
        journal_directory: &Path,
        ground: Box<dyn Ground>,
    ) -> anyhow::Result<Self> {
        let plan = Plan::new(options.seed, options.power_loss);
        plan.write(journal_directory)?;
        let journal = Journal::new(journal_directory);
        let control = Control::default();
        let broker = broker(options, ground.data_dir())?;
        let bootstrap = broker.kafka().to_string();
        let nemesis = Nemesis::new(
            broker,
            ground,
            &plan,
            &journal,
            &control,
            options.interval_ms,
        )?;
        let stage = Stage {
            plan,
            seed: options.seed,
            bootstrap,
            journal: journal.clone(),
            control: control.clone(),
            records_per_second: options.records_per_second,
        };
        let topics = Topics::new(&stage.bootstrap, &journal.pen("topics")?, &control)?;
        for (index, topic) in stage.plan.lasting_topics() {
            topics.create(index, topic, topic.partitions, 0)?;
        }
        Ok(Self {
            options,
            directory: directory.to_path_buf(),
            journal,
            control,
            stage,
            nemesis,
            began: Instant::now(),
            report: Report::default(),
        })
    }

    /// Kills and checks until all is done or something is found.
    fn finish(mut self) -> anyhow::Result<Summary> {
        let mut left = self.options.kills;
        let mut progress = Progress::default();
        loop {
            let kills = left.min(self.options.check_every);
            left -= kills;
            if let Err(error) = self.stage(kills, &mut progress) {
                self.control.find(Violation::Died, format!("{error:#}"));
                // What is missing from a broker that still answers may be why.
                match self.check() {
                    Ok(report) => self.report = report,
                    Err(error) => self.control.find(Violation::Died, format!("{error:#}")),
                }
                break;
            }
            self.journal.check()?;
            self.report = self.check()?;
            let is_late = self.began.elapsed() > self.options.time_limit;
            let is_found = !self.report.findings.is_empty() || !self.control.findings().is_empty();
            if left == 0 || is_late || is_found {
                break;
            }
        }
        let took = self.began.elapsed();
        let (broker, ground, deeds) = self.nemesis.into_parts();
        let mut findings = self.report.findings;
        findings.merge(self.control.findings());
        // If something was found, the files are to stay as they are.
        if findings.is_empty() {
            end(broker, &self.control);
            findings = self.control.findings();
        } else {
            drop(broker);
        }
        if self.options.keep || !findings.is_empty() {
            ground.keep(&self.directory)?;
        }
        Ok(Summary {
            seed: self.options.seed,
            kills_wanted: self.options.kills,
            binary: self.options.binary.clone(),
            directory: self.directory,
            took,
            deeds,
            figures: self.report.figures,
            findings,
            ground: ground.report(),
        })
    }

    /// Load and kills, then quiet: everything is answered, every group has read everything, and the
    /// broker has been killed once more with nothing to do.
    fn stage(&mut self, kills: u32, progress: &mut Progress) -> anyhow::Result<()> {
        self.stage.seed = self.stage.seed.wrapping_add(1);
        let mut workload = Workload::start(&self.stage, progress)?;
        let deadline = self.began + self.options.time_limit;
        self.nemesis.kill(kills, deadline)?;
        *progress = workload.stop_writing()?;
        drain::wait(&self.stage.plan, &self.stage.bootstrap, &self.control)?;
        workload.stop_reading()?;
        self.nemesis.kill_idle()?;
        self.journal.pen("run")?.note(Entry::LoadOver);
        Ok(())
    }

    /// Lets another process compare the journal with the broker.
    fn check(&self) -> anyhow::Result<Report> {
        let report = self.directory.join("report.json");
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("check")
            .arg(self.journal.directory())
            .args(["--bootstrap", &self.stage.bootstrap])
            .arg("--data-dir")
            .arg(self.nemesis.broker().data_dir())
            .arg("--report")
            .arg(&report)
            .arg("--quiet");
        let status = command.status().context("start the checker")?;
        // 1: it has found something, and says so in the report.
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("the checker ended with {status}");
        }
        let text = std::fs::read_to_string(&report).context("the checker's report")?;
        Ok(serde_json::from_str(&text)?)
    }
}

fn broker(options: &RunOptions, data_dir: &Path) -> anyhow::Result<BrokerProcess> {
    let mut broker = BrokerOptions::new()
        .binary(&options.binary)
        .data_dir(data_dir)
        .restartable();
    for (name, value) in Plan::broker_settings() {
        broker = broker.set(name, value);
    }
    for (name, value) in &options.settings {
        broker = broker.set(name, value);
    }
    for (name, value) in &options.environment {
        broker = broker.environment(name, value);
    }
    broker.start()
}

/// Ends the broker in good order.
fn end(mut broker: BrokerProcess, control: &Control) {
    let ended = broker
        .signal(rustix::process::Signal::TERM)
        .and_then(|()| broker.wait_for_exit(END_LIMIT));
    match ended {
        Ok(status) if status.success() => find_alarms(broker.log(), control),
        Ok(status) => {
            let text = format!("ended with {status}: {}", broker.log().text());
            control.find(Violation::Died, text);
        }
        Err(error) => control.find(Violation::Stalled, format!("{error:#}")),
    }
}
