//! The real binary from outside: starting and ending, the command line, benchmarks, quotas, transactions, bad input, crashes,
//! full and damaged disks.

mod administration;
mod bad_input;
mod bench;
mod command_line;
mod crashes;
mod disk;
mod profiles;
mod quotas;
mod start_and_stop;
mod transactions;
