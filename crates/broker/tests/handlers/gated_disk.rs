//! A disk whose forces wait, or fail, when a test says so.

use std::io;
use std::sync::Arc;

use env::Fs;
use parking_lot::{Condvar, Mutex};
use sim::{Intercept, InterceptedFs};

/// What forces do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forces {
    /// They go through.
    Pass,
    /// They wait until this changes.
    Wait,
    /// They fail, as on a dying disk.
    Fail,
}

/// A disk behind a gate that forces have to pass.
pub(crate) struct GatedDisk {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    forces: Forces,
    /// Forces that have begun and not ended.
    begun: usize,
}

impl Intercept for GatedDisk {
    fn before_force(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.begun += 1;
        self.changed.notify_all();
        while state.forces == Forces::Wait {
            self.changed.wait(&mut state);
        }
        state.begun -= 1;
        match state.forces {
            Forces::Fail => Err(io::Error::other("the disk does not force")),
            Forces::Pass | Forces::Wait => Ok(()),
        }
    }
}

impl GatedDisk {
    /// One that lets forces through, and the file system that is on it.
    pub(crate) fn new(fs: Arc<dyn Fs>) -> (Arc<Self>, InterceptedFs) {
        let state = State {
            forces: Forces::Pass,
            begun: 0,
        };
        let disk = Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let fs = InterceptedFs::new(fs, disk.clone());
        (disk, fs)
    }

    /// Says what forces do from now on; those that wait do it too.
    pub(crate) fn set(&self, forces: Forces) {
        self.state.lock().forces = forces;
        self.changed.notify_all();
    }

    /// Returns when somebody wants to force.
    pub(crate) fn wait_until_forcing(&self) {
        let mut state = self.state.lock();
        while state.begun == 0 {
            self.changed.wait(&mut state);
        }
    }
}
