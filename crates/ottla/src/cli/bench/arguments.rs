//! Options that several benchmarks share.

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;

use crate::cli::output::OutputArguments;
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
    pub(super) fn measured(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(super) fn warm_up(self) -> Duration {
        Duration::from_secs(self.warm_up_seconds)
    }
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
