//! Runs that have failed once. Each says what was wrong.
