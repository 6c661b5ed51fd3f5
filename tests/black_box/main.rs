//! The real binary from outside: starting and ending, bad input, crashes, full and damaged disks.
