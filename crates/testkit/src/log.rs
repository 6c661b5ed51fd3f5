//! What a process writes to its standard output or its standard error.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// One line of a log, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine(String);

impl LogLine {
    /// The whole line.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The value of `name=value` in the line, without quotes.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches('"'))
    }

    /// Whether its level is WARN or ERROR, or it tells of a panic.
    pub fn is_alarming(&self) -> bool {
        let head = self.0.split_whitespace().take(3);
        head.into_iter()
            .any(|word| matches!(word.trim_end_matches(':'), "WARN" | "ERROR"))
            || self.0.contains("panicked at")
    }
}

/// The lines of one stream of a running process, which grow.
#[derive(Clone, Debug)]
pub struct ProcessLog {
    shared: Arc<(Mutex<Lines>, Condvar)>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<LogLine>,
    ended: bool,
}

impl ProcessLog {
    /// Reads `stream` in a thread until it ends.
    pub fn follow(stream: impl Read + Send + 'static) -> Self {
        let log = Self {
            shared: Arc::default(),
        };
        let writer = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                let line = LogLine(without_colours(&String::from_utf8_lossy(&line)));
                writer.lock().lines.push(line);
                writer.shared.1.notify_all();
            }
            writer.lock().ended = true;
            writer.shared.1.notify_all();
        });
        log
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<LogLine> {
        self.lock().lines.clone()
    }

    /// The lines so far as one text, for the message of a failed test.
    pub fn text(&self) -> String {
        let lines = self.lines();
        let texts: Vec<&str> = lines.iter().map(LogLine::text).collect();
        texts.join("\n")
    }

    /// Waits for the first line from number `from` on that `wanted` accepts, at most `limit` long;
    /// none when the process ends before it comes.
    pub fn wait_for(
        &self,
        from: usize,
        limit: Duration,
        wanted: impl Fn(&LogLine) -> bool,
    ) -> Option<LogLine> {
        let deadline = Instant::now() + limit;
        let mut lines = self.lock();
        let mut seen = from;
        loop {
            let fresh = lines.lines.get(seen..).unwrap_or_default();
            if let Some(line) = fresh.iter().find(|line| wanted(line)) {
                return Some(line.clone());
            }
            seen = seen.max(lines.lines.len());
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            lines = self
                .shared
                .1
                .wait_timeout(lines, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until the stream has ended, so that no line is missing, at most `limit` long; tells
    /// whether it has.
    pub fn wait_for_end(&self, limit: Duration) -> bool {
        let waited = self
            .shared
            .1
            .wait_timeout_while(self.lock(), limit, |lines| !lines.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line without the escape sequences that colour it.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(|end| end.is_ascii_alphabetic());
        } else {
            plain.push(character);
        }
    }
    plain
}
