//! The real binary from outside: starting and ending, the command line, bad input, crashes, full
//! and damaged disks.

mod command_line;
mod start_and_stop;
