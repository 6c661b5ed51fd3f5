//! Crate groups.
