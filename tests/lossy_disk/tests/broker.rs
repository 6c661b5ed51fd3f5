//! The real broker on the lossy disk: what it has acknowledged is there after every power cut.

use std::path::Path;

use anyhow::ensure;
use lossy_disk::LossyDisk;
use sim::Dice;
use tempfile::TempDir;
use testkit::{BrokerOptions, BrokerProcess};
use workspace_tests::{finish, ottla};

use crate::load::Load;
use crate::{Test, mounted};

pub(crate) const TESTS: &[Test] = &[
    (
        "broker::a_first_session_outlives_power_cuts",
        a_first_session_outlives_power_cuts,
    ),
    (
        "broker::nothing_acknowledged_is_lost",
        nothing_acknowledged_is_lost,
    ),
    (
        "broker::a_drive_that_lies_is_found_out",
        a_drive_that_lies_is_found_out,
    ),
];

const ROUNDS: usize = 5;
/// Records acknowledged until the power goes, at most.
const ACKNOWLEDGED_MAX: usize = 200;
/// Operations of a broker under load until the power goes, at most.
const OPERATIONS_MAX: u64 = 500;
/// Operations of a recovery until the power goes, at most.
const RECOVERY_MAX: u64 = 40;

/// A broker with as little memory as it takes and small segments, so that it moves data all the
/// time.
fn options(disk: &Path) -> BrokerOptions {
    BrokerOptions::new()
        .data_dir(&disk.join("data"))
        .set("wal.max.bytes", "268435456")
        .set("memory.max.bytes", "67108864")
        .set("log.segment.bytes", "1048576")
        .restartable()
}

fn a_first_session_outlives_power_cuts() -> anyhow::Result<()> {
    let (_scratch, mut disk) = mounted(1)?;
    let mut broker = options(disk.path()).start()?;
    let address = broker.kafka().to_string();
    let run = |arguments: &[&str], input: &str| {
        let mut command = ottla(arguments);
        command.args(["--brokers", &address]);
        finish(command, input)?.success()
    };
    run(&["topic", "create", "inbox", "-p", "1"], "")?;
    let mut expected = String::new();
    for part in 0..5 {
        let values: Vec<String> = (0..100).map(|n| format!("{part}, {n}\n")).collect();
        run(&["topic", "produce", "inbox"], &values.concat())?;
        expected += &values.concat();
        broker.kill()?;
        disk.power_cut()?;
        broker.start_again()?;
        let count = expected.lines().count().to_string();
        let consume = ["topic", "consume", "inbox", "-n", &count, "-f", r"%v\n"];
        let found = run(&consume, "")?;
        ensure!(
            found.lines().eq(expected.lines()),
            "after part {part}: {found}"
        );
    }
    broker.finish()
}

/// How the power goes.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Between two operations, the broker having been killed.
    Killed,
    /// In the middle of an operation. The broker sees errors, and is killed then.
    Working,
    /// As [`Cut::Killed`], and again in the recovery that follows.
    Recovering,
}

/// A broker on a lossy disk under a load that knows what was acknowledged.
struct Run {
    // In this order they end.
    broker: BrokerProcess,
    disk: LossyDisk,
    _scratch: TempDir,
    load: Load,
    dice: Dice,
}

impl Run {
    fn start(seed: u64) -> anyhow::Result<Self> {
        let (scratch, disk) = mounted(seed)?;
        let mut dice = Dice::new(seed);
        Ok(Self {
            broker: options(disk.path()).start()?,
            disk,
            _scratch: scratch,
            load: Load::new(dice.number()),
            dice,
        })
    }

    /// Lets the power go once while records are written, and tells what was acknowledged, in this
    /// life of the broker or an earlier one, and is not there.
    fn cut_power(&mut self, cut: Cut) -> anyhow::Result<Vec<String>> {
        if matches!(cut, Cut::Working) {
            self.disk.lose_power_in(1 + self.dice.below(OPERATIONS_MAX));
        }
        let enough = 1 + self.dice.index(ACKNOWLEDGED_MAX);
        let broker = &mut self.broker;
        let acknowledged = self.load.run(broker.kafka(), enough, || broker.kill())?;
        if acknowledged < enough && !matches!(cut, Cut::Working) {
            return Ok(vec!["the broker takes no more records".to_owned()]);
        }
        self.disk.power_cut()?;
        if matches!(cut, Cut::Recovering) {
            self.disk.lose_power_in(1 + self.dice.below(RECOVERY_MAX));
            // It starts if it needs less than that.
            let _ = self.broker.start_again();
            self.broker.kill()?;
            self.disk.power_cut()?;
        }
        match self.broker.start_again() {
            Ok(_) => self.load.lost(self.broker.kafka()),
            Err(error) => Ok(vec![format!("{error:#}")]),
        }
    }
}

/// With `OTTLA_SEED` the power goes at other times.
fn nothing_acknowledged_is_lost() -> anyhow::Result<()> {
    let seed = std::env::var("OTTLA_SEED").ok();
    let mut run = Run::start(seed.map_or(Ok(2), |seed| seed.parse())?)?;
    for round in 0..ROUNDS {
        for cut in [Cut::Killed, Cut::Working, Cut::Recovering] {
            let lost = run.cut_power(cut)?;
            ensure!(
                lost.is_empty(),
                "{cut:?} in round {round}:\n{}\n{}\n{}",
                lost.join("\n"),
                run.disk.report(),
                run.broker.log().text()
            );
        }
    }
    let acknowledged = run.load.acknowledged();
    println!("{acknowledged} records kept; {}", run.disk.report());
    Ok(())
}

fn a_drive_that_lies_is_found_out() -> anyhow::Result<()> {
    let mut run = Run::start(3)?;
    let lost = run.cut_power(Cut::Killed)?;
    ensure!(lost.is_empty(), "{}", lost.join("\n"));
    run.disk.ignore_forces();
    for _ in 0..ROUNDS {
        if !run.cut_power(Cut::Killed)?.is_empty() {
            return Ok(());
        }
    }
    anyhow::bail!("nothing was lost: {}", run.disk.report())
}
