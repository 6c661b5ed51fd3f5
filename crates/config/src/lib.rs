//! Crate config.
