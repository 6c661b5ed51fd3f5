//! Writing a journal.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;

use super::entry::{Entry, Line, Micros};

/// The directory of a journal and the clock of its run.
#[derive(Clone, Debug)]
pub struct Journal {
    directory: PathBuf,
    began: Instant,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Journal {
    /// A journal in this directory, which exists. Its clock starts now.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            began: Instant::now(),
            trouble: Arc::default(),
        }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The time by its clock.
    pub fn now(&self) -> Micros {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The file of an actor; it goes on where an earlier one of this name ended.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn pen(&self, actor: &str) -> anyhow::Result<Pen> {
        let path = self.directory.join(format!("{actor}.jsonl"));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        Ok(Pen {
            journal: self.clone(),
            file: Arc::new(Mutex::new(file)),
        })
    }

    /// Checks that every entry so far was written.
    ///
    /// # Errors
    ///
    /// With the first one that was not: the journal proves nothing then.
    pub fn check(&self) -> anyhow::Result<()> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble.as_ref() {
            Some(trouble) => anyhow::bail!("the journal cannot be written: {trouble}"),
            None => Ok(()),
        }
    }
}

/// Writes entries of one actor, from any thread.
#[derive(Clone, Debug)]
pub struct Pen {
    journal: Journal,
    file: Arc<Mutex<File>>,
}

impl Pen {
    /// The time by the clock of the run.
    pub fn now(&self) -> Micros {
        self.journal.now()
    }

    /// Notes something. The time is that of the call.
    pub fn note(&self, entry: Entry) {
        self.note_all([entry]);
    }

    /// Notes several things with one write.
    pub fn note_all(&self, entries: impl IntoIterator<Item = Entry>) {
        let now = self.journal.now();
        if let Err(error) = self.write(now, entries) {
            // The callbacks of a client have nobody to tell: the run asks in the end.
            let mut trouble = self
                .journal
                .trouble
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    fn write(&self, now: Micros, entries: impl IntoIterator<Item = Entry>) -> anyhow::Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut text, &Line(now, entry))?;
            text.push(b'\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(file.write_all(&text)?)
    }
}
