//! Waking a loop that sleeps while there is nothing to do.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A flag that a loop waits for. Raised while nobody waits, it is remembered.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: Mutex<bool>,
    condvar: Condvar,
}

impl Signal {
    pub(crate) fn raise(&self) {
        let mut raised = self.raised.lock();
        if !*raised {
            *raised = true;
            self.condvar.notify_one();
        }
    }

    /// Whether the flag is raised.
    pub(crate) fn is_raised(&self) -> bool {
        *self.raised.lock()
    }

    /// Sleeps until the flag is raised or the time has passed, and lowers the flag.
    pub(crate) fn wait(&self, time: Option<Duration>) {
        let mut raised = self.raised.lock();
        while !*raised {
            match time {
                None => self.condvar.wait(&mut raised),
                Some(time) => {
                    // Waking early costs the caller one more look at its clock.
                    self.condvar.wait_for(&mut raised, time);
                    break;
                }
            }
        }
        *raised = false;
    }
}
