//! Open files.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use env::{File, OpenMode, SECTOR_BYTES};
use parking_lot::Mutex;

use super::state::{Operation, State, Verdict};

/// A handle of a file; it stays good when the file loses its name.
pub(crate) struct SimFile {
    state: Arc<Mutex<State>>,
    id: u64,
    path: PathBuf,
    mode: OpenMode,
}

impl SimFile {
    /// A handle; `state` is what `shared` guards.
    pub(crate) fn open(
        shared: &Arc<Mutex<State>>,
        state: &mut State,
        id: u64,
        path: PathBuf,
        mode: OpenMode,
    ) -> Self {
        state.opened(id);
        Self {
            state: shared.clone(),
            id,
            path,
            mode,
        }
    }

    /// What the kernel answers with an error, a simulation answers with a panic: it is a mistake
    /// of the caller that no fault excuses.
    fn check_alignment(&self, bytes: &[u8], position: u64) {
        let is_aligned = position.is_multiple_of(SECTOR_BYTES as u64)
            && bytes.len().is_multiple_of(SECTOR_BYTES)
            && bytes.as_ptr().addr().is_multiple_of(SECTOR_BYTES);
        assert!(
            is_aligned || self.mode != OpenMode::WriteDirect,
            "unaligned direct access to {}: {} bytes at {position}, memory at {:p}",
            self.path.display(),
            bytes.len(),
            bytes.as_ptr(),
        );
    }

    fn check_writable(&self) {
        assert!(
            self.mode != OpenMode::Read,
            "{} is open for reading only",
            self.path.display()
        );
    }

    fn change(
        &self,
        kind: Operation,
        position: u64,
        bytes: u64,
        change: impl FnOnce(&mut State, &Verdict) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        let verdict = state.begin(kind, &self.path, position, bytes)?;
        if let Some(step) = state.trace.back_mut() {
            step.is_direct = kind == Operation::Write && self.mode == OpenMode::WriteDirect;
        }
        let result = change(&mut state, &verdict);
        state.end(&verdict, result)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.state.lock().closed(self.id);
    }
}

impl File for SimFile {
    fn path(&self) -> &PathBuf {
        &self.path
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.check_alignment(buffer, position);
        let mut state = self.state.lock();
        state.read(Operation::Read, &self.path)?;
        Ok(state
            .image(self.id)
            .map_or(0, |image| image.read(buffer, position)))
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.check_writable();
        self.check_alignment(bytes, position);
        let length = bytes.len() as u64;
        self.change(Operation::Write, position, length, |state, verdict| {
            state.note_bytes(|_| bytes.to_vec());
            match verdict {
                Verdict::Fail(fault) => {
                    let kept = state.dice.index(bytes.len() + 1) / SECTOR_BYTES * SECTOR_BYTES;
                    state.write(self.id, &bytes[..kept], position);
                    Err(fault.error())
                }
                Verdict::Proceed | Verdict::PowerLost => {
                    if state.write(self.id, bytes, position) < bytes.len() {
                        return Err(state.no_space(Operation::Write));
                    }
                    Ok(())
                }
            }
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(Operation::Force, 0, 0, |state, verdict| {
            let mut dice = state.dice.clone();
            let mut is_lying = false;
            if let Some(image) = state.image(self.id) {
                match verdict {
                    Verdict::Proceed => image.force(),
                    Verdict::Fail(_) => is_lying = image.force_failing(&mut dice),
                    Verdict::PowerLost => {}
                }
            }
            state.dice = dice;
            state.faults.counts.forces_lying += u64::from(is_lying);
            state.note_bytes(|state| state.on_medium(self.id));
            match verdict {
                Verdict::Fail(fault) => Err(fault.error()),
                _ => Ok(()),
            }
        })
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.change(Operation::DropCache, 0, 0, |state, verdict| {
            if let Verdict::Fail(fault) = verdict {
                return Err(fault.error());
            }
            let mut dice = state.dice.clone();
            let before = state.image(self.id).map_or(0, |image| image.sectors());
            let after = state.image(self.id).map_or(0, |image| {
                image.drop_cache(&mut dice);
                image.sectors()
            });
            state.dice = dice;
            state.used = state.used.saturating_sub(before) + after;
            Ok(())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.check_writable();
        self.change(Operation::SetLength, 0, bytes, |state, verdict| {
            if let Verdict::Fail(fault) = verdict {
                return Err(fault.error());
            }
            let freed = state.image(self.id).map_or(0, |image| image.set_len(bytes));
            state.used = state.used.saturating_sub(freed);
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.read(Operation::Open, &self.path)?;
        Ok(state.image(self.id).map_or(0, |image| image.len()))
    }
}
