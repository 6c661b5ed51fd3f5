//! The end of a run: without troubles everything must come to rest.

use env::Fs;
use env::SECTOR_BYTES;

use crate::Tally;
use crate::engine::access as engine;
use crate::engine::setup::DATA_DIR;
use crate::engine::starts::End;
use crate::engine::world::{Checked, World, ensure};

/// After so many rounds of commits and flushes nobody may wait for anything.
const ROUNDS_TO_REST: usize = 12;

impl World {
    /// Takes the troubles away and lets everything come to rest: nobody may wait for ever, every
    /// log must take batches again, and memory must equal a fresh replay.
    pub(crate) fn finish(mut self) -> Checked<Tally> {
        self.machine.fs().heal();
        self.machine.fs().set_space(None);
        self.next_start = Default::default();
        if self.storage.is_poisoned() {
            self.recover(End::Killed)?;
        }
        for round in 0..2 {
            self.come_to_rest()?;
            self.is_faulty = false;
            self.is_full = false;
            ensure!(
                self.waits.is_empty() && self.reservations.is_empty(),
                "{} wait for ever, {} for room: {:?}",
                self.waits.len(),
                self.reservations.len(),
                self.storage.metrics()
            );
            for log in 0..self.model.logs.len() as u64 {
                self.append_in_the_end(log, round > 0)?;
            }
        }
        self.compare_with_start()?;
        self.shut_down();
        self.watch_disk()?;
        self.poll_waits()?;
        self.observe()?;
        self.check_slots()?;
        let metrics = self.storage.metrics();
        ensure!(metrics.reserved_bytes == 0, "at rest: {metrics:?}");
        self.recover(End::ShutDown)?;
        self.machine.count_faults();
        Ok(self.machine.tally)
    }

    /// Lets both loops do what they have to do, and the time pass that they wait for.
    fn come_to_rest(&mut self) -> Checked {
        for round in 0..ROUNDS_TO_REST {
            engine::commit_all(&self.storage);
            engine::flush_all(&self.storage);
            self.machine.let_time_pass(1100);
            self.watch_disk()?;
            self.poll_waits()?;
            // What has failed is tried again after a second.
            if round > 1 && self.waits.is_empty() && self.reservations.is_empty() {
                break;
            }
        }
        self.observe()
    }

    fn append_in_the_end(&mut self, log: u64, must_go_in: bool) -> Checked {
        let appended = self.machine.tally.of("appended");
        self.append_plain(log, 1, 10)?;
        if self.machine.tally.of("appended") == appended {
            // Whoever asks for room makes the flusher look for it.
            self.come_to_rest()?;
        }
        ensure!(
            !must_go_in || self.machine.tally.of("appended") > appended,
            "log {} takes no more batches",
            self.choose(log)
        );
        Ok(())
    }

    /// The write-ahead log keeps to its size.
    fn check_slots(&self) -> Checked {
        let directory = std::path::Path::new(DATA_DIR).join("wal");
        let error = |error| format!("the slots cannot be listed: {error}");
        let fs = &self.machine.fs();
        // The smallest slots are too small for the largest batch with the first block, the header and
        // the last round around it; then one is made that holds it.
        let slot_bytes = u64::from(self.machine.setup.wal_slot_bytes);
        let slot_bytes_max = slot_bytes.max(slot_bytes / 2 + 3 * SECTOR_BYTES as u64);
        let mut total = 0;
        for slot in fs.list_dir(&directory).map_err(error)? {
            let path = directory.join(slot.name);
            let bytes = fs.read(&path).map_err(error)?.len() as u64;
            ensure!(
                bytes <= slot_bytes_max,
                "{} has {bytes} bytes",
                path.display()
            );
            total += bytes;
        }
        ensure!(
            total <= self.machine.setup.wal_bytes_max,
            "all slots have {total} bytes"
        );
        Ok(())
    }
}
