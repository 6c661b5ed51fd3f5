//! Real loopback sockets against a toy service whose answers the test lets go one by one.
//!
//! Where time matters it stands still and jumps to the next timer when nothing else can happen; what
//! was written to a loopback socket counts as something that can happen.

mod files;
mod frames;
mod held_back;
mod limits;
mod order;
mod resting;
mod scripts;
mod shutdown;
mod toy;
