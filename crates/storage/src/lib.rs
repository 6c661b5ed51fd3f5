//! Crate storage.
