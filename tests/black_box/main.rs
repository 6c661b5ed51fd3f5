//! The real binary from outside: starting and ending, the command line, bad input, crashes, full
//! and damaged disks.

mod administration;
mod bad_input;
mod command_line;
mod crashes;
mod disk;
mod start_and_stop;
