//! The journal: what every actor of a run wanted, and what it was told. One file per actor, one
//! line of JSON per entry, written at once: an intent is in its file before the broker can know of
//! it, and what a broker said comes after.

mod entry;
mod reader;
mod writer;

pub use entry::{Entry, Held, Line, Micros, Operation, Outcome, Place, Spot};
pub use reader::read;
pub use writer::{Journal, Pen};
