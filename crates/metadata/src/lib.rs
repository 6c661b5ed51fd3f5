//! Crate metadata.
