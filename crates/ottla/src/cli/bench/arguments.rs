//! Options that several benchmarks share.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::Args;

use super::meter::Window;
use super::report::number;
use crate::cli::output::OutputArguments;
use crate::cli::table::Fields;
use crate::cli::topic::key_value;

/// The longest run: a day.
const SECONDS_MAX: u64 = 86_400;

/// How long a run is.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Span {
    /// How long to measure
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX)
    )]
    pub(super) seconds: u64,
    /// How long the load goes on before it is measured
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(0..=SECONDS_MAX)
    )]
    pub(super) warm_up_seconds: u64,
}

impl Span {
    pub(super) fn warm_up(self) -> Duration {
        Duration::from_secs(self.warm_up_seconds)
    }

    /// What is measured of a run that warms up for so long.
    pub(super) fn window(self, start: Instant, warm_up: Duration) -> Window {
        let begins = start + warm_up;
        Window {
            begins,
            ends: Some(begins + Duration::from_secs(self.seconds)),
        }
    }
}

/// How long a run that writes is, or how much it writes.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Extent {
    #[command(flatten)]
    span: Span,
    /// End after so many records, and measure from the first on
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["seconds", "warm_up_seconds"],
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(super) records: Option<u64>,
}

impl Extent {
    pub(super) fn window(self, start: Instant) -> Window {
        match self.records {
            Some(_) => Window {
                begins: start,
                ends: None,
            },
            None => self.span.window(start, self.span.warm_up()),
        }
    }

    /// Adds what was chosen to the settings of a run.
    pub(super) fn add_to(self, settings: Fields) -> Fields {
        let span = |seconds: u64| self.records.is_none().then(|| number(seconds));
        settings
            .field("RECORDS-MAX", self.records.map(number))
            .field("SECONDS", span(self.span.seconds))
            .field("WARM-UP-SECONDS", span(self.span.warm_up_seconds))
    }
}

/// How far a producer runs ahead of the answers.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct InFlight {
    /// Most requests under way on each connection; what is due beyond that waits, and its wait counts
    #[arg(
        long = "in-flight",
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    pub(super) requests: u64,
}

/// The topic, where it has to be made.
#[derive(Debug, Args)]
pub(crate) struct TopicArguments {
    /// Topic to use; it is created if it does not exist
    #[arg(value_name = "TOPIC", value_parser = crate::cli::topic::topic_name)]
    pub(super) topic: String,
    /// Partitions of a topic that is created [default: 1]; one that exists must have as many
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(super) partitions: Option<i32>,
    /// A setting of the topic, only where it is created; may be repeated
    #[arg(short = 'c', long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) configs: Vec<(String, String)>,
}

/// What is shown, and how.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Shown {
    /// Show a line a second on standard error, also where that is no terminal
    #[arg(long)]
    progress: bool,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

impl Shown {
    pub(super) fn progress(self) -> bool {
        self.progress || io::stderr().is_terminal()
    }
}
