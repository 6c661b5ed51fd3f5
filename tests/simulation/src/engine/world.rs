//! One run: the engine on a simulated machine beside the model.

use std::sync::Arc;

use model::LogId;
use storage::{LogConfig, Storage};

use crate::engine::machine::{Machine, NextStart};
use crate::engine::model::{LogModel, Model};
use crate::engine::setup::Setup;
use crate::engine::waits::{Reservation, Wait};

/// What a run says when the engine is wrong.
pub(crate) type Checked<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

/// The engine, the machine and the model.
pub(crate) struct World {
    pub machine: Machine,
    pub storage: Arc<Storage>,
    pub model: Model,
    pub waits: Vec<Wait>,
    pub reservations: Vec<Reservation>,
    /// The engine has been told to end.
    pub is_closing: bool,
    /// A device fault has been armed since the last start.
    pub is_faulty: bool,
    /// What comes at the operation that was armed is the end of the process, not of the power.
    pub is_kill_coming: bool,
    /// The disk has had a limit since the last start.
    pub is_full: bool,
    pub next_start: NextStart,
    /// Bytes in no segment when the engine started.
    pub unflushed_at_start: u64,
}

impl World {
    /// The first start on a fresh machine.
    pub(crate) fn new(seed: u64, setup: Setup) -> Checked<Self> {
        let mut machine = Machine::new(seed, setup);
        let first = NextStart {
            cut: setup.first_start_cut,
            ..NextStart::default()
        };
        let storage = machine.start(first)?.storage;
        let metadata = LogModel::new(LogConfig::internal());
        let model = Model {
            logs: [(LogId::METADATA, metadata)].into(),
            next_log_id: 1,
            ..Model::default()
        };
        Ok(Self {
            machine,
            storage,
            model,
            waits: Vec::new(),
            reservations: Vec::new(),
            is_closing: false,
            is_faulty: false,
            is_kill_coming: false,
            is_full: false,
            next_start: NextStart::default(),
            unflushed_at_start: 0,
        })
    }

    /// Ends the engine as it should end.
    pub(crate) fn shut_down(&mut self) {
        self.is_closing = true;
        self.storage.shut_down();
    }
}

/// An index into something of this length.
pub(crate) fn pick(number: u64, length: usize) -> usize {
    (number % length.max(1) as u64) as usize
}
