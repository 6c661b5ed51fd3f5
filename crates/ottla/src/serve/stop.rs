//! Signals: the first one asks the broker to end in order, the second one ends it at once.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the broker.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Takes over SIGTERM and SIGINT.
    pub(super) fn on_signals() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns at the first signal; from then on the next one ends the process.
    pub(super) async fn signalled(&mut self) {
        let first = self.next().await;
        let (Ok(terminate), Ok(interrupt)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) else {
            return;
        };
        let mut again = Self {
            terminate,
            interrupt,
        };
        tokio::spawn(async move {
            let second = again.next().await;
            tracing::warn!(first, second, "ending at once");
            process::exit(128 + second);
        });
    }

    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}
